"""A map with a border that is written once."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinyml_course.graph.operators import Padding


class PaddedMap:
    """A buffer that a kernel copies its input into, run after run; the border stays.

    Args:
        shape: ``(H, W, C)`` of the input.
        padding: ``((top, bottom), (left, right))``.
        fill: what the border holds.
        dtype: of the buffer; inputs are converted on the way.
    """

    def __init__(
        self, shape: tuple[int, ...], padding: Padding, fill: int, dtype: DTypeLike
    ) -> None:
        (top, bottom), (left, right) = padding
        height, width, channels = shape
        self.buffer: NDArray[Any] = np.full(
            (top + height + bottom, left + width + right, channels), fill, dtype
        )
        self.inside = self.buffer[top : top + height, left : left + width]

    def __call__(self, x: NDArray[Any]) -> NDArray[Any]:
        """``(H, W, C)`` with its border; valid until the next call."""
        self.inside[:] = x
        return self.buffer
