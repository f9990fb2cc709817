"""Which input row or column each output row or column of RESIZE_NEAREST_NEIGHBOR copies."""

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph.operators import ResizeNearestNeighbor


def nearest(operator: ResizeNearestNeighbor, length: int, axis: int) -> NDArray[np.intp]:
    """Input indices, one for each output index.

    Args:
        operator: the resizing.
        length: of the input along the axis.
        axis: 0 for rows, 1 for columns.

    Source: TF-Lite, kernels/internal/reference/resize_nearest_neighbor.h, in float32 as there.
    """
    count = operator.size[axis]
    if operator.align_corners and count > 1:
        scale = np.float32(length - 1) / np.float32(count - 1)
    else:
        scale = np.float32(length) / np.float32(count)
    offset = np.float32(0.5 if operator.half_pixel_centers else 0.0)
    place = ((np.arange(count, dtype=np.float32) + offset) * scale).astype(np.float64)
    rounded = np.floor(place + 0.5 if operator.align_corners else place)
    return np.minimum(rounded, length - 1).astype(np.intp)
