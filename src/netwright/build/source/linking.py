"""Takes definitions out of modules of `parts`: those that are wanted, what these use, and nothing else.

So what is exported is code that was checked and tested here, and carries nothing that a model has no use for.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

from netwright.build.source.text import WIDTH

BESIDE = {
    **{f"netwright.build.source.parts.{name}": name for name in ("cells", "model", "preprocess")},
    "netwright.data.ngrams": "ngrams",
}
"""Modules that stand beside each other where they are written, and what they are called there."""
_MARK = re.compile(r"\s*# (?:if (?P<unless>not )?(?P<feature>[a-z_]+):|(?P<end>end))")


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


@dataclass(frozen=True)
class _Definition:
    """A statement of a module: the names that it defines, those that it uses, and its text.

    One that defines nothing, such as what a program begins with, is taken where what it uses is.
    """

    defines: frozenset[str]
    uses: frozenset[str]
    text: str
    block: bool


@dataclass(frozen=True)
class Linked:
    """Definitions taken out of a module.

    Attributes:
        imports: what they use of other modules.
        text: their source, in the order of the module.
    """

    imports: Imports
    text: str


def link(
    part: str,
    wanted: Collection[str],
    features: Collection[str] = (),
    given: Mapping[str, str] = MappingProxyType({}),
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> Linked:
    """Return what is wanted of a module of `parts`, with all that it uses.

    Args:
        part: the name of the module.
        wanted: names that it defines.
        features: whose lines are kept; those of others are left out.
        given: name → text of its definition, in the place of the module's own.
        renamed: name in the module → name in the text: of two definitions one is taken, by the name of the other.
    """
    text = kept(_file_of(part).read_text(encoding="utf-8"), features)
    for old, new in renamed.items():
        text = re.sub(rf"\b{old}\b", new, text)
    definitions, imports = _read(text)
    known = {name for one in definitions for name in one.defines}
    if not {*wanted} <= known:
        raise ValueError(f"{part} does not define {', '.join(sorted({*wanted} - known))}")
    reached, open_names = set[str](), [*wanted]
    while open_names:
        name = open_names.pop()
        if name in reached:
            continue
        reached.add(name)
        uses = _uses(ast.parse(given[name])) if name in given else frozenset[str]()
        for one in definitions:
            if name in one.defines and name not in given:
                uses |= one.uses
        open_names += sorted(uses & known)
    taken = [one for one in definitions if one.defines & reached or (not one.defines and one.uses & reached)]
    parts = [
        (next((given[name] for name in sorted(one.defines) if name in given), one.text), one.block) for one in taken
    ]
    used = frozenset[str]().union(*(_uses(ast.parse(text)) for text, _ in parts))
    return Linked(_chosen(imports, used), joined(parts))


def docstring_of(part: str) -> str:
    """Return what a module says of itself, as it stands between the quotes."""
    said = ast.get_docstring(ast.parse(_file_of(part).read_text(encoding="utf-8")), clean=False)
    return said or ""


def _file_of(part: str) -> Path:
    """Return the file of a part; n-grams are written as Netwright itself counts them."""
    package = Path(__file__).parent.parent.parent
    return package / "data" / "ngrams.py" if part == "ngrams" else package / "build" / "source" / "parts" / f"{part}.py"


def kept(text: str, features: Collection[str]) -> str:
    r"""Return a module without the lines of features that are not among these, and without the marks of the others.

    >>> kept("a\n# if x:\nb\n# end\n# if not x:\nc\n# end\n", {"x"})
    'a\nb\n'
    """
    lines, open_marks = [], [True]
    for line in text.splitlines(keepends=True):
        mark = _MARK.fullmatch(line.rstrip("\n"))
        if mark is None:
            lines += [line] if all(open_marks) else []
        elif mark["end"]:
            open_marks.pop()
        else:
            open_marks.append((mark["feature"] in features) != bool(mark["unless"]))
    return "".join(lines)


def joined(parts: Iterable[tuple[str, bool]]) -> str:
    """Return statements one after the other: two lines free around functions and classes, one behind a docstring.

    Args:
        parts: the text of each statement, and whether it is a function or class.
    """
    out, before = "", None
    for text, block in parts:
        if before is not None:
            out += "\n\n\n" if block or before else "\n\n" if out.endswith('"""') else "\n"
        out, before = out + text, block
    return out


@cache
def _read(text: str) -> tuple[tuple[_Definition, ...], tuple[tuple[str, str | None, str], ...]]:
    """Return the definitions of a module, and its imports as (module, name or None, name in the file)."""
    lines = text.splitlines()
    tree = ast.parse(text)
    definitions: list[_Definition] = []
    imports: list[tuple[str, str | None, str]] = []
    for node in tree.body:
        if isinstance(node, ast.Import):
            imports += [(alias.name, None, alias.asname or alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imports += [(node.module or "", alias.name, alias.asname or alias.name) for alias in node.names]
        elif isinstance(node, ast.Expr) and definitions and isinstance(node.value, ast.Constant):
            last = definitions[-1]  # the docstring of a constant
            definitions[-1] = _Definition(last.defines, last.uses, f"{last.text}\n{_segment(lines, node)}", last.block)
        else:
            block = isinstance(node, ast.FunctionDef | ast.ClassDef | ast.If)
            definitions.append(_Definition(_names(node), _uses(node), _segment(lines, node), block))
    return tuple(definitions), tuple(imports)


def _names(node: ast.stmt) -> frozenset[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return frozenset({name})
        case ast.Assign(targets=targets):
            return frozenset(name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            return frozenset({name})
        case _:
            return frozenset()


def _uses(node: ast.AST) -> frozenset[str]:
    names = (name for name in ast.walk(node) if isinstance(name, ast.Name))
    return frozenset(name.id for name in names if isinstance(name.ctx, ast.Load))


def _segment(lines: list[str], node: ast.stmt) -> str:
    """Return the source of a statement, with its decorators and the comments right above it."""
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(one.lineno for one in decorators)]) - 1
    while first and lines[first - 1].startswith("#"):
        first -= 1
    return "\n".join(lines[first : node.end_lineno])


def _chosen(imports: Iterable[tuple[str, str | None, str]], used: Collection[str]) -> Imports:
    """Return the imports whose names are used; those of other parts are of files beside the written one."""
    chosen = Imports()
    for module, name, own in imports:
        if own.partition(".")[0] not in used or module == "__future__":
            continue
        if name is None:
            chosen.whole[module] = own
        else:
            chosen.take(BESIDE.get(module, module), name)
    return chosen
