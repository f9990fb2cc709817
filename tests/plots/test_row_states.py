"""The states of rows are those of the flow: its order, its rings, its lifetimes."""

import numpy as np
import pytest
from hypothesis import given
from random_schedules import schedules

from tinyml_course.errors import ScheduleError
from tinyml_course.mcu.scheduling import ARRIVAL, RowFlow, Schedule, Stream
from tinyml_course.models import compact, random_graph
from tinyml_course.plots.row_states import RowHistory, RowState, rows_at

GRAPH = random_graph(compact(16, 1, 10))


def stage(last: str = "block2.add", fed: bool = False) -> RowFlow:
    schedule = Schedule(GRAPH, [Stream("stem", last)], "fed" if fed else "memory")
    flow = schedule.units[0].flow
    assert isinstance(flow, RowFlow)
    return flow


def written_out(flow: RowFlow, name: str, row: int, step: int) -> RowState:
    """The state of a row by its definition, looking through all steps."""
    graph, operators = flow.stage.graph, flow.stage.operators
    maps = [
        flow.stage.source if s.operator == ARRIVAL else operators[s.operator].outputs[0]
        for s in flow.steps
    ]
    made = [i for i, s in enumerate(flow.steps) if maps[i] == name and s.row == row]
    read = [
        i
        for i, s in enumerate(flow.steps)
        if s.operator != ARRIVAL
        and name in [t.name for t in graph.activations_of(operators[s.operator])]
        and row in flow.reads(s)
    ]
    there_from_the_start = name == flow.stage.source and not flow.fed
    if not there_from_the_start and (not made or made[-1] > step):
        return RowState.AHEAD
    if made and made[-1] == step:
        return RowState.WRITTEN
    if step in read:
        return RowState.READ
    later = name == flow.stage.output or any(i > step for i in read)
    return RowState.KEPT if later else RowState.DEAD


@pytest.mark.parametrize("fed", [False, True])
def test_every_row_has_the_state_of_the_definition(fed: bool) -> None:
    flow = stage(fed=fed)
    for step in range(0, len(flow.steps), 3):
        for name, rows in rows_at(flow, step).items():
            expected = [written_out(flow, name, row, step) for row in range(len(rows))]
            assert rows.tolist() == expected


@given(schedules())
def test_the_rows_needed_span_the_ring_and_live_as_long_as_the_flow_says(
    case: tuple[Schedule, np.ndarray],
) -> None:
    for unit in case[0].units:
        if not isinstance(unit.flow, RowFlow):
            continue
        flow, history = unit.flow, RowHistory(unit.flow)
        states = [history.at(step) for step in range(len(flow.steps))]
        inside = history.maps[:-1] if flow.fed else history.maps[1:-1]
        for name in inside:
            needed = [np.flatnonzero(s[name] >= RowState.KEPT) for s in states]
            span = max((int(rows[-1] - rows[0] + 1) for rows in needed if rows.size), default=0)
            assert span == flow.ring_rows(name)
            assert [rows.size > 0 for rows in needed] == flow.live(name).tolist()


def test_an_image_in_sram_is_there_from_the_start_and_the_output_stays() -> None:
    flow = stage()
    first, last = rows_at(flow, 0), rows_at(flow, len(flow.steps) - 1)
    assert RowState.AHEAD not in first["input"]
    assert set(last["block2.add"]) == {RowState.KEPT, RowState.WRITTEN}


def test_a_fed_image_arrives_row_by_row() -> None:
    first = rows_at(stage(fed=True), 0)["input"]
    assert first.tolist() == [RowState.WRITTEN] + [RowState.AHEAD] * (len(first) - 1)


def test_the_rows_needed_never_exceed_the_rings() -> None:
    history = RowHistory(stage(fed=True))
    kept = [history.kept_bytes(step) for step in range(len(history.flow.steps))]
    assert max(kept) <= history.ring_bytes < history.whole_bytes


@pytest.mark.parametrize("step", [-1, 10**6])
def test_a_step_that_is_not_there_is_named(step: int) -> None:
    flow = stage()
    with pytest.raises(ScheduleError, match=rf"steps 0\.\.{len(flow.steps) - 1}, not {step}"):
        rows_at(flow, step)
