"""A program of its own: plain OpenVINO answers the rows that it is shown, in float32. It imports nothing of Netwright.

Its argument is an `.xml` file. Lines of its input are answered as by `answer_keras`.
"""

import sys

import numpy as np
import openvino


def main() -> None:
    """Answer one file after the other."""
    # On some processors OpenVINO computes with shorter numbers unless it is told not to.
    serve = openvino.Core().compile_model(sys.argv[1], "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    print("ready", flush=True)
    for line in sys.stdin:
        path = line.rstrip("\n")
        with np.load(path) as file:
            rows = {name: file[name] for name in file.files}
        np.save(f"{path}.npy", serve(rows)[0])
        print(path, flush=True)


if __name__ == "__main__":
    main()
