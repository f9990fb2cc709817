"""Errors name the value, the bound and the way out."""

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyml_course import errors
from tinyml_course.errors import (
    DoesNotFitError,
    TinyMLError,
    UnknownNameError,
    lookup,
    reject_unknown_keys,
)

TABLE = {"stm32f412": 1, "stm32f746": 2, "nrf52840": 3}


def test_a_known_name_is_found() -> None:
    assert [lookup("board", name, TABLE) for name in TABLE] == [1, 2, 3]


def test_an_unknown_name_is_answered_with_the_closest_and_all_known() -> None:
    with pytest.raises(UnknownNameError) as caught:
        lookup("board", "stm32f764", TABLE)
    assert str(caught.value) == (
        "unknown board 'stm32f764'; did you mean 'stm32f746'? Known: stm32f412, stm32f746, nrf52840"
    )


def test_nothing_is_suggested_where_nothing_is_close() -> None:
    with pytest.raises(UnknownNameError) as caught:
        lookup("board", "esp32", {"a": 1, "b": 2})
    assert str(caught.value) == "unknown board 'esp32'. Known: a, b"


@given(st.text(max_size=12))
def test_every_other_name_is_refused_with_the_known_ones(name: str) -> None:
    if name in TABLE:
        assert lookup("board", name, TABLE) == TABLE[name]
        return
    with pytest.raises(UnknownNameError) as caught:
        lookup("board", name, TABLE)
    assert repr(name) in str(caught.value)
    assert all(known in str(caught.value) for known in TABLE)


@pytest.mark.parametrize("name", [None, 7, ["stm32f412"], {"a": 1}])
def test_what_is_no_name_is_no_known_name(name: object) -> None:
    with pytest.raises(UnknownNameError):
        lookup("board", name, TABLE)  # type: ignore[arg-type]


def test_keys_that_are_known_pass() -> None:
    reject_unknown_keys("budget", ["macs", "sram"], ["sram", "macs", "flash"])
    reject_unknown_keys("budget", [], ["sram"])
    reject_unknown_keys("budget", iter(["sram"]), iter(["macs", "sram"]))


def test_the_first_unknown_key_is_named() -> None:
    with pytest.raises(UnknownNameError) as caught:
        reject_unknown_keys("budget", ["macs", "srma", "flsh"], ["sram", "macs", "flash"])
    assert str(caught.value) == (
        "unknown budget key 'srma'; did you mean 'sram'? Known: sram, macs, flash"
    )


def test_does_not_fit_names_operator_step_bytes_and_remedies() -> None:
    remedies = ["policy tight", "board stm32h743"]
    error = DoesNotFitError("SRAM", "conv3", 7, 131_072, 106_496, "stm32f746", remedies)
    assert error.missing_bytes == 24_576
    assert str(error) == (
        "conv3 (step 7) brings the network to 131,072 B of SRAM, 24,576 B more than the 106,496 B "
        "of stm32f746; what helps: policy tight; board stm32h743"
    )
    assert error.remedies == ("policy tight", "board stm32h743")
    without = DoesNotFitError("flash", "fc", 1, 2, 1, "mine")
    assert str(without).endswith("what helps: nothing tried here makes it fit")


def test_more_specific_remedies_come_first() -> None:
    error = DoesNotFitError("SRAM", "conv3", 7, 3, 1, "mine", ["board stm32h743"])
    more = error.with_remedies(["resolution 64"])
    assert more.remedies == ("resolution 64", "board stm32h743")
    assert error.remedies == ("board stm32h743",)
    for name in ("memory", "operator", "step", "needed_bytes", "available_bytes", "board"):
        assert getattr(more, name) == getattr(error, name)


def test_every_error_can_be_caught_as_one() -> None:
    classes = [
        c
        for _, c in inspect.getmembers(errors, inspect.isclass)
        if c.__module__ == errors.__name__ and issubclass(c, Exception)
    ]
    assert len(classes) >= 7
    for cls in classes:
        assert issubclass(cls, TinyMLError)
        assert cls.__doc__


@pytest.mark.parametrize(
    ("bits", "nearest"),
    [(0, "; the nearest is 2"), (9, "; the nearest is 8"), (2.6, "; the nearest is 3")],
)
def test_bits_out_of_range_are_told_the_nearest(bits: object, nearest: str) -> None:
    with pytest.raises(errors.GraphError, match=f"a grid has 2 to 8 bits, got {bits}{nearest}$"):
        errors.check_bits("a grid has", bits, 2, 8, errors.GraphError)


def test_bits_that_are_none() -> None:
    errors.check_bits("a grid has", np.int64(8), 2, 8)
    for none in (None, "four", float("nan"), float("inf")):
        with pytest.raises(errors.CompressionError, match=f"got {none}$"):
            errors.check_bits("a grid has", none, 2, 8)
