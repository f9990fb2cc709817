"""An image as a graph takes it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import GraphError
from tinyml_course.graph import Graph, quantize


def to_integers(graph: Graph, x: NDArray[Any]) -> NDArray[np.int8]:
    """``x`` as the graph's int8 input; float images are quantized.

    Args:
        graph: with one input.
        x: ``(1, H, W, C)`` or without the leading 1; int8 or float.

    Raises:
        GraphError: the shape is another one, the type is neither int8 nor float, or NaN in it.
    """
    tensor = graph.input
    array = np.asarray(x)
    if array.shape == tensor.shape[1:]:
        array = array[np.newaxis]
    if array.shape != tensor.shape:
        channels_first = array.ndim == 4 and array.transpose(0, 2, 3, 1).shape == tensor.shape
        hint = "; it is channels first, transpose it to NHWC" if channels_first else ""
        raise GraphError(f"{graph.name} takes {tensor.shape}, got {array.shape}{hint}")
    if array.dtype == np.int8:
        return array
    if not np.issubdtype(array.dtype, np.floating):
        raise GraphError(f"{graph.name} takes int8 or float images, got {array.dtype}")
    assert tensor.quantization is not None
    return quantize(array, tensor.quantization).astype(np.int8)
