"""Lab 0, memory_gap: why a phone's network does not fit a microcontroller."""

from tinyml_course.course.lab0_memory_gap import (
    budget_questions,
    layer_questions,
    memory_questions,
)
from tinyml_course.course.lab0_memory_gap.design import FINAL
from tinyml_course.course.lab0_memory_gap.predictions import PREDICTIONS
from tinyml_course.course.question import LabQuestions

LAB = LabQuestions(
    name="lab0_memory_gap",
    title="Lab 0, the memory gap",
    questions=(
        *layer_questions.QUESTIONS,
        *memory_questions.QUESTIONS,
        *budget_questions.QUESTIONS,
    ),
    final=FINAL,
    written_points=10,
    predictions=PREDICTIONS,
)

__all__ = ["LAB"]
