"""A program of its own: plain TensorFlow answers the rows that it is shown. It imports nothing of Netwright.

Its argument is the folder of a SavedModel. Lines of its input are answered as by `answer_keras`.
"""

import sys

import numpy as np
import tensorflow as tf


def main() -> None:
    """Answer one file after the other."""
    model = tf.saved_model.load(sys.argv[1])
    serve = model.signatures["serving_default"]
    print("ready", flush=True)
    for line in sys.stdin:
        path = line.rstrip("\n")
        with np.load(path) as file:
            rows = {name: tf.constant(file[name]) for name in file.files}
        (answers,) = serve(**rows).values()
        np.save(f"{path}.npy", answers.numpy())
        print(path, flush=True)


if __name__ == "__main__":
    main()
