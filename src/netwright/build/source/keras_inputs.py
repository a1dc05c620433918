"""What enters a network of Keras, and other lines that several writers share."""

from __future__ import annotations

from netwright.build.source.draft import Draft, only
from netwright.build.source.text import flat

ACTIVATIONS = {"hardtanh": "hard_tanh"}  # that Keras writes otherwise


def declare(draft: Draft, name: str, shape: str, kind: str = "") -> str:
    """Write that a network takes a feature; return the expression for it.

    Args:
        draft: of the network, whose inputs stand in its `setup`.
        name: of the feature.
        shape: of one row, as text.
        kind: the type of its numbers, if that is not float32.
    """
    typed = f', dtype="{kind}"' if kind else ""
    entry = f'"{name}": keras.Input({shape}{typed}, name="{name}"),'
    if entry not in draft.setup:
        draft.setup.append(entry)
    return f'rows["{name}"]'


def activation_of(draft: Draft, name: str) -> str:
    """Return an activation as text: its name in Keras, or that of the argument which tells it."""
    return draft.size("activation", ACTIVATIONS.get(name, name))


def noise_of(draft: Draft, dropout: float) -> str:
    """Return the dropout of a network as text, which is written once; nothing where there is none."""
    if not dropout:
        return ""
    line = f'noise = Dropout({draft.size("dropout", dropout)}, name="dropout")'
    if line not in draft.steps:
        draft.steps.append(line)
        draft.layers.add("Dropout")
        rate = draft.sizes["dropout"]
        draft.holds_number("dropout.rate", rate)
    return "noise"


def named(name: str, place: str = "") -> str:
    """Return the argument that names a layer, or one of several by its place.

    >>> named("linear"), named("linears", "place")
    ('name="linear"', 'name=f"linears_{place}"')
    """
    return f'name=f"{name}_{{{place}}}"' if place else f"name={flat(name)}"


def hold_linear(draft: Draft, name: str, source: str) -> None:
    """Say that a linear layer is one of the network, whose weight is kept as (inputs, outputs) in both."""
    draft.holds(f"{name}.kernel", f"{source}weight")
    draft.holds(f"{name}.bias", f"{source}bias", only)


def hold_norm(draft: Draft, name: str, source: str, norm: str = "layer") -> None:
    """Say that a normalisation is one of the network."""
    draft.holds(f"{name}.{'gamma' if norm == 'layer' else 'scale'}", f"{source}norm_scale")
    if norm == "layer":
        draft.holds(f"{name}.beta", f"{source}norm_bias")
