"""Calling a learner's function: with copies of the inputs, and whatever it does, an `Answer`."""

import contextlib
import copy
import io
import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any, Literal

from tinyml_course.course.plain import MalformedAnswerError, Plain, to_plain
from tinyml_course.course.question import Case, Function

Trouble = Literal[
    "unsolved",
    "raised",
    "malformed",
    "library",
    "timeout",
    "memory",
    "processes",
    "crashed",
    "tampered",
]


@dataclass(frozen=True)
class Answer:
    """What came back for one case.

    Attributes:
        value: the answer, where there is one.
        trouble: why there is none: the function is not written, raised, gave something that is
            not plain data, or only called the library's version; where it runs in a process of
            its own, also that it took too long or too much memory, started too many processes,
            ended the process, or forged messages. ``None`` when there is a value.
        message: the trouble in words.
    """

    value: Plain = None
    trouble: Trouble | None = None
    message: str = ""


Answerer = Callable[[Case], Answer]
"""Plain inputs to a plain answer. The function behind it may live in another process."""


class LocalAnswerer:
    """Calls a function in this process.

    Args:
        function: the learner's.
        reference: the library's version, which the learner's must not call; ``None`` allows all.
        doors: other functions that it must not call, each as ``module:name``.
    """

    def __init__(
        self, function: object, reference: Function | None = None, doors: Sequence[str] = ()
    ) -> None:
        self.function = function
        self.forbidden: CodeType | None = getattr(reference, "__code__", None)
        self.doors = frozenset(doors)

    def __call__(self, case: Case) -> Answer:
        """The answer for one case. Never raises, never prints."""
        if not callable(self.function):
            kind = type(self.function).__name__
            return Answer(trouble="malformed", message=f"this is no function, it is a {kind}")
        case = copy.deepcopy(case)
        watch = _Watch(self.forbidden, self.doors)
        try:
            with quiet(), watch:
                returned = self.function(*case.args, **case.kwargs)
            value = to_plain(returned)
        except NotImplementedError as error:
            return Answer(trouble="unsolved", message=_one_line(error) or "not written yet")
        except MalformedAnswerError as error:
            return Answer(trouble="malformed", message=str(error))
        except KeyboardInterrupt:
            raise  # somebody stops a loop that does not end: not one case, all of it
        except BaseException as error:
            text = f"{type(error).__name__}: {_one_line(error)}{_line_of(error)}"
            return Answer(trouble="raised", message=text)
        if watch.seen:
            return Answer(trouble="library", message="this calls the library's version")
        return Answer(value)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing printed, warned or logged inside reaches the notebook.

    nbgrader gives no points where a test cell wrote to standard error, and a progress bar or a
    warning is no wrong answer.
    """
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


class _Watch:
    """Notices a call of the library's version, however it was imported.

    It catches who passes the library off as their own work; hostile code is the sandbox's matter.
    """

    def __init__(self, code: CodeType | None, doors: frozenset[str] = frozenset()) -> None:
        self.code, self.doors = code, doors
        self.names = {door.partition(":")[2] for door in doors}
        self.seen = False

    def __enter__(self) -> "_Watch":
        self.before = sys.getprofile()
        sys.setprofile(self._notice)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(self.before)

    def _notice(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event != "call":
            return
        code = frame.f_code
        if code is self.code:
            self.seen = True
        elif code.co_name in self.names:
            self.seen |= f"{frame.f_globals.get('__name__')}:{code.co_name}" in self.doors


def _one_line(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:
        return "(its message cannot be shown)"
    return " ".join(text.split())[:300]


def _line_of(error: BaseException) -> str:
    """Where in the learner's code it happened: the last frame outside this package."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__") == "__main__":
            place = f" (line {trace.tb_lineno} of {trace.tb_frame.f_code.co_name})"
        trace = trace.tb_next
    return place
