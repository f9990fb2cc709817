"""The columns show the flow's rows, and say so in words."""

import numpy as np
import pytest
from hypothesis import given
from random_schedules import schedules

from tinyml_course.errors import ScheduleError
from tinyml_course.graph import Graph
from tinyml_course.mcu.scheduling import RowFlow, Schedule, Stream
from tinyml_course.models import compact, random_graph
from tinyml_course.plots.row_states import RowHistory, rows_at
from tinyml_course.plots.rows import (
    STATE_COLOURS,
    RowColumns,
    output_steps,
    rows_figure,
    rows_in_words,
    rows_picture,
    rows_strip,
)

GRAPH = random_graph(compact(16, 1, 10))


def stage(first: str, last: str, graph: Graph = GRAPH) -> RowFlow:
    units = Schedule(graph, [Stream(first, last)]).units
    flow = next(unit.flow for unit in units if unit.flow is not None)
    assert isinstance(flow, RowFlow)
    return flow


FLOW = stage("stem", "block2.add")
HISTORY = RowHistory(FLOW)


def shown(columns: RowColumns) -> dict[str, list[int]]:
    return {name: np.ravel(mesh.get_array()).tolist() for name, mesh in columns.meshes.items()}


@pytest.mark.parametrize("step", [0, 7, len(FLOW.steps) - 1])
def test_the_columns_hold_the_states_of_the_step(step: int) -> None:
    _, columns = rows_figure(HISTORY, step)
    assert shown(columns) == {name: rows.tolist() for name, rows in rows_at(FLOW, step).items()}


def test_columns_that_move_on_are_those_of_the_other_step() -> None:
    _, columns = rows_figure(HISTORY, 0)
    columns.move_to(20)
    assert shown(columns) == {name: rows.tolist() for name, rows in rows_at(FLOW, 20).items()}
    assert len(columns.links) == len(HISTORY.read(20))


def test_a_link_leads_from_the_rows_read_to_the_row_written() -> None:
    flow = stage("block1.expand", "block1.depthwise")
    step = output_steps(RowHistory(flow), 3)[1]
    _, columns = rows_figure(RowHistory(flow), step)
    (link,) = columns.links
    height = flow.stage.size("block1.expand")[0]
    rows = flow.reads(flow.steps[step])
    made = flow.steps[step].row
    corners = link.get_xy()[:4, 1]
    out = flow.stage.size("block1.depthwise")[0]
    assert corners.tolist() == pytest.approx(
        [rows.start / height, made / out, (made + 1) / out, rows.stop / height]
    )


def test_states_have_colours_of_their_own() -> None:
    assert len(set(STATE_COLOURS.values())) == len(STATE_COLOURS)


def test_the_words_tell_the_step_and_the_rings() -> None:
    step = output_steps(HISTORY, 3)[1]
    picture = rows_picture(FLOW, step)
    assert f"stem: ring of {FLOW.ring_rows('stem')} of 8" in picture.alt
    assert "input: whole, 16 rows" in picture.alt
    assert "of block2.add from row" in picture.alt
    assert f"{HISTORY.kept_bytes(step):,} bytes" in picture.alt
    assert f"step {step} of {len(FLOW.steps)}" in picture.figure.axes[0].get_title(loc="left")


@given(schedules())
def test_every_step_has_words(case: tuple[Schedule, np.ndarray]) -> None:
    for unit in case[0].units:
        if isinstance(unit.flow, RowFlow):
            history = RowHistory(unit.flow)
            for step in range(len(unit.flow.steps)):
                name, row = history.written(step)
                assert f"row {row} of {name}" in rows_in_words(history, [step])


def test_the_strip_shows_the_output_grow_from_its_first_row_to_its_last() -> None:
    steps = output_steps(HISTORY, 5)
    rows = [HISTORY.written(step) for step in steps]
    assert rows[0] == ("block2.add", 0)
    assert rows[-1] == ("block2.add", FLOW.stage.size("block2.add")[0] - 1)
    picture = rows_strip(FLOW)
    assert len(picture.figure.axes) == len(steps)
    assert all(f"Step {step}: " in picture.alt for step in steps)


def test_a_zoomed_strip_shows_the_same_part_everywhere() -> None:
    limits = {axes.get_ylim() for axes in rows_strip(FLOW, range(10, 14), zoom=4).figure.axes}
    ((bottom, top),) = limits
    assert bottom - top == pytest.approx(0.25, rel=0.02)  # and a little rim


def test_wrong_steps_and_zooms_are_errors() -> None:
    with pytest.raises(ScheduleError, match="has the steps"):
        rows_picture(FLOW, len(FLOW.steps))
    with pytest.raises(ScheduleError, match="a step at least"):
        rows_strip(FLOW, [])
    with pytest.raises(ScheduleError, match=r"not 0\.5"):
        rows_picture(FLOW, 0, zoom=0.5)


def test_a_sum_over_rows_tells_what_is_added() -> None:
    flow = stage("block4.expand", "pool", random_graph(compact(32, 1, 10)))
    step = next(i for i, s in enumerate(flow.steps) if s.summand is not None)
    assert "is added to row 0 of pool" in rows_picture(flow, step).alt
