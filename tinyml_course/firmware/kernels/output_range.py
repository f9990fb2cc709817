"""How the sums of a layer become bytes: zero point, limits, which of the kernels' ways."""

from tinyml_course.errors import FirmwareError
from tinyml_course.graph import Graph, Operator
from tinyml_course.mcu.requantization import activation_limits


def output_fields(graph: Graph, operator: Operator, activation: str) -> str:
    """The initializer of a ``tinyml_output`` for a fast kernel.

    Raises:
        FirmwareError: limits that no fused activation has.
    """
    return _initializer(graph, operator, activation, output_range(graph, operator, activation))


def any_output(graph: Graph, operator: Operator, activation: str) -> str:
    """The initializer of a ``tinyml_output`` for a kernel that clamps to whatever limits."""
    return _initializer(graph, operator, activation, "TINYML_SIGNED")


def output_range(graph: Graph, operator: Operator, activation: str) -> str:
    """The ``tinyml_range`` of an output.

    Raises:
        FirmwareError: limits that no fused activation has.
    """
    output = graph.output_of(operator)
    _, zero_point = output.scale_and_zero_point()
    limits = activation_limits(activation, output)
    if limits == (-128, 127):
        return "TINYML_UNSIGNED" if zero_point == -128 else "TINYML_SIGNED"
    if limits[0] != zero_point:
        raise FirmwareError(
            f"{operator.name}: an output clamped to {limits} with the zero point {zero_point}; the "
            "kernels clamp at the zero point"
        )
    return "TINYML_CLAMPED"


def _initializer(graph: Graph, operator: Operator, activation: str, name: str) -> str:
    output = graph.output_of(operator)
    _, zero_point = output.scale_and_zero_point()
    least, most = activation_limits(activation, output)
    return f"{{{zero_point}, {least}, {most}, {name}}}"
