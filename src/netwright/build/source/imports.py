"""The imports of a written file, laid out as formatters lay them out."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from netwright.build.source.text import WIDTH


@dataclass
class Imports:
    """What a written file imports.

    Attributes:
        whole: modules, with the name that each has in the file.
        names: module → names that are taken from it.
    """

    whole: dict[str, str] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)

    def take(self, module: str, *names: str) -> None:
        """Import names from a module."""
        self.names.setdefault(module, set()).update(names)

    def add(self, other: Imports) -> None:
        """Import what another file does, too."""
        self.whole |= other.whole
        for module, names in other.names.items():
            self.take(module, *names)

    def text(self, own: Collection[str]) -> str:
        """Return the lines, sorted as ruff and isort sort them: Python's own modules, those of others, and `own`."""
        sections: list[list[str]] = [[], [], []]
        for module, name in sorted(self.whole.items()):
            line = f"import {module}" if module == name else f"import {module} as {name}"
            sections[_section(module, own)].append(line)
        for module in sorted(self.names):
            sections[_section(module, own)].append(_from(module, self.names[module]))
        return "\n\n".join("\n".join(lines) for lines in (["from __future__ import annotations"], *sections) if lines)


def _section(module: str, own: Collection[str]) -> int:
    top = module.partition(".")[0]
    return 2 if top in own else 0 if top in sys.stdlib_module_names else 1


def _from(module: str, names: Iterable[str]) -> str:
    """Return the line that takes names from a module: constants first, then classes, then all else."""
    ordered = sorted(
        names, key=lambda name: (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2, name)
    )
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in ordered), ")"])


def _sort(name: str) -> int:
    return 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
