"""Lab 2, quantization: integers all the way."""

from tinyml_course.course.lab2_quantization import (
    bits_questions,
    codebook_questions,
    convolution_questions,
    grid_questions,
    rescale_questions,
    training_questions,
    weight_questions,
)
from tinyml_course.course.lab2_quantization.design import FINAL
from tinyml_course.course.lab2_quantization.predictions import PREDICTIONS
from tinyml_course.course.question import LabQuestions

LAB = LabQuestions(
    name="lab2_quantization",
    title="Lab 2, quantization",
    questions=(
        *grid_questions.QUESTIONS,
        *weight_questions.QUESTIONS,
        *rescale_questions.QUESTIONS,
        *convolution_questions.QUESTIONS,
        *training_questions.QUESTIONS,
        *codebook_questions.QUESTIONS,
        *bits_questions.QUESTIONS,
    ),
    final=FINAL,
    written_points=10,
    predictions=PREDICTIONS,
)

__all__ = ["LAB"]
