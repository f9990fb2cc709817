"""Whole submissions of every lab: right ones, unsolved ones, typical mistakes, other right ways."""

import importlib
import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from autograder.errors import GradingError
from autograder.judge import judge_with
from autograder.judging import Limits, Outcome, judge_submission
from autograder.judging import submission as judging
from autograder.labs import Lab, labs
from autograder.notebook import grade_id, instructor_notebook
from autograder.sandbox import Sandbox, SandboxError, find_sandbox
from tinyml_course.course.answering import LocalAnswerer

LABS = [pytest.param(lab, id=lab.short) for lab in labs().values()]
LAB0 = next(iter(labs().values()))
LIMITS = Limits(question_s=30, final_s=300, submission_s=900)
SEED = 11


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    """The strongest one there is here: what is right does not depend on it."""
    try:
        return find_sandbox(insist=True)
    except SandboxError:
        return Sandbox("rlimits")


def released(lab: Lab) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(lab.notebook.read_text())
    return notebook


def answers(lab: Lab, sources: dict[str, str], first: str = "") -> dict[str, Any]:
    """The released notebook with other text in some cells, and a cell before all others."""
    notebook = released(lab)
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = sources.get(name, cell["source"])
    added = {"cell_type": "code", "metadata": {}, "source": first, "outputs": []}
    return notebook | {"cells": [added, *notebook["cells"]]}


def judged(lab: Lab, notebook: dict[str, Any], folder: Path, sandbox: Sandbox) -> Outcome:
    path = folder / "notebook.ipynb"
    path.write_text(json.dumps(notebook))
    return judge_submission(lab, path, seed=SEED, limits=LIMITS, sandbox=sandbox)


@pytest.mark.parametrize("lab", LABS)
def test_unsolved_has_no_points(lab: Lab, tmp_path: Path, sandbox: Sandbox) -> None:
    outcome = judged(lab, released(lab), tmp_path, sandbox)
    assert (outcome.status, outcome.points, outcome.message) == ("ok", 0, "")
    assert {question.status for question in outcome.questions} == {"unsolved"}
    assert outcome.max_points == lab.questions.points - lab.questions.written_points


@pytest.mark.slow
@pytest.mark.parametrize("lab", LABS)
def test_solved_has_all_points(lab: Lab, tmp_path: Path, sandbox: Sandbox) -> None:
    sources = {grade_id(c): c.source for c in instructor_notebook(lab).cells}
    solved = answers(lab, {name: sources[name] for name in lab.questions.tasks})
    outcome = judged(lab, solved, tmp_path, sandbox)
    assert {q.name: q.status for q in outcome.questions} == dict.fromkeys(
        lab.questions.tasks, "right"
    )
    assert outcome.points == outcome.max_points
    assert outcome.peak_rss_bytes is not None
    assert 10 << 20 < outcome.peak_rss_bytes < 1 << 30


def question_modules(lab: Lab) -> list[str]:
    """The text of a lab's tables of questions, with the wrong answers in them."""
    folder = Path(str(importlib.import_module(f"tinyml_course.course.{lab.name}").__file__)).parent
    texts = [path.read_text() for path in sorted(folder.glob("*_questions.py"))]
    assert sum(text.count("= Question(\n") for text in texts) == len(lab.questions.questions)
    return texts


@pytest.mark.slow
@pytest.mark.parametrize("lab", LABS)
def test_mistakes_get_the_points_that_they_get_in_this_process(
    lab: Lab, tmp_path: Path, sandbox: Sandbox
) -> None:
    book = (
        "def planted_table(text):\n"
        "    names = {'__name__': 'planted_table'}\n"
        "    exec(text, names)\n"
        "    return {q.name: q.mistakes for q in names['QUESTIONS']}\n"
        "planted = " + " | ".join(f"planted_table({text!r})" for text in question_modules(lab))
    )
    # A name that the lab binds too would have its cells run for every mistake.
    assert "planted" not in lab.notebook.read_text()
    questions = lab.questions.questions
    for number in range(max(len(question.mistakes) for question in questions)):
        chosen = [(q, number % len(q.mistakes)) for q in questions]
        sources = {q.name: f"{q.function_name} = planted[{q.name!r}][{n}].wrong" for q, n in chosen}
        sources["final"] = ""  # no planted answer, and what its cell needs takes seconds
        outcome = judged(lab, answers(lab, sources, book), tmp_path, sandbox)
        points = {question.name: question.points for question in outcome.questions}
        for question, n in chosen:
            local = LocalAnswerer(question.mistakes[n].wrong)
            expected = judge_with(lab.name, question.name, local, seed=SEED)
            assert points[question.name] == expected, (question.name, n)
            assert expected < question.points


@pytest.mark.slow
@pytest.mark.parametrize("lab", LABS)
def test_other_right_answers_lose_nothing(lab: Lab, tmp_path: Path, sandbox: Sandbox) -> None:
    module = importlib.import_module(f"autograder.source.{lab.name}.alternatives")
    text = inspect.getsource(module)
    for number in range(2):
        sources = {
            q.name: f"{q.function_name} = {module.ALTERNATIVES[q.name][number].__name__}"
            for q in lab.questions.questions
        }
        outcome = judged(lab, answers(lab, sources, text), tmp_path, sandbox)
        states = {q.name: q.status for q in outcome.questions if q.name in sources}
        assert states == dict.fromkeys(sources, "right")


def test_a_question_may_use_the_librarys_version_of_another(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    source = (
        "from tinyml_course.memory_gap import conv_params\n"
        "def conv_macs(output_size, c_in, c_out, kernel, groups=1):\n"
        "    weights = conv_params(c_in, c_out, kernel, groups, False)\n"
        "    return output_size[0] * output_size[1] * weights\n"
    )
    outcome = judged(LAB0, answers(LAB0, {"q3": source}), tmp_path, sandbox)
    assert {q.name: q.status for q in outcome.questions}["q3"] == "right"


def test_what_fails_is_told_group_by_group(tmp_path: Path, sandbox: Sandbox) -> None:
    source = "def activation_bytes(shape, bits=8):\n    return math.prod(shape) * bits // 8\n"
    outcome = judged(LAB0, answers(LAB0, {"q5": source}), tmp_path, sandbox)
    question = outcome.questions[4]
    assert (question.status, question.points) == ("partly right", 3.0)
    failed = [group for group in question.groups if not group.passed]
    assert [group.name for group in failed] == ["packed, with a rest", "less than a byte"]
    for group in failed:
        assert group.message.startswith(f"{group.right} of {group.cases} right; your function gave")
        assert "expected" in group.message


def test_a_question_that_ends_early_keeps_its_groups(tmp_path: Path, sandbox: Sandbox) -> None:
    source = (
        "def activation_bytes(shape, bits=8):\n"
        "    if bits < 8: __import__('os')._exit(1)\n"
        "    return math.prod(shape) * bits // 8\n"
    )
    outcome = judged(LAB0, answers(LAB0, {"q5": source}), tmp_path, sandbox)
    question = outcome.questions[4]
    assert (outcome.status, question.status, question.points) == ("crashed", "crashed", 2.0)
    assert [group.right for group in question.groups] == [4, 4, 0, 0, 0]


def test_inputs_depend_on_the_seed_alone(tmp_path: Path, sandbox: Sandbox) -> None:
    source = "def activation_bytes(shape, bits=8):\n    return 7 * sum(shape) + bits\n"
    path = tmp_path / "notebook.ipynb"
    path.write_text(json.dumps(answers(LAB0, {"q5": source})))

    def messages(seed: int) -> list[str]:
        outcome = judge_submission(LAB0, path, seed=seed, limits=LIMITS, sandbox=sandbox)
        return [group.message for group in outcome.questions[4].groups]

    assert messages(1) == messages(1) != messages(2)


def test_figures_and_training_are_not_run(tmp_path: Path, sandbox: Sandbox) -> None:
    notebook = answers(LAB0, {})
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and "show(" in cell["source"]:
            cell["source"] = "while True: pass\n" + cell["source"]
    limits = Limits(question_s=5)
    path = tmp_path / "notebook.ipynb"
    path.write_text(json.dumps(notebook))
    outcome = judge_submission(LAB0, path, seed=1, limits=limits, sandbox=sandbox)
    assert outcome.status == "ok"
    assert not any("matplotlib" in statement for statement in judging.preload(LAB0))


def test_a_lab_without_a_release_is_the_instructors_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lab, "notebook", tmp_path / "none.ipynb")
    with pytest.raises(GradingError, match="tinyml release"):
        judge_submission(LAB0, tmp_path, seed=1, limits=LIMITS, sandbox=Sandbox("rlimits"))


def test_nothing_is_left_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    source = "def activation_bytes(shape, bits=8):\n    open('x', 'w').write('x')\n    return 0"
    judged(LAB0, answers(LAB0, {"q5": source}), tmp_path, Sandbox("rlimits"))
    assert not any(scratch.iterdir())
