"""Packing under pairwise rules: every rule holds, and nothing lies higher than it must."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tinyml_course.graph import Lifetime
from tinyml_course.mcu.planning.packing import Item, keep_apart, pack

ORDERS = [lambda item: (-item.size_bytes,), lambda item: (-item.lifetime.first,)]


def random_items(seed: int, count: int) -> list[Item]:
    rng = np.random.default_rng(seed)
    items = []
    for index in range(count):
        first = int(rng.integers(0, 8))
        life = Lifetime(first, first + int(rng.integers(0, 4)))
        items.append(Item(str(index), int(rng.integers(1, 50)), life))
    for index, item in enumerate(items):
        for other in items[index + 1 :]:
            if item.lifetime.overlaps(other.lifetime):
                keep_apart(item, other)
    return items


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_no_rule_is_broken_and_nothing_could_start_at_zero_instead(seed: int, count: int) -> None:
    items = random_items(seed, count)
    offsets = pack(items, ORDERS, bound_bytes=0)
    assert set(offsets) == set(items)
    for item in items:
        assert offsets[item] >= 0
        for other, (low, high) in item.rules.items():
            assert not low < offsets[item] - offsets[other] < high
    assert min(offsets.values()) == 0


def test_a_shorter_rule_lets_an_output_lie_over_its_input() -> None:
    source, output = Item("source", 10, Lifetime(0, 1)), Item("output", 8, Lifetime(1, 2))
    output.forbid(source, -3, 10)  # lawful up to a distance of -3
    offsets = pack([source, output], ORDERS, bound_bytes=0)
    distance = offsets[output] - offsets[source]
    assert distance <= -3 or distance >= 10
    best = max(offsets[source] + 10, offsets[output] + 8)
    assert best == 13  # 18 if they had to be apart


def test_the_better_of_the_orders_is_kept() -> None:
    items = random_items(5, 10)
    ends = []
    for orders in (ORDERS[:1], ORDERS[1:], ORDERS):
        offsets = pack(items, orders, bound_bytes=0)
        ends.append(max(offset + item.size_bytes for item, offset in offsets.items()))
    assert ends[2] == min(ends)
