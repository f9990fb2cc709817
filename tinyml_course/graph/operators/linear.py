"""FULLY_CONNECTED."""

from collections.abc import Sequence
from dataclasses import dataclass

from tinyml_course.graph.counting import linear_macs
from tinyml_course.graph.operators.base import (
    Activation,
    Operator,
    Shape,
    check_activation_function,
    check_weights,
    register,
)
from tinyml_course.graph.tensor import Tensor


@register("FULLY_CONNECTED")
@dataclass(frozen=True)
class FullyConnected(Operator):
    """Inputs: features of any shape, weight ``(C_out, C_in)``, bias ``(C_out,)``.

    Attributes:
        activation: clamp fused into the operator.
        keep_num_dims: whether each row along the last axis is a vector of features of its own;
            otherwise the whole tensor is one.
    """

    activation: Activation = "NONE"
    keep_num_dims: bool = False

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """``(1, C_out)``, or the input's with ``C_out`` as its last length."""
        source, weight = inputs[0], inputs[1]
        check_activation_function(self, self.activation)
        if self.keep_num_dims:
            if len(weight.shape) != 2 or weight.shape[1] != source.shape[-1]:
                raise self.fail(f"weight {weight.shape} does not read rows of {source.shape}")
            return (*source.shape[:-1], weight.shape[0])
        if len(weight.shape) != 2 or weight.shape[1] != source.elements:
            raise self.fail(f"weight {weight.shape} does not read {source.elements} features")
        return (1, weight.shape[0])

    def macs(self, inputs: Sequence[Tensor]) -> int:
        """``C_in C_out`` for each row."""
        c_out, c_in = inputs[1].shape
        return inputs[0].elements // c_in * linear_macs(c_in, c_out)

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """Weights as their type prescribes, int32 bias."""
        check_weights(self, inputs[0], inputs[1], inputs[2], output, channel_axis=0)
