"""Grading: 60 submissions of Lab 0, right scores for all, and how fast beside plain nbgrader.

Solved notebooks, planted mistakes from the question tables, unsolved and broken ones. They are
graded by one worker, by two, and by two workers of a Dask cluster on this machine; plain `nbgrader
autograde`, which runs whole notebooks, grades a sample of the same files in the same run. Every
score is compared with what is known beforehand: all points, none, or those of the mistake.
"""

import ast
import builtins
import copy
import inspect
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from harness import main, show

from autograder import files
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.prepare import prepare
from autograder.grading.run import Options, grade
from autograder.grading.spread import Crew
from autograder.judge import judge, judge_with
from autograder.labs import Lab, find_lab
from autograder.nbgrader_api import Course
from autograder.notebook import TEST_SUFFIX, grade_id, instructor_notebook
from tinyml_course.course.answering import LocalAnswerer
from tinyml_course.course.question import Mistake, Question

SEED = 2024
SOLVED, MISTAKES, UNSOLVED = 12, 36, 6
SEARCHING = 2
"""Solved ones whose design is searched for while they are graded; the others hold its numbers."""
NBGRADER_SAMPLE = 6
DESIGN = "design = {'width': 0.4, 'resolution': 144}\ndesign"


@dataclass(frozen=True)
class Case:
    """A submission and what it must be given.

    Attributes:
        student: its name says what it is.
        text: of the notebook.
        scores: question to points; of a broken one only those that differ from 0.
        statuses: that it may end with.
    """

    student: str
    text: str
    scores: dict[str, float]
    statuses: tuple[str, ...] = ("ok",)


def cases(lab: Lab) -> Iterator[Case]:
    """The 60 submissions."""
    full = {name: task.points for name, task in lab.questions.tasks.items()}
    solved, unsolved = instructor_notebook(lab), files.read(lab.notebook)
    short = written(solved, "final", DESIGN)
    assert judge(lab.short, "final", {"width": 0.4, "resolution": 144}) == full["final"]
    for number in range(SOLVED):
        notebook = solved if number < SEARCHING else short
        yield Case(f"solved-{number:02}", files.as_text(notebook), full)
    planted = list(lambdas(lab))
    step = len(planted) / MISTAKES
    for number in range(MISTAKES):
        question, mistake, source = planted[int(number * step)]
        answerer = LocalAnswerer(mistake.wrong)
        points = judge_with(lab.short, question.name, answerer, seed=SEED)
        notebook = written(short, question.name, f"{question.function_name} = {source}")
        # The others use the library's version where this one is wrong, so they lose nothing.
        scores = {**full, question.name: points}
        yield Case(f"mistake-{number:02}-{question.name}", files.as_text(notebook), scores)
    for number in range(UNSOLVED):
        yield Case(f"unsolved-{number:02}", files.as_text(unsolved), dict.fromkeys(full, 0.0))
    yield from broken(short, full)


def broken(solved: Any, full: dict[str, float]) -> Iterator[Case]:
    """Six that cannot be graded like the others."""
    nothing = dict.fromkeys(full, 0.0)
    deleted = copy.deepcopy(solved)
    deleted.cells = [c for c in deleted.cells if grade_id(c) not in ("q2", "q5" + TEST_SUFFIX)]
    twice = copy.deepcopy(solved)
    twice.cells.append(copy.deepcopy(next(c for c in twice.cells if grade_id(c) == "q3")))
    yield Case("broken-0-json", files.as_text(solved)[:5000], nothing, ("unreadable",))
    yield Case("broken-1-empty", "", nothing, ("unreadable",))
    other = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    yield Case("broken-2-other", other, nothing, ("wrong lab",))
    syntax = written(solved, "q1", "def conv_output_size(size:")
    yield Case("broken-3-syntax", files.as_text(syntax), {**full, "q1": 0.0})
    yield Case("broken-4-deleted", files.as_text(deleted), {**full, "q2": 0.0})
    loop = written(solved, "q6", "def peak_chain(sizes):\n    while True:\n        pass")
    yield Case("broken-5-loop", files.as_text(loop), {**full, "q6": 0.0}, ("timeout",))


def written(notebook: Any, name: str, source: str) -> Any:
    """The notebook with one cell written anew."""
    result = copy.deepcopy(notebook)
    next(cell for cell in result.cells if grade_id(cell) == name).source = source
    return result


def lambdas(lab: Lab) -> Iterator[tuple[Question, Mistake, str]]:
    """Planted mistakes that one expression makes, with its text."""
    texts: dict[str, str] = {}
    package = f"tinyml_course.course.{lab.name}."
    for name in [name for name in sys.modules if name.startswith(package)]:
        tree = ast.parse(inspect.getsource(sys.modules[name]))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Mistake":
                message, wrong = node.args
                if isinstance(wrong, ast.Lambda) and not unknown_names(wrong):
                    texts[ast.literal_eval(message)] = ast.unparse(wrong)
    for question in lab.questions.questions:
        for mistake in question.mistakes:
            if mistake.message in texts:
                yield question, mistake, texts[mistake.message]


def unknown_names(expression: ast.Lambda) -> set[str]:
    """Names that a notebook would not have."""
    used, bound = set(), {"math"}
    for node in ast.walk(expression):
        if isinstance(node, ast.arg):
            bound.add(node.arg)
        if isinstance(node, ast.Name):
            (bound if isinstance(node.ctx, ast.Store) else used).add(node.id)
    return used - bound - set(dir(builtins))


def graded(base: Path, everything: list[Case], lab: Lab, crew: Crew) -> tuple[float, list[str]]:
    """Seconds that a crew takes for all of them, and what is wrong with their scores."""
    with tempfile.TemporaryDirectory(prefix="tinyml-grading-") as folder:
        course = Path(folder) / "course"
        shutil.copytree(base, course)
        start = time.perf_counter()
        report = grade(lab.short, Options(course_dir=course, seed=SEED), crew)
        seconds = time.perf_counter() - start
    rows = {row.student: row for row in report.rows}
    wrong = [f"trouble: {text}" for text in report.troubles]
    for case in everything:
        row = rows[case.student]
        given = {name: row.questions[name] for name in case.scores}
        if given != case.scores or row.status not in case.statuses:
            wrong.append(f"{case.student}: {row.status}, {given} instead of {case.scores}")
    return seconds, wrong


def alone(base: Path, everything: list[Case], lab: Lab, crew: Crew) -> tuple[float, list[str]]:
    """The same in a process of its own: nothing that an earlier run has computed is at hand."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(graded, base, everything, lab, crew).result()


def on_dask(run: Callable[[Crew], tuple[float, list[str]]]) -> tuple[float, list[str]]:
    """The same on a cluster of two processes on this machine, started before the clock."""
    from distributed import LocalCluster

    options = {"threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": 50}
    with LocalCluster(n_workers=2, **options) as cluster:
        return run(Crew(scheduler=cluster.scheduler_address))


def by_nbgrader(base: Path, sample: list[Case], lab: Lab) -> float:
    """Seconds that plain nbgrader takes for some of them."""
    with tempfile.TemporaryDirectory(prefix="tinyml-grading-") as folder:
        path = Path(folder) / "course"
        shutil.copytree(base, path)
        course = Course(path)
        start = time.perf_counter()
        for case in sample:
            course.autograde(lab.name, case.student)
        return time.perf_counter() - start


def measure() -> dict[str, Any]:
    lab = find_lab("lab0")
    everything = list(cases(lab))
    with tempfile.TemporaryDirectory(prefix="tinyml-grading-") as folder:
        base = Path(folder)
        writer = GradebookWriter(Course(base), lab)
        prepare(lab, writer)
        writer.close()
        for case in everything:
            path = base / "submitted" / case.student / lab.name / f"{lab.name}.ipynb"
            path.parent.mkdir(parents=True)
            path.write_text(case.text)
        runs = {
            "one worker": alone(base, everything, lab, Crew(1)),
            "two workers": alone(base, everything, lab, Crew(2)),
            "Dask, two workers": on_dask(lambda crew: alone(base, everything, lab, crew)),
        }
        whole = [case for case in everything if not case.student.startswith("broken")]
        sample = whole[:: max(1, len(whole) // NBGRADER_SAMPLE)][:NBGRADER_SAMPLE]
        nbgrader_s = by_nbgrader(base, sample, lab) / len(sample)
    return told(everything, runs, nbgrader_s, [case.student for case in sample])


def told(
    everything: list[Case],
    runs: dict[str, tuple[float, list[str]]],
    nbgrader_s: float,
    sample: list[str],
) -> dict[str, Any]:
    """Print the figures, and give them back."""
    each = {name: seconds / len(everything) for name, (seconds, _) in runs.items()}
    wrong = {name: errors for name, (_, errors) in runs.items()}
    rows = [
        (name, f"{each[name]:.2f}", f"{60 / each[name]:.0f}", f"{len(everything) - len(bad)}")
        for name, bad in wrong.items()
    ]
    rows.append((f"nbgrader autograde, {len(sample)} of them", f"{nbgrader_s:.2f}", "", ""))
    columns = ("graded by", "seconds each", "a minute", "right scores")
    show(f"{len(everything)} submissions of Lab 0", columns, rows)
    for name, errors in wrong.items():
        for error in errors:
            print(f"{name}: {error}")
    figures = {
        "submissions": len(everything),
        "right_scores": {name: len(everything) - len(errors) for name, errors in wrong.items()},
        "seconds_each": {name: round(seconds, 3) for name, seconds in each.items()},
        "two_workers_over_one": round(each["one worker"] / each["two workers"], 2),
        "dask_over_one": round(each["one worker"] / each["Dask, two workers"], 2),
        "nbgrader_seconds_each": round(nbgrader_s, 2),
        "nbgrader_sample": sample,
        "nbgrader_over_one_worker": round(nbgrader_s / each["one worker"], 2),
        "nbgrader_over_two_workers": round(nbgrader_s / each["two workers"], 2),
    }
    show("Compared", ("what", "times"), [(k, v) for k, v in figures.items() if "_over_" in k])
    return figures


if __name__ == "__main__":
    main(__doc__, measure)
