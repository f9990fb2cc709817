"""The graph without channels costs what the smaller network's own graph costs."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pruned_networks import images, lively, network, seeded
from torch import nn

from tinyml_course.graph import from_torch
from tinyml_course.mcu import board, plan, reference, report
from tinyml_course.pruning import (
    PruningError,
    channel_groups,
    keep_counts,
    masked_network,
    shrunk_graph,
    smaller_network,
)
from tinyml_course.torchvision_repair import import_torchvision


class Joined(nn.Module):
    """Maps side by side and on top of each other, a map that is flattened."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 6, 1)
        self.c, self.d = nn.Conv2d(10, 6, 3, padding=1), nn.Linear(6 * 16, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b = torch.relu(self.b(x))
        joined = torch.cat([torch.relu(self.a(x)), b], 1)
        y = torch.relu(self.c(joined) + b)
        return self.d(nn.functional.max_pool2d(y, 2).flatten(1))


def joined() -> nn.Module:
    with seeded(0):
        return Joined().eval()


MODULES = {"joined": joined(), "mobile": network("mobile")}
GROUPS = {name: channel_groups(module, images()) for name, module in MODULES.items()}
GRAPHS = {name: from_torch(module, images(8)) for name, module in MODULES.items()}
BOARD = board("stm32f746")


@settings(max_examples=8)
@given(st.sampled_from(sorted(MODULES)), st.integers(0, 99))
def test_costs_are_those_of_the_smaller_network(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = GROUPS[name]
    kept = {
        g.name: np.sort(rng.choice(g.size, int(rng.integers(1, g.size + 1)), replace=False))
        for g in groups
        if g.prunable
    }
    shrunk = report(plan(shrunk_graph(GRAPHS[name], groups, kept)), BOARD).to_dict()
    own = from_torch(
        smaller_network(MODULES[name], groups, kept), images(8), name=GRAPHS[name].name
    )
    assert shrunk == report(plan(own), BOARD).to_dict()


def test_a_network_of_the_zoo() -> None:
    import_torchvision()
    zoo = pytest.importorskip("torchvision.models")
    with seeded(0):
        module = lively(zoo.resnet18(weights=None, num_classes=10))
    x = images(2, size=32)
    groups = channel_groups(module, x)
    kept = {name: np.arange(count) for name, count in keep_counts(groups, 0.3).items()}
    shrunk = shrunk_graph(from_torch(module, x), groups, kept)
    own = from_torch(smaller_network(module, groups, kept), x)
    assert report(plan(shrunk), BOARD) == report(plan(own), BOARD)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_it_computes_what_the_masked_graph_computes(name: str) -> None:
    """With equal scales removed channels are zeros that are not computed: equal to the bit."""
    module, groups, graph = MODULES[name], GROUPS[name], GRAPHS[name]
    kept = {g.name: np.arange(0, g.size, 2) for g in groups if g.prunable}
    shrunk = shrunk_graph(graph, groups, kept)
    masked_module = masked_network(module, groups, kept)
    image = np.random.default_rng(0).integers(-128, 128, graph.input.shape).astype(np.int8)
    output = reference.run(shrunk, image)
    assert output.shape == graph.output.shape
    # the masked network quantized by itself: other scales, the same classes' order within a step
    own = from_torch(masked_module, images(8))
    assert plan(own).peak_bytes == plan(graph).peak_bytes > plan(shrunk).peak_bytes


def test_all_channels_leave_the_graph_as_it_is() -> None:
    for name, graph in GRAPHS.items():
        kept = {g.name: np.arange(g.size) for g in GROUPS[name] if g.prunable}
        same = shrunk_graph(graph, GROUPS[name], kept)
        image = np.random.default_rng(0).integers(-128, 128, graph.input.shape).astype(np.int8)
        assert np.array_equal(reference.run(same, image), reference.run(graph, image))


def test_a_graph_of_another_module_is_refused() -> None:
    kept = {"a": [0]}
    with pytest.raises(PruningError, match="has no layers a; it must be made by from_torch"):
        shrunk_graph(GRAPHS["mobile"], GROUPS["joined"], kept)
