"""Regions of patches: against receptive fields, and MACs against a count pixel by pixel."""

import numpy as np
import pytest
from hypothesis import given, settings
from random_schedules import schedules

from tinyml_course.errors import ScheduleError
from tinyml_course.graph.receptive_field import receptive_fields
from tinyml_course.mcu.scheduling import Patches, PatchFlow, Schedule
from tinyml_course.models import definition, random_graph


def test_the_image_region_of_a_patch_is_its_receptive_field_without_the_border() -> None:
    graph = random_graph(definition("vww1@80"))
    field = receptive_fields(graph)["block1.project"]
    flow = Schedule(graph, [Patches("stem", "block1.project", 3, 2)]).units[0].flow
    assert isinstance(flow, PatchFlow)
    for patch in flow.patches:
        output = patch.regions["block1.project"]
        for span, axis_field in ((output.rows, field.rows), (output.columns, field.columns)):
            first = span[0] * axis_field.step + axis_field.first
            last = (span[1] - 1) * axis_field.step + axis_field.last
            expected = max(first, 0), min(last + 1, 80)
            axis = 0 if span is output.rows else 1
            region = patch.regions["input"]
            assert (region.rows, region.columns)[axis] == expected


@settings(max_examples=200)
@given(schedules())
def test_patches_tile_the_output_and_hold_what_is_read(case: tuple[Schedule, np.ndarray]) -> None:
    for unit in case[0].units:
        if not isinstance(unit.flow, PatchFlow):
            continue
        stage = unit.flow.stage
        covered = np.zeros(stage.size(stage.output), int)
        counted = [0] * len(stage.operators)
        for patch in unit.flow.patches:
            region = patch.regions[stage.output]
            covered[slice(*region.rows), slice(*region.columns)] += 1
            for index, operator in enumerate(stage.operators):
                written = patch.regions[operator.outputs[0]]
                counted[index] += written.pixels
                if not written.pixels:
                    continue
                rows, columns = stage.reaches(index, written)
                for tensor in stage.graph.activations_of(operator):
                    held = patch.regions[tensor.name]
                    if rows.size:
                        assert held.rows[0] <= rows.start
                        assert rows.stop <= held.rows[1]
                    if columns.size:
                        assert held.columns[0] <= columns.start
                        assert columns.stop <= held.columns[1]
        assert (covered == 1).all()
        assert counted == unit.flow.computed_pixels()
        for name in stage.inner:
            pixels = max(patch.regions[name].pixels for patch in unit.flow.patches)
            channels = stage.graph.tensors[name].shape[3]
            assert unit.flow.largest_bytes(name) == pixels * channels


def test_one_patch_repeats_nothing_and_more_repeat_more() -> None:
    graph = random_graph(definition("vww1@80"))
    whole = Schedule(graph).macs
    macs = [Schedule(graph, [Patches("stem", "block3.add", n, n)]).macs for n in (1, 2, 4)]
    assert macs[0] == whole < macs[1] < macs[2]


def test_more_patches_than_pixels_are_refused() -> None:
    graph = random_graph(definition("vww1@80"))
    with pytest.raises(ScheduleError, match=r"20 x 20 pixels.*cannot be cut into 21 x 2 patches"):
        Schedule(graph, [Patches("stem", "block1.project", 21, 2)])
    with pytest.raises(ScheduleError, match="0 x 2"):
        Schedule(graph, [Patches("stem", "block1.project", 0, 2)])
