"""The baselines' published sizes, and the torch modules against the int8 graphs."""

import pytest
import torch

from tinyml_course.errors import UnknownNameError
from tinyml_course.graph import costs, count_macs, count_params, from_torch
from tinyml_course.models import random_resnet, random_small_cifar
from tinyml_course.models.torch_baselines import resnet, small_cifar


def work(graph) -> list[tuple[str, int, int]]:
    return [(c.kind, c.macs, c.params) for c in costs(graph) if c.macs]


def test_small_cifar_by_formula() -> None:
    graph = random_small_cifar()
    convs = ((32, 3, 32), (16, 32, 32), (8, 32, 64))  # rows of the map, channels in and out
    macs = sum(n * n * c_out * 25 * c_in for n, c_in, c_out in convs) + 1024 * 10
    params = sum(c_out * (25 * c_in + 1) for _, c_in, c_out in convs) + 10 * 1025
    assert (count_macs(graph), count_params(graph)) == (macs, params)


def test_small_cifar_in_torch_is_the_same_network() -> None:
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert work(from_torch(small_cifar(0).eval(), images)) == work(random_small_cifar())


@pytest.mark.parametrize(
    ("depth", "million_macs", "million_params"),
    # He et al. 2015 and torchvision: 1.8 and 4.1 GMAC, 11.69 M and 25.56 M with batch norm.
    [(18, 1814, 11.68), (50, 4089, 25.53)],
)
def test_published_resnets(depth: int, million_macs: float, million_params: float) -> None:
    graph = random_resnet(depth)
    assert count_macs(graph) / 1e6 == pytest.approx(million_macs, abs=0.5)
    assert count_params(graph) / 1e6 == pytest.approx(million_params, abs=0.01)


def test_resnet18_in_torch_is_the_same_network() -> None:
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    converted = from_torch(resnet(18, 10, seed=0).eval(), images)
    # torchvision runs the shortcut after the branch, the int8 graph too; the sums are the same.
    assert sorted(work(converted)) == sorted(work(random_resnet(18, 32, 10)))


def test_the_seed_decides_the_weights_and_leaves_torch_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first, again, other = (small_cifar(seed).conv0.weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("make", [random_resnet, lambda depth: resnet(depth, 10, seed=0)])
def test_another_depth_is_refused(make) -> None:
    with pytest.raises(UnknownNameError, match="Known: 18, 50"):
        make(34)
