"""Bits for each layer: within the budget, best where that can be counted, repeatable."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tinyml_course.errors import CompressionError, UnknownNameError
from tinyml_course.quantization import (
    LinearWeightQuantizer,
    QuantizableNetwork,
    hessian_costs,
    hessian_traces,
    least_cost_bits,
    memory_driven_bits,
    search_bits,
    total_bytes,
    weight_bytes,
)

SIZES = {"a": {2: 10, 4: 20, 8: 40}, "b": {2: 100, 4: 200, 8: 400}, "c": {2: 90, 4: 180, 8: 360}}


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict, dict, int]:
    count = draw(st.integers(1, 4))
    weights = [draw(st.integers(1, 40)) for _ in range(count)]
    sizes = {f"l{i}": {bits: n * bits for bits in (2, 4, 8)} for i, n in enumerate(weights)}
    costs = {name: {b: draw(st.integers(0, 50)) for b in table} for name, table in sizes.items()}
    least = sum(table[2] for table in sizes.values())
    return sizes, costs, draw(st.integers(least, 4 * least + 3))


@settings(deadline=None)
@given(tables())
def test_least_cost_is_the_least_of_all_assignments(case: tuple[dict, dict, int]) -> None:
    sizes, costs, budget = case
    bits = least_cost_bits(costs, sizes, budget)
    assert total_bytes(sizes, bits) <= budget
    every = (
        dict(zip(sizes, c, strict=True)) for c in itertools.product((2, 4, 8), repeat=len(sizes))
    )
    best = min(
        sum(costs[n][b] for n, b in each.items())
        for each in every
        if total_bytes(sizes, each) <= budget
    )
    assert sum(costs[n][b] for n, b in bits.items()) == best


@settings(deadline=None)
@given(tables())
def test_the_rule_meets_the_budget_and_takes_no_more_than_it_must(case: tuple) -> None:
    sizes, _, budget = case
    bits = memory_driven_bits(sizes, budget)
    assert total_bytes(sizes, bits) <= budget
    if total_bytes(sizes, dict.fromkeys(sizes, 8)) <= budget:
        assert set(bits.values()) == {8}


def test_the_rule_cuts_the_largest_and_the_earlier_of_two_alike() -> None:
    assert memory_driven_bits(SIZES, 799) == {"a": 8, "b": 4, "c": 8}
    assert memory_driven_bits(SIZES, 599) == {"a": 8, "b": 4, "c": 4}
    assert memory_driven_bits(SIZES, 200) == {"a": 2, "b": 2, "c": 2}
    # b has 0.5 of all bytes, c 0.45: within the margin, and now c comes first.
    turned = {name: SIZES[name] for name in ("a", "c", "b")}
    assert memory_driven_bits(turned, 799) == {"a": 8, "c": 4, "b": 8}
    assert memory_driven_bits(turned, 799, margin=0.0) == {"a": 8, "c": 8, "b": 4}


def test_a_budget_that_cannot_be_met_says_by_how_much() -> None:
    for call in (
        lambda: memory_driven_bits(SIZES, 199),
        lambda: least_cost_bits(SIZES, SIZES, 199),
        lambda: search_bits(SIZES, 199, lambda bits: 0.0, evaluations=1, seed=0, progress=False),
    ):
        with pytest.raises(CompressionError, match="need 200 B with the fewest bits, 1 B more"):
            call()


def test_a_search_finds_the_best_of_few_and_repeats() -> None:
    sizes = {f"l{i}": {2: 20, 4: 40, 8: 80} for i in range(6)}
    worth = np.random.default_rng(0).uniform(0, 1, 6)
    calls = []

    def score(bits: dict[str, int]) -> float:
        assert total_bytes(sizes, bits) <= 240
        calls.append(tuple(bits.values()))
        return float(sum(w * np.log2(b) for w, b in zip(worth, bits.values(), strict=True)))

    first, again = (
        search_bits(sizes, 240, score, evaluations=150, seed=3, progress=False) for _ in range(2)
    )
    assert first == again
    half = len(calls) // 2
    assert len(set(calls[:half])) == half  # no network is scored twice
    assert list(first.history) == sorted(first.history)
    assert first.history[0] <= first.score == score(first.bits)
    costs = {n: {b: -w * np.log2(b) for b in sizes[n]} for n, w in zip(sizes, worth, strict=True)}
    assert first.score == pytest.approx(score(least_cost_bits(costs, sizes, 240)), rel=0.02)
    with pytest.raises(CompressionError, match="0 evaluations"):
        search_bits(sizes, 240, score, evaluations=0, seed=0)


def test_a_search_begins_with_the_rule_and_with_bits_for_all_alike() -> None:
    tried = []

    def score(bits: dict[str, int]) -> float:
        tried.append(bits)
        return -float(bits != dict.fromkeys(SIZES, 4))

    found = search_bits(SIZES, 450, score, evaluations=2, seed=0, progress=False)
    assert tried == [memory_driven_bits(SIZES, 450), dict.fromkeys(SIZES, 4)]
    assert found.bits == tried[1]


def test_a_search_may_begin_with_what_is_given() -> None:
    tried = []

    def score(bits: dict[str, int]) -> float:
        tried.append(bits)
        return 0.0

    given, rule = {"a": 8, "c": 2, "b": 2}, memory_driven_bits(SIZES, 450)
    even = dict.fromkeys(SIZES, 4)
    options = {"evaluations": 4, "seed": 0, "progress": False}
    search_bits(SIZES, 450, score, starts=[given, rule, given], **options)
    assert tried[:3] == [given, rule, even]  # each once
    assert tried[3] not in tried[:3]
    assert list(tried[0]) == list(SIZES)
    with pytest.raises(CompressionError, match=r"a start takes 800 bytes, 350 more than the 450"):
        search_bits(SIZES, 450, score, starts=[dict.fromkeys(SIZES, 8)], **options)
    with pytest.raises(UnknownNameError, match="'d'"):
        search_bits(SIZES, 450, score, starts=[{**given, "d": 2}], **options)


def test_bytes_of_bits_that_there_are_not() -> None:
    assert total_bytes(SIZES, {"a": 8, "b": 2, "c": 4}) == 40 + 100 + 180
    with pytest.raises(UnknownNameError, match="unknown layer key 'd'"):
        total_bytes(SIZES, {"a": 8, "b": 2, "c": 4, "d": 8})
    with pytest.raises(CompressionError, match="no bits for c"):
        total_bytes(SIZES, {"a": 8, "b": 2})
    with pytest.raises(CompressionError, match=r"b cannot have 7 bits; there are 2, 4, 8, .* is 8"):
        total_bytes(SIZES, {"a": 8, "b": 7, "c": 4})


def test_a_search_ends_when_all_is_known() -> None:
    found = search_bits(
        {"a": {2: 1, 4: 2}}, 2, lambda bits: bits["a"], evaluations=99, seed=0, progress=False
    )
    assert (found.bits, len(found.history)) == ({"a": 4}, 2)


def network() -> tuple[QuantizableNetwork, torch.Tensor, torch.Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.Hardswish(), nn.Flatten(), nn.Linear(12, 3)
        ).eval()
        x, y = torch.randn(16, 1, 4, 4), torch.randint(0, 3, (16,))
    return QuantizableNetwork(module, x), x, y


def test_traces_are_those_of_the_hessian() -> None:
    net, x, y = network()
    found = hessian_traces(net, x, y, draws=2000, seed=0)
    for name in ("0", "3"):
        weight = net.weight(name)

        def loss(
            values: torch.Tensor, weight: nn.Parameter = weight, name: str = name
        ) -> torch.Tensor:
            names = {f"_weights.{net._places[name]}": values}
            return nn.functional.cross_entropy(torch.func.functional_call(net, names, (x,)), y)

        hessian = torch.autograd.functional.hessian(loss, weight.detach().clone())
        count = weight.numel()
        exact = float(hessian.reshape(count, count).trace()) / count
        # 2,000 draws: their spread is about 2 % of the trace.
        assert found[name] == pytest.approx(exact, rel=0.1)
    again = hessian_traces(net, x, y, draws=3, seed=1)
    assert again == hessian_traces(net, x, y, draws=3, seed=1)
    assert again != hessian_traces(net, x, y, draws=3, seed=2)
    with pytest.raises(CompressionError, match="0 draws"):
        hessian_traces(net, x, y, draws=0, seed=0)


def test_costs_are_curvature_times_squared_error() -> None:
    net, _, _ = network()
    costs = hessian_costs(net, {"0": 2.0, "3": -1.0}, (4, 8))
    layer, weight = net.layers["0"], net.weight("0")
    error = float((LinearWeightQuantizer(4)(weight, layer) - weight).square().sum().detach())
    assert costs["0"][4] == pytest.approx(2 * error)
    assert costs["0"][8] < costs["0"][4]
    assert costs["3"] == {4: 0.0, 8: 0.0}


def test_bytes_of_weights_and_scales() -> None:
    net, _, _ = network()
    assert weight_bytes(net, (3, 8)) == {
        "0": {3: -(-27 * 3 // 8) + 12, 8: 27 + 12},
        "3": {3: -(-36 * 3 // 8) + 12, 8: 36 + 12},
    }
