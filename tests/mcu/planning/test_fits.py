"""Does it fit, and if not: the operator, the bytes, and remedies that were tried."""

import dataclasses

import pytest

from tinyml_course.errors import DoesNotFitError
from tinyml_course.mcu import BOARDS, POLICIES, Board, board, plan
from tinyml_course.models import definition, random_graph

GRAPH = random_graph(definition("vww1@80"))
PLAN = plan(GRAPH, policy="tinyengine")
ROOMY = board("stm32h743")


def with_memory(sram_bytes: int, flash_bytes: int = ROOMY.flash_bytes) -> Board:
    return dataclasses.replace(ROOMY, name="mine", sram_bytes=sram_bytes, flash_bytes=flash_bytes)


def test_a_plan_that_just_fits_fits() -> None:
    exact = with_memory(PLAN.peak_bytes, PLAN.flash_bytes)
    assert plan(GRAPH, exact, "tinyengine").buffers == PLAN.buffers


def test_one_byte_of_sram_less_does_not_fit() -> None:
    with pytest.raises(DoesNotFitError) as caught:
        plan(GRAPH, with_memory(PLAN.peak_bytes - 1), "tinyengine")
    error = caught.value
    assert error.memory == "SRAM"
    assert error.operator == PLAN.peak_step.operator
    assert error.step == PLAN.peak_step.index
    assert (error.needed_bytes, error.available_bytes) == (PLAN.peak_bytes, PLAN.peak_bytes - 1)
    assert error.missing_bytes == 1
    for part in (error.operator, f"step {error.step}", "93,992 B", "1 B more", "93,991 B", "mine"):
        assert part in str(error)


def test_one_byte_of_flash_less_does_not_fit() -> None:
    with pytest.raises(DoesNotFitError) as caught:
        plan(GRAPH, with_memory(ROOMY.sram_bytes, PLAN.flash_bytes - 1), "tinyengine")
    error = caught.value
    assert error.memory == "flash"
    assert error.missing_bytes == 1
    sizes = {o.name: PLAN.flash.bytes_of(o.name) for o in GRAPH.operators}
    assert sizes[error.operator] == max(sizes.values())
    assert GRAPH.operators[error.step].name == error.operator


@pytest.mark.parametrize("sram_bytes", [PLAN.peak_bytes - 1, 70_000, 40_000, 1_000])
@pytest.mark.parametrize("flash_bytes", [ROOMY.flash_bytes, 500_000])
def test_every_remedy_helps(sram_bytes: int, flash_bytes: int) -> None:
    """A named policy makes it fit on this board, a named board takes this plan."""
    small = with_memory(sram_bytes, flash_bytes)
    with pytest.raises(DoesNotFitError) as caught:
        plan(GRAPH, small, "tinyengine")
    named = [remedy.split() for remedy in caught.value.remedies]
    for remedy in named:
        if remedy[0] == "policy":
            plan(GRAPH, small, remedy[1])
        if remedy[0] == "board":
            plan(GRAPH, BOARDS[remedy[1]], "tinyengine")
    policies = {r[1] for r in named if r[0] == "policy"}
    for policy in POLICIES:
        fits = plan(GRAPH, policy=policy)
        on_small = fits.peak_bytes <= sram_bytes and fits.flash_bytes <= flash_bytes
        assert (policy in policies) == (on_small and policy != "tinyengine")
    assert {r[1] for r in named if r[0] == "board"} == {
        name
        for name, other in BOARDS.items()
        if PLAN.peak_bytes <= other.sram_bytes and PLAN.flash_bytes <= other.flash_bytes
    }
    assert any("channels" in remedy for remedy in caught.value.remedies)


def test_remedies_are_in_the_message() -> None:
    with pytest.raises(DoesNotFitError, match=r"what helps: .*board stm32f746"):
        plan(GRAPH, with_memory(1_000), "tinyengine")
