"""How far a learner is: the notebook run from top to bottom, and what its checks say.

For people who learn by themselves. It needs what the labs need, not nbgrader.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import nbformat

from autograder.errors import GradingError
from autograder.execute import execute
from autograder.files import read
from autograder.labs import find_lab

_PROBE = """
import json
from tinyml_course.course import checker
print(json.dumps({{name: found.status for name, found in checker("{lab}").results.items()}}))
"""


@dataclass(frozen=True)
class QuestionState:
    """One question.

    Attributes:
        name: ``q1``.
        title: what it is about.
        points: that it can give.
        status: ``right``, ``wrong``, ``unsolved``, ``note`` (a design that could be better), or
            ``not checked`` where the notebook never came to its check.
    """

    name: str
    title: str
    points: float
    status: str


@dataclass(frozen=True)
class Progress:
    """The state of a notebook.

    Attributes:
        notebook: the file.
        questions: in the lab's order.
        errors: one line for each cell that raised.
        seconds: that the run took.
    """

    notebook: Path
    questions: tuple[QuestionState, ...]
    errors: tuple[str, ...]
    seconds: float

    @property
    def passed(self) -> int:
        """Questions whose visible cases are all right."""
        return sum(question.status == "right" for question in self.questions)


def progress(lab: str, path: Path | None = None) -> Progress:
    """Run a learner's notebook in a fresh kernel and collect what `check` says.

    Args:
        lab: ``"lab0"`` or ``"lab0_memory_gap"``.
        path: the notebook; by default the lab's own in ``labs/``. It is not changed.

    Raises:
        UnknownNameError: there is no such lab.
        GradingError: the notebook is missing, or is none.
    """
    found = find_lab(lab)
    path = path or found.notebook
    try:
        notebook = read(path)
    except FileNotFoundError as error:
        raise GradingError(f"there is no notebook {path}") from error
    except (nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        raise GradingError(f"{path} is no notebook: {str(error)[:100]}") from error
    probe = nbformat.v4.new_code_cell(_PROBE.format(lab=found.name))  # type: ignore[no-untyped-call]
    notebook.cells.append(probe)
    run = execute(notebook)
    states = json.loads(run.notebook.cells[-1].outputs[0]["text"])
    return Progress(
        path,
        tuple(
            QuestionState(name, task.title, task.points, states.get(name, "not checked"))
            for name, task in found.questions.tasks.items()
        ),
        run.errors,
        run.seconds,
    )
