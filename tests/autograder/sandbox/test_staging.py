"""The library in the sandbox lacks what a lab asks for, and nothing else."""

import ast
import marshal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.errors import GradingError
from autograder.labs import Lab, labs
from autograder.sandbox.inside.wire import BLOCKED
from autograder.sandbox.staging import _doors, stage, without, without_mistakes

LABS = [pytest.param(lab, id=lab.short) for lab in labs().values()]


@pytest.mark.parametrize("lab", LABS)
def test_every_question_is_blocked_and_every_other_allowed(lab: Lab) -> None:
    staging = stage(lab.questions)
    questions = {q.name: q.reference.__name__ for q in lab.questions.questions}
    for name, function in questions.items():
        back = {one["name"] for one in staging.allowed(name)}
        assert function not in back
        assert set(questions.values()) - {function} <= back
    assert lab.questions.final.evaluate.__name__ not in {
        one["name"] for one in staging.allowed("final")
    }


def is_text(statement: ast.stmt) -> bool:
    """A docstring."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


@pytest.mark.parametrize("lab", LABS)
def test_what_gives_the_same_answer_is_blocked_with_its_question_alone(lab: Lab) -> None:
    staging = stage(lab.questions)
    for question in lab.questions.questions:
        for door in question.doors:
            for other in staging.by_question:
                back = {f"{one['module']}:{one['name']}" for one in staging.allowed(other)}
                assert (door in back) == (other != question.name)


def test_a_door_that_there_is_not_is_an_error() -> None:
    question = next(iter(labs().values())).questions.questions[0]
    for door in ("math:floor", "tinyml_course.graph:no_such", "tinyml_course.graph:Graph"):
        with pytest.raises(GradingError, match="no function"):
            _doors(replace(question, doors=(door,)))


@pytest.mark.parametrize("lab", LABS)
def test_no_helper_of_wrong_answers_is_left(lab: Lab) -> None:
    """Such a helper may be the right answer by another name."""
    folder = stage(lab.questions).folder / "library" / "tinyml_course" / "course" / lab.name
    for path in folder.glob("*_questions.py"):
        tree = ast.parse(path.read_text())
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert {n.name for n in tree.body if isinstance(n, ast.FunctionDef)} <= used, path.name


@pytest.mark.parametrize("lab", LABS)
def test_no_line_of_a_blocked_function_is_in_the_sandbox(lab: Lab) -> None:
    staging = stage(lab.questions)
    files = [path for path in staging.folder.rglob("*") if path.is_file()]
    for blocked in {*staging.always, *(one for q in staging.by_question.values() for one in q)}:
        body = ast.parse(blocked.source).body[0]
        assert isinstance(body, ast.FunctionDef)
        code_lines = ast.unparse(
            ast.Module([s for s in body.body if not is_text(s)], [])
        ).splitlines()
        # Short ones, such as `return ratios`, stand in other functions too.
        telling = max(map(str.strip, code_lines), key=len)
        name = Path(*blocked.module.split("."))
        for path in files:
            if path.with_suffix("").name.split(".")[0] != name.name:
                continue
            if path.suffix == ".py":
                assert telling not in ast.unparse(ast.parse(path.read_text()))
            else:
                code = marshal.loads(path.read_bytes()[16:])
                held = {c.co_name: c for c in code.co_consts if hasattr(c, "co_name")}
                if blocked.name in held and path.parents[1].name == name.parent.name:
                    assert f"{BLOCKED}{blocked.name}" in held[blocked.name].co_consts


@pytest.mark.parametrize("lab", LABS)
def test_the_staged_library_can_be_imported_and_says_what_is_blocked(lab: Lab) -> None:
    staging = stage(lab.questions)
    program = f"""
import sys
sys.path[:0] = [{str(staging.folder / "library")!r}]
from tinyml_course.course import lab_questions
import tinyml_course
assert tinyml_course.__file__.startswith({str(staging.folder)!r})
for question in lab_questions({lab.name!r}).questions:
    assert question.mistakes == ()
    try:
        question.reference(*question.cases[0].args, **question.cases[0].kwargs)
    except NotImplementedError as error:
        assert str(error) == {BLOCKED!r} + question.function_name, error
    else:
        raise SystemExit(question.name)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd="/"
    )
    assert done.returncode == 0, done.stderr


def test_staging_twice_gives_the_same_folder() -> None:
    lab = next(iter(labs().values()))
    assert stage(lab.questions).folder == stage(lab.questions).folder


SOURCE = '''import math

@decorated
def first(x: int) -> int:
    """Says something.

    More.
    """
    y = math.floor(x)
    return y + 1


def second(x):
    if x:
        return first(x)
    return 0


VALUE = 3
'''


def test_without_keeps_all_but_the_bodies() -> None:
    found = without(SOURCE, {"first", "second"})
    assert "floor(x)" not in found
    assert "return" not in found
    assert ast.get_docstring(ast.parse(found).body[1]) == "Says something.\n\nMore."  # type: ignore[arg-type]
    assert found.count(BLOCKED) == 2
    assert found.endswith("VALUE = 3\n")
    assert without(SOURCE, []) == SOURCE


@pytest.mark.parametrize("source", ["def other(): pass", "def f(): return 1", "f = lambda: 1"])
def test_what_cannot_be_blocked_is_an_error(source: str) -> None:
    with pytest.raises(GradingError):
        without(source, ["f"])


def test_wrong_answers_and_their_helpers_go() -> None:
    table = (
        "def _wrong(x): return _helper(x)\n"
        "def _helper(x): return x\n"
        "def _used(x): return x\n"
        "def public(x): return x\n"
        "Q = Question('q1', cases=[_used(1)], mistakes=(Mistake('m', _wrong),))\n"
    )
    found = without_mistakes(table)
    assert "_wrong" not in found
    assert "_helper" not in found
    assert "Mistake(" not in found
    assert "def _used" in found
    assert "def public" in found
