"""RESHAPE: the same bytes under another shape."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tinyml_course.graph.operators.base import Operator, Shape, check_same_quantization, register
from tinyml_course.graph.tensor import Tensor


@register("RESHAPE")
@dataclass(frozen=True)
class Reshape(Operator):
    """The input's elements in the same order.

    Attributes:
        shape: the new shape, batch 1 included.
    """

    shape: tuple[int, ...] = ()

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """``shape``, which must have as many elements as the input."""
        if math.prod(self.shape) != inputs[0].elements:
            raise self.fail(f"{inputs[0].shape} does not reshape into {self.shape}")
        return self.shape

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """Scale and zero point stay."""
        check_same_quantization(self, inputs[0], output)
