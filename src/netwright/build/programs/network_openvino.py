"""Answers features with a model of OpenVINO, in float32. It needs openvino."""

from collections.abc import Callable

import numpy as np
import openvino

Features = dict[str, np.ndarray]


def load(path: str) -> Callable[[Features], np.ndarray]:
    """Return what gives the answers of N rows, probabilities (N, K) or values (N,), of their features by name.

    Args:
        path: of an `.xml` file, with the weights beside it.
    """
    # On some processors OpenVINO computes with shorter numbers unless it is told not to.
    serve = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    types = {one.get_any_name(): one.get_element_type().to_dtype() for one in serve.inputs}

    def answer(features: Features) -> np.ndarray:
        return serve({name: features[name].astype(kind) for name, kind in types.items()})[0]

    return answer
