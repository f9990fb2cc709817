"""The report repeats the plan; it computes nothing of its own."""

import io
import json

import pytest
from rich.console import Console

from tinyml_course.graph import count_macs, count_params
from tinyml_course.mcu import BOARDS, board, plan, report
from tinyml_course.mcu.costs import cost_table, kib
from tinyml_course.mcu.flash import FlashUse
from tinyml_course.models import definition, random_graph

GRAPH = random_graph(definition("vww0@64"))


@pytest.mark.parametrize("name", BOARDS)
def test_used_and_free_add_up_to_the_board(name: str) -> None:
    planned, target = plan(GRAPH), board(name)
    costs = report(planned, target)
    assert costs.sram_peak_bytes == planned.peak_bytes
    assert costs.sram_peak_bytes + costs.sram_free_bytes == target.sram_bytes
    parts = costs.flash_constants_bytes, costs.flash_descriptions_bytes, costs.flash_code_bytes
    assert costs.flash_used_bytes == sum(parts) == planned.flash_bytes
    assert not costs.flash_measured
    assert costs.flash_used_bytes + costs.flash_free_bytes == target.flash_bytes
    assert costs.macs == count_macs(GRAPH)
    assert costs.params == count_params(GRAPH)
    assert GRAPH.operators[costs.peak_step].name == costs.peak_operator
    assert costs.sram_lower_bound_bytes <= costs.sram_peak_bytes
    assert json.loads(json.dumps(costs.to_dict())) == costs.to_dict()


@pytest.mark.parametrize("name", ["stm32h743", "nrf52840"])
def test_the_table_fits_a_terminal(name: str) -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    target = board(name)
    console.print(cost_table(report(plan(GRAPH, policy="tinyengine"), target), target))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert "ms" in text
    assert "mJ" in text
    assert "60,800 B" in text


def test_an_image_that_was_built_stands_for_the_estimate() -> None:
    planned, target = plan(GRAPH), board("stm32h743")
    built = FlashUse(planned.constants_bytes, 4_000, 20_000, 300, measured=True)
    costs = report(planned, target, built)
    assert costs.flash_used_bytes == planned.constants_bytes + 24_300
    assert costs.flash_free_bytes == target.flash_bytes - costs.flash_used_bytes
    assert costs.flash_measured
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(cost_table(costs, target))
    text = console.export_text()
    for words in ("image, built", "4,000 B", "20,000 B", "300 B", "self-test", "layers"):
        assert words in text


def test_kib_is_1024_bytes() -> None:
    assert kib(1024) == "1.0 KiB"
    assert kib(1_500_000) == "1,464.8 KiB"
