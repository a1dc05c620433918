"""A program of its own: the `network.py` beside it answers the rows that it is shown. It runs without Netwright.

Its argument is the path of the model. Each line of its input names an `.npz` file of features; their answers are
written beside it, with `.npy` behind its name, which is printed then.
"""

import sys

import numpy as np
from network import load


def main() -> None:
    """Answer one file after the other."""
    answer = load(sys.argv[1])
    print("ready", flush=True)
    for line in sys.stdin:
        path = line.rstrip("\n")
        with np.load(path) as file:
            rows = {name: file[name] for name in file.files}
        np.save(f"{path}.npy", answer(rows))
        print(path, flush=True)


if __name__ == "__main__":
    main()
