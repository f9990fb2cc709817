"""Right answers of another form: what a notebook goes on with are arrays."""

from typing import Any

import numpy as np

from tinyml_course.course.in_form import in_form
from tinyml_course.course.question import Question, case


def question(reference: Any, *cases: Any) -> Question:
    return Question("q1", "any", 1, reference, cases or (case(np.arange(3.0)),), ())


def test_a_function_in_the_right_form_is_left_alone() -> None:
    def twice(x: np.ndarray) -> np.ndarray:
        return 2 * x

    assert in_form(twice, question(lambda x: x + x)) is twice
    assert in_form(len, question(lambda x: x.size)) is len
    unlike = in_form(lambda x: {"a": x, "n": 1}, question(lambda x: {"a": x, "n": 1}))
    assert unlike(np.ones(2))["n"] == 1


def test_lists_become_arrays_where_the_reference_has_them() -> None:
    given = np.array([1.0, -2.0])
    mask = in_form(lambda x: (x > 0).tolist(), question(lambda x: x > 0))(given)
    assert mask.dtype == np.bool_
    assert (~mask).tolist() == [False, True]
    pair = in_form(lambda x: [x.tolist(), 3], question(lambda x: (x, 3)))(given)
    assert isinstance(pair, tuple)
    assert pair[0].tolist() == given.tolist()
    assert pair[1] == 3


def test_a_dict_is_converted_whatever_its_keys() -> None:
    def split(names: list[str]) -> dict[str, Any]:
        return {name: [1, 2] for name in names}

    asked = question(lambda names: {name: np.array([1, 2]) for name in names}, case(["a", "b"]))
    found = in_form(split, asked)(["x", "y", "z"])
    assert {name: value.sum() for name, value in found.items()} == {"x": 3, "y": 3, "z": 3}


def test_the_form_is_asked_for_with_a_copy_and_in_silence(capfd: Any) -> None:
    inputs = case(np.arange(3.0))

    def greedy(x: np.ndarray) -> list[float]:
        print("...")
        x *= 0
        return x.tolist()

    converted = in_form(greedy, question(lambda x: 0 * x, inputs))
    assert inputs.args[0].tolist() == [0.0, 1.0, 2.0]
    assert capfd.readouterr() == ("", "")
    assert converted(np.ones(2)).tolist() == [0.0, 0.0]


def test_a_list_may_have_another_length_later() -> None:
    asked = question(lambda n: [np.arange(2)] * n, case(2))
    found = in_form(lambda n: [[0, 1]] * n, asked)
    assert [part.tolist() for part in found(5)] == [[0, 1]] * 5
    assert found(0) == []
