"""SOFTMAX and LOGISTIC: real numbers to 0..1, with the output scale that TF-Lite prescribes."""

from collections.abc import Sequence
from dataclasses import dataclass

from tinyml_course.graph.operators.base import Operator, Shape, check_int8_activation, register
from tinyml_course.graph.quantization import INT8_MIN, Quantization
from tinyml_course.graph.tensor import Tensor

UNIT_INTERVAL = Quantization.per_tensor(1 / 256, INT8_MIN)
"""0..255/256 in int8: the only output quantization the int8 specification allows here."""


@dataclass(frozen=True)
class Squashing(Operator):
    """An int8 tensor to one of its shape with values between 0 and 1."""

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """The input's."""
        return inputs[0].shape

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """int8 in; out with scale 1/256 and zero point -128."""
        check_int8_activation(self, inputs[0])
        if not check_int8_activation(self, output).same_as(UNIT_INTERVAL):
            raise self.fail(f"{output.name} must have scale 1/256 and zero point {INT8_MIN}")


@register("SOFTMAX")
@dataclass(frozen=True)
class Softmax(Squashing):
    """``exp(beta x) / sum(exp(beta x))`` along the last axis.

    Attributes:
        beta: factor on the input.
    """

    beta: float = 1.0

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """The input's."""
        # The fixed-point sum has room for 4095 exponentials of at most 1.
        if inputs[0].shape[-1] > 4095:
            raise self.fail(f"{inputs[0].shape[-1]} classes, at most 4095 fit the integer sum")
        return inputs[0].shape


@register("LOGISTIC")
@dataclass(frozen=True)
class Logistic(Squashing):
    """``1 / (1 + exp(-x))``."""
