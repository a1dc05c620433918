"""Tags sentences by a linear-chain conditional random field (CRFsuite), in an environment of its own.

    python run_crf.py train.json test.json answers.json

The first two are lists of sentences {"tokens": [...], "tags": [...]}; the answers are lists of tags. The features are
those of the tutorial of sklearn-crfsuite: the token, its ends and its shape, and the same of its two neighbours.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def features(tokens: list[str], place: int) -> dict[str, Any]:
    """Return what a token is described by."""
    found: dict[str, Any] = {"bias": 1.0}
    for step in (-1, 0, 1):
        if not 0 <= place + step < len(tokens):
            found[f"{step}:edge"] = True
            continue
        token = tokens[place + step]
        found |= {f"{step}:lower": token.lower(), f"{step}:title": token.istitle(), f"{step}:upper": token.isupper()}
        found |= {f"{step}:digit": token.isdigit()}
        if step == 0:
            found |= {"ends": token[-3:], "end": token[-2:], "begins": token[:2]}
    return found


def main() -> None:
    """Learn from one file, answer the other."""
    import pycrfsuite

    learn, test = (json.loads(Path(name).read_text()) for name in sys.argv[1:3])
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params({"c1": 0.1, "c2": 0.1, "max_iterations": 100, "feature.possible_transitions": True})
    for sentence in learn:
        tokens = sentence["tokens"]
        trainer.append([features(tokens, place) for place in range(len(tokens))], sentence["tags"])
    model = f"{sys.argv[3]}.model"
    trainer.train(model)
    tagger = pycrfsuite.Tagger()
    tagger.open(model)
    answers = [tagger.tag([features(one["tokens"], place) for place in range(len(one["tokens"]))]) for one in test]
    Path(sys.argv[3]).write_text(json.dumps(answers))


if __name__ == "__main__":
    main()
