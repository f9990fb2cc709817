"""The bar charts of the story: each bar as long as its result says."""

import pytest
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation

from tinyml_course.errors import FirmwareError
from tinyml_course.firmware.cycles import CLASSES, InstructionMix, estimate_cycles
from tinyml_course.firmware.machine import Execution
from tinyml_course.firmware.story import STEPS, StepResult
from tinyml_course.plots.optimisation_story import change, optimisation_story

MACS = 1000


def result(
    name: str, title: str, steps: tuple[str, ...], instructions: int, sram: int, macs: int = MACS
) -> StepResult:
    mix = InstructionMix({c: instructions if c == "alu" else 0 for c in CLASSES}, 0, 0, 0, 0)
    run = Execution(0, 0, 0, 0, 0, instructions, {}, {}, {"all": mix})
    estimate = estimate_cycles(run, "cortex-m7")
    return StepResult(name, title, steps, run, macs, estimate, sram, 0, 0, 0)


RESULTS = [
    result("interpreter", "interpreter", (), 14_000, 8192),
    result("codegen", "code generation", ("codegen",), 7000, 8192),
    result("fusion", "operator fusion", ("codegen", "fusion"), 7700, 2048),
    result("course", "the course's kernels", tuple(STEPS), 2000, 1024),
]


def test_bars_are_the_results() -> None:
    left, right = optimisation_story(RESULTS).figure.axes
    for axes, values in ((left, [14, 7, 7.7, 2]), (right, [8, 8, 2, 1])):
        bars = [p for p in axes.patches if isinstance(p, Rectangle)]
        assert [bar.get_width() for bar in bars] == pytest.approx(values)
        assert [round(bar.get_y() + bar.get_height() / 2) for bar in bars] == [0, 1, 2, 3]
        assert axes.get_xlim()[1] > max(values)
    assert left.yaxis_inverted()


def test_steps_that_add_are_named_so() -> None:
    left, _ = optimisation_story(RESULTS).figure.axes
    labels = [label.get_text() for label in left.get_yticklabels()]
    assert labels == [
        "interpreter", "+ code generation", "+ operator fusion", "the course's kernels"
    ]  # fmt: skip


def test_numbers_and_changes_stand_behind_the_bars() -> None:
    left, right = optimisation_story(RESULTS).figure.axes
    texts = [
        [t.get_text().strip() for t in axes.texts if isinstance(t, Annotation)]
        for axes in (left, right)
    ]
    assert texts[0] == ["14.00", "7.00", "÷ 2.00", "7.70", "× 1.10", "2.00", "÷ 3.85"]
    assert texts[1] == ["8.0", "8.0", "2.0", "÷ 4.00", "1.0", "÷ 2.00"]


@pytest.mark.parametrize(
    ("before", "now", "text"),
    [(10, 5, "÷ 2.00"), (5, 10, "× 2.00"), (100, 100.4, ""), (100, 99.6, ""), (100, 99, "÷ 1.01")],
)
def test_changes(before: float, now: float, text: str) -> None:
    assert change(before, now) == text


def test_words_name_every_step() -> None:
    picture = optimisation_story(RESULTS)
    for r in RESULTS:
        assert f"{r.title}: {r.instructions_per_mac:.2f} instructions per MAC" in picture.alt
        assert f"{r.sram_bytes:,} bytes" in picture.alt
    title = picture.figure.get_suptitle()
    assert title == "7.0 times fewer instructions, 8.0 times less SRAM"


def test_nothing_and_two_networks_are_errors() -> None:
    with pytest.raises(FirmwareError, match="no steps"):
        optimisation_story([])
    other = result("codegen", "code generation", ("codegen",), 1, 1, macs=7)
    with pytest.raises(FirmwareError, match="different networks"):
        optimisation_story([RESULTS[0], other])
