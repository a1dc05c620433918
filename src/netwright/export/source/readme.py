"""What a person reads first of the folder."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from netwright._version import __version__
from netwright.build.source.designs import Design
from netwright.build.source.dialects import KERAS, Dialect
from netwright.build.source.text import folded
from netwright.data.schema import Kind
from netwright.export.written import SUMS
from netwright.model import Model, Part
from netwright.report.numbers import metric_name, number, printable
from netwright.tasks import tagging

TRAINING = (
    "This trains all networks from the beginning, each on all folds of the rows but one, and prints the score on the "
    "rows that they have not learnt from. It is the recipe of the search without its time limit: a network learns for "
    "all of its epochs, or until those of the other folds no longer get better. Everything is computed in float32. "
    "`--designs 1` trains the weightiest design alone, and `--out` writes the weights."
)
BACKEND = (
    "Keras runs on JAX, TensorFlow or PyTorch, whichever is installed; the variable of the environment `KERAS_BACKEND` "
    "says on which: `jax`, `tensorflow` or `torch`."
)
BEGUN = (
    "There is no `train.py`: some of these networks began as one that others have trained, whose weights stand in no "
    "file of the model. They can be trained further from `weights.safetensors`."
)
DISTILLED = (
    "This model is one network that learnt from the answers of a mix, which this folder does not hold. Trained on the "
    "rows alone it may come out worse than it was."
)
FILES = {
    "model.py": "the networks, their shares in the mix, and `predict(load(), rows)`",
    "weights.safetensors": "their weights by name",
    "preprocess.py": "from rows to arrays: `encode(rows)`",
    "preprocess.json": "the longer constants of it: categories, quantiles, pieces of words",
    "preprocess.safetensors": "its arrays",
    "cells.py": "what number, word or moment a cell of text stands for",
    "ngrams.py": "texts as counts of n-grams",
    "bert_words.py": "texts as pieces of words that the encoder knows",
    "encoder.py": "an encoder of sentences that others have trained",
    "context.py": "tokens as features of what stands around them",
    "trunk.py": "a network that others have trained, and what it sees in images",
    "train.py": "the recipe as a plain loop",
    SUMS: "what `sha256sum -c` compares these files with; `netwright export` replaces none that has changed",
}


def readme(
    model: Model, names: Sequence[str], designs: Sequence[Design], files: Sequence[str], dialect: Dialect
) -> str:
    """Return the text of `README.md`.

    Args:
        model: which the folder is of.
        names: of its designs, in the order of its parts.
        designs: its networks as source, likewise.
        files: the names of the files beside it.
        dialect: the framework.
    """
    result, target = model.result, model.preparation.schema.target
    answers = "the probability of each class, in the order of `LABELS`" if target.labels else "a number for each row"
    first = model.preparation.schema.used[0]
    medium = {Kind.IMAGE: ("images", "pillow"), Kind.SOUND: ("sounds", "soundfile")}.get(first.kind)
    if isinstance(model.preparation, tagging.Preparation):
        packages, data, learnt = "", "sentences.conll", "sentences.conll"
        of = "each token of a file of CoNLL columns, or of a table with the columns `sentence` and `token`"
    elif medium is None:
        packages, data, of = "", "rows.csv", "the rows of a table that has the columns of `preprocess.py`"
        learnt = f"data.csv {shlex.quote(printable(target.name))}"
    else:
        packages, data = f" {medium[1]}", f"folder-of-{medium[0]}"
        of = f"the {medium[0]} of a folder, or of a table with their paths in the column `{printable(first.name)}`"
        learnt = data
    paragraphs = [
        f"# What predicts `{printable(target.name)}`",
        folded(f"Networks in {dialect.title}, written by Netwright {__version__}. They take Python 3.11 and:"),
        _block(f"pip install {dialect.packages} numpy safetensors{packages}"),
        *([folded(BACKEND)] if dialect is KERAS else []),
        "## To predict",
        _block(f"python model.py {data}"),
        folded(f"This prints the answers for {of}: {answers}."),
        "In Python:",
        _block(
            "from model import load, predict\n\nanswers = predict(load(), rows)  # a dictionary for each row", "python"
        ),
        "## To train",
        *([_block(f"python train.py {learnt}"), folded(TRAINING)] if "train.py" in files else [folded(BEGUN)]),
        *([folded(DISTILLED)] if result.distilled else []),
        "## What is what",
        "\n".join(f"- `{name}`: {FILES[name]}" for name in files),
        "The designs of the mix, how much the mean of their networks counts, and how many there are:",
        "\n".join(
            f"- `{name}`, a `{dialect.builder(design.kind)}`: {100 * part.share:.1f} %, {stacked(part)}"
            for name, design, part in zip(names, designs, model.parts, strict=True)
        ),
        "## Where the score comes from",
        folded(
            f"Netwright's own estimate was: {metric_name(result.metric)} {number(result.score)}, with 95 % certainty "
            f"between {number(result.score_low)} and {number(result.score_high)}. {result.estimate}"
        ),
    ]
    return "\n\n".join(paragraphs) + "\n"


def _block(text: str, language: str = "sh") -> str:
    return f"```{language}\n{text}\n```"


def stacked(part: Part) -> int:
    """Return how many networks a part of a model has."""
    return int(next(iter(part.weights.values())).shape[0])
