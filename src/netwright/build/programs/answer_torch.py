"""A program of its own: plain PyTorch answers the rows that it is shown. It imports nothing of Netwright.

Its argument is a file of `torch.export.save`. Lines of its input are answered as by `answer_keras`.
"""

import sys

import numpy as np
import torch


def main() -> None:
    """Answer one file after the other."""
    model = torch.export.load(sys.argv[1]).module()
    print("ready", flush=True)
    for line in sys.stdin:
        path = line.rstrip("\n")
        with np.load(path) as file:
            rows = {name: torch.from_numpy(file[name]) for name in file.files}
        with torch.no_grad():
            np.save(f"{path}.npy", model(rows).numpy())
        print(path, flush=True)


if __name__ == "__main__":
    main()
