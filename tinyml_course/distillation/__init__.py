"""Knowledge distillation: a small network learns from what a large one says, or sees."""

from tinyml_course.distillation.attention import attention_loss, attention_map, attention_transfer
from tinyml_course.distillation.distill import distill
from tinyml_course.distillation.hints import hint, hint_loss
from tinyml_course.distillation.soft_labels import soft_label_loss, soft_labels
from tinyml_course.distillation.term import Term

__all__ = [
    "Term",
    "attention_loss",
    "attention_map",
    "attention_transfer",
    "distill",
    "hint",
    "hint_loss",
    "soft_label_loss",
    "soft_labels",
]
