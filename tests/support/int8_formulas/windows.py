"""Kernels that slide over a map."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

Pixel = Callable[[int, int], list[int]]


def over_output(size: Sequence[int], kernel: Sequence[int], operator: Any, pixel: Pixel) -> Any:
    """``pixel(first row, first column)`` for every output position, in raster order."""
    (top, bottom), (left, right) = operator.padding
    rows = (size[0] + top + bottom - kernel[0]) // operator.stride[0] + 1
    columns = (size[1] + left + right - kernel[1]) // operator.stride[1] + 1
    return [
        [pixel(y * operator.stride[0] - top, x * operator.stride[1] - left) for x in range(columns)]
        for y in range(rows)
    ]


def inside(size: Sequence[int], kernel: Sequence[int], y0: int, x0: int) -> list[tuple[int, ...]]:
    """``(k_y, k_x, y, x)`` of the window's positions that lie on the map."""
    return [
        (ky, kx, y0 + ky, x0 + kx)
        for ky, kx in product(range(kernel[0]), range(kernel[1]))
        if 0 <= y0 + ky < size[0] and 0 <= x0 + kx < size[1]
    ]
