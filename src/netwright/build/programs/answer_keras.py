"""A program of its own: plain Keras answers the rows that it is shown. It imports nothing of Netwright.

Its argument is a `.keras` file, which it reads in the safe mode of Keras. Each line of its input names an `.npz` file
of features; their answers are written beside it, with `.npy` behind its name, which is printed then.
"""

import sys

import keras
import numpy as np


def main() -> None:
    """Answer one file after the other."""
    model = keras.saving.load_model(sys.argv[1])
    print("ready", flush=True)
    for line in sys.stdin:
        path = line.rstrip("\n")
        with np.load(path) as file:
            rows = {name: file[name] for name in file.files}
        count = len(next(iter(rows.values())))
        np.save(f"{path}.npy", model.predict(rows, batch_size=max(1, count), verbose=0))
        print(path, flush=True)


if __name__ == "__main__":
    main()
