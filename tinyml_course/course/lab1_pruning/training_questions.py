"""Questions 6 and 7: importance from gradients, and the gradual schedule."""

# ruff: noqa: ARG005 - a planted mistake leaves out what it should use

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.lab1_pruning.step_questions import array
from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.pruning.importance.taylor import taylor_importance
from tinyml_course.pruning.schedules import cubic_sparsity

Array = NDArray[Any]

TAYLOR = Question(
    name="q6",
    title="Taylor importance",
    points=4,
    reference=taylor_importance,
    tolerance=1e-6,
    cases=(
        case(array(2, -1, 0.5), array(0.5, 3, -4)),
        case(array(0, 3, 3), array(5, 0, -1)),
        case(np.array([[1.5, -2.0], [0.25, 4.0]]), np.array([[-2.0, 0.5], [8.0, 0.1]])),
    ),
    mistakes=(
        Mistake(
            "The product is not squared, so a harmful weight and a useful one can both look "
            "unimportant. Any change of the loss counts.",
            lambda w, gradient: gradient * w,
        ),
        Mistake(
            "This is the magnitude of the product. The order is the same, but the importance "
            "that is summed up over a channel is the square.",
            lambda w, gradient: np.abs(gradient * w),
        ),
        Mistake(
            "Only the gradient counts here. How much the loss changes without the weight is "
            "gradient times weight.",
            lambda w, gradient: gradient**2,
        ),
        Mistake("Only the weight counts here. That is magnitude again.", lambda w, gradient: w**2),
        Mistake(
            "Only the weight is squared. Square the product.", lambda w, gradient: gradient * w**2
        ),
        Mistake(
            "Only the gradient is squared. Square the product.", lambda w, gradient: gradient**2 * w
        ),
        Mistake(
            "This is one number. Give the importance of each weight.",
            lambda w, gradient: ((gradient * w) ** 2).sum(),
        ),
    ),
)


def _progress(step: int, begin: int, end: int) -> float:
    return min(max((step - begin) / (end - begin), 0.0), 1.0)


CUBIC = Question(
    name="q7",
    title="the cubic schedule",
    points=4,
    reference=cubic_sparsity,
    tolerance=1e-5,
    cases=(
        case(0, begin=0, end=10, final=0.8),
        case(5, begin=0, end=10, final=0.8),
        case(20, begin=10, end=30, final=0.9),
        case(3, begin=10, end=30, final=0.9, initial=0.2),
        case(45, begin=10, end=30, final=0.9),
        case(7, begin=0, end=10, final=0.9, initial=0.3),
    ),
    mistakes=(
        Mistake(
            "The sparsity grows evenly. The cubic schedule is fast at first: what is left of the "
            "way is `(1 - progress) ** 3`.",
            lambda step, *, begin, end, final, initial=0.0: (
                initial + (final - initial) * _progress(step, begin, end)
            ),
        ),
        Mistake(
            "The sparsity is slow at first and fast at the end. It is what is left of the way that "
            "is cubed, not the way.",
            lambda step, *, begin, end, final, initial=0.0: (
                initial + (final - initial) * _progress(step, begin, end) ** 3
            ),
        ),
        Mistake(
            "The way is squared, not cubed.",
            lambda step, *, begin, end, final, initial=0.0: (
                final + (initial - final) * (1 - _progress(step, begin, end)) ** 2
            ),
        ),
        Mistake(
            "Before `begin` the sparsity is `initial`; the curve must not begin earlier.",
            lambda step, *, begin, end, final, initial=0.0: (
                final + (initial - final) * (1 - min((step - begin) / (end - begin), 1)) ** 3
            ),
        ),
        Mistake(
            "After `end` the sparsity stays `final`; the curve must not go on.",
            lambda step, *, begin, end, final, initial=0.0: (
                final + (initial - final) * (1 - max((step - begin) / (end - begin), 0)) ** 3
            ),
        ),
        Mistake(
            "The schedule does not begin at `begin`: count steps from there.",
            lambda step, *, begin, end, final, initial=0.0: (
                final + (initial - final) * (1 - _progress(step, 0, end)) ** 3
            ),
        ),
        Mistake(
            "`initial` is not used.",
            lambda step, *, begin, end, final, initial=0.0: (
                final * (1 - (1 - _progress(step, begin, end)) ** 3)
            ),
        ),
        Mistake(
            "Before `begin` the sparsity is 0 here. It is `initial`.",
            lambda step, *, begin, end, final, initial=0.0: (
                final + (initial - final) * (1 - _progress(step, begin, end)) ** 3
                if step >= begin
                else 0.0
            ),
        ),
        Mistake(
            "`//` rounds the way down, so it stays at 0 until the end. Use `/`.",
            lambda step, *, begin, end, final, initial=0.0: (
                final + (initial - final) * (1 - int(_progress(step, begin, end))) ** 3
            ),
        ),
        Mistake(
            "The way is divided by `end`. It is `end - begin` steps long.",
            lambda step, *, begin, end, final, initial=0.0: (
                final + (initial - final) * (1 - _progress(step - begin, 0, end)) ** 3
            ),
        ),
    ),
)

QUESTIONS = (TAYLOR, CUBIC)
