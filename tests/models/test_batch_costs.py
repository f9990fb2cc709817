"""Costs in batches equal those of the graph and the plan, one by one."""

import numpy as np
import pytest

from tinyml_course.graph import count_macs, count_params
from tinyml_course.mcu import plan
from tinyml_course.mcu.planning.tight import unit_bytes
from tinyml_course.mcu.scheduling import Schedule
from tinyml_course.models import (
    Block,
    NetworkDefinition,
    Stem,
    definitions,
    make_divisible,
    mnasnet,
    mobilenet_v2,
    proxyless_mobile,
    random_graph,
)
from tinyml_course.models.batch_costs import batch_costs

FAMILIES = [mobilenet_v2(0.5, 96, 10), mnasnet(0.35, 80, 10), proxyless_mobile(0.3, 112, 10)]


def any_network(seed: int) -> NetworkDefinition:
    """Blocks of any expansion, kernel, stride and width, sensible or not."""
    rng = np.random.default_rng(seed)
    channels = int(rng.choice([8, 16, 24, 32]))
    stem = Stem(3, channels, int(rng.choice([3, 5])), int(rng.choice([1, 2])))
    blocks = []
    for _ in range(int(rng.integers(1, 10))):
        expansion, stride = int(rng.choice([1, 3, 4, 6])), int(rng.choice([1, 1, 2]))
        c_out, kernel = int(rng.choice([channels, channels, 8, 24, 64])), int(rng.choice([3, 5, 7]))
        residual = stride == 1 and c_out == channels and rng.random() < 0.8
        mid = channels * expansion
        blocks.append(Block(channels, mid, c_out, kernel, stride, bool(residual)))
        channels = c_out
    mix = int(rng.choice([0, 96])) or None
    classes = int(rng.choice([2, 1000]))
    resolution = int(rng.integers(16, 97))
    return NetworkDefinition(f"any{seed}", resolution, stem, tuple(blocks), mix, classes)


def subnet(seed: int) -> NetworkDefinition:
    """One of a TinyNAS search space: kernels 3 to 7, expansion 3 to 6, 2 to 4 blocks a stage."""
    rng = np.random.default_rng(seed)
    width = float(rng.choice([0.2, 0.3, 0.5, 0.75]))
    channels = make_divisible(32 * width)
    stem = Stem(3, channels, 3, 2)
    first = make_divisible(16 * width)
    blocks = [Block(channels, channels, first, 3, 1, False)]
    channels = first
    for base, stage_stride in ((24, 2), (40, 2), (80, 2), (96, 1), (192, 2), (320, 1)):
        c_out = make_divisible(base * width)
        for repeat in range(int(rng.integers(2, 5))):
            stride = stage_stride if repeat == 0 else 1
            mid, kernel = channels * int(rng.choice([3, 4, 6])), int(rng.choice([3, 5, 7]))
            residual = stride == 1 and c_out == channels
            blocks.append(Block(channels, mid, c_out, kernel, stride, residual))
            channels = c_out
    resolution = int(rng.integers(3, 12)) * 16
    return NetworkDefinition(f"subnet{seed}", resolution, stem, tuple(blocks), None, 1000)


@pytest.mark.parametrize(
    "networks",
    [[*definitions().values()], FAMILIES, [any_network(seed) for seed in range(40)]],
    ids=["published", "families", "random"],
)
def test_every_figure_is_the_graphs(networks: list[NetworkDefinition]) -> None:
    costs = batch_costs(networks)
    for index, network in enumerate(networks):
        graph = random_graph(network)
        assert costs.macs[index] == count_macs(graph)
        assert costs.params[index] == count_params(graph)
        assert costs.peak_bytes[index] == max(unit_bytes(Schedule(graph)))


@pytest.mark.parametrize(
    "networks",
    [[*definitions().values()], [subnet(seed) for seed in range(30)]],
    ids=["published", "search space"],
)
def test_in_the_search_space_the_peak_is_the_plans(networks: list[NetworkDefinition]) -> None:
    planned = [plan(random_graph(n), policy="tight").peak_bytes for n in networks]
    np.testing.assert_array_equal(batch_costs(networks).peak_bytes, planned)


def test_a_network_costs_the_same_alone_and_among_longer_ones() -> None:
    networks = [any_network(seed) for seed in range(20)]
    together = batch_costs(networks)
    for index, network in enumerate(networks):
        alone = batch_costs([network])
        for name in ("macs", "params", "peak_bytes"):
            assert getattr(alone, name)[0] == getattr(together, name)[index]
