"""The latency estimate: additive, proportional to the clock, honest where it knows nothing."""

import dataclasses
from statistics import geometric_mean

import pytest

from tinyml_course.graph import count_macs
from tinyml_course.mcu import board, energy_mj, latency_ms
from tinyml_course.mcu.latency import (
    COST_MODELS,
    M4_CYCLES_PER_M7_CYCLE,
    latency_cycles,
    work,
)
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
    assert len(cycles) == len(GRAPH.operators)
    assert latency_ms(GRAPH, h743) == pytest.approx(sum(cycles) / h743.clock_hz * 1e3)
    slower = dataclasses.replace(h743, clock_hz=h743.clock_hz // 2)
    assert latency_ms(GRAPH, slower) == pytest.approx(2 * latency_ms(GRAPH, h743))


@pytest.mark.parametrize(("name", "published_ms"), [("in0@48", 25), ("in3@176", 336)])
def test_published_latencies_are_met(name: str, published_ms: float) -> None:
    # The fit's worst error on these eleven networks is 3.2 % (benchmarks/latency_fit.py).
    estimate = latency_ms(random_graph(definition(name)), board("stm32h743"))
    assert estimate == pytest.approx(published_ms, rel=0.035)


# MLPerf Tiny v1.0, closed division, STMicroelectronics with X-CUBE-AI 7.3: inferences a second and
# microjoules an inference for anomaly detection, image classification, keywords, visual wake words.
L4R5_120_MHZ = [(132.077, 322.977), (4.409, 10681.623), (13.314, 3371.738), (4.427, 10066.628)]
H7A3_280_MHZ = [(548.697, 266.486), (18.443, 8707.284), (59.782, 2721.781), (19.749, 7978.465)]


def test_the_m4_needs_the_measured_multiple_of_cycles() -> None:
    ratios = [
        (120e6 / slow) / (280e6 / fast)
        for (slow, _), (fast, _) in zip(L4R5_120_MHZ, H7A3_280_MHZ, strict=True)
    ]
    assert geometric_mean(ratios) == pytest.approx(M4_CYCLES_PER_M7_CYCLE, rel=1e-3)
    assert max(ratios) / min(ratios) < 1.09  # one ratio serves all four networks
    m4, m7 = (sum(latency_cycles(GRAPH, core)) for core in ("cortex-m4", "cortex-m7"))
    assert m4 / m7 == pytest.approx(M4_CYCLES_PER_M7_CYCLE)


@pytest.mark.parametrize(
    ("core", "clock_hz", "results"),
    [("cortex-m4", 120e6, L4R5_120_MHZ), ("cortex-m7", 280e6, H7A3_280_MHZ)],
)
def test_energy_per_cycle_is_the_measured_one(core: str, clock_hz: float, results: list) -> None:
    per_cycle = [1e3 * energy_uj / (clock_hz / rate) for rate, energy_uj in results]
    model = COST_MODELS[core].energy_nj_per_cycle
    assert geometric_mean(per_cycle) == pytest.approx(model, rel=2e-3)
    assert max(per_cycle) / min(per_cycle) < 1.12


def test_energy_follows_cycles_not_the_clock() -> None:
    h743 = board("stm32h743")
    cycles = sum(latency_cycles(GRAPH, "cortex-m7"))
    assert energy_mj(GRAPH, h743) == pytest.approx(cycles * 0.559e-6)
    assert energy_mj(GRAPH, board("stm32f746")) == energy_mj(GRAPH, h743)
