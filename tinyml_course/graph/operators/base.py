"""What every operator answers: its output shape, its MACs, and whether its tensors are lawful."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np

from tinyml_course.errors import GraphError, lookup, reject_unknown_keys
from tinyml_course.graph.quantization import Quantization
from tinyml_course.graph.tensor import BYTE_TYPES, Tensor

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
        """Raise `GraphError` where the tensors break the quantization specification."""

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


def check_activation(operator: Operator, tensor: Tensor) -> Quantization:
    """The per-tensor quantization of an int8 or uint8 activation; raises for anything else."""
    if tensor.dtype not in BYTE_TYPES or tensor.quantization is None:
        raise operator.fail(
            f"{tensor.name} must be quantized int8 or uint8, it is {tensor.dtype}; quantize the "
            "graph first"
        )
    _, zero_point = tensor.quantization.item()
    limits = np.iinfo(tensor.dtype)
    if not limits.min <= zero_point <= limits.max:
        raise operator.fail(
            f"{tensor.name} has zero point {zero_point}, outside of {limits.min}..{limits.max}"
        )
    return tensor.quantization


def check_int8_activation(operator: Operator, tensor: Tensor) -> Quantization:
    """The same where there is no uint8 form."""
    if tensor.dtype == "uint8":
        raise operator.fail(f"{tensor.name} is uint8; this operator has only an int8 form")
    return check_activation(operator, tensor)


def check_one_type(operator: Operator, first: Tensor, *others: Tensor) -> None:
    """Raise unless all tensors are int8, or all are uint8."""
    for other in others:
        if other.dtype != first.dtype:
            raise operator.fail(
                f"{first.name} is {first.dtype} and {other.name} is {other.dtype}; both must be "
                "of one type, put a QUANTIZE between"
            )


def check_same_quantization(operator: Operator, source: Tensor, output: Tensor) -> None:
    """Raise unless an operator that only moves numbers keeps their type, scale and zero point."""
    before = check_activation(operator, source)
    after = check_activation(operator, output)
    check_one_type(operator, source, output)
    if not before.same_as(after):
        raise operator.fail(
            f"{output.name} must have the scale and zero point of {source.name}; put a QUANTIZE "
            "between where they differ"
        )


def check_weights(
    operator: Operator,
    source: Tensor,
    weight: Tensor,
    bias: Tensor,
    output: Tensor,
    channel_axis: int,
) -> None:
    """Raise unless weight and bias follow the specification of the activations' type.

    int8 weights are symmetric, with one scale or one per channel; uint8 weights, the format
    before, have one scale and a free zero point.
    """
    scale_in = check_activation(operator, source).scale[0]
    check_activation(operator, output)
    check_one_type(operator, source, output)
    channels = weight.shape[channel_axis]
    if weight.dtype not in BYTE_TYPES or weight.quantization is None or not weight.is_constant:
        raise operator.fail(f"weight {weight.name} must be a quantized int8 or uint8 constant")
    quantization = weight.quantization
    if weight.dtype != source.dtype:
        raise operator.fail(
            f"weight {weight.name} is {weight.dtype} and {source.name} is {source.dtype}; quantize "
            "both to one type"
        )
    if weight.dtype == "int8":
        _check_symmetric(operator, weight, quantization, channel_axis)
    elif not quantization.is_per_tensor:
        raise operator.fail(
            f"weight {weight.name} has {quantization.scale.size} scales; uint8 weights have one, "
            "quantize per channel to int8"
        )
    elif not 0 <= quantization.item()[1] <= 255:
        raise operator.fail(
            f"weight {weight.name} has zero point {quantization.item()[1]}, outside of 0..255"
        )
    if bias.dtype != "int32" or bias.shape != (channels,) or not bias.is_constant:
        raise operator.fail(f"bias {bias.name} must be an int32 constant of shape ({channels},)")
    if bias.quantization is not None:
        expected = scale_in * quantization.scale
        # No absolute tolerance: these scales are often smaller than numpy's default of 1e-8.
        if not np.allclose(bias.quantization.scale, expected, rtol=1e-3, atol=0):
            raise operator.fail(
                f"bias {bias.name} must have the scale of the input times that of the weight"
            )


def _check_symmetric(
    operator: Operator, weight: Tensor, quantization: Quantization, channel_axis: int
) -> None:
    scales = quantization.scale.size
    if quantization.zero_point.any():
        raise operator.fail(
            f"weight {weight.name} must have zero point 0 (symmetric); only uint8 weights with "
            "one scale may have another"
        )
    if scales not in (1, weight.shape[channel_axis]):
        raise operator.fail(f"weight {weight.name} has {scales} scales")
    if scales > 1 and quantization.axis != channel_axis:
        raise operator.fail(f"weight {weight.name} is quantized along axis {quantization.axis}")
