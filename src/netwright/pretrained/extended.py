"""A preparation whose rows also go through a trunk that others have trained; networks may learn from what it sees.

The trunk is a part of the preparation: all networks of a run share it, and it is computed once for each row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.encoding import TableEncoder
from netwright.data.features import Features
from netwright.data.frame import Frame
from netwright.data.goal import Goal
from netwright.data.schema import Kind, Schema
from netwright.data.vocabulary import Vocabulary
from netwright.errors import CannotGoOn, SpecError
from netwright.pretrained.stored import restore_trunk
from netwright.pretrained.trunks import (
    CPU,
    LARGEST_SIDE,
    Trunk,
    blocks_of_size,
    find_weights,
    image_trunk,
    text_trunk,
    tuned_blocks,
)
from netwright.resources.budget import Ask, nobody_asks
from netwright.spec.blocks import Block, Identity, ImageInput, TableInput
from netwright.spec.network import Network, seen_by_trunk, without_trunk
from netwright.tasks.task import Lent, Loaded, Preparation, Task

MOST_ROWS = 50_000  # their features are kept in memory
TUNED = "tuned"  # what a record calls the size of images at which a trunk is trained further
LARGEST = 5.0  # that a scaled feature may be

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Extended:
    """See `tasks.task.Preparation`.

    Attributes:
        inner: the preparation of the rows themselves.
        trunk: what also sees them.
        middle, spread: mean and deviation (F,) of each feature over the rows learnt from.
        known: the rows learnt from and what the trunk saw in them, so that it need not look twice; no file holds it.
        tuned: the blocks of the trunk, from the inputs on, for networks that train it further; neither does one this.
    """

    inner: Preparation
    trunk: Trunk
    middle: NDArray[np.float32]
    spread: NDArray[np.float32]
    known: tuple[Frame, NDArray[np.float32]] | None = None
    tuned: tuple[Block, ...] = ()

    @property
    def schema(self) -> Schema:
        """Return the columns and the target."""
        return self.inner.schema

    @property
    def goal(self) -> Goal:
        """Return what networks are to learn."""
        return self.inner.goal

    @property
    def quantiles(self) -> NDArray[np.float32]:
        """Return the knots of the numeric features."""
        return self.inner.quantiles

    @property
    def encoder(self) -> TableEncoder | None:
        """Return what encodes the columns of the table."""
        return self.inner.encoder

    @property
    def vocabulary(self) -> Vocabulary | None:
        """Return the n-grams of texts that networks take."""
        return self.inner.vocabulary

    @property
    def own(self) -> Any:
        """Return the preparation of the rows themselves."""
        return self.inner

    @property
    def lent(self) -> Lent:
        """Return what the trunk lends to networks."""
        return Lent(self.trunk.features, self.tuned)

    def for_networks(self, networks: tuple[Network, ...]) -> Preparation:
        """Return the preparation without what none of these networks takes, such as the trunk."""
        inner = self.inner.for_networks(networks)
        if not any(map(seen_by_trunk, networks)):
            return inner
        return self if inner is self.inner else replace(self, inner=inner)

    def accepts(self, network: Network) -> bool:
        """Return whether a network takes these features and gives as many outputs as the target asks for."""
        seen = seen_by_trunk(network)
        if not seen:
            return self.inner.accepts(network)
        alone = network.blocks[0] == TableInput(0, 0, (), Identity(), frozen=self.trunk.features)
        fits = network.outputs == self.goal.outputs if alone else self.inner.accepts(without_trunk(network))
        return fits and seen == self.trunk.features

    def holds(self, features: Features) -> bool:
        """Return whether features that were read from a file name only what there is."""
        return self.inner.holds(features)

    def encode(self, frame: Frame) -> Features:
        """Return what networks eat: the rows themselves, and what the trunk sees in them."""
        looked_at, found = self.known or (None, None)
        raw = found if found is not None and frame is looked_at else self.trunk.see(frame, self.schema)
        seen = np.clip((raw - self.middle) / self.spread, -LARGEST, LARGEST)
        return Features({**self.inner.encode(frame).arrays, "frozen": seen})

    def documents(self) -> dict[str, Any]:
        """Return the JSON documents `schema` and `preprocess`."""
        inner = self.inner.documents()
        return {**inner, "preprocess": {"inner": inner["preprocess"], "trunk": self.trunk.document()}}

    def tensors(self) -> dict[str, Array]:
        """Return the fitted arrays and the weights of the trunk."""
        own = {"middle": self.middle, "spread": self.spread}
        inner = {f"inner.{name}": array for name, array in self.inner.tensors().items()}
        return {**own, **inner, **{f"trunk.{name}": array for name, array in self.trunk.tensors().items()}}


def needed_by(networks: Iterable[Network], preparation: Preparation) -> Preparation:
    """Return the preparation without what none of the networks learns from: its trunk, n-grams, pieces of words."""
    return preparation.for_networks(tuple(networks))


def with_trunk(
    preparation: Preparation,
    task: Task,
    loaded: Loaded,
    pretrained: str | Path,
    seconds: float | None,
    chosen: Mapping[str, Any] | None = None,
    device: str = CPU,
    ask: Ask = nobody_asks,
    seen: NDArray[np.float32] | None = None,
) -> Preparation:
    """Return the preparation with a trained trunk, where it is of images or texts and weights are to be had.

    Args:
        preparation: of the task.
        task: which says what a trunk may see.
        loaded: the rows to learn from.
        pretrained: a file or folder of weights; auto takes those of an installed package, hub those of a repository
            (see `trunks.find_weights`), none takes none.
        seconds: of all cores together, that there are for the run; None without a limit.
        chosen: what `trunk_of` said of an earlier run that this one goes on with: then there is one of the same size,
            or none, however fast the machine is just now.
        device: where the trunk looks, and is trained further.
        ask: between two pieces of all that takes long: the end of a run may come meanwhile.
        seen: what it saw in the rows in an earlier run, which this one goes on with; None where nobody knows.

    Raises:
        Exception: what `ask` raises.
        UnfitWeights: if a file that was named holds none.
        UnreachableWeights: if the hub was asked for some, and gives none.
    """
    kind, rows = task.seen_as, len(loaded.truth)
    if pretrained == "none" or kind is None or rows > MOST_ROWS or chosen == {}:
        return preparation
    path = find_weights(kind, pretrained)
    if path is None:
        return preparation
    if seen is None:
        ask()
    if kind == Kind.TEXT:
        return extend(preparation, loaded.frame, text_trunk(path, rows, seconds, device), (), device, ask, seen)
    images = loaded.frame.columns[loaded.schema.used[0].name]
    trunk = image_trunk(path, images, seconds if chosen is None else None, device)
    if trunk is None:
        return preparation
    if chosen is not None:
        trunk = replace(trunk, size=_size_of(chosen.get("height"), chosen.get("width")))
    if chosen is not None and TUNED in chosen:
        size = chosen[TUNED]
        blocks = () if size is None else blocks_of_size(trunk, _size_of(*size if isinstance(size, list) else ()))
    else:
        blocks = tuned_blocks(trunk, images, seconds, device, ask)
    return extend(preparation, loaded.frame, trunk, blocks, device, ask, seen)


def _size_of(*sides: object) -> tuple[int, int]:
    """Return the height and width that a trunk of an earlier run had.

    Raises:
        CannotGoOn: if they are none, as in a record that was forged.
    """
    match sides:
        case int(height), int(width) if min(height, width) >= 1 and max(height, width) <= LARGEST_SIDE:
            return height, width
    raise CannotGoOn("the trained network that it looked at images with had no size")


def trunk_of(preparation: Preparation) -> Mapping[str, Any]:
    """Return what the trunk of a preparation is, as plain JSON; an empty object where there is none.

    `TUNED` is the height and width at which networks train it further; None where they do not.
    """
    if not isinstance(preparation, Extended):
        return {}
    first = preparation.tuned[0] if preparation.tuned else None
    return {
        **preparation.trunk.document(),
        TUNED: [first.height, first.width] if isinstance(first, ImageInput) else None,
    }


def extend(
    inner: Preparation,
    frame: Frame,
    trunk: Trunk | None,
    tuned: tuple[Block, ...] = (),
    device: str = CPU,
    ask: Ask = nobody_asks,
    seen: NDArray[np.float32] | None = None,
) -> Preparation:
    """Return the preparation with a trunk, fitted on the rows of a frame; as it is without one.

    Args:
        inner: the preparation of the rows themselves.
        frame: the rows.
        trunk: what also sees them.
        tuned: its blocks, if networks may train it further.
        device: where the trunk looks at the rows.
        ask: as for `with_trunk`, as is `seen`, which counts where it is of these rows.
        seen: (N, F).
    """
    if trunk is None:
        return inner
    if seen is None or seen.shape != (frame.rows, trunk.features):
        seen = trunk.look(frame, inner.schema, device, ask)
    return Extended(inner, trunk, seen.mean(axis=0), np.maximum(seen.std(axis=0), 1e-3), (frame, seen), tuned)


def seen_in(preparation: Preparation) -> NDArray[np.float32] | None:
    """Return what the trunk of a preparation saw in the rows (N, F) to learn from; None where there is none."""
    known = preparation.known if isinstance(preparation, Extended) else None
    return None if known is None else known[1]


def beginning(preparation: Preparation) -> Mapping[str, Array]:
    """Return the tensors by name that networks begin with which train a trunk further: all but those of the head."""
    return preparation.trunk.beginning() if isinstance(preparation, Extended) else {}


def restore(task: Task, documents: Mapping[str, Any], tensors: Mapping[str, Array]) -> Preparation:
    """Return the preparation of a task, with a trunk or without, that a bundle's documents describe.

    Raises:
        BundleError: if they describe none.
    """
    preprocess = documents["preprocess"]
    if not isinstance(preprocess, dict) or "trunk" not in preprocess:
        return task.restore(documents, tensors)
    if set(preprocess) != {"inner", "trunk"} or not isinstance(preprocess["inner"], dict):
        raise SpecError("what stands before its trunk is no preparation")
    inner = task.restore({**documents, "preprocess": preprocess["inner"]}, _below("inner.", tensors))
    trunk = restore_trunk(preprocess["trunk"], _below("trunk.", tensors), task.seen_as)
    rest = {name: array for name, array in tensors.items() if not name.startswith(("inner.", "trunk."))}
    if {name: array.shape for name, array in rest.items()} != dict.fromkeys(("middle", "spread"), (trunk.features,)):
        raise SpecError("the features of its trunk have no mean and deviation each")
    if not all(array.dtype == np.float32 and np.isfinite(array).all() for array in rest.values()):
        raise SpecError("the means and deviations of its trunk are not finite numbers")
    if (rest["spread"] <= 0).any():
        raise SpecError("the spread of a feature is not positive")
    return Extended(inner, trunk, rest["middle"], rest["spread"])


def _below(prefix: str, tensors: Mapping[str, Array]) -> dict[str, Array]:
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}
