"""Times an exported network in its own framework, without Netwright: a process of its own for `inference.py`.

    python benchmarks/inference_network.py FOLDER MODEL FEATURES

FOLDER holds the `network.py` that reads MODEL; FEATURES is an .npz file with the features of many rows. Prints a line
of JSON.
"""

from __future__ import annotations

import json
import sys

import numpy as np
from timing import timed


def main() -> None:
    """Time one row, and all together."""
    folder, model, features = sys.argv[1:]
    sys.path.insert(0, folder)
    from network import load

    answer = load(model)
    with np.load(features) as file:
        many = {name: file[name] for name in file.files}
    one = {name: array[:1] for name, array in many.items()}
    print(json.dumps(timed(lambda: answer(one), lambda: answer(many))))


if __name__ == "__main__":
    main()
