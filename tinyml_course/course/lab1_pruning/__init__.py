"""Lab 1, pruning: fewer weights, and what a microcontroller makes of it."""

from tinyml_course.course.lab1_pruning import (
    channel_questions,
    granularity_questions,
    step_questions,
    storage_questions,
    training_questions,
    weight_questions,
)
from tinyml_course.course.lab1_pruning.design import FINAL
from tinyml_course.course.lab1_pruning.predictions import PREDICTIONS
from tinyml_course.course.question import LabQuestions

LAB = LabQuestions(
    name="lab1_pruning",
    title="Lab 1, pruning",
    questions=(
        *weight_questions.QUESTIONS,
        *granularity_questions.QUESTIONS,
        *step_questions.QUESTIONS,
        *training_questions.QUESTIONS,
        *storage_questions.QUESTIONS,
        *channel_questions.QUESTIONS,
    ),
    final=FINAL,
    written_points=10,
    predictions=PREDICTIONS,
)

__all__ = ["LAB"]
