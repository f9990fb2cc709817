"""The final task: bits for each layer of a trained network, with the best accuracy in its flash."""

from functools import cache
from typing import TYPE_CHECKING, Any

from tinyml_course.course.question import DesignTask, Evaluation
from tinyml_course.errors import TinyMLError, reject_unknown_keys
from tinyml_course.quantization.bit_budget import total_bytes

if TYPE_CHECKING:
    from tinyml_course.quantization.trial import BitTrial

NETWORK = "digit_mobilenet"
CHOICES = tuple(range(2, 9))
BUDGET_BYTES = 8_100
"""For all weights and scales together."""
FLOOR, FULL = 0.5, 0.95
"""Validation accuracies at which the points begin and end.

Bits by the loss of each layer alone reach 95.8 %; three of 360 images are left to other machines.
"""


@cache
def trial() -> "BitTrial":
    """The network that the bits are tried on."""
    from tinyml_course.quantization.trial import trained_trial

    return trained_trial(NETWORK, CHOICES)


def evaluate(design: dict[str, Any]) -> Evaluation:
    """What a design is worth: from `FLOOR` to `FULL` in proportion to its accuracy.

    Args:
        design: number of bits by layer.

    Raises:
        UnknownNameError: another key.
        TinyMLError: a layer is missing, or has a number of bits that there is not.
    """
    reject_unknown_keys("design", design, KEYS)
    bits = {name: _bits(design, name) for name in KEYS}
    size = total_bytes(trial().sizes, bits)
    if size > BUDGET_BYTES:
        missing = size - BUDGET_BYTES
        return Evaluation(
            0.0,
            (
                f"It does not fit: {size:,} bytes of flash, {missing:,} more than the "
                f"{BUDGET_BYTES:,} allowed. Take bits from the layers that bear it best.",
            ),
        )
    right = trial().accuracy(bits)
    share = min(1.0, max(0.0, (right - FLOOR) / (FULL - FLOOR)))
    told = f"It takes {size:,} of {BUDGET_BYTES:,} bytes and has {right:.1%} validation accuracy"
    if share == 1.0:
        return Evaluation(1.0, (f"{told}: {FULL:.0%} are enough for all points.",))
    return Evaluation(share, (f"{told}; points go from {FLOOR:.0%} to {FULL:.0%}.",))


def _bits(design: dict[str, Any], name: str) -> int:
    value = design.get(name)
    whole = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not whole or value not in CHOICES:
        raise TinyMLError(
            f"the design's {name} must be a whole number of bits from {CHOICES[0]} to "
            f"{CHOICES[-1]}, it is {value!r}"
        )
    assert isinstance(value, (int, float))
    return int(value)


KEYS: tuple[str, ...] = (
    "stem",
    "block0.depthwise",
    "block0.project",
    "block1.expand",
    "block1.depthwise",
    "block1.project",
    "block2.expand",
    "block2.depthwise",
    "block2.project",
    "block3.expand",
    "block3.depthwise",
    "block3.project",
    "block4.expand",
    "block4.depthwise",
    "block4.project",
    "classifier",
)
"""The layers with weights, in execution order."""

FINAL = DesignTask(
    name="final",
    title="the best accuracy in the flash",
    points=20,
    keys=KEYS,
    evaluate=evaluate,
)
