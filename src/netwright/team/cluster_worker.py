"""What runs in an actor of a Ray cluster. It imports no Ray by name: a worker is one wherever it runs."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.team.worker import Workplace
from netwright.train.frameworks import find_framework

READ_ONLY = "The given NumPy array is not writ"  # how PyTorch begins, of arrays that lie in Ray's store


class ClusterWorker:
    """A worker in a process of Ray's."""

    def __init__(self, framework: str, device: str) -> None:
        """Get ready to train by a framework on a device."""
        # All workers of a node read the rows where the store has them, and nobody writes to rows.
        warnings.filterwarnings("ignore", message=READ_ONLY)
        self._workplace = Workplace(find_framework(framework, device))

    def hold(self, key: int, block: NDArray[np.uint8]) -> None:
        """Keep a block."""
        self._workplace.hold(key, block.data)

    def exchange(self, frame: bytes) -> bytes:
        """Do what the driver says."""
        return self._workplace.exchange(frame)

    def guarded(self) -> bool:
        """Return whether the processes of this cluster ask each other for a token."""
        return asks_for_token()


def asks_for_token() -> bool:
    """Return whether Ray asks for a token in this process; older releases know none."""
    try:
        from ray._raylet import AuthenticationMode, get_authentication_mode
    except ImportError:
        return False
    mode: Any = get_authentication_mode()
    return bool(mode == AuthenticationMode.TOKEN)
