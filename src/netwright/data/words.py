"""Texts as words: letters of scripts without spaces one by one, other words whole, every other sign alone."""

from __future__ import annotations

import re

from netwright.data.ngrams import UNSPACED

_UNSPACED = "".join(f"{chr(low)}-{chr(high)}" for low, high in UNSPACED)
WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}_])\w)+|\S")
