"""ADD."""

from collections.abc import Sequence
from dataclasses import dataclass

from tinyml_course.graph.operators.base import (
    Activation,
    Operator,
    Shape,
    check_activation_function,
    check_int8_activation,
    register,
)
from tinyml_course.graph.tensor import Tensor


@register("ADD")
@dataclass(frozen=True)
class Add(Operator):
    """The sum of two activations of one shape; each has a scale of its own."""

    activation: Activation = "NONE"

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """The shape of both inputs."""
        first, second = inputs
        check_activation_function(self, self.activation)
        if first.shape != second.shape:
            raise self.fail(f"shapes {first.shape} and {second.shape} differ")
        return first.shape

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """All three are int8 with one scale each."""
        for tensor in (*inputs, output):
            check_int8_activation(self, tensor)
