"""An image as a graph takes it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import GraphError
from tinyml_course.graph import Graph, quantize


def to_integers(graph: Graph, x: NDArray[Any]) -> NDArray[Any]:
    """``x`` as the graph's input, of its type; float images are quantized for an integer input.

    Args:
        graph: with one input.
        x: ``(1, H, W, C)`` or without the leading 1; int8 (for a graph that declares another type:
            that type) or float.

    Raises:
        GraphError: the shape is another one, the type is neither the input's nor float, or NaN in
            it.
    """
    tensor = graph.input
    array = np.asarray(x)
    if array.shape == tensor.shape[1:]:
        array = array[np.newaxis]
    if array.shape != tensor.shape:
        channels_first = array.ndim == 4 and array.transpose(0, 2, 3, 1).shape == tensor.shape
        hint = "; it is channels first, transpose it to NHWC" if channels_first else ""
        raise GraphError(f"{graph.name} takes {tensor.shape}, got {array.shape}{hint}")
    if array.dtype == tensor.dtype and tensor.dtype != "float32":
        return array
    if not np.issubdtype(array.dtype, np.floating):
        raise GraphError(f"{graph.name} takes {tensor.dtype} or float images, got {array.dtype}")
    if tensor.dtype == "float32":
        if np.isnan(array).any():
            raise GraphError(f"{graph.name}: the input holds NaN; clean the data before running it")
        return array.astype(np.float32)
    assert tensor.quantization is not None
    return quantize(array, tensor.quantization, tensor.dtype)
