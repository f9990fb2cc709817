"""PAD: a border of one value, written to memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinyml_course.graph.operators.base import Operator, Shape, check_same_quantization, register
from tinyml_course.graph.tensor import Tensor


@register("PAD")
@dataclass(frozen=True)
class Pad(Operator):
    """The input inside a border of real zeros, or of another value (TF-Lite's PADV2).

    A convolution with padding needs no such copy; converters emit it where the padding is not
    TF-Lite's SAME, and it then costs SRAM.

    Attributes:
        paddings: ``(before, after)`` for each axis, batch included.
        value: the integer in the border; by default the zero point.
    """

    paddings: tuple[tuple[int, int], ...] = ()
    value: int | None = None

    def border(self, output: Tensor) -> int:
        """The integer that the border of ``output`` holds."""
        return output.scale_and_zero_point()[1] if self.value is None else self.value

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """Every axis longer by its two paddings."""
        source = inputs[0]
        if len(self.paddings) != len(source.shape):
            raise self.fail(f"{len(self.paddings)} paddings for {len(source.shape)} axes")
        if any(len(pair) != 2 or min(pair) < 0 for pair in self.paddings):
            raise self.fail(f"paddings must be pairs of at least 0, got {self.paddings}")
        return tuple(n + sum(pair) for n, pair in zip(source.shape, self.paddings, strict=True))

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """Type, scale and zero point stay, and the border is of that type."""
        check_same_quantization(self, inputs[0], output)
        limits = np.iinfo(output.dtype)
        if self.value is not None and not limits.min <= self.value <= limits.max:
            raise self.fail(f"value {self.value} is not an {output.dtype}")
