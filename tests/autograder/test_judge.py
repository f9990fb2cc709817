"""The judge, for every question of every lab: right answers all points, wrong ones fewer."""

import importlib
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from sly_answers import AlwaysEqual, SlyArray, SlyInt

from autograder.errors import GradingError
from autograder.judge import SEED_VARIABLE, examine, hidden_groups, judge, judge_with
from autograder.labs import Lab, labs
from autograder.solutions import solutions
from tinyml_course.course.answering import Answer, LocalAnswerer
from tinyml_course.course.plain import to_plain
from tinyml_course.course.question import Case, Mistake, Question
from tinyml_course.errors import UnknownNameError

LABS = list(labs().values())
SEEDS = (0, 1, 2024)
SOLVED = {lab.name: solutions(lab) for lab in LABS}
QUESTIONS = [
    pytest.param(lab, question, id=f"{lab.short}-{question.name}")
    for lab in LABS
    for question in lab.questions.questions
]
MISTAKES = [
    pytest.param(lab, question, mistake, id=f"{lab.short}-{question.name}-{index}")
    for lab in LABS
    for question in lab.questions.questions
    for index, mistake in enumerate(question.mistakes)
]


def alternatives(lab: Lab) -> dict[str, tuple[Callable[..., Any], ...]]:
    found = importlib.import_module(f"autograder.source.{lab.name}.alternatives").ALTERNATIVES
    assert isinstance(found, dict)
    return found


def unsolved(*args: Any, **kwargs: Any) -> Any:
    raise NotImplementedError("lab0 q1: not written yet")


@pytest.mark.parametrize(("lab", "question"), QUESTIONS)
def test_solved_has_all_points(lab: Lab, question: Question) -> None:
    for seed in SEEDS:
        solved = SOLVED[lab.name][question.name]
        assert judge(lab.short, question.name, solved, seed=seed) == question.points


@pytest.mark.parametrize(("lab", "question"), QUESTIONS)
def test_unsolved_has_none(lab: Lab, question: Question) -> None:
    for function in (unsolved, None, 3, lambda *a, **k: None, lambda: 1):
        assert judge(lab.short, question.name, function) == 0.0


@pytest.mark.parametrize(("lab", "question", "mistake"), MISTAKES)
def test_a_planted_mistake_loses_at_least_a_tenth(
    lab: Lab, question: Question, mistake: Mistake
) -> None:
    for seed in SEEDS:
        points = judge_with(lab.short, question.name, LocalAnswerer(mistake.wrong), seed=seed)
        assert points <= 0.9 * question.points, mistake.message


@pytest.mark.parametrize(("lab", "question"), QUESTIONS)
def test_right_answers_written_otherwise_lose_nothing(lab: Lab, question: Question) -> None:
    functions = alternatives(lab)[question.name]
    assert len(functions) >= 2
    for function in functions:
        for seed in SEEDS:
            assert judge(lab.short, question.name, function, seed=seed) == question.points


@pytest.mark.parametrize(("lab", "question"), QUESTIONS)
def test_constant_answers_have_no_points(lab: Lab, question: Question) -> None:
    groups = hidden_groups(lab, question.name, 0)
    constants = {
        repr(value): value
        for cases in groups.values()
        for case in cases
        for value in [to_plain(question.reference(*case.args, **case.kwargs))]
    }
    for value in [0, 1, True, "", [], {}, *constants.values()]:
        assert judge(lab.short, question.name, lambda *a, _v=value, **k: _v, seed=0) == 0.0


@pytest.mark.parametrize(("lab", "question"), QUESTIONS)
def test_giving_an_input_back_has_no_points(lab: Lab, question: Question) -> None:
    assert judge(lab.short, question.name, lambda first, *a, **k: first) == 0.0


@pytest.mark.parametrize(("lab", "question"), QUESTIONS)
def test_every_group_has_different_answers(lab: Lab, question: Question) -> None:
    for seed in range(20):
        groups = hidden_groups(lab, question.name, seed)
        assert len(groups) >= 4
        for name, cases in groups.items():
            answers = {repr(question.reference(*c.args, **c.kwargs)) for c in cases}
            assert len(answers) > 1, f"{name}, seed {seed}"


@pytest.mark.parametrize(("lab", "question"), QUESTIONS)
def test_the_library_has_no_points(lab: Lab, question: Question) -> None:
    assert judge(lab.short, question.name, question.reference) == 0.0
    wrapped = lambda *a, **k: question.reference(*a, **k)  # noqa: E731
    assert judge(lab.short, question.name, wrapped) == 0.0


@pytest.mark.parametrize("question", ["q1", "q4", "q8", "q10"])
@pytest.mark.parametrize(
    "answer",
    [
        AlwaysEqual(),
        SlyInt(7),
        np.zeros(1).view(SlyArray),
        float("nan"),
        np.float64("nan"),
        float("inf"),
        "x" * 10**6,
        [0] * 2_000_000,
        1 << 100_000,
        print,
    ],
    ids=lambda answer: type(answer).__name__,
)
def test_forged_answers_have_no_points(question: str, answer: Any) -> None:
    assert judge("lab0", question, lambda *a, **k: answer) == 0.0


def test_points_are_a_plain_number_that_nbgrader_reads() -> None:
    for function in (SOLVED["lab0_memory_gap"]["q1"], unsolved):
        points = judge("lab0", "q1", function)
        assert type(points) is float
        assert 0 <= float(repr(points)) <= 6


def test_noise_costs_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    def noisy(sizes: list[int]) -> int:
        print("...")
        warnings.warn("slow", stacklevel=1)
        return max(map(sum, pairwise(sizes)))

    assert judge("lab0", "q6", noisy) == 8
    assert capfd.readouterr() == ("", "")


def test_greedy_functions_do_not_spoil_the_inputs() -> None:
    def greedy(sizes: list[int]) -> int:
        peak = 0
        while len(sizes) > 1:
            peak = max(peak, sizes[0] + sizes[1])
            sizes.pop(0)
        return peak

    assert judge("lab0", "q6", greedy) == 8


def test_partial_credit_by_group() -> None:
    def without_groups(
        c_in: int, c_out: int, kernel: Any, groups: int = 1, bias: Any = True
    ) -> int:
        return int(c_out * c_in * kernel[0] * kernel[1] + (c_out if bias else 0))

    lab = LABS[0]
    question = lab.questions.questions[1]
    judged = examine(lab, question, LocalAnswerer(without_groups), seed=5)
    failed = {group.name for group in judged.groups if not group.passed}
    assert failed == {"grouped", "depthwise"}
    assert judged.points == pytest.approx(6 * 3 / 5)


def test_the_seed_decides_the_inputs_and_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = LABS[0]
    seen: list[Case] = []

    def spy(case: Case) -> Answer:
        seen.append(case)
        return Answer(0)

    def asked(**options: Any) -> list[Case]:
        seen.clear()
        judge_with(lab.short, "q1", spy, **options)
        return list(seen)

    assert asked(seed=1) == asked(seed=1) != asked(seed=2)
    monkeypatch.setenv(SEED_VARIABLE, "1")
    assert asked() == asked(seed=1)
    monkeypatch.setenv(SEED_VARIABLE, "one")
    with pytest.raises(GradingError, match="one"):
        asked()


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.short)
def test_designs(lab: Lab) -> None:
    final = lab.questions.final
    nothing = dict.fromkeys(final.keys)
    unknown = {**dict.fromkeys(final.keys, 1), "unknown": 1}
    for wrong in (None, {}, nothing, unknown, AlwaysEqual(), dict.fromkeys(final.keys, "x")):
        assert judge(lab.short, final.name, wrong) == 0.0


def test_lab0_design_points() -> None:
    assert judge("lab0", "final", {"width": 0.4, "resolution": 144}) == 20
    assert 0 < judge("lab0", "final", {"width": 0.4, "resolution": 128}) < 20
    assert judge("lab0", "final", {"width": np.float64(0.4), "resolution": np.int64(144)}) == 20
    assert judge("lab0", "final", {"width": 1.0, "resolution": 224}) == 0


def test_unknown_names() -> None:
    with pytest.raises(UnknownNameError, match="lab0_memory_gap"):
        judge("lab77", "q1", unsolved)
    with pytest.raises(UnknownNameError, match="q10"):
        judge("lab0", "q77", unsolved)
