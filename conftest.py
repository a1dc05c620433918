"""What is collected for its doctests: no program that imports a framework, and what needs Keras only where it is."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = ["src/netwright/build/programs"]
collect_ignore_glob = [] if find_spec("keras") else ["src/netwright/*/*keras*"]
if find_spec("keras") is None:
    collect_ignore.append("src/netwright/build/backend.py")
