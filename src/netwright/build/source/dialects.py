"""The frameworks that a folder of source may be written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from netwright.build.source import backbone, encoder, keras_lent, keras_network, network
from netwright.build.source.designs import Design, Write
from netwright.build.source.draft import Draft
from netwright.build.source.imports import Imports
from netwright.build.source.linking import KERAS_LAYERS, LAYERS
from netwright.spec.backbones import Backbone
from netwright.spec.encoders import Encoder

Lent = tuple[Imports, str, Draft]
"""What a file imports that holds what others have trained, its text, and where its tensors come from."""


@dataclass(frozen=True)
class Dialect:
    """A framework.

    Attributes:
        name: as a user gives it.
        title: as README.md tells it.
        packages: that a folder needs beside numpy and safetensors.
        layers: parts that define its layers.
        model, train: parts that the files of these names are made of, the most important first.
        write: a network as lines.
        text: of a network.
        builder: the name of what builds a network, by that of its class.
        trunk: the file of a trunk for images, by what it is made of, the size that images are brought to, and the
            shape of those that come in.
        encoder: the file of an encoder of sentences, by what it is made of and the pieces that it reads.
        scaled: what stands before `middle` and `spread` in the names of the tensors that features are scaled by.
        shared: what a file of networks takes from the framework whatever stands in it, by module.
        model_numbers, train_numbers: definitions for a number to predict → those for classes whose place they take.
    """

    name: str
    title: str
    packages: str
    layers: Sequence[str]
    model: Sequence[str]
    train: Sequence[str]
    write: Write
    text: Callable[[Design], str]
    builder: Callable[[str], str]
    trunk: Callable[[Backbone, tuple[int, int], tuple[int, ...]], Lent]
    encoder: Callable[[Encoder, int], Lent]
    scaled: str
    shared: Mapping[str, Sequence[str]] = field(default_factory=dict)
    model_numbers: Mapping[str, str] = field(default_factory=dict)
    train_numbers: Mapping[str, str] = field(default_factory=dict)


def _torch_trunk(made_of: Backbone, size: tuple[int, int], image: tuple[int, ...]) -> Lent:
    """Return the file of a trunk, which takes images of any size."""
    return backbone.trunk_source(made_of, size)


def _torch_encoder(made_of: Encoder, length: int) -> Lent:
    """Return the file of an encoder, which reads texts of any length."""
    return encoder.encoder_source(made_of)


TORCH = Dialect(
    name="torch",
    title="PyTorch",
    packages="torch",
    layers=LAYERS,
    model=("model",),
    train=("train",),
    write=network.write_network,
    text=network.class_text,
    builder=str,
    trunk=_torch_trunk,
    encoder=_torch_encoder,
    scaled="",
    shared={"torch": ("Tensor", "nn")},
    model_numbers={"decoded_numbers": "decoded", "finished_numbers": "finished"},
    train_numbers={"loss_of_numbers": "loss_of", "judge_numbers": "judge"},
)
KERAS = Dialect(
    name="keras",
    title="Keras 3",
    packages="keras jax",
    layers=KERAS_LAYERS,
    model=("keras_model",),
    train=("keras_train", "keras_tensors"),
    write=keras_network.write_network,
    text=keras_network.function_text,
    builder=keras_network.builder_of,
    trunk=keras_lent.trunk_source,
    encoder=keras_lent.encoder_source,
    scaled="standardised.",
    model_numbers={"decoded_numbers": "decoded", "finished_numbers": "finished", "no_numbers": "nothing"},
    train_numbers={"number_aims": "aims", "loss_of_numbers": "loss_of", "judge_numbers": "judge"},
)
DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in (TORCH, KERAS)}
