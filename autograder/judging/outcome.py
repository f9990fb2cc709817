"""What judging a submission came to, as plain data.

**Status of a question**

| status | meaning |
| --- | --- |
| `right` | all points |
| `partly right` | some groups of hidden inputs are right |
| `wrong` | too few are; no points |
| `unsolved` | the function still raises `NotImplementedError` |
| `raised` | the function, or the cell that should define it, raises an error |
| `library` | it calls the library's version of the function |
| `missing` | the notebook has no such cell, or the cell defines no such function |
| `malformed` | an answer is no plain data, is not finite, or is too large |
| `timeout` | it took longer than its limit |
| `memory` | it took more memory than its limit |
| `processes` | it started more processes than allowed |
| `crashed` | its process ended |
| `tampered` | something forged messages to the judge; no points for this question |
| `not judged` | the submission's time was over before |

A question that ended early, by `timeout`, `memory`, `processes` or `crashed`, keeps the points of
the groups that were right before. Where several apply, the last of the table counts.

**Status of a submission**

| status | meaning |
| --- | --- |
| `ok` | judged; answers may be right or wrong |
| `malformed`, `crashed`, `timeout`, `processes`, `memory` | judged; a question ended so |
| `tampered` | judged; a locked cell or nbgrader's metadata were changed, or messages forged |
| `wrong lab` | the notebook holds none of the lab's questions |
| `too large` | the file, or the number of its cells, is above the limit |
| `unreadable` | it is no notebook: no JSON, another format, a link, a folder |

Where a notebook was tampered with, the released cells are used in the place of its own, and points
follow from the answers alone: nothing is gained by it.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from tinyml_course.errors import TinyMLError, lookup, reject_unknown_keys

QuestionStatus = Literal[
    "right",
    "partly right",
    "wrong",
    "unsolved",
    "raised",
    "library",
    "missing",
    "malformed",
    "timeout",
    "memory",
    "processes",
    "crashed",
    "tampered",
    "not judged",
]
Status = Literal[
    "ok",
    "malformed",
    "crashed",
    "timeout",
    "processes",
    "memory",
    "tampered",
    "wrong lab",
    "too large",
    "unreadable",
]
_SEVERITY: tuple[Status, ...] = (
    "ok",
    "malformed",
    "crashed",
    "timeout",
    "processes",
    "memory",
    "tampered",
)


@dataclass(frozen=True)
class Group:
    """One group of hidden inputs.

    Attributes:
        name: what it tests.
        right: number of right answers.
        cases: number of inputs.
        message: if not all are right: what was got and expected for the first of them.
    """

    name: str
    right: int
    cases: int
    message: str = ""

    @property
    def passed(self) -> bool:
        """Whether all are right."""
        return self.right == self.cases


@dataclass(frozen=True)
class QuestionOutcome:
    """One question, or the final task.

    Attributes:
        name: ``q1``, ``final``.
        points: from 0 to ``max_points``.
        max_points: for all groups.
        status: see the top of this file.
        message: for the learner; it never holds a hidden input.
        groups: of hidden inputs; none for the final task.
    """

    name: str
    points: float
    max_points: float
    status: QuestionStatus
    message: str = ""
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """One submission. Written answers are not in it: a person reads them.

    Attributes:
        status: see the top of this file.
        questions: in the lab's order; all are there, whatever happened.
        message: why, and what is remarkable about the notebook; empty if nothing is.
        seconds: that judging took.
        peak_rss_bytes: the most memory that one question took, where it is known.
        sandbox: its kind.
    """

    status: Status
    questions: tuple[QuestionOutcome, ...]
    message: str = ""
    seconds: float = 0.0
    peak_rss_bytes: int | None = None
    sandbox: str = ""

    @property
    def points(self) -> float:
        """Of all questions and the final task."""
        return round(sum(question.points for question in self.questions), 2)

    @property
    def max_points(self) -> float:
        """Likewise, of a right submission."""
        return sum(question.max_points for question in self.questions)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON data."""
        data: dict[str, Any] = asdict(self)
        return data

    @staticmethod
    def from_dict(data: dict[str, Any]) -> "Outcome":
        """What `to_dict` gave.

        Raises:
            UnknownNameError: an unknown key, or a status that does not exist.
            TinyMLError: a key is missing.
        """
        given = _checked(Outcome, data)
        questions = []
        for found in given["questions"]:
            question = _checked(QuestionOutcome, found)
            lookup("status", question["status"], dict.fromkeys(get_args(QuestionStatus)))
            groups = tuple(Group(**_checked(Group, group)) for group in question["groups"])
            questions.append(QuestionOutcome(**question | {"groups": groups}))
        lookup("status", given["status"], dict.fromkeys(get_args(Status)))
        return Outcome(**given | {"questions": tuple(questions)})


def worst(questions: tuple[QuestionOutcome, ...], tampered: bool) -> Status:
    """The status of a submission from those of its questions."""
    found = {question.status for question in questions}
    if tampered:
        return "tampered"
    return [status for status in _SEVERITY if status == "ok" or status in found][-1]


def _checked(kind: type, data: dict[str, Any]) -> dict[str, Any]:
    names = [field.name for field in fields(kind)]
    reject_unknown_keys(kind.__name__, data, names)
    missing = [name for name in names if name not in data]
    if missing:
        raise TinyMLError(f"{kind.__name__} lacks {', '.join(missing)}")
    return dict(data)
