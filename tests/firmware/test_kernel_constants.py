"""Channels of one output byte: found by proof, replaced, packed for the quick kernels."""

import numpy as np
import pytest
from public_files import models_folder

from tinyml_course.firmware.kernels.channel_numbers import (
    ChannelNumbers,
    channel_numbers,
    plain_constants_of,
)
from tinyml_course.firmware.kernels.conv_layer import conv_layer, packed_conv
from tinyml_course.firmware.kernels.depthwise_packing import pack_depthwise, pack_narrow
from tinyml_course.graph import from_tflite
from tinyml_course.graph.fixed_point import multiply_by_quantized_multiplier
from tinyml_course.graph.operators import Conv2D

LIMITS = [(-128, 127), (-5, 127), (-128, -100), (3, 60)]


def outputs(
    numbers: ChannelNumbers, x: np.ndarray, zero_point: int, limits: tuple[int, int]
) -> np.ndarray:
    """Bytes of a layer for int8 inputs ``(N, taps)``, by the formula."""
    sums = (x.astype(np.int64) - numbers.zero_point) @ numbers.rows().T + numbers.bias
    scaled = multiply_by_quantized_multiplier(sums, numbers.multiplier, numbers.shift)
    return np.clip(scaled + zero_point, *limits)


def draw(rng: np.random.Generator, channels: int) -> ChannelNumbers:
    """Channels of all sorts: alive, saturated at either end, dead with huge biases."""
    taps = int(rng.integers(1, 9))
    weight = rng.integers(-127, 128, (channels, 1, 1, taps)).astype(np.int8)
    weight[rng.random(channels) < 0.3] = 0
    bias = rng.integers(-20_000, 20_000, channels)
    far = rng.random(channels) < 0.5
    bias[far] = rng.choice([-(2**30), 2**30, -(2**30) - 64, 2**22], far.sum())
    return ChannelNumbers(
        weight,
        bias.astype(np.int32),
        rng.integers(2**30, 2**31, channels).astype(np.int32),
        rng.choice([-31, -27, -22, -12, -9, -3, 0], channels).astype(np.int32),
        int(rng.integers(-128, 128)),
    )


@pytest.mark.parametrize("seed", range(40))
def test_every_input_gives_the_same_byte(seed: int) -> None:
    rng = np.random.default_rng(seed)
    numbers, limits = draw(rng, 60), LIMITS[seed % len(LIMITS)]
    zero_point = int(rng.integers(limits[0], limits[1] + 1))
    plain = plain_constants_of(numbers, zero_point, limits)
    taps = numbers.weight.shape[3]
    x = rng.choice(np.array([-128, 127, -1, 40], np.int8), (300, taps))
    # The inputs at which the sums are least and largest.
    rows = numbers.rows()
    ends = np.concatenate([np.where(rows > 0, 127, -128), np.where(rows > 0, -128, 127)])
    x = np.concatenate([x, ends])
    before = outputs(numbers, x, zero_point, limits)
    assert np.array_equal(before, outputs(plain, x, zero_point, limits))
    replaced = (plain.bias != numbers.bias) | (plain.shift != numbers.shift)
    constant = np.all(before == before[0], axis=0)
    # Nothing that moves is replaced, and all that is constant at both ends is.
    assert not replaced[~constant].any()
    assert constant.any()
    assert not plain.weight[constant].any()
    assert np.all(np.abs(plain.bias[constant]) <= 4 * 255)
    assert np.all(plain.shift[constant] == -1)


def test_dead_channels_do_not_keep_a_layer_from_the_quick_kernels() -> None:
    rng = np.random.default_rng(0)
    weight = rng.integers(-127, 128, (8, 3, 3, 1)).astype(np.int8)
    weight[3] = 0
    bias = np.zeros(8, np.int32)
    bias[3] = -(2**30)
    shift = np.full(8, -9, np.int32)
    shift[3] = -27
    numbers = ChannelNumbers(weight, bias, np.full(8, 2**30, np.int32), shift, 4)
    assert packed_conv(numbers) is None
    assert pack_depthwise(numbers, "3x3") is None
    assert pack_narrow(numbers) is None
    plain = plain_constants_of(numbers, -128, (-128, 127))
    for packed in (packed_conv(plain), pack_depthwise(plain, "3x3"), pack_narrow(plain)):
        assert packed is not None
        assert packed.weights.nbytes == weight.nbytes


def test_a_trained_network_with_many_dead_channels_is_quick() -> None:
    path = models_folder() / "vww_96_int8.tflite"
    if not path.is_file():
        pytest.skip(f"no {path}; set TINYML_TEST_MODELS to a folder with the public files")
    graph = from_tflite(path)
    convolutions = [o for o in graph.operators if isinstance(o, Conv2D)]
    dead = [np.count_nonzero(channel_numbers(graph, o).multiplier == 2**30) for o in convolutions]
    assert sum(dead) > 900
    functions = {conv_layer(graph, o).function for o in convolutions}
    assert functions == {"tinyml_conv", "tinyml_pointwise"}
