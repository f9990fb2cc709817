"""Sizes, parameters and MACs, against torch and by counting one by one."""

from itertools import product

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from tinyml_course.graph.counting import (
    activation_bytes,
    conv_macs,
    conv_output_size,
    conv_params,
    linear_macs,
)

small = st.integers(1, 9)


@settings(max_examples=150)
@given(small, small, st.integers(1, 5), st.integers(0, 4))
def test_output_size_is_that_of_torch(size: int, kernel: int, stride: int, padding: int) -> None:
    assume(kernel <= size + 2 * padding)
    x, w = torch.zeros(1, 1, size, 1), torch.zeros(1, 1, kernel, 1)
    rows = F.conv2d(x, w, stride=(stride, 1), padding=(padding, 0)).shape[2]
    assert conv_output_size(size, kernel, stride, 2 * padding) == rows


@settings(max_examples=100)
@given(small, small, st.integers(1, 5), st.integers(0, 4))
def test_output_size_counts_the_places_of_the_window(
    size: int, kernel: int, stride: int, padding: int
) -> None:
    assume(kernel <= size + padding)
    places = [p for p in range(0, size + padding, stride) if p + kernel <= size + padding]
    assert conv_output_size(size, kernel, stride, padding) == len(places)


@pytest.mark.parametrize(
    "arguments",
    [(0, 1, 1, 0), (1, 0, 1, 0), (1, 1, 0, 0), (1, 1, 1, -1), (3, 4, 1, 0), (3, 6, 2, 2)],
)
def test_windows_that_do_not_fit_are_refused(arguments: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="kernel"):
        conv_output_size(*arguments)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), small, small, st.booleans())
def test_conv_params_are_those_of_torch(
    per_group_in: int, per_group_out: int, groups: int, k_h: int, k_w: int, bias: bool
) -> None:
    c_in, c_out = per_group_in * groups, per_group_out * groups
    layer = torch.nn.Conv2d(c_in, c_out, (k_h, k_w), groups=groups, bias=bias)
    expected = sum(p.numel() for p in layer.parameters())
    assert conv_params(c_in, c_out, (k_h, k_w), groups, bias) == expected


@pytest.mark.parametrize(("c_in", "c_out", "groups"), [(4, 6, 4), (3, 4, 2), (4, 4, 0)])
def test_channels_must_split_into_groups(c_in: int, c_out: int, groups: int) -> None:
    with pytest.raises(ValueError, match=f"do not split into {groups}"):
        conv_params(c_in, c_out, (3, 3), groups)


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_conv_macs_count_every_multiplication(groups: int) -> None:
    c_in, c_out, kernel, output = 6, 12, (3, 2), (4, 5)
    multiplications = sum(
        1
        for _ in product(
            range(output[0]),
            range(output[1]),
            range(c_out),
            range(kernel[0]),
            range(kernel[1]),
            range(c_in // groups),
        )
    )
    assert conv_macs(output, c_in, c_out, kernel, groups) == multiplications


def test_linear_macs_are_one_per_weight() -> None:
    assert linear_macs(64, 10) == torch.nn.Linear(64, 10, bias=False).weight.numel()


@given(st.lists(small, min_size=1, max_size=4), st.sampled_from([1, 2, 4, 8, 16, 32]))
def test_activation_bytes_round_up_to_whole_bytes(shape: list[int], bits: int) -> None:
    total_bits = torch.zeros(shape).numel() * bits
    got = activation_bytes(shape, bits)
    assert total_bits <= 8 * got < total_bits + 8
