"""How long an inference takes: an estimate in cycles, operator by operator.

``cycles = sum over kinds of work (cycles per unit * units)``. For the Cortex-M7 the coefficients
are the relative least-squares fit to TinyEngine's eleven published latencies on the STM32H743
("Tiny Machine Learning: Progress and Futures", table III); ``benchmarks/latency_fit.py`` redoes
the fit and its leave-one-out error (1.6 % mean, 4.1 % worst). They hold for that engine and that
mix of operators; another M7 board is assumed to need the same cycles at its own clock. There is
no such table for the Cortex-M4, so none is estimated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tinyml_course.graph import Graph, Operator
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected, Reshape
from tinyml_course.mcu.boards import Board, Core

WORK_KINDS = ("pointwise_macs", "depthwise_macs", "conv_macs", "output_elements")
"""Units of work: MACs of 1x1 convolutions and linear layers, of depthwise convolutions, of larger
convolutions; elements written by any operator that moves data."""


@dataclass(frozen=True)
class LatencyModel:
    """Cycles for each unit of work on a core.

    Attributes:
        cycles_per: by kind of work.
        source: where the coefficients are from.
    """

    cycles_per: Mapping[str, float]
    source: str


LATENCY_MODELS: dict[Core, LatencyModel] = {
    "cortex-m7": LatencyModel(
        MappingProxyType(
            {
                "pointwise_macs": 1.1302,
                "depthwise_macs": 1.4193,
                "conv_macs": 2.3407,
                "output_elements": 21.635,
            }
        ),
        "fitted to TinyEngine's published latencies on STM32H743",
    ),
}


def work(graph: Graph, operator: Operator) -> dict[str, int]:
    """Units of work of one operator, by kind."""
    inputs = graph.inputs_of(operator)
    units = dict.fromkeys(WORK_KINDS, 0)
    if isinstance(operator, DepthwiseConv2D):
        units["depthwise_macs"] = operator.macs(inputs)
    elif isinstance(operator, FullyConnected):
        units["pointwise_macs"] = operator.macs(inputs)
    elif isinstance(operator, Conv2D):
        kind = "pointwise_macs" if operator.kernel(inputs) == (1, 1) else "conv_macs"
        units[kind] = operator.macs(inputs)
    if not isinstance(operator, Reshape):
        units["output_elements"] = graph.output_of(operator).elements
    return units


def latency_cycles(graph: Graph, core: Core) -> list[float] | None:
    """Estimated cycles of each operator, or ``None`` where the core has no coefficients."""
    model = LATENCY_MODELS.get(core)
    if model is None:
        return None
    return [
        sum(model.cycles_per[kind] * units for kind, units in work(graph, operator).items())
        for operator in graph.operators
    ]


def latency_ms(graph: Graph, board: Board) -> float | None:
    """Estimated milliseconds of one inference, or ``None`` where there is no estimate."""
    cycles = latency_cycles(graph, board.core)
    return None if cycles is None else sum(cycles) / board.clock_hz * 1e3
