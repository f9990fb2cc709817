"""A judge that reads what to say from the notebook, so that the pipeline is tested without it."""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder import files
from autograder.errors import GradingError
from autograder.judging.outcome import Outcome, QuestionOutcome
from autograder.labs import Lab
from autograder.notebook import grade_id

MESSAGE = "got 3, expected 4"


@dataclass(frozen=True)
class FakeJudge:
    """A question is right where its cell holds ``# right``; other words there make trouble.

    Attributes:
        log: a file that gets a line for each judgement; it tells what was judged, in any process.
        seconds: that one judgement takes.
    """

    log: Path
    seconds: float = 0.0

    def __call__(self, lab: Lab, path: Path, *, seed: int, limits: Any, sandbox: Any) -> Outcome:
        student = path.parent.parent.name
        with self.log.open("a") as file:
            file.write(f"{student}\n")
        time.sleep(self.seconds)
        try:
            text = {
                cell["metadata"].get("nbgrader", {}).get("grade_id"): "".join(cell["source"])
                for cell in json.loads(path.read_bytes())["cells"]
            }
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            nothing = [QuestionOutcome(n, 0.0, t.points, "not judged") for n, t in _tasks(lab)]
            return Outcome("unreadable", tuple(nothing), "it is no notebook")
        whole = " ".join(text.values())
        if "# die" in whole:
            os._exit(1)
        if "# bug" in whole:
            raise RuntimeError("the judge has a bug")
        if "# fatal" in whole:
            raise GradingError("the instructor's limits are wrong")
        questions = [
            QuestionOutcome(name, task.points, task.points, "right")
            if "# right" in text.get(name, "")
            else QuestionOutcome(name, 0.0, task.points, "wrong", MESSAGE)
            for name, task in _tasks(lab)
        ]
        status = "timeout" if "# timeout" in whole else "ok"
        return Outcome(status, tuple(questions), f"seed {seed}" if "# tell" in whole else "", 0.5)

    def judged(self) -> list[str]:
        """Whose submissions were judged so far, in order."""
        return self.log.read_text().split() if self.log.exists() else []


def _tasks(lab: Lab) -> Any:
    return lab.questions.tasks.items()


def submission(lab: Lab, *right: str, note: str = "") -> Any:
    """The student notebook with some questions right for `FakeJudge`, and words of trouble."""
    notebook = files.read(lab.notebook)
    for cell in notebook.cells:
        if grade_id(cell) in right:
            cell.source = f"# right\n{cell.source}"
        if note and grade_id(cell) == next(iter(lab.questions.tasks)):
            cell.source = f"# {note}\n{cell.source}"
    return notebook


def write_answer(notebook: Any, name: str, source: str) -> Any:
    """The notebook with one cell written anew."""
    next(cell for cell in notebook.cells if grade_id(cell) == name).source = source
    return notebook


def submit(course: Path, lab: Lab, student: str, content: Any, name: str | None = None) -> Path:
    """Put a notebook, or any text, where a submission is expected."""
    path = course / "submitted" / student / lab.name / (name or f"{lab.name}.ipynb")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else files.as_text(content))
    return path
