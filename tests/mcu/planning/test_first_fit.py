"""First fit: no two blocks in one place at one time, and none could lie lower."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tinyml_course.graph import Lifetime
from tinyml_course.mcu.planning.first_fit import Block, Order, first_fit
from tinyml_course.mcu.planning.part import Part

lifetimes = st.tuples(st.integers(0, 9), st.integers(0, 4)).map(lambda t: Lifetime(t[0], sum(t)))
parts = st.builds(Part, st.integers(1, 40), lifetimes)


@st.composite
def block_lists(draw: st.DrawFn) -> list[Block]:
    lists = draw(st.lists(st.lists(parts, min_size=1, max_size=3), min_size=1, max_size=12))
    return [
        Block(tuple(f"{index}.{i}" for i in range(len(members))), tuple(members))
        for index, members in enumerate(lists)
    ]


def collide(block: Block, offset: int, other: Block, other_offset: int) -> bool:
    """Whether two blocks have a byte in common at some step, byte by byte."""
    for part in block.parts:
        for second in other.parts:
            steps = set(range(part.lifetime.first, part.lifetime.last + 1))
            if steps & set(range(second.lifetime.first, second.lifetime.last + 1)):
                mine = set(range(offset, offset + part.size_bytes))
                if mine & set(range(other_offset, other_offset + second.size_bytes)):
                    return True
    return False


def check(blocks: list[Block], order: Order | None = None) -> None:
    offsets = first_fit(blocks, order)
    assert offsets.keys() == {name for block in blocks for name in block.names}
    placed: list[tuple[Block, int]] = []
    key = order or (lambda block: (-block.size_bytes,))
    for block in sorted(blocks, key=key):
        starts = {offsets[name] for name in block.names}
        assert len(starts) == 1  # the tensors of a block share their start
        offset = starts.pop()
        # No collision here, and one at every lower offset.
        for candidate in range(offset + 1):
            collides = any(collide(block, candidate, *other) for other in placed)
            assert collides == (candidate < offset)
        placed.append((block, offset))


@settings(max_examples=60)
@given(block_lists())
def test_every_block_lies_at_the_lowest_free_offset(blocks: list[Block]) -> None:
    check(blocks)


@settings(max_examples=30)
@given(block_lists())
def test_the_order_may_be_chosen(blocks: list[Block]) -> None:
    check(blocks, lambda block: (block.parts[0].lifetime.first, block.size_bytes))


def test_ties_are_placed_in_the_order_given() -> None:
    together = Lifetime(0, 1)
    blocks = [Block((name,), (Part(8, together),)) for name in "abc"]
    assert first_fit(blocks) == {"a": 0, "b": 8, "c": 16}


def test_a_block_that_has_shrunk_leaves_room() -> None:
    """The stride-2 depthwise: 16 bytes, then 4, while somebody else needs 12."""
    shrinking = Block(("in", "out"), (Part(16, Lifetime(0, 1)), Part(4, Lifetime(1, 3))))
    later = Block(("later",), (Part(12, Lifetime(2, 3)),))
    assert first_fit([shrinking, later]) == {"in": 0, "out": 0, "later": 4}


def test_blocks_that_never_meet_share_address_zero() -> None:
    blocks = [Block((str(i),), (Part(10 + i, Lifetime(i, i)),)) for i in range(5)]
    assert set(first_fit(blocks).values()) == {0}
