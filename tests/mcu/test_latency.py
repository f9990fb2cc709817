"""The latency estimate: additive, proportional to the clock, honest where it knows nothing."""

import dataclasses

import pytest

from tinyml_course.graph import count_macs
from tinyml_course.mcu import board, latency_ms
from tinyml_course.mcu.latency import LATENCY_MODELS, latency_cycles, work
from tinyml_course.models import definition, random_graph

GRAPH = random_graph(definition("in0@48"))


def test_every_mac_is_some_kind_of_work() -> None:
    counted = [work(GRAPH, operator) for operator in GRAPH.operators]
    macs = sum(units[k] for units in counted for k in units if k.endswith("_macs"))
    assert macs == count_macs(GRAPH)
    elements = sum(units["output_elements"] for units in counted)
    assert elements == sum(
        GRAPH.output_of(o).elements for o in GRAPH.operators if o.kind != "RESHAPE"
    )


def test_the_sum_over_operators_is_the_whole() -> None:
    h743 = board("stm32h743")
    cycles = latency_cycles(GRAPH, "cortex-m7")
    assert cycles is not None
    assert len(cycles) == len(GRAPH.operators)
    assert latency_ms(GRAPH, h743) == pytest.approx(sum(cycles) / h743.clock_hz * 1e3)
    slower = dataclasses.replace(h743, clock_hz=h743.clock_hz // 2)
    assert latency_ms(GRAPH, slower) == pytest.approx(2 * latency_ms(GRAPH, h743))


@pytest.mark.parametrize(("name", "published_ms"), [("in0@48", 25), ("in3@176", 336)])
def test_published_latencies_are_met(name: str, published_ms: float) -> None:
    # The fit's worst error on these eleven networks is 3.2 % (benchmarks/latency_fit.py).
    estimate = latency_ms(random_graph(definition(name)), board("stm32h743"))
    assert estimate == pytest.approx(published_ms, rel=0.035)


def test_a_core_without_figures_gets_no_estimate() -> None:
    assert "cortex-m4" not in LATENCY_MODELS
    assert latency_cycles(GRAPH, "cortex-m4") is None
    assert latency_ms(GRAPH, board("stm32f412")) is None
