"""Families of networks, against torchvision's."""

import importlib

import pytest

from tinyml_course.errors import GraphError
from tinyml_course.models import compact, definition, make_divisible, mobilenet_v2
from tinyml_course.torchvision_repair import import_torchvision


def test_mobilenet_v2_at_035_is_the_network_of_the_zoo() -> None:
    ours, zoo = mobilenet_v2(0.35, 64), definition("mbv2@64")
    assert ours.stem == zoo.stem
    assert ours.blocks == zoo.blocks
    assert ours.resolution == zoo.resolution
    assert ours.classes == zoo.classes


@pytest.mark.parametrize("width", [0.1, 0.35, 0.5, 0.75, 1.0, 1.4])
def test_mobilenet_v2_has_the_channels_of_torchvision(width: float) -> None:
    import torch

    import_torchvision()
    models = pytest.importorskip("torchvision.models")
    theirs = models.mobilenet_v2(weights=None, width_mult=width)
    ours = mobilenet_v2(width)
    inverted = list(theirs.features)[1:-1]
    assert theirs.features[0][0].out_channels == ours.stem.c_out
    assert len(inverted) == len(ours.blocks)
    for block, module in zip(ours.blocks, inverted, strict=True):
        convs = [m for m in module.modules() if isinstance(m, torch.nn.Conv2d)]
        assert (convs[0].in_channels, convs[-1].out_channels) == (block.c_in, block.c_out)
        assert convs[-1].in_channels == block.c_mid
        assert convs[-2].stride == (block.stride, block.stride)
        assert module.use_res_connect == block.residual
        assert (len(convs) == 3) == block.has_expansion
    if width >= 1:  # below, torchvision keeps 1280 channels
        assert theirs.last_channel == ours.head_mix


@pytest.mark.parametrize("divisor", [4, 8])
def test_make_divisible_is_that_of_torchvision(divisor: int) -> None:
    import_torchvision()
    theirs = importlib.import_module("torchvision.models._utils")._make_divisible
    for tenths in range(1, 4000, 7):
        channels = tenths / 10
        rounded = make_divisible(channels, divisor)
        assert rounded == theirs(channels, divisor)
        assert rounded % divisor == 0
        assert rounded >= 0.9 * channels


@pytest.mark.parametrize("width", [0, -1.0])
def test_a_width_is_positive(width: float) -> None:
    with pytest.raises(GraphError, match="width"):
        mobilenet_v2(width)
    with pytest.raises(GraphError, match="width"):
        compact(8, 1, 10, width)


def test_a_compact_network_keeps_small_images_whole_at_first() -> None:
    assert compact(8, 1, 10).stem.stride == 1
    assert compact(32, 3, 2).stem.stride == 2
    assert compact(8, 1, 10).stem.c_in == 1
    with pytest.raises(GraphError, match="resolution >= 4"):
        compact(3, 1, 10)
