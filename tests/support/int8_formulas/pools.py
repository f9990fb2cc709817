"""AVERAGE_POOL_2D, MAX_POOL_2D and REDUCE_MAX: the integers themselves, no scale plays a part."""

from collections.abc import Callable
from typing import Any

from int8_formulas.scalars import c_divide, clamp
from int8_formulas.tensors import Index, at, fused_limits, indices, shape_of
from int8_formulas.windows import inside, over_output
from tinyml_course.graph import Graph


def _pool(
    graph: Graph, operator: Any, inputs: list[Any], reduce: Callable[[list[int]], int]
) -> Any:
    ((image,),) = inputs
    size = (len(image), len(image[0]))
    limits = fused_limits(graph, operator)

    def pixel(y0: int, x0: int) -> list[int]:
        places = [(y, x) for *_, y, x in inside(size, operator.size, y0, x0)]
        columns = zip(*(image[y][x] for y, x in places), strict=True)
        return [clamp(reduce(list(values)), limits) for values in columns]

    return over_output(size, operator.size, operator, pixel)


def rounded_mean(values: list[int]) -> int:
    total, count = sum(values), len(values)
    return c_divide(total + count // 2 if total > 0 else total - count // 2, count)


def average_pool_2d(graph: Graph, operator: Any, inputs: list[Any]) -> Any:
    return _pool(graph, operator, inputs, rounded_mean)


def max_pool_2d(graph: Graph, operator: Any, inputs: list[Any]) -> Any:
    return _pool(graph, operator, inputs, max)


def groups(source: Any, axes: tuple[int, ...]) -> list[list[int]]:
    """The elements behind each output of a reduction, outputs in raster order."""
    behind: dict[Index, list[int]] = {}
    for index in indices(shape_of(source)):
        # Kept with length 1 or not, a reduced axis does not change the raster order.
        key = tuple(i for axis, i in enumerate(index) if axis not in axes)
        behind.setdefault(key, []).append(at(source, index))
    return [behind[key] for key in sorted(behind)]


def reduce_max(graph: Graph, operator: Any, inputs: list[Any]) -> list[int]:
    return [max(values) for values in groups(inputs[0], operator.axes)]
