"""`check`: what a learner sees at once about an answer."""

from typing import Any

from tinyml_course.course import card
from tinyml_course.course.answering import Answer, LocalAnswerer
from tinyml_course.course.compare import same
from tinyml_course.course.diagnose import expected_answers, likely_cause
from tinyml_course.course.in_form import in_form
from tinyml_course.course.plain import MalformedAnswerError, Plain, to_plain
from tinyml_course.course.question import (
    Case,
    DesignTask,
    Evaluation,
    Function,
    LabQuestions,
    Prediction,
    Question,
)
from tinyml_course.course.resources import Stopwatch
from tinyml_course.course.result import Check, Row, Status
from tinyml_course.errors import TinyMLError, lookup


class Checker:
    """The checks of one lab. Call it with a question's name and the answer.

    Nothing here raises because an answer is wrong, so that a notebook runs to its end.

    Args:
        lab: what the lab asks.
    """

    def __init__(self, lab: LabQuestions) -> None:
        self.lab = lab
        self.results: dict[str, Check] = {}
        self.guesses: dict[str, str] = {}
        self.stopwatch = Stopwatch()

    def __repr__(self) -> str:
        return f"checker of {self.lab.short}: {', '.join(self.lab.tasks)}"

    def __call__(self, name: str, answer: object) -> Check:
        """Check one answer against the visible cases.

        Args:
            name: of the question, ``"q1"``, or of the final task.
            answer: the function, or the design.

        Raises:
            UnknownNameError: the lab has no such question.
        """
        task = lookup(f"question of {self.lab.short}", name, self.lab.tasks)
        result = check_design(task, answer) if isinstance(task, DesignTask) else None
        if isinstance(task, Question):
            result = check_function(task, answer)
        assert result is not None
        self.results[name] = result
        return result

    def use(self, name: str, function: Function) -> Function:
        """The learner's function if it passes its check, else the library's, with a note.

        So a learner who is stuck goes on. Keep the result under another name than the function:
        the points are for the learner's own. Lists that it gives become arrays where the library's
        gives arrays.

        Raises:
            UnknownNameError: the lab has no such question.
        """
        questions = {question.name: question for question in self.lab.questions}
        question = lookup(f"question of {self.lab.short}", name, questions)
        if check_function(question, function).passed:
            return in_form(function, question)
        print(
            f"{name}: your {question.function_name} does not pass its check yet, so this cell "
            "uses the library's."
        )
        return question.reference

    def predict(self, name: str, letter: str) -> Check:
        """Commit to an answer before the experiment; no points hang on it.

        Raises:
            UnknownNameError: the lab has no such prediction.
        """
        prediction = self._prediction(name)
        options = tuple(f"`{key}` {text}" for key, text in prediction.options.items())
        choice = str(letter).strip().upper()
        if choice not in prediction.options:
            *others, last = prediction.options
            known = f"{', '.join(others)} or {last}"
            ask = f"Write {known} between the quotes and run the cell before you read on."
            return Check(name, prediction.prompt, "unsolved", lines=(*options, ask))
        self.guesses[name] = choice
        text = prediction.options[choice]
        return Check(name, prediction.prompt, "note", lines=(f"You say: `{choice}` {text}",))

    def reveal(self, name: str) -> Check:
        """What the experiment shows, beside what the learner had committed to.

        Raises:
            UnknownNameError: the lab has no such prediction.
        """
        prediction = self._prediction(name)
        guess = self.guesses.get(name)
        said = f"You said `{guess}`." if guess else "You had not committed to an answer."
        right = f"`{prediction.right}` {prediction.options[prediction.right]}"
        return Check(
            name,
            prediction.prompt,
            "right" if guess == prediction.right else "note",
            lines=(f"{said} It is {right}", prediction.because),
        )

    def summary(self) -> Check:
        """Which questions pass, and the time and memory that this run took."""
        rows = tuple(
            Row(f"{name} {task.title}", self._state(name), f"{task.points:g}", done)
            for name, task in self.lab.tasks.items()
            for done in [name in self.results and self.results[name].passed]
        )
        passed = sum(row.right for row in rows)
        return Check(
            "summary",
            f"{self.lab.title}: {passed} of {len(rows)} pass",
            "right" if passed == len(rows) else "note",
            rows,
            (
                self.stopwatch.report(),
                f"The written answer ({self.lab.written_points:g} points) is read by a person.",
            ),
            ("question", "state", "points"),
        )

    def _state(self, name: str) -> str:
        return self.results[name].status if name in self.results else "not checked"

    def _prediction(self, name: str) -> Prediction:
        known = {prediction.name: prediction for prediction in self.lab.predictions}
        return lookup(f"prediction of {self.lab.short}", name, known)


def check_function(question: Question, function: object) -> Check:
    """Check a function against a question's visible cases."""
    answerer = LocalAnswerer(function, question.reference, question.doors)
    answers = [answerer(case) for case in question.cases]
    expected = expected_answers(question)
    marks = [
        answer.trouble is None and same(answer.value, right, question.tolerance)
        for answer, right in zip(answers, expected, strict=True)
    ]
    name = f"{question.name} {question.function_name}"
    if all(answer.trouble == "unsolved" for answer in answers):
        line = "Not written yet. Replace the line that raises, then run both cells again."
        return Check(question.name, name, "unsolved", lines=(line,))
    rows = tuple(
        Row(_call(question, case), _shown(answer), _value(right), mark)
        for case, answer, right, mark in zip(question.cases, answers, expected, marks, strict=True)
    )
    if all(marks):
        title = f"{name}: all {len(rows)} visible cases are right"
        line = f"The {question.points:g} points are given for hidden cases of the same kinds."
        return Check(question.name, title, "right", rows, (line,))
    cause = likely_cause(question, answers, expected)
    title = f"{name}: {sum(marks)} of {len(rows)} visible cases are right"
    lines = (f"Likely cause: {cause}",) if cause else ()
    return Check(question.name, title, "wrong", rows, lines)


def check_design(task: DesignTask, design: object) -> Check:
    """Recompute a design and say what it is worth."""
    try:
        evaluation = evaluate_design(task, design)
    except TinyMLError as error:
        return Check(task.name, f"{task.name} {task.title}", "wrong", lines=(str(error),))
    if evaluation is None:
        line = "No design yet. Put numbers in the place of None."
        return Check(task.name, f"{task.name} {task.title}", "unsolved", lines=(line,))
    points = task.points * evaluation.share
    title = f"{task.name} {task.title}: {points:.1f} of {task.points:g} points"
    status: Status = "note" if evaluation.share > 0 else "wrong"
    if evaluation.share == 1:
        status = "right"
    return Check(task.name, title, status, lines=evaluation.lines)


def evaluate_design(task: DesignTask, design: object) -> Evaluation | None:
    """What a design is worth; ``None`` if nothing has been filled in.

    Raises:
        TinyMLError: not a plain dict with the task's keys, or a design that makes no sense.
    """
    plain = to_plain(design)
    if not isinstance(plain, dict):
        raise MalformedAnswerError(
            f"the design must be a dict with the keys {', '.join(task.keys)}, it is {plain!r:.80}"
        )
    checked: dict[str, Any] = {str(key): value for key, value in plain.items()}
    if checked and all(value is None for value in checked.values()):
        return None
    return task.evaluate(checked)


def _call(question: Question, case: Case) -> str:
    arguments = [repr(value) for value in case.args]
    arguments += [f"{key}={value!r}" for key, value in case.kwargs.items()]
    return card.shorten(f"{question.function_name}({', '.join(arguments)})", 110)


def _shown(answer: Answer) -> str:
    return card.shorten(answer.message, 160) if answer.trouble else _value(answer.value)


def _value(value: Plain) -> str:
    return card.shorten(f"{value:,}" if type(value) is int else repr(value))
