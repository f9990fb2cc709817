"""How long an inference takes and what it costs: estimates in cycles, operator by operator.

``cycles = sum over kinds of work (cycles per unit * units)``. For the Cortex-M7 the coefficients
are the relative least-squares fit to TinyEngine's eleven published latencies on the STM32H743
("Tiny Machine Learning: Progress and Futures", table III). For the Cortex-M4 there is no such
table; it is taken to need one multiple of those cycles for everything, the one that the MLPerf
Tiny v1.0 results of STMicroelectronics show between an STM32L4R5 and an STM32H7A3, on four networks
with one engine. Energy is cycles times the energy per cycle of the same results.
``benchmarks/latency_fit.py`` redoes the fits and prints their errors on networks left out.

The estimates hold for such engines and mixes of operators. Another board is assumed to need the
same cycles at its own clock, and the same energy per cycle as the measured chip of its core.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tinyml_course.graph import Graph, Operator
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected, Reshape
from tinyml_course.mcu.boards import Board, Core
from tinyml_course.mcu.scheduling import Schedule

WORK_KINDS = ("pointwise_macs", "depthwise_macs", "conv_macs", "output_elements")
"""Units of work: MACs of 1x1 convolutions and linear layers, of depthwise convolutions, of larger
convolutions; elements written by any operator that moves data."""


@dataclass(frozen=True)
class CostModel:
    """What a unit of work costs on a core.

    Attributes:
        cycles_per: cycles by kind of work.
        unpack_cycles: to unpack a weight, by its bits.
        energy_nj_per_cycle: of the whole chip while it computes.
        source: where the figures are from.
    """

    cycles_per: Mapping[str, float]
    unpack_cycles: Mapping[int, float]
    energy_nj_per_cycle: float
    source: str


_M7_CYCLES_PER = {
    "pointwise_macs": 1.1302,
    "depthwise_macs": 1.4193,
    "conv_macs": 2.3407,
    "output_elements": 21.635,
}

M4_CYCLES_PER_M7_CYCLE = 1.851
"""Geometric mean over the four MLPerf Tiny networks; they lie within 4 % of it."""

_M4_UNPACK_CYCLES = {2: 2.7, 3: 3.5, 4: 2.7, 5: 3.5, 6: 3.5, 7: 4.4}
"""Of ``tinyml_unpack.c`` for 1,000 weights of a convolution, as `firmware.estimate_cycles` counts
them (a test compares)."""

COST_MODELS: dict[Core, CostModel] = {
    "cortex-m7": CostModel(
        MappingProxyType(_M7_CYCLES_PER),
        MappingProxyType({k: v / M4_CYCLES_PER_M7_CYCLE for k, v in _M4_UNPACK_CYCLES.items()}),
        0.559,
        "TinyEngine on STM32H743; energy of STM32H7A3 at 3.3 V, MLPerf Tiny v1.0",
    ),
    "cortex-m4": CostModel(
        MappingProxyType({k: v * M4_CYCLES_PER_M7_CYCLE for k, v in _M7_CYCLES_PER.items()}),
        MappingProxyType(_M4_UNPACK_CYCLES),
        0.373,
        "the M7's cycles times the ratio of STM32L4R5 to STM32H7A3; energy of STM32L4R5 at 1.8 V, "
        "MLPerf Tiny v1.0",
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


def latency_cycles(network: Graph | Schedule, core: Core) -> list[float]:
    """Estimated cycles of each operator.

    What patches compute twice counts twice, and packed weights as often as they are unpacked. The
    overhead of working row by row is not in it: no published engine gives a figure for it that
    could be fitted.
    """
    model = COST_MODELS[core]
    schedule = network if isinstance(network, Schedule) else Schedule(network)
    cycles = []
    for operator, share, unpacked in zip(
        schedule.graph.operators,
        schedule.computed_shares,
        schedule.unpacked_weights,
        strict=True,
    ):
        units = work(schedule.graph, operator)
        worked = share * sum(model.cycles_per[kind] * count for kind, count in units.items())
        bits = schedule.packed_bits.get(operator.name)
        cycles.append(worked + (model.unpack_cycles[bits] * unpacked if bits else 0))
    return cycles


def latency_ms(network: Graph | Schedule, board: Board) -> float:
    """Estimated milliseconds of one inference."""
    return sum(latency_cycles(network, board.core)) / board.clock_hz * 1e3


def energy_mj(network: Graph | Schedule, board: Board) -> float:
    """Estimated millijoules of one inference, of the chip without its board."""
    cycles = sum(latency_cycles(network, board.core))
    return cycles * COST_MODELS[board.core].energy_nj_per_cycle * 1e-6
