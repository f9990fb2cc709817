"""What every operator answers: its output shape, its MACs, and whether its tensors are lawful."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np

from tinyml_course.errors import GraphError, lookup, reject_unknown_keys
from tinyml_course.graph.quantization import INT8_MAX, INT8_MIN, Quantization
from tinyml_course.graph.tensor import Tensor

Shape = tuple[int, ...]
Activation = Literal["NONE", "RELU", "RELU6"]
ACTIVATIONS: tuple[Activation, ...] = ("NONE", "RELU", "RELU6")


@dataclass(frozen=True)
class Operator:
    """One step of the graph.

    Attributes:
        name: unique in its graph; what errors and reports call it.
        inputs: tensor names, activations first, then constants.
        outputs: tensor names.
    """

    kind: ClassVar[str] = ""
    """TF-Lite's name of the operator."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """Shape of the output for these inputs."""
        raise NotImplementedError(f"{type(self).__name__}.output_shape")

    def macs(self, inputs: Sequence[Tensor]) -> int:  # noqa: ARG002 - most operators have none
        """Multiply-accumulates for one image."""
        return 0

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """Raise `GraphError` where the tensors break the int8 specification."""

    def attributes(self) -> dict[str, Any]:
        """What distinguishes this step from others of its kind, as plain data."""
        common = {"name", "inputs", "outputs"}
        return {k: v for k, v in dataclasses.asdict(self).items() if k not in common}

    def fail(self, message: str) -> GraphError:
        """An error that names this operator."""
        return GraphError(f"{self.kind} {self.name}: {message}")


OPERATORS: dict[str, type[Operator]] = {}
"""Every operator a graph can hold, by TF-Lite's name."""

OperatorType = TypeVar("OperatorType", bound=type[Operator])


def register(kind: str) -> Callable[[OperatorType], OperatorType]:
    """Class decorator: enter an operator into `OPERATORS` under TF-Lite's name."""

    def enter(cls: OperatorType) -> OperatorType:
        cls.kind = kind
        OPERATORS[kind] = cls
        return cls

    return enter


def from_attributes(
    kind: str, name: str, inputs: Sequence[str], outputs: Sequence[str], attributes: dict[str, Any]
) -> Operator:
    """Build an operator from plain data, as `Operator.attributes` gives it.

    Raises:
        UnknownNameError: an unknown kind, or an attribute the kind does not have.
    """
    cls = lookup("operator", kind, OPERATORS)
    known = [f.name for f in dataclasses.fields(cls) if f.name not in ("name", "inputs", "outputs")]
    reject_unknown_keys(kind, attributes, known)
    return cls(
        name=name,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        **{key: _tuples(value) for key, value in attributes.items()},
    )


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, (list, tuple)) else value


def check_activation_function(operator: Operator, activation: str) -> None:
    """Raise unless ``activation`` is one that can be fused."""
    if activation not in ACTIVATIONS:
        raise operator.fail(f"fused activation {activation!r} is not one of {ACTIVATIONS}")


def check_int8_activation(operator: Operator, tensor: Tensor) -> Quantization:
    """The per-tensor quantization of an int8 activation; raises for anything else."""
    if tensor.dtype != "int8" or tensor.quantization is None:
        raise operator.fail(
            f"{tensor.name} must be quantized int8, it is {tensor.dtype}; quantize the graph first"
        )
    _, zero_point = tensor.quantization.item()
    if not INT8_MIN <= zero_point <= INT8_MAX:
        raise operator.fail(
            f"{tensor.name} has zero point {zero_point}, outside of {INT8_MIN}..{INT8_MAX}"
        )
    return tensor.quantization


def check_same_quantization(operator: Operator, source: Tensor, output: Tensor) -> None:
    """Raise unless an operator that only moves numbers keeps their scale and zero point."""
    before = check_int8_activation(operator, source)
    after = check_int8_activation(operator, output)
    if not before.same_as(after):
        raise operator.fail(f"{output.name} must have the scale and zero point of {source.name}")


def check_weights(
    operator: Operator, source: Tensor, weight: Tensor, bias: Tensor, channel_axis: int
) -> None:
    """Raise unless weight and bias follow the int8 specification."""
    scale_in = check_int8_activation(operator, source).scale[0]
    channels = weight.shape[channel_axis]
    if weight.dtype != "int8" or weight.quantization is None or not weight.is_constant:
        raise operator.fail(f"weight {weight.name} must be a quantized int8 constant")
    quantization = weight.quantization
    if quantization.zero_point.any():
        raise operator.fail(f"weight {weight.name} must have zero point 0 (symmetric)")
    if quantization.scale.size not in (1, channels):
        raise operator.fail(f"weight {weight.name} has {quantization.scale.size} scales")
    if quantization.scale.size > 1 and quantization.axis != channel_axis:
        raise operator.fail(f"weight {weight.name} is quantized along axis {quantization.axis}")
    if bias.dtype != "int32" or bias.shape != (channels,) or not bias.is_constant:
        raise operator.fail(f"bias {bias.name} must be an int32 constant of shape ({channels},)")
    if bias.quantization is not None:
        expected = scale_in * quantization.scale
        # No absolute tolerance: these scales are often smaller than numpy's default of 1e-8.
        if not np.allclose(bias.quantization.scale, expected, rtol=1e-3, atol=0):
            raise operator.fail(
                f"bias {bias.name} must have the scale of the input times that of the weight"
            )
