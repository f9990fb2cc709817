"""Lab 2, quantization: integers all the way."""

from tinyml_course.course.lab2_quantization import (
    grid_questions,
    integer_questions,
    storage_questions,
)
from tinyml_course.course.lab2_quantization.design import FINAL
from tinyml_course.course.lab2_quantization.predictions import PREDICTIONS
from tinyml_course.course.question import LabQuestions

LAB = LabQuestions(
    name="lab2_quantization",
    title="Lab 2, quantization",
    questions=(
        *grid_questions.QUESTIONS,
        *integer_questions.QUESTIONS,
        *storage_questions.QUESTIONS,
    ),
    final=FINAL,
    written_points=10,
    predictions=PREDICTIONS,
)

__all__ = ["LAB"]
