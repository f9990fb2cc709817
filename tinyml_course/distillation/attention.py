"""Where the teacher looks: attention transfer (Zagoruyko and Komodakis 2017)."""

from torch import Tensor
from torch.nn import functional

from tinyml_course.distillation.term import Term, check_same_size


def attention_map(features: Tensor) -> Tensor:
    """Where a map is active: squares summed over channels, each image scaled to length 1.

    ``F_sum^2`` of the paper, equation 1, normalized as in equation 2.

    Args:
        features: ``(N, C, H, W)``.

    Returns:
        ``(N, H W)``; of a map without any activity, zeros.
    """
    return functional.normalize(features.square().sum(1).flatten(1))


def attention_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared distance of two attention maps; the channels may differ.

    Args:
        student: ``(N, C_s, H, W)``.
        teacher: ``(N, C_t, H, W)``.

    Raises:
        CompressionError: maps of different rows and columns.
    """
    check_same_size(student, teacher)
    return (attention_map(student) - attention_map(teacher)).square().sum(1).mean()


def attention_transfer(student_layer: str, teacher_layer: str, weight: float = 1.0) -> Term:
    """Learn to look where the teacher looks.

    Args:
        student_layer: as `nn.Module.named_modules` says it.
        teacher_layer: of the same rows and columns.
        weight: beside the other terms.
    """
    return Term(attention_loss, weight, (student_layer, teacher_layer))
