"""A term of the loss: what of the student is held against what of the teacher."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from tinyml_course.errors import CompressionError


@dataclass(frozen=True)
class Term:
    """One thing that the student shall have in common with the teacher.

    Attributes:
        loss: of the student's value and the teacher's, a scalar.
        weight: beside the other terms, at least 0.
        layers: names of the student's layer and of the teacher's whose outputs are compared;
            ``None`` for the logits.
        regress: whether a 1x1 convolution, learned beside the student, first brings the student's
            map to the teacher's channels.
    """

    loss: Callable[[Tensor, Tensor], Tensor]
    weight: float
    layers: tuple[str, str] | None = None
    regress: bool = False

    def __post_init__(self) -> None:
        if not self.weight >= 0:
            raise CompressionError(f"the weight of a term must be at least 0, it is {self.weight}")


def check_same_size(student: Tensor, teacher: Tensor) -> None:
    """Raise unless two maps ``(N, C, H, W)`` have the same rows and columns.

    Raises:
        CompressionError: naming both.
    """
    if student.ndim != 4 or teacher.ndim != 4 or student.shape[2:] != teacher.shape[2:]:
        raise CompressionError(
            f"the student's map is {tuple(student.shape)}, the teacher's {tuple(teacher.shape)}; "
            "choose layers (N, C, H, W) of the same rows and columns"
        )
