"""Property tests draw the same examples every time: what passes once passes again, and a change is what broke it."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
