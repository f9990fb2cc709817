"""STRIDED_SLICE: a regular part of a tensor."""

from collections.abc import Sequence
from dataclasses import dataclass

from tinyml_course.graph.operators.base import Operator, Shape, check_same_quantization, register
from tinyml_course.graph.tensor import Tensor


@register("STRIDED_SLICE")
@dataclass(frozen=True)
class StridedSlice(Operator):
    """Along each axis ``size`` elements, from ``begin`` on in steps of ``strides``.

    TF-Lite's negative indices, open ends and masks are resolved by the importer.

    Attributes:
        begin: first index, one per axis.
        size: elements taken, one per axis.
        strides: step, one per axis; negative runs backwards.
        shrink_axes: axes of size 1 that the output does without.
    """

    begin: tuple[int, ...] = ()
    size: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    shrink_axes: tuple[int, ...] = ()

    def indices(self) -> tuple[range, ...]:
        """The indices that are taken along each axis."""
        return tuple(
            range(first, first + count * step, step)
            for first, count, step in zip(self.begin, self.size, self.strides, strict=True)
        )

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """``size`` without the axes that shrink."""
        shape = inputs[0].shape
        if not len(self.begin) == len(self.size) == len(self.strides) == len(shape):
            raise self.fail(f"begin, size and strides must have {len(shape)} entries for {shape}")
        if min(self.size) < 1 or 0 in self.strides:
            raise self.fail(f"takes nothing: size {self.size}, strides {self.strides}")
        for axis, (taken, length) in enumerate(zip(self.indices(), shape, strict=True)):
            if min(taken) < 0 or max(taken) >= length:
                raise self.fail(f"takes {taken} of the {length} elements along axis {axis}")
        if any(not 1 <= axis < len(shape) or self.size[axis] != 1 for axis in self.shrink_axes):
            raise self.fail(f"shrink axes {self.shrink_axes} must have size 1, not be the batch")
        return tuple(n for axis, n in enumerate(self.size) if axis not in self.shrink_axes)

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """Scale and zero point stay."""
        check_same_quantization(self, inputs[0], output)
