"""A question as data: what is asked, how it is checked, and the typical wrong answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Function = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """One call of the learner's function.

    Attributes:
        args: positional arguments, plain data.
        kwargs: keyword arguments, plain data.
    """

    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)


def case(*args: Any, **kwargs: Any) -> Case:
    """A case written like the call it makes: ``case(224, 3, stride=2)``."""
    return Case(args, kwargs)


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer.

    It serves twice: a learner whose answers are those of ``wrong`` is told ``message``, and the
    tests prove that the judge takes points from ``wrong``.

    Attributes:
        message: what the learner did, and what to do about it.
        wrong: a function that makes the mistake.
    """

    message: str
    wrong: Function


@dataclass(frozen=True)
class Question:
    """A function to write.

    Attributes:
        name: ``q1``.
        title: what it is about, a few words.
        points: for the hidden tests.
        reference: the library's function; the learner's has the same name.
        cases: what `check` shows.
        mistakes: at least five.
        tolerance: relative tolerance of numbers; 0 asks for equality.
        doors: other functions of the library that give the answer or nearly so, each as
            ``module:name``. They are as little the learner's own as the reference. None in a module
            that imports torch: the sandbox has these modules ready for every question.
    """

    name: str
    title: str
    points: float
    reference: Function
    cases: Sequence[Case]
    mistakes: Sequence[Mistake]
    tolerance: float = 0.0
    doors: Sequence[str] = ()

    @property
    def function_name(self) -> str:
        """What the learner's function is called."""
        return self.reference.__name__


@dataclass(frozen=True)
class Evaluation:
    """What a design is worth.

    Attributes:
        share: of the points, 0 to 1.
        lines: what the learner is told, line by line.
    """

    share: float
    lines: tuple[str, ...]


@dataclass(frozen=True)
class DesignTask:
    """The task at the end of a lab: a design, submitted as a plain dict, recomputed for its score.

    Attributes:
        name: ``final``.
        title: what is to be designed.
        points: for the best design.
        keys: the keys that the dict has.
        evaluate: plain dict to `Evaluation`; raises `TinyMLError` for a design that makes no sense.
    """

    name: str
    title: str
    points: float
    keys: tuple[str, ...]
    evaluate: Callable[[dict[str, Any]], Evaluation]


@dataclass(frozen=True)
class Prediction:
    """A question to commit to before the experiment; it carries no points.

    Attributes:
        name: ``p1``.
        prompt: the question.
        options: letter to text.
        right: the letter that the experiment shows.
        because: what to take from it.
    """

    name: str
    prompt: str
    options: dict[str, str]
    right: str
    because: str


@dataclass(frozen=True)
class LabQuestions:
    """Everything a lab asks.

    Attributes:
        name: ``lab0_memory_gap``.
        title: of the lab.
        questions: functions to write.
        final: the design task.
        written_points: of the written answer.
        predictions: to commit to.
    """

    name: str
    title: str
    questions: tuple[Question, ...]
    final: DesignTask
    written_points: float
    predictions: tuple[Prediction, ...] = ()

    @property
    def short(self) -> str:
        """``lab0``."""
        return self.name.split("_")[0]

    @property
    def points(self) -> float:
        """Of the whole lab."""
        return sum(q.points for q in self.questions) + self.final.points + self.written_points

    @property
    def tasks(self) -> dict[str, Question | DesignTask]:
        """Questions and final task by name."""
        found: list[Question | DesignTask] = [*self.questions, self.final]
        return {task.name: task for task in found}
