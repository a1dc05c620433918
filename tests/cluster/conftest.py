"""A cluster that asks for a token and reports to nobody: Ray looks for that in the environment when it is imported."""

from __future__ import annotations

import os

os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "a" * 64, "RAY_USAGE_STATS_ENABLED": "0"}
os.environ.pop("RAY_ADDRESS", None)
