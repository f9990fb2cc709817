"""Overhead of patches against a count by formula."""

import pytest

from tinyml_course.errors import ScheduleError
from tinyml_course.models import NetworkDefinition, Stem, compact, random_graph
from tinyml_course.patching import patch_overhead, stage_overhead


def test_one_patch_costs_nothing() -> None:
    graph = random_graph(compact(32, 3, 2))
    assert patch_overhead(graph, "block1.project", 1, 1) == 0
    assert stage_overhead(graph, "block1.project", 1, 1) == 0


def test_a_stem_alone_computes_nothing_again() -> None:
    graph = random_graph(NetworkDefinition("stem@16", 16, Stem(3, 8, 3, 2), (), None, 2))
    assert patch_overhead(graph, "stem", 2, 4) == 0


def test_the_overhead_of_two_by_one_patches_by_hand() -> None:
    graph = random_graph(compact(32, 3, 2))
    # block0's depthwise needs one more row of the stem's 16 on each side of the cut
    stem, depthwise, project = 16 * 16 * 27 * 16, 16 * 16 * 9 * 16, 16 * 16 * 16 * 8
    again = 2 * 16 * 27 * 16
    assert stage_overhead(graph, "block0.project", 2, 1) == pytest.approx(
        again / (stem + depthwise + project)
    )
    macs = sum(operator.macs(graph.inputs_of(operator)) for operator in graph.operators)
    assert patch_overhead(graph, "block0.project", 2, 1) == pytest.approx(again / macs)


def test_more_patches_cost_more_and_the_stage_bears_it_all() -> None:
    graph = random_graph(compact(32, 3, 2))
    overheads = [patch_overhead(graph, "block1.project", n, n) for n in (1, 2, 4, 8)]
    assert overheads == sorted(set(overheads))
    assert stage_overhead(graph, "block1.project", 4, 4) > overheads[2]


def test_a_stage_that_does_not_exist() -> None:
    graph = random_graph(compact(32, 3, 2))
    with pytest.raises(ScheduleError, match="no operator 'block9"):
        patch_overhead(graph, "block9.project", 2, 2)
    with pytest.raises(ScheduleError, match="8 x 8 pixels"):
        patch_overhead(graph, "block1.project", 9, 2)
