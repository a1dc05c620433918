"""Lets the tests import what `attacks/` is made of."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "attacks"))
