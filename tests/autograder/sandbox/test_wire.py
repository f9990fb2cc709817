"""Values as JSON: what goes in comes out, and what is no value is refused."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sly_answers import AlwaysEqual, SlyArray, SlyInt

from autograder.sandbox.inside import wire

SCALARS = st.none() | st.booleans() | st.integers(-(2**200), 2**200) | st.floats() | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=20,
)


def through(value: object) -> Any:
    return wire.decode(json.loads(json.dumps(wire.encode(value), allow_nan=False)))


def same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return type(a) is type(b) and bool(a == b)


@given(VALUES)
def test_values_come_back_with_their_types(value: Any) -> None:
    assert same(through(value), value)


@pytest.mark.parametrize("dtype", sorted(wire.DTYPES))
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 2), (2, 3, 4)])
def test_arrays_come_back_with_type_and_shape(dtype: str, shape: tuple[int, ...]) -> None:
    array = (np.arange(math.prod(shape)) % 2).reshape(shape).astype(dtype)
    for given_array in (array, array.T, array[..., ::-1] if shape else array):
        back = through(given_array)
        assert (back.dtype, back.shape) == (given_array.dtype, given_array.shape)
        assert np.array_equal(back, given_array)
        assert not shape or back.flags.writeable


def test_a_frame_is_its_length_and_its_json() -> None:
    content = wire.frame({"a": [1, 2]})
    assert json.loads(content[4:]) == {"a": [1, 2]}
    assert wire.HEADER.unpack(content[:4]) == (len(content) - 4,)


CYCLE: list[Any] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (AlwaysEqual(), "class AlwaysEqual"),
        (SlyInt(3), "class SlyInt"),
        (np.zeros(2).view(SlyArray), "class SlyArray"),
        ({1, 2}, "class set"),
        (range(3), "class range"),
        (CYCLE, "deeper"),
        ([0] * (wire.MAX_ELEMENTS + 1), "elements"),
        (np.zeros(wire.MAX_ELEMENTS + 1, np.int8), "elements"),
        (1 << 5000, "bits"),
        ("x" * (wire.MAX_TEXT + 1), "too large"),
        (np.zeros(2, complex), "complex128"),
        (np.array([None]), "object"),
        ({(1, 2): {3}}, "class set"),
    ],
)
def test_what_is_no_plain_data_is_refused(value: object, message: str) -> None:
    with pytest.raises(wire.WireError, match=message):
        wire.encode(value)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"a": 1, "b": 2},
        {"pickle": "gASVAAAA"},
        {"float": "1e5"},
        {"tuple": 5},
        {"dict": [[1]]},
        {"dict": [[[1], 2]]},
        {"dict": [[{"tuple": [[1]]}, 2]]},
        {"array": ["int8", [2], "AA=="]},
        {"array": ["object", [1], "AAAAAAAAAAA="]},
        {"array": ["int8", [-1], ""]},
        {"array": ["int8", [True], "AA=="]},
        {"array": ["int8", [10**12], ""]},
        {"array": ["int8", [1], "?"]},
        {"array": [["int8"], [1], "AA=="]},
        {"array": [None, [], ""]},
        {"array": ["int8", 1, "AA=="]},
        {"array": ["int8", [0] * 40, ""]},
    ],
)
def test_json_that_is_no_value_is_refused(data: Any) -> None:
    with pytest.raises(wire.WireError):
        wire.decode(data)
