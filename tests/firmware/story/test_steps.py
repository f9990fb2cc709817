"""Which steps go together, and what a refusal says."""

from itertools import chain, combinations

import pytest

from tinyml_course.errors import FirmwareError, UnknownNameError
from tinyml_course.firmware.story.steps import START, STEPS, checked, in_order, steps, up_to

ALL = [frozenset(c) for c in chain(*(combinations(STEPS, n) for n in range(len(STEPS) + 1)))]


def lawful(names: frozenset[str]) -> bool:
    return all({*STEPS[name].needs} <= names for name in names)


def test_sets_are_refused_exactly_where_a_need_is_missing() -> None:
    allowed = [names for names in ALL if lawful(names)]
    assert 10 < len(allowed) < len(ALL)
    for names in ALL:
        if names in allowed:
            assert checked(names) == names
            continue
        with pytest.raises(FirmwareError) as caught:
            checked(names)
        culprit = next(n for n in STEPS if n in names and not {*STEPS[n].needs} <= names)
        missing = [need for need in STEPS[culprit].needs if need not in names]
        message = str(caught.value)
        assert message.startswith(f"step {culprit!r} needs {' and '.join(map(repr, missing))}")
        assert STEPS[culprit].why in message


def test_every_need_has_its_reason_and_comes_earlier() -> None:
    order = [*STEPS]
    for step in steps():
        assert bool(step.needs) == bool(step.why)
        assert all(order.index(need) < order.index(step.name) for need in step.needs)


def test_the_story_grows_by_one_step_at_a_time() -> None:
    assert up_to(START) == frozenset()
    for count, name in enumerate(STEPS, start=1):
        taken = up_to(name)
        assert len(taken) == count
        assert name in taken
        assert checked(taken) == taken
        assert in_order(taken) == tuple(STEPS)[:count]


def test_unknown_steps_are_an_error() -> None:
    with pytest.raises(UnknownNameError, match="'tilling'; did you mean 'tiling'"):
        checked({"im2col", "tilling"})
    with pytest.raises(UnknownNameError, match="Known: codegen, fusion"):
        up_to("assembler")
