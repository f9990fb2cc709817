"""What the teacher says: its class probabilities, softened (Hinton et al. 2015)."""

from functools import partial

from torch import Tensor
from torch.nn import functional

from tinyml_course.distillation.term import Term
from tinyml_course.errors import CompressionError


def soft_label_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """How far the student's softened probabilities are from the teacher's.

    ``T^2 KL(softmax(t / T) || softmax(s / T))``: the ``T^2`` keeps its gradient's size when the
    temperature changes (section 2 of the paper).

    Args:
        student: logits ``(N, classes)``.
        teacher: logits ``(N, classes)``.
        temperature: above 0; a high one shows which wrong classes the teacher finds near.

    Returns:
        The mean over the batch, a scalar.

    Raises:
        CompressionError: a temperature that is not positive, or logits of different shapes.
    """
    _check_temperature(temperature)
    if student.shape != teacher.shape:
        raise CompressionError(
            f"the student gives {tuple(student.shape)} logits, the teacher {tuple(teacher.shape)}; "
            "both must know the same classes"
        )
    divergence = functional.kl_div(
        functional.log_softmax(student / temperature, 1),
        functional.log_softmax(teacher / temperature, 1),
        reduction="batchmean",
        log_target=True,
    )
    return temperature**2 * divergence


def soft_labels(temperature: float = 4.0, weight: float = 1.0) -> Term:
    """Learn from the teacher's logits.

    Raises:
        CompressionError: a temperature that is not positive, or a negative weight.
    """
    _check_temperature(temperature)
    return Term(partial(soft_label_loss, temperature=temperature), weight)


def _check_temperature(temperature: float) -> None:
    if not temperature > 0:
        raise CompressionError(f"the temperature must be above 0, it is {temperature}")
