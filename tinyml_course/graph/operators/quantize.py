"""QUANTIZE and DEQUANTIZE: where a graph meets real numbers, or another scale."""

from collections.abc import Sequence
from dataclasses import dataclass

from tinyml_course.graph.operators.base import Operator, Shape, register
from tinyml_course.graph.tensor import BYTE_TYPES, Tensor

QUANTIZE_TYPES = ("float32", *BYTE_TYPES)
"""What QUANTIZE reads; it writes either byte type."""


@register("QUANTIZE")
@dataclass(frozen=True)
class Quantize(Operator):
    """Real numbers to bytes, or bytes to another scale, zero point or signedness."""

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """The input's."""
        return inputs[0].shape

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """float32, int8 or uint8 in; int8 or uint8 out; one scale each."""
        source = inputs[0]
        if source.dtype not in QUANTIZE_TYPES or output.dtype not in BYTE_TYPES:
            raise self.fail(f"does not go from {source.dtype} to {output.dtype}")
        output.scale_and_zero_point()
        if source.dtype != "float32":
            source.scale_and_zero_point()


@register("DEQUANTIZE")
@dataclass(frozen=True)
class Dequantize(Operator):
    """int8 or uint8 to the real numbers they stand for."""

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """The input's."""
        return inputs[0].shape

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """8 bits with one scale in, float32 out."""
        source = inputs[0]
        if source.dtype not in BYTE_TYPES or output.dtype != "float32":
            raise self.fail(f"does not go from {source.dtype} to {output.dtype}")
        source.scale_and_zero_point()
