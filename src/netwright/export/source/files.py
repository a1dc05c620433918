"""The text of one Python file: its docstring, its imports, and what stands in it."""

from __future__ import annotations

from collections.abc import Sequence

from netwright.build.source.imports import Imports
from netwright.build.source.text import WIDTH, columns_of, folded

OWN = (  # files that may stand beside each other
    *("bert_words", "cells", "context", "encoder", "images"),
    *("model", "ngrams", "preprocess", "train", "trunk"),
)
LONGEST = 60  # letters of a name that is told
_LONG = "# ruff: noqa: E501 - names from the data are as long as they are\n"


def python_file(docstring: str, imports: Imports, sections: Sequence[str]) -> str:
    """Return the text of a file.

    Args:
        docstring: what it is, as it is to stand between the quotes.
        imports: what it uses.
        sections: what stands in it, one after the other; empty ones are left out.
    """
    quotes = '"""'
    body = "\n\n\n".join(section for section in sections if section)
    gap = "\n\n\n" if body.startswith(("def ", "class ", "@")) else "\n\n"
    text = f"{quotes}{docstring}{quotes}\n\n{imports.text(OWN)}{gap}{body}\n"
    long = any(columns_of(line) > WIDTH and len(line.split()) > 1 for line in text.splitlines())
    return _LONG + text if long else text


def told(name: str) -> str:
    """Return a name from the data as a docstring can tell it; what could not stand there plainly is not told.

    >>> told("price"), told("a" * 100)
    ('`price`', 'the target')
    """
    plain = name.isprintable() and len(name) <= LONGEST and not {*name} & {"\\", '"', "`"}
    return f"`{name}`" if plain else "the target"


def paragraphs(*texts: str) -> str:
    """Return a docstring of several paragraphs, each in lines that fit; those that begin with blanks stay as they are.

    >>> print(paragraphs("What it is.", "    python it.py"))
    What it is.
    <BLANKLINE>
        python it.py
    <BLANKLINE>
    """
    return "\n\n".join(text if text.startswith(" ") else folded(text) for text in texts) + "\n"
