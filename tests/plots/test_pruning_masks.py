"""Masks as pictures: every kernel in its place."""

import numpy as np
import pytest

from tinyml_course.plots.pruning_masks import MOST_KERNELS, mask_picture, tiles
from tinyml_course.pruning import PruningError, channel_mask, fine_grained_mask, kernel_mask

W = np.random.default_rng(0).normal(size=(5, 4, 3, 3))


def test_tiles_are_the_kernels_with_a_line_between() -> None:
    mask = fine_grained_mask(W, 0.5)
    laid = tiles(mask)
    assert laid.shape == (5 * 4 - 1, 4 * 4 - 1)
    for out in range(5):
        for into in range(4):
            part = laid[4 * out : 4 * out + 3, 4 * into : 4 * into + 3]
            assert np.array_equal(part == 1, mask[out, into])
    assert (laid[3::4] == -1).all()
    assert (laid[:, 3::4] == -1).all()
    assert (laid == 1).sum() == mask.sum()
    assert (laid == 0).sum() == (~mask).sum()


def test_every_mask_is_drawn_and_told() -> None:
    masks = {
        "fine-grained": fine_grained_mask(W, 0.6),
        "kernel": kernel_mask(W, 0.6),
        "channel": channel_mask(W, 0.6),
        "dense": np.ones(W.shape, bool),
    }
    picture = mask_picture(masks, "conv2")
    shown = [axes for axes in picture.figure.axes if axes.images]
    for axes, mask in zip(shown, masks.values(), strict=True):
        assert np.array_equal(axes.images[0].get_array(), tiles(mask))
    assert "kernel: 60.0% pruned, 12 of 20 kernels" in picture.alt
    assert "channel: 60.0% pruned, 12 of 20 kernels and 3 of 5 output channels empty" in picture.alt
    assert "dense: 0.0% pruned, 0 of 20" in picture.alt


def test_of_large_layers_a_part_is_drawn_and_all_is_told() -> None:
    mask = np.ones((40, 30, 3, 3), bool)
    mask[20:] = False
    picture = mask_picture({"channel": mask})
    drawn = picture.figure.axes[0].images[0].get_array()
    assert drawn.shape == (4 * MOST_KERNELS - 1, 4 * MOST_KERNELS - 1)
    assert "50.0% pruned, 600 of 1200 kernels and 20 of 40" in picture.alt
    title = picture.figure.get_suptitle()
    assert f"output channels: {MOST_KERNELS} of 40, input channels: {MOST_KERNELS} of 30" in title
    whole = mask_picture({"channel": mask[:MOST_KERNELS, :MOST_KERNELS]}, "conv2")
    assert whole.figure.get_suptitle() == "conv2"


def test_what_is_no_mask_of_a_convolution_is_refused() -> None:
    for masks in ({}, {"a": np.ones((2, 2), bool)}, {"a": np.ones((0, 2, 3, 3), bool)}):
        with pytest.raises(PruningError, match="masks of one shape"):
            mask_picture(masks)
    with pytest.raises(PruningError, match="masks of one shape"):
        mask_picture({"a": np.ones((1, 1, 3, 3), bool), "b": np.ones((1, 1, 1, 1), bool)})
