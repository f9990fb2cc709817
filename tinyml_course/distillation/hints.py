"""What the teacher sees: its maps, through a regressor (FitNets, Romero et al. 2015)."""

from torch import Tensor
from torch.nn import functional

from tinyml_course.distillation.term import Term, check_same_size
from tinyml_course.errors import CompressionError


def hint_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared difference of two maps ``(N, C, H, W)``.

    Raises:
        CompressionError: maps of different shapes.
    """
    check_same_size(student, teacher)
    if student.shape != teacher.shape:
        raise CompressionError(
            f"the student's map has {student.shape[1]} channels, the teacher's {teacher.shape[1]}; "
            "a regressor brings one to the other (regress=True)"
        )
    return functional.mse_loss(student, teacher)


def hint(student_layer: str, teacher_layer: str, weight: float = 1.0) -> Term:
    """Learn to make the teacher's map, up to a 1x1 convolution that is learned too.

    Args:
        student_layer: as `nn.Module.named_modules` says it.
        teacher_layer: of the same rows and columns.
        weight: beside the other terms.
    """
    return Term(hint_loss, weight, (student_layer, teacher_layer), regress=True)
