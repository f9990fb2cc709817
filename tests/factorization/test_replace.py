"""A network with split layers: the rest untouched, and what it saves read off the graph."""

import pytest
import torch
from torch import nn

from tinyml_course.errors import CompressionError, UnknownNameError
from tinyml_course.factorization import SPLITS, factorize
from tinyml_course.graph import count_macs, from_torch


def network() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(4, 16, 3, padding=1),
            nn.ReLU(),
            nn.Sequential(nn.Conv2d(16, 16, 3, 2, 1), nn.ReLU()),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(16, 10),
        ).eval()


def images() -> torch.Tensor:
    return torch.rand(4, 4, 8, 8, generator=torch.Generator().manual_seed(1))


def test_only_the_named_layers_change() -> None:
    model, x = network(), images()
    before = model(x)
    split = factorize(model, {"2.0": ("spatial", 48)})  # full rank
    torch.testing.assert_close(split(x), before, rtol=1e-4, atol=1e-5)
    assert torch.equal(model(x), before)
    assert not split[2][0].training
    assert isinstance(model[2][0], nn.Conv2d)


@pytest.mark.parametrize(
    ("way", "layer", "rank", "macs"),
    [
        # 8x8 in, 4x4 out, 16 channels on both sides, 3x3: 36,864 MACs before.
        ("channels", "2.0", 4, 16 * (16 * 9 * 4 + 4 * 16)),
        ("spatial", "2.0", 4, 4 * 8 * 16 * 3 * 4 + 16 * 4 * 3 * 16),
        ("tucker", "2.0", (4, 4), 64 * 16 * 4 + 16 * 4 * 9 * 4 + 16 * 4 * 16),
        ("cp", "2.0", 4, 64 * 16 * 4 + 32 * 3 * 4 + 16 * 3 * 4 + 16 * 4 * 16),
        ("linear", "5", 2, 16 * 2 + 2 * 10),
    ],
)
def test_macs_of_a_split_by_formula(way: str, layer: str, rank: int, macs: int) -> None:
    model, x = network(), images()
    was = 36_864 if layer == "2.0" else 160
    small = factorize(model, {layer: (way, rank)})
    before, after = (count_macs(from_torch(m, x)) for m in (model, small))
    assert after == before - was + macs


def test_every_way_is_tested() -> None:
    assert set(SPLITS) == {"channels", "spatial", "tucker", "cp", "linear"}


def test_bad_names_and_layers() -> None:
    with pytest.raises(UnknownNameError, match="unknown layer 'stem'"):
        factorize(network(), {"stem": ("spatial", 2)})
    with pytest.raises(UnknownNameError, match="unknown split 'svd'"):
        factorize(network(), {"0": ("svd", 2)})
    with pytest.raises(CompressionError, match="0 is a Conv2d; the split 'linear' takes a Linear"):
        factorize(network(), {"0": ("linear", 2)})
