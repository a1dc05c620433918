"""Data that many trainings share, sent to each worker once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from netwright.team.frames import Groups
from netwright.team.link import Transport

FEW = 8  # blocks at one time: the rows, their folds, what networks begin with, and the same of a distilled network
EACH = 2  # more for each worker, whose training may go on from the weights of a trial that are a block then


@dataclass
class Blocks:
    """The blocks that were published, those used last behind. Used from any thread.

    A block is known by the objects that it was made of: what trainings share is the same object each time.
    """

    transport: Transport
    _known: OrderedDict[Hashable, tuple[int, Any]] = field(default_factory=OrderedDict)
    _numbered: int = 0
    _changing: threading.Lock = field(default_factory=threading.Lock)

    def key(self, owner: Any, parts: tuple[Any, ...], make: Callable[[], Groups]) -> int:
        """Return the number of a block; it is made and published when it is first asked for.

        Args:
            owner: what the block is made of; it is kept, so that nothing else comes to have its identity.
            parts: the objects in it whose identities tell it from other blocks.
            make: returns what is in it.

        Raises:
            CannotWrite: if there is no room for it.
        """
        identity = tuple(id(part) for part in parts)
        with self._changing:
            if identity not in self._known:
                self._numbered += 1
                self.transport.publish(self._numbered, make())
                self._known[identity] = (self._numbered, (owner, parts))
            self._known.move_to_end(identity)
            while len(self._known) > FEW + EACH * self.transport.workers:
                _, (key, _) = self._known.popitem(last=False)
                self.transport.withdraw(key)
            return self._known[identity][0]

    def keys(self) -> tuple[int, ...]:
        """Return the numbers of all blocks that there are."""
        with self._changing:
            return tuple(key for key, _ in self._known.values())
