"""The likely cause of wrong answers: the planted mistake that gives the same ones."""

from collections.abc import Sequence

from tinyml_course.course.answering import Answer, LocalAnswerer
from tinyml_course.course.compare import form, is_whole, same
from tinyml_course.course.plain import Plain, to_plain
from tinyml_course.course.question import Question


def expected_answers(question: Question) -> list[Plain]:
    """What the reference gives for the visible cases."""
    return [to_plain(question.reference(*c.args, **c.kwargs)) for c in question.cases]


def likely_cause(
    question: Question, answers: Sequence[Answer], expected: Sequence[Plain]
) -> str | None:
    """The message for the learner, or ``None`` where nothing explains all the answers.

    A mistake is named only if it gives the learner's answer in every visible case, right ones
    included: a message that fits half the cases sends a learner the wrong way.

    Args:
        question: the question.
        answers: the learner's, one a visible case.
        expected: the reference's, likewise.
    """
    troubles = {answer.trouble for answer in answers}
    if troubles != {None}:
        return _of_trouble(question, answers)
    values = [answer.value for answer in answers]
    if all(value is None for value in values):
        return "Your function gives nothing back. Is there a `return` at its end?"
    for mistake in question.mistakes:
        answerer = LocalAnswerer(mistake.wrong)
        if all(
            other.trouble is None and same(value, other.value, max(question.tolerance, 1e-12))
            for value, other in zip(values, map(answerer, question.cases), strict=True)
        ):
            return mistake.message
    return _of_form(values, expected)


def _of_trouble(question: Question, answers: Sequence[Answer]) -> str | None:
    kinds = [answer.trouble for answer in answers]
    if "library" in kinds:
        return (
            "This is the library's version at work. You may go on with it "
            f'(`check.use("{question.name}", ...)`), but the points are for your own.'
        )
    if kinds.count("raised") == len(kinds):
        return "Your function raises an error in every case: read the first message above."
    return None


def _of_form(values: Sequence[Plain], expected: Sequence[Plain]) -> str | None:
    for value, right in zip(values, expected, strict=True):
        if form(value) != form(right):
            return f"The answer should be {form(right)}, yours is {form(value)}."
    numbers = [v for v in values if not isinstance(v, (list, dict))]
    if all(isinstance(right, int) for right in expected) and not all(map(is_whole, numbers)):
        return "The answer counts whole things; yours has a fraction. Is there a `/` for a `//`?"
    return None
