"""SOFTMAX, LOG_SOFTMAX and LOGISTIC, with the output scale that TF-Lite prescribes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tinyml_course.graph.operators.base import (
    Operator,
    Shape,
    check_activation,
    check_int8_activation,
    check_one_type,
    register,
)
from tinyml_course.graph.quantization import INT8_MAX, INT8_MIN, Quantization
from tinyml_course.graph.tensor import Tensor

UNIT_INTERVAL = Quantization.per_tensor(1 / 256, INT8_MIN)
"""0..255/256 in int8: the only output quantization the int8 specification allows here."""

UNSIGNED_UNIT_INTERVAL = Quantization.per_tensor(1 / 256, 0)
"""The same numbers in uint8."""

LOG_UNIT_INTERVAL = Quantization.per_tensor(1 / 16, INT8_MAX)
"""-255/16..0 in int8: the same for logarithms of probabilities."""

MOST_CLASSES = 4095
"""The fixed-point sum has room for this many exponentials of at most 1."""


@dataclass(frozen=True)
class Squashing(Operator):
    """A tensor to one of its shape and type, with the output range fixed.

    Attributes:
        range: the output's quantization in int8.
        unsigned_range: the same in uint8, ``None`` where there is no uint8 form.
    """

    range: ClassVar[Quantization] = UNIT_INTERVAL
    unsigned_range: ClassVar[Quantization | None] = None

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """The input's."""
        return inputs[0].shape

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """One type in and out, the output with the one scale and zero point that are allowed."""
        check = check_int8_activation if self.unsigned_range is None else check_activation
        check(self, inputs[0])
        quantization = check(self, output)
        check_one_type(self, inputs[0], output)
        allowed = self.range
        if output.dtype == "uint8" and self.unsigned_range is not None:
            allowed = self.unsigned_range
        if not quantization.same_as(allowed):
            scale, zero_point = allowed.item()
            raise self.fail(
                f"{output.name} must have scale 1/{1 / scale:.0f} and zero point {zero_point}"
            )


def _check_classes(operator: Squashing, classes: int) -> None:
    if classes > MOST_CLASSES:
        raise operator.fail(f"{classes} classes, at most {MOST_CLASSES} fit the integer sum")


@register("SOFTMAX")
@dataclass(frozen=True)
class Softmax(Squashing):
    """``exp(beta x) / sum(exp(beta x))`` along the last axis.

    Attributes:
        beta: factor on the input.
    """

    unsigned_range: ClassVar[Quantization | None] = UNSIGNED_UNIT_INTERVAL

    beta: float = 1.0

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """The input's."""
        _check_classes(self, inputs[0].shape[-1])
        return inputs[0].shape


@register("LOG_SOFTMAX")
@dataclass(frozen=True)
class LogSoftmax(Squashing):
    """``x - log(sum(exp(x)))`` along the last axis."""

    range: ClassVar[Quantization] = LOG_UNIT_INTERVAL

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """The input's."""
        _check_classes(self, inputs[0].shape[-1])
        return inputs[0].shape


@register("LOGISTIC")
@dataclass(frozen=True)
class Logistic(Squashing):
    """``1 / (1 + exp(-x))``."""
