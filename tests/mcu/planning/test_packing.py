"""Packing under pairwise rules: every rule holds, and nothing lies higher than it must."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tinyml_course.graph import Lifetime
from tinyml_course.mcu.planning.packing import ROUNDS, Item, keep_apart, pack
from tinyml_course.mcu.planning.part import Part

ORDERS = [lambda item: (-item.size_bytes,), lambda item: (-item.lifetime.first,)]


def random_items(seed: int, count: int) -> list[Item]:
    rng = np.random.default_rng(seed)
    items = []
    for index in range(count):
        first = int(rng.integers(0, 8))
        life = Lifetime(first, first + int(rng.integers(0, 4)))
        items.append(Item(str(index), [Part(int(rng.integers(1, 50)), life)]))
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


def place(ordered: list[Item]) -> dict[Item, int]:
    """Each as low as the rules with those before it allow, byte by byte."""
    offsets: dict[Item, int] = {}
    for item in ordered:
        rules = [
            (offsets[o] + low, offsets[o] + high)
            for o, (low, high) in item.rules.items()
            if o in offsets
        ]
        at = 0
        while any(low < at < high for low, high in rules):
            at += 1
        offsets[item] = at
    return offsets


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(0, 60))
def test_the_first_best_of_all_rounds_is_found(seed: int, count: int, bound: int) -> None:
    """Without leaving out the orders that come up again."""
    items = random_items(seed, count)
    attempts = [sorted(items, key=order) for order in ORDERS]
    found = []
    for _ in range(1 + ROUNDS):
        for index, ordered in enumerate(attempts):
            offsets = place(ordered)
            end = max(offset + item.size_bytes for item, offset in offsets.items())
            found.append((end, offsets))
            attempts[index] = sorted(
                ordered, key=lambda i, o=offsets, e=end: o[i] + i.size_bytes != e
            )
    enough = [offsets for end, offsets in found if end <= bound]
    expected = enough[0] if enough else min(found, key=lambda pair: pair[0])[1]
    assert pack(items, ORDERS, bound) == expected


def test_a_shorter_rule_lets_an_output_lie_over_its_input() -> None:
    source = Item("source", [Part(10, Lifetime(0, 1))])
    output = Item("output", [Part(8, Lifetime(1, 2))])
    output.forbid(source, -3, 10)  # lawful up to a distance of -3
    offsets = pack([source, output], ORDERS, bound_bytes=0)
    distance = offsets[output] - offsets[source]
    assert distance <= -3 or distance >= 10
    best = max(offsets[source] + 10, offsets[output] + 8)
    assert best == 13  # 18 if they had to be apart


def test_what_a_shrinking_item_gives_up_can_be_used() -> None:
    shrinking = Item("map", [Part(16, Lifetime(0, 1)), Part(4, Lifetime(1, 3))])
    early, late = Item("early", [Part(3, Lifetime(1, 1))]), Item("late", [Part(12, Lifetime(2, 3))])
    for item in (early, late):
        keep_apart(item, shrinking)
    offsets = pack([shrinking, early, late], ORDERS, bound_bytes=0)
    assert (offsets[shrinking], offsets[early], offsets[late]) == (0, 16, 4)
    assert [shrinking.bytes_at(step) for step in range(5)] == [16, 16, 4, 4, 0]


def test_the_better_of_the_orders_is_kept() -> None:
    items = random_items(5, 10)
    ends = []
    for orders in (ORDERS[:1], ORDERS[1:], ORDERS):
        offsets = pack(items, orders, bound_bytes=0)
        ends.append(max(offset + item.size_bytes for item, offset in offsets.items()))
    assert ends[2] == min(ends)


def test_an_aligned_item_starts_at_a_multiple() -> None:
    first = Item("first", [Part(5, Lifetime(0, 1))])
    words = Item("words", [Part(8, Lifetime(0, 0))], alignment=4)
    last = Item("last", [Part(3, Lifetime(0, 0))])
    for item, other in ((first, words), (first, last), (words, last)):
        keep_apart(item, other)
    offsets = pack([first, words, last], [lambda item: (item.name,)], bound_bytes=0)
    assert (offsets[first], offsets[last], offsets[words]) == (0, 5, 8)
