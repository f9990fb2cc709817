"""What a learner sees, for every question of every lab."""

import re
import subprocess
import sys
from itertools import pairwise
from typing import Any

import pytest

from tinyml_course.course import Checker, checker, lab_names, lab_questions
from tinyml_course.course.question import Mistake, Prediction, Question
from tinyml_course.errors import UnknownNameError

LABS = [lab_questions(name) for name in lab_names()]
QUESTIONS = [
    pytest.param(lab, question, id=f"{lab.short}-{question.name}")
    for lab in LABS
    for question in lab.questions
]
MISTAKES = [
    pytest.param(lab, question, mistake, id=f"{lab.short}-{question.name}-{index}")
    for lab in LABS
    for question in lab.questions
    for index, mistake in enumerate(question.mistakes)
]


@pytest.fixture(params=LABS, ids=lambda lab: lab.short)
def lab(request: pytest.FixtureRequest) -> Any:
    return request.param


def unsolved(*args: Any, **kwargs: Any) -> Any:
    raise NotImplementedError("lab0 q1: not written yet")


def test_there_is_a_lab() -> None:
    assert "lab0_memory_gap" in lab_names()


def test_points_and_size_of_a_lab(lab: Any) -> None:
    assert lab.points == 100
    assert sum(question.points for question in lab.questions) == 70
    assert (lab.final.points, lab.written_points) == (20, 10)
    assert len(lab.questions) >= 8


@pytest.mark.parametrize(("lab", "question"), QUESTIONS)
def test_a_question_has_cases_and_at_least_five_mistakes(lab: Any, question: Question) -> None:
    assert len(question.cases) >= 3
    assert len(question.mistakes) >= 5
    messages = [mistake.message for mistake in question.mistakes]
    assert len(set(messages)) == len(messages)


@pytest.mark.parametrize(("lab", "question", "mistake"), MISTAKES)
def test_a_planted_mistake_is_named(lab: Any, question: Question, mistake: Mistake) -> None:
    result = Checker(lab)(question.name, mistake.wrong)
    assert result.status == "wrong"
    assert not result.passed
    assert result.lines == (f"Likely cause: {mistake.message}",)


@pytest.mark.parametrize(("lab", "question"), QUESTIONS)
def test_unsolved_is_said_and_does_not_raise(lab: Any, question: Question) -> None:
    result = Checker(lab)(question.name, unsolved)
    assert result.status == "unsolved"
    assert "Not written yet" in repr(result)


@pytest.mark.parametrize(("lab", "question"), QUESTIONS)
def test_the_library_passed_off_as_an_answer_is_noticed(lab: Any, question: Question) -> None:
    result = Checker(lab)(question.name, lambda *a, **k: question.reference(*a, **k))
    assert not result.passed
    assert "library" in result.lines[0]


@pytest.mark.parametrize(("lab", "question"), QUESTIONS)
def test_one_bad_case_does_not_hide_the_others(lab: Any, question: Question) -> None:
    calls = iter(range(1000))

    def sometimes(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == 0:
            raise ValueError("only the first")
        return None

    result = Checker(lab)(question.name, sometimes)
    assert len(result.rows) == len(question.cases)
    assert "only the first" in result.rows[0].got
    assert "only the first" not in result.rows[1].got


def test_cards_escape_what_an_answer_says() -> None:
    result = checker("lab0")("q1", lambda *a, **k: "<script>alert(1)</script>")
    assert "<script>" not in result._repr_html_()
    assert "&lt;script&gt;" in result._repr_html_()
    assert "<script>" in repr(result)


def test_a_wrong_form_is_named() -> None:
    check = checker("lab0")
    assert "return" in check("q1", lambda *a, **k: None).lines[0]
    assert "should be a number" in check("q1", lambda *a, **k: [1, 2]).lines[0]
    assert "keys" in repr(check("final", [0.5, 160]))


def test_unknown_names_list_the_known_ones() -> None:
    check = checker("lab0")
    with pytest.raises(UnknownNameError, match="q1"):
        check("q99", unsolved)
    with pytest.raises(UnknownNameError, match="p1"):
        check.predict("p99", "A")
    with pytest.raises(UnknownNameError, match="lab0"):
        checker("lab99")


@pytest.mark.parametrize(("lab", "question"), QUESTIONS)
def test_use_goes_on_with_the_library(
    lab: Any, question: Question, capsys: pytest.CaptureFixture[str]
) -> None:
    check = Checker(lab)
    assert check.use(question.name, unsolved) is question.reference
    assert f"{question.name}: your {question.function_name}" in capsys.readouterr().out


def test_use_gives_the_learners_own(capsys: pytest.CaptureFixture[str]) -> None:
    def mine(sizes: list[int]) -> int:
        return max(a + b for a, b in pairwise(sizes))

    assert checker("lab0").use("q6", mine) is mine
    assert capsys.readouterr().out == ""


def test_predictions_are_kept_until_revealed(lab: Any) -> None:
    check = Checker(lab)
    for prediction in lab.predictions:
        assert check.predict(prediction.name, "").status == "unsolved"
        assert "not committed" in repr(check.reveal(prediction.name))
        check.predict(prediction.name, prediction.right.lower())
        assert check.reveal(prediction.name).status == "right"
        wrong = next(letter for letter in prediction.options if letter != prediction.right)
        check.predict(prediction.name, wrong)
        assert f"You said `{wrong}`" in check.reveal(prediction.name).lines[0]


def test_predictions_have_a_right_option(lab: Any) -> None:
    for prediction in lab.predictions:
        assert isinstance(prediction, Prediction)
        assert prediction.right in prediction.options
        assert len(prediction.options) >= 3


def test_summary_counts_what_passes() -> None:
    lab = lab_questions("lab0")
    check = Checker(lab)
    check("q6", lambda sizes: max(map(sum, pairwise(sizes))))
    check("q1", unsolved)
    summary = repr(check.summary())
    assert f"1 of {len(lab.tasks)} pass" in summary
    assert re.search(r"peak memory \d+ MiB", summary)


def test_course_is_light_and_free_of_torch() -> None:
    code = (
        "import sys; from tinyml_course.course import checker; checker('lab0'); "
        "print([m for m in ('torch', 'matplotlib', 'IPython', 'nbgrader') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
