"""Question 14: bits for each layer, within a budget."""

# ruff: noqa: ARG001 - a planted mistake leaves out what it should use

from collections.abc import Mapping
from itertools import product

from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.quantization.bit_budget import least_cost_bits

Tables = Mapping[str, Mapping[int, float]]

Sizes = Mapping[str, Mapping[int, int]]


def _every(costs: Tables, sizes: Sizes, budget: float) -> list[tuple[float, int, dict[str, int]]]:
    found = []
    for choice in product(*(sizes[name] for name in sizes)):
        bits = dict(zip(sizes, choice, strict=True))
        size = sum(sizes[name][b] for name, b in bits.items())
        if size <= budget:
            found.append((sum(costs[name][b] for name, b in bits.items()), size, bits))
    return found


def _one_width(costs: Tables, sizes: Sizes, budget_bytes: int) -> dict[str, int]:
    found = [f for f in _every(costs, sizes, budget_bytes) if len(set(f[2].values())) == 1]
    return min(found, key=lambda f: f[0])[2]


def _no_budget(costs: Tables, sizes: Sizes, budget_bytes: int) -> dict[str, int]:
    return {name: min(costs[name], key=lambda b: costs[name][b]) for name in sizes}


def _fewest(costs: Tables, sizes: Sizes, budget_bytes: int) -> dict[str, int]:
    return {name: min(sizes[name]) for name in sizes}


def _largest_first(costs: Tables, sizes: Sizes, budget_bytes: int) -> dict[str, int]:
    bits = {name: max(sizes[name]) for name in sizes}
    while sum(sizes[name][b] for name, b in bits.items()) > budget_bytes:
        above = [name for name in bits if bits[name] > min(sizes[name])]
        chosen = max(above, key=lambda name: sizes[name][bits[name]])
        bits[chosen] = max(b for b in sizes[chosen] if b < bits[chosen])
    return bits


def _best_buy_first(costs: Tables, sizes: Sizes, budget_bytes: int) -> dict[str, int]:
    """More bits where a byte wins most, again and again, as long as they fit."""
    bits = {name: min(sizes[name]) for name in sizes}
    while True:
        left = budget_bytes - sum(sizes[name][b] for name, b in bits.items())
        buys = [
            ((costs[name][bits[name]] - costs[name][b]) / (size - sizes[name][bits[name]]), name, b)
            for name in sizes
            for b, size in sizes[name].items()
            if b > bits[name] and size - sizes[name][bits[name]] <= left
        ]
        if not buys or max(buys)[0] <= 0:
            return bits
        _, chosen, more = max(buys)
        bits[chosen] = more


def _cheapest_cut_first(costs: Tables, sizes: Sizes, budget_bytes: int) -> dict[str, int]:
    """Bits are taken where a byte costs least, again and again, until all fit."""
    bits = {name: max(sizes[name]) for name in sizes}
    while sum(sizes[name][b] for name, b in bits.items()) > budget_bytes:
        cuts = [
            ((costs[name][b] - costs[name][bits[name]]) / (sizes[name][bits[name]] - size), name, b)
            for name in sizes
            for b, size in sizes[name].items()
            if b == max((c for c in sizes[name] if c < bits[name]), default=None)
        ]
        _, chosen, fewer = min(cuts)
        bits[chosen] = fewer
    return bits


def _most_bytes(costs: Tables, sizes: Sizes, budget_bytes: int) -> dict[str, int]:
    return max(_every(costs, sizes, budget_bytes), key=lambda f: (f[1], -f[0]))[2]


def _one_after_the_other(costs: Tables, sizes: Sizes, budget_bytes: int) -> dict[str, int]:
    """The best bits for the first layer, then for the second with what is left."""
    left, bits = budget_bytes, {}
    names = list(sizes)
    for place, name in enumerate(names):
        kept = sum(min(sizes[later].values()) for later in names[place + 1 :])
        able = [b for b in sizes[name] if sizes[name][b] + kept <= left]
        bits[name] = min(able, key=lambda b: costs[name][b])
        left -= sizes[name][bits[name]]
    return bits


def _just_below(costs: Tables, sizes: Sizes, budget_bytes: int) -> dict[str, int]:
    return min(_every(costs, sizes, budget_bytes - 1) or _every(costs, sizes, budget_bytes))[2]


_SIZES = {"stem": {2: 20, 4: 40, 8: 80}, "head": {2: 50, 4: 100, 8: 200}}

_COSTS = {"stem": {2: 9.0, 4: 2.0, 8: 0.1}, "head": {2: 4.0, 4: 1.5, 8: 0.2}}

_TWO = {"a": {2: 10, 8: 40}, "b": {2: 12, 8: 48}}

_UNEVEN = {"a": {2: 9.0, 8: 1.0}, "b": {2: 2.0, 8: 1.0}}

_THREE = {"a": {2: 30, 8: 120}, "b": {2: 25, 8: 100}, "c": {2: 20, 8: 80}}

_WORTH = {"a": {2: 5.0, 8: 0.5}, "b": {2: 4.0, 8: 0.3}, "c": {2: 3.5, 8: 0.1}}

BITS = Question(
    name="q14",
    title="bits for each layer",
    points=4,
    reference=least_cost_bits,
    cases=(
        case(_COSTS, _SIZES, 140),
        case(_COSTS, _SIZES, 180),
        case(_COSTS, _SIZES, 280),
        case(_UNEVEN, _TWO, 60),
        case(_WORTH, _THREE, 210),
        case(_WORTH, _THREE, 165),
        case(_COSTS, _SIZES, 70),
    ),
    mistakes=(
        Mistake("All layers have the same bits. Each may have its own.", _one_width),
        Mistake("The budget is not used: these bits take too many bytes.", _no_budget),
        Mistake("Every layer has the fewest bits. What is left of the budget helps.", _fewest),
        Mistake(
            "Bits are always taken from the largest layer. What counts is what its bits cost.",
            _largest_first,
        ),
        Mistake(
            "The most bytes that fit are used. The least *cost* counts: some bytes are worth less.",
            _most_bytes,
        ),
        Mistake(
            "The layers choose one after the other, and nothing good is left for the last. Compare "
            "whole assignments.",
            _one_after_the_other,
        ),
        Mistake(
            "Bits go where a byte wins most, one step after the other. A step that looks best may "
            "leave bytes over that fit nowhere: compare whole assignments.",
            _best_buy_first,
        ),
        Mistake(
            "Bits are taken where a byte costs least, one step after the other. The last step may "
            "take more than it must: compare whole assignments.",
            _cheapest_cut_first,
        ),
        Mistake("A budget that is exactly used up is met: `<=`.", _just_below),
    ),
)

QUESTIONS = (BITS,)
