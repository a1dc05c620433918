"""Takes definitions out of modules of `parts`: those that are wanted, what these use, and nothing else.

So what is exported is code that was checked and tested here, and carries nothing that a model has no use for.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from netwright.build.source.imports import Imports

LAYERS = ("activations", "table_layers", "vector_layers", "map_layers", "sequence_layers", "tag_layers")
KERAS_LAYERS = (
    *("keras_tensors", "keras_starts", "keras_table_layers"),
    *("keras_vector_layers", "keras_map_layers", "keras_sequence_layers", "keras_tag_layers"),
)
SHARED = {
    **{name: name for name in ("bert_words", "cells", "context", "ngrams")},
    **dict.fromkeys(("constants", "scaling", "columns", "texts", "target", "preprocess"), "preprocess"),
    **dict.fromkeys(("files", "images", "sounds", "tags", "entities", "tokens"), "preprocess"),
    "printing": "model",
    "smoothing": "trunk",
    **dict.fromkeys(("recipes", "scores", "lessons"), "train"),
}
TORCH = {
    **dict.fromkeys((*LAYERS, "model"), "model"),
    "trunk": "trunk",
    "encoder": "encoder",
    **dict.fromkeys(("optimisers", "changes", "losses", "train"), "train"),
}
KERAS = {
    **dict.fromkeys((*KERAS_LAYERS, "keras_model"), "model"),
    "keras_trunk": "trunk",
    "keras_encoder": "encoder",
    **dict.fromkeys(("keras_rates", "keras_optimisers", "keras_changes", "keras_losses", "keras_train"), "train"),
}
FILES = {**SHARED, **TORCH, **KERAS}
"""Modules of `parts`, of both frameworks and of either, and the written files that what is taken of them goes into."""

_PARTS = "netwright.build.source.parts."
_KERAS = "netwright.build.backend"  # from where parts take Keras, and written files from Keras itself
_OWN = {"bert_words": "data", "context": "data", "ngrams": "data", "tags": "data", "entities": ""}
"""Modules that are written as Netwright itself runs them, and the folders that they lie in."""
_MARK = re.compile(r"\s*# (?:if (?P<unless>not )?(?P<feature>[a-z_]+):|(?P<end>end))")


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
    """Definitions taken out of modules.

    Attributes:
        imports: what they use of other files.
        text: their source, in the order of the modules, those first that others use.
    """

    imports: Imports
    text: str


@dataclass(frozen=True)
class _Taken:
    """What is taken of one module: statements, the imports that they use, and the names that they use of others."""

    statements: list[tuple[str, bool]]
    imports: Imports
    asked: dict[str, set[str]]


def link(
    parts: str | Sequence[str],
    wanted: Collection[str],
    features: Collection[str] = (),
    given: Mapping[str, str] = MappingProxyType({}),
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> Linked:
    """Return what is wanted of modules of `parts`, with all that it uses of them and of others for the same file.

    Args:
        parts: the names of the modules that define what is wanted.
        wanted: names that they define.
        features: whose lines are kept; those of others are left out.
        given: name → text of its definition, in the place of the module's own.
        renamed: name in a module → name in the text: of two definitions one is taken, by the name of the other.
    """
    names = [parts] if isinstance(parts, str) else [*parts]
    others = TORCH if any(name in KERAS for name in names) else KERAS
    own = [part for part in FILES if (FILES[part] == FILES[names[0]] and part not in others) or part in names]
    library = {part: _read(_text_of(part, features, renamed)) for part in own}
    asked = {part: {*wanted} & library[part].defines for part in names}
    if missing := {*wanted} - set[str]().union(*asked.values()):
        raise ValueError(f"{', '.join(names)} do not define {', '.join(sorted(missing))}")
    taken, open_parts = dict[str, _Taken](), [*names]
    while open_parts:
        part = open_parts.pop()
        taken[part] = _take(library, part, asked[part], given)
        for other, further in taken[part].asked.items():
            if not further <= asked.get(other, set()):
                asked[other] = asked.get(other, set()) | further
                open_parts.append(other)
    imports = Imports()
    for one in taken.values():
        imports.add(one.imports)
    statements = [statement for part in _in_order(taken) for statement in taken[part].statements]
    return Linked(imports, joined(statements))


def _take(library: Mapping[str, _Module], part: str, wanted: Collection[str], given: Mapping[str, str]) -> _Taken:
    """Return what is wanted of a module, with all that it uses."""
    module = library[part]
    reached, open_names = set[str](), [*wanted]
    while open_names:
        name = open_names.pop()
        if name in reached:
            continue
        reached.add(name)
        own = (one.uses for one in module.definitions if name in one.defines)
        uses = _uses(ast.parse(given[name])) if name in given else frozenset[str]().union(*own)
        open_names += sorted(uses & module.defines)
    chosen = [one for one in module.definitions if one.defines & reached or (not one.defines and one.uses & reached)]
    statements = [
        (next((given[name] for name in sorted(one.defines) if name in given), one.text), one.block) for one in chosen
    ]
    used = frozenset[str]().union(*(_uses(ast.parse(text)) for text, _ in statements)) - module.defines
    texts = (given[name] for one in chosen for name in one.defines if name in given)
    told = frozenset[str]().union(*(_uses(ast.parse(text)) for text in texts))
    imports, asked = Imports(), dict[str, set[str]]()
    for name in sorted(used):
        homes = (one for one in library if name in told and name in library[one].defines)
        _import(name, library[part].imported.get(name, ("", None)), next(homes, ""), library, imports, asked)
    return _Taken(statements, imports, asked)


def _import(
    name: str,
    origin: tuple[str, str | None],
    home: str,
    library: Mapping[str, _Module],
    imports: Imports,
    asked: dict[str, set[str]],
) -> None:
    """Note where a name comes from that a module does not define itself: another file, or a module of the same one.

    Args:
        name: as it is used.
        origin: the module that it is imported from, and its name there.
        home: the module that defines it, where it stands in a given text; empty where it does not.
        library: all modules of the file.
        imports: takes what comes from another file.
        asked: takes what comes from a module of the same file.
    """
    module, taken = origin
    if module == _KERAS:
        module, taken = "keras", None if taken == "keras" else taken
    own = (one for one, folder in _OWN.items() if module == ".".join(filter(None, ("netwright", folder, one))))
    other = next(own, module.removeprefix(_PARTS))
    if other in library or (not module and home):
        asked.setdefault(other if module else home, set()).add(name)
    elif module and taken is None:
        imports.whole[module] = name
    elif module and module != "__future__":
        imports.take(FILES.get(other, module), name)


def _in_order(taken: Mapping[str, _Taken]) -> list[str]:
    """Return modules so that each stands behind those that it uses."""
    ordered: list[str] = []

    def visit(part: str) -> None:
        for other in sorted(taken[part].asked):
            if other not in ordered:
                visit(other)
        if part not in ordered:
            ordered.append(part)

    for part in taken:
        visit(part)
    return ordered


def docstring_of(part: str) -> str:
    """Return what a module says of itself, as it stands between the quotes."""
    return ast.get_docstring(ast.parse(_text_of(part)), clean=False) or ""


def defined_in(part: str) -> frozenset[str]:
    """Return the names that a module defines, for whatever features."""
    return _read(_path_of(part).read_text(encoding="utf-8")).defines


def _path_of(part: str) -> Path:
    package = Path(__file__).parent.parent.parent
    folder = package / _OWN[part] if part in _OWN else package / "build" / "source" / "parts"
    return folder / f"{part}.py"


def _text_of(part: str, features: Collection[str] = (), renamed: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the text of a module."""
    text = kept(_path_of(part).read_text(encoding="utf-8"), features)
    for old, new in renamed.items():
        text = re.sub(rf"\b{old}\b", new, text)
    return text


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


@dataclass(frozen=True)
class _Module:
    """A module: its definitions, and name in it → where it is imported from, as (module, name or None)."""

    definitions: tuple[_Definition, ...]
    imported: Mapping[str, tuple[str, str | None]]

    @property
    def defines(self) -> frozenset[str]:
        return frozenset(name for one in self.definitions for name in one.defines)


@cache
def _read(text: str) -> _Module:
    """Return a module by its text."""
    lines = text.splitlines()
    definitions: list[_Definition] = []
    imported: dict[str, tuple[str, str | None]] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import):
            imported |= {(alias.asname or alias.name).partition(".")[0]: (alias.name, None) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported |= {alias.asname or alias.name: (node.module or "", alias.name) for alias in node.names}
        elif isinstance(node, ast.Expr) and definitions and isinstance(node.value, ast.Constant):
            last = definitions[-1]  # the docstring of a constant
            definitions[-1] = _Definition(last.defines, last.uses, f"{last.text}\n{_segment(lines, node)}", last.block)
        else:
            block = isinstance(node, ast.FunctionDef | ast.ClassDef | ast.If)
            definitions.append(_Definition(_names(node), _uses(node), _segment(lines, node), block))
    return _Module(tuple(definitions), imported)


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
