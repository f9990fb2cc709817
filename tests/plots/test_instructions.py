"""Instructions by operator: the bars are what was counted."""

import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from tinyml_course.errors import FirmwareError
from tinyml_course.firmware.c_names import c_names
from tinyml_course.firmware.machine import Execution
from tinyml_course.graph.operators import Reshape
from tinyml_course.mcu import plan
from tinyml_course.models import compact, random_graph
from tinyml_course.plots.instructions import KIND_COLOURS, instructions_per_operator

GRAPH = random_graph(compact(8, 1, 10))
PLAN = plan(GRAPH)
NAMES = c_names([o.name for o in GRAPH.operators])
COUNTED = {
    NAMES[o.name]: 1000 * (i + 1)
    for i, o in enumerate(GRAPH.operators)
    if not isinstance(o, Reshape)
}
TOTAL = sum(COUNTED.values()) + 70
EXECUTION = Execution(0, 0, 0, 0, 0, TOTAL, {}, COUNTED, {})
ROWS = [o for o in GRAPH.operators if NAMES[o.name] in COUNTED]


def test_bars_are_the_instructions_in_order() -> None:
    (axes,) = instructions_per_operator(EXECUTION, PLAN).figure.axes
    bars = [p for p in axes.patches if isinstance(p, Rectangle)]
    assert [bar.get_width() * 1e3 for bar in bars] == pytest.approx([*COUNTED.values()])
    assert [label.get_text() for label in axes.get_yticklabels()] == [o.name for o in ROWS]
    bottom, top = axes.get_ylim()
    assert bottom > top  # the first operator stands above


def test_colours_are_the_kinds() -> None:
    (axes,) = instructions_per_operator(EXECUTION, PLAN).figure.axes
    kinds = {
        "stem": "convolution",
        "block0.depthwise": "depthwise",
        "block0.project": "1x1 or linear",
        "classifier": "1x1 or linear",
        "pool": "other",
    }
    bars = dict(zip([o.name for o in ROWS], axes.patches, strict=True))
    for name, kind in kinds.items():
        assert to_hex(bars[name].get_facecolor()).lower() == KIND_COLOURS[kind].lower()
    legend = axes.get_legend()
    assert legend is not None
    assert {text.get_text() for text in legend.get_texts()} == {*KIND_COLOURS}


def test_operators_that_multiply_say_how_dear() -> None:
    (axes,) = instructions_per_operator(EXECUTION, PLAN).figure.axes
    texts = [text.get_text().strip() for text in axes.texts]
    macs = [(COUNTED[NAMES[o.name]], o.macs(GRAPH.inputs_of(o))) for o in ROWS]
    assert texts == [f"{count / m:.2f} per MAC" for count, m in macs if m]


def test_words_name_the_busiest() -> None:
    picture = instructions_per_operator(EXECUTION, PLAN)
    last = ROWS[-1]
    count = COUNTED[NAMES[last.name]]
    assert f"{last.name} with {count:,} ({count / TOTAL:.0%})" in picture.alt
    assert ROWS[0].name not in picture.alt
    assert f"{TOTAL:,} in all" in picture.alt


def test_another_networks_plan_is_an_error() -> None:
    with pytest.raises(FirmwareError, match="none of the operators"):
        instructions_per_operator(Execution(0, 0, 0, 0, 0, 5, {}, {"conv": 5}, {}), PLAN)
