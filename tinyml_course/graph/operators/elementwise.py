"""ADD and MUL."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinyml_course.graph.operators.base import (
    Activation,
    Operator,
    Shape,
    check_activation,
    check_activation_function,
    check_one_type,
    register,
)
from tinyml_course.graph.tensor import Tensor


@dataclass(frozen=True)
class Elementwise(Operator):
    """Two tensors of one byte type, element by element; each has a scale of its own.

    One of them may be a constant, and one may be smaller: it is repeated along its axes of
    length 1, as numpy broadcasts.

    Attributes:
        activation: clamp fused into the operator.
    """

    activation: Activation = "NONE"

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """The shape of both inputs, or what they broadcast to."""
        first, second = inputs
        check_activation_function(self, self.activation)
        try:
            return np.broadcast_shapes(first.shape, second.shape)
        except ValueError:
            raise self.fail(
                f"shapes {first.shape} and {second.shape} differ and do not broadcast"
            ) from None

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """All three have one type and a scale each, and there is something to compute."""
        for tensor in (*inputs, output):
            check_activation(self, tensor)
        check_one_type(self, *inputs, output)
        if all(tensor.is_constant for tensor in inputs):
            raise self.fail("both operands are constants; fold them before making the graph")


@register("ADD")
@dataclass(frozen=True)
class Add(Elementwise):
    """The sum."""


@register("MUL")
@dataclass(frozen=True)
class Mul(Elementwise):
    """The product."""
