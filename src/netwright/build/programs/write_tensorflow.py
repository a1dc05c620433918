"""A program of its own: a `.keras` file becomes a SavedModel, or a file of TensorFlow Lite. It runs without Netwright.

Its arguments are the `.keras` file, the folder of the SavedModel, and where one is wanted, the `.tflite` file.
"""

import sys
from pathlib import Path

import keras
import tensorflow as tf


def unroll(model: keras.Model) -> None:
    """Write recurrent layers out step by step: TensorFlow Lite has no lists of tensors, which loops collect.

    Their outputs behind the end of a text are multiplied by 0 later. Written out, Keras 3.15 would itself set others of
    the backward layer to 0: it applies the mask in the order of time to outputs that are in the other.
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.Bidirectional):
            for way in (layer.forward_layer, layer.backward_layer):
                way.unroll, way.zero_output_for_mask = True, False


def main() -> None:
    """Write what is asked for."""
    source, folder, *lite = sys.argv[1:]
    model = keras.saving.load_model(source)
    if lite:
        unroll(model)
    model.export(folder, format="tf_saved_model", verbose=False)
    for file in lite:
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        Path(file).write_bytes(converter.convert())


if __name__ == "__main__":
    main()
