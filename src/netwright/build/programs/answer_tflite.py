"""A program of its own: the interpreter of TensorFlow Lite answers rows. It imports nothing of Netwright.

Its argument is a `.tflite` file. Lines of its input are answered as by `answer_keras`.
"""

import sys
import warnings

import numpy as np
import tensorflow as tf

warnings.filterwarnings("ignore", message=".*LiteRT.*")  # the interpreter is to become a package of its own


def main() -> None:
    """Answer one file after the other."""
    serve = tf.lite.Interpreter(sys.argv[1]).get_signature_runner("serving_default")
    print("ready", flush=True)
    for line in sys.stdin:
        path = line.rstrip("\n")
        with np.load(path) as file:
            rows = {name: file[name] for name in file.files}
        (answers,) = serve(**rows).values()
        np.save(f"{path}.npy", answers)
        print(path, flush=True)


if __name__ == "__main__":
    main()
