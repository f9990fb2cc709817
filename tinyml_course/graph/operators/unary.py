"""RELU, RELU6 and HARD_SWISH as operators of their own: where nothing before can fuse them."""

from collections.abc import Sequence
from dataclasses import dataclass

from tinyml_course.graph.operators.base import (
    Operator,
    Shape,
    check_activation,
    check_one_type,
    check_same_quantization,
    register,
)
from tinyml_course.graph.tensor import Tensor


@dataclass(frozen=True)
class Unary(Operator):
    """Every output byte depends on the input byte at the same place, and on nothing else."""

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """The input's."""
        return inputs[0].shape

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """One type, in and out; scale and zero point may differ."""
        check_activation(self, inputs[0])
        check_activation(self, output)
        check_one_type(self, inputs[0], output)


@register("RELU")
@dataclass(frozen=True)
class Relu(Unary):
    """``max(x, 0)``, rescaled to the output."""


@register("RELU6")
@dataclass(frozen=True)
class Relu6(Unary):
    """``min(max(x, 0), 6)``. TF-Lite Micro clamps the integers, so the scale stays."""

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """Scale and zero point stay."""
        check_same_quantization(self, inputs[0], output)


@register("HARD_SWISH")
@dataclass(frozen=True)
class HardSwish(Unary):
    """``x min(max(x + 3, 0), 6) / 6`` (MobileNetV3, section 5.2)."""

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """One type; the output's scale at least a 128th of the input's, as TF-Lite asks."""
        super().check(inputs, output)
        before, after = (t.scale_and_zero_point()[0] for t in (inputs[0], output))
        if before / 128 >= after:
            raise self.fail(f"scale {after} of {output.name} is below a 128th of {before}")
