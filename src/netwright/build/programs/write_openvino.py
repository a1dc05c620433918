"""A program of its own: a graph in ONNX becomes a model of OpenVINO. It imports nothing of Netwright.

Its arguments are the `.onnx` file and the `.xml` file, beside which the weights go; they stay in float32.
"""

import sys

import openvino


def main() -> None:
    """Write what is asked for."""
    source, target = sys.argv[1:]
    # Read by the library itself: `openvino.convert_model` would tell its makers that it was used.
    openvino.save_model(openvino.Core().read_model(source), target, compress_to_fp16=False)


if __name__ == "__main__":
    main()
