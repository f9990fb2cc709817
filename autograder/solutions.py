"""The functions that a lab's source solves its questions with, ready to be called."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.labs import Lab
from autograder.notebook import grade_id, instructor_notebook
from tinyml_course.course import Checker


def solutions(lab: Lab) -> dict[str, Callable[..., Any]]:
    """Question to solved function: each solution cell of the source, run in order.

    Args:
        lab: the lab.
    """
    questions = lab.questions.questions
    names = {question.name: question.function_name for question in questions}
    # What the cells may count on is what the notebook's set-up gives; these are part of it.
    namespace: dict[str, Any] = {"check": Checker(lab.questions), "math": math, "np": np}
    for cell in instructor_notebook(lab).cells:
        if grade_id(cell) in names:
            exec(compile(cell.source, f"{lab.name}:{grade_id(cell)}", "exec"), namespace)
    return {name: namespace[function] for name, function in names.items()}
