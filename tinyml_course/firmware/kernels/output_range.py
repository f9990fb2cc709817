"""How the sums of a layer become bytes: zero point, limits, which of the kernels' ways."""

from tinyml_course.firmware.kernels.twins import flip_of, zero_point_of
from tinyml_course.graph import Graph, Operator
from tinyml_course.mcu.requantization import activation_limits


def output_fields(graph: Graph, operator: Operator, activation: str) -> str:
    """The initializer of a ``tinyml_output`` for a fast kernel."""
    return _initializer(graph, operator, activation, output_range(graph, operator, activation))


def any_output(graph: Graph, operator: Operator, activation: str) -> str:
    """The initializer of a ``tinyml_output`` for a kernel that clamps to whatever limits."""
    return _initializer(graph, operator, activation, "TINYML_SIGNED")


def output_range(graph: Graph, operator: Operator, activation: str) -> str:
    """The ``tinyml_range`` of an output.

    A fused activation clamps at the zero point, so that there is no fourth way.
    """
    limits = output_limits(graph, operator, activation)
    zero_point = zero_point_of(graph.output_of(operator))
    if limits == (-128, 127):
        return "TINYML_UNSIGNED" if zero_point == -128 else "TINYML_SIGNED"
    assert limits[0] == zero_point
    return "TINYML_CLAMPED"


def output_limits(graph: Graph, operator: Operator, activation: str) -> tuple[int, int]:
    """Smallest and largest output of a layer, of uint8 those of its int8 twin."""
    output = graph.output_of(operator)
    least, most = activation_limits(activation, output)
    return least - flip_of(output), most - flip_of(output)


def _initializer(graph: Graph, operator: Operator, activation: str, name: str) -> str:
    least, most = output_limits(graph, operator, activation)
    return f"{{{zero_point_of(graph.output_of(operator))}, {least}, {most}, {name}}}"
