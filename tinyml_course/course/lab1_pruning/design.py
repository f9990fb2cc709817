"""The final task: the most accurate digit network under a budget of MACs and flash."""

from typing import Any

from tinyml_course.course.question import DesignTask, Evaluation
from tinyml_course.pruning.digit_candidates import BUDGET, CHANNELS, candidate

NOTHING_AT, ALL_AT = 0.85, 0.90
"""Validation accuracies at which the points begin, and at which all are earned. Equal shares of all
groups lie between the two; a random search of 40 candidates finds more than the second.
"""


def evaluate(design: dict[str, Any]) -> Evaluation:
    """What a design is worth: nothing above the budget, else by its validation accuracy.

    Args:
        design: channels that stay, for every group.

    Raises:
        UnknownNameError: another key.
        PruningError: a count that cannot be.
    """
    found = candidate(design)
    over = {
        "MACs": (found["macs"], BUDGET.macs or 0),
        "bytes of flash": (found["flash_bytes"], BUDGET.flash_bytes or 0),
    }
    missing = [
        f"{spent - limit:,.0f} {what} too many ({spent:,.0f} of {limit:,.0f})"
        for what, (spent, limit) in over.items()
        if spent > limit
    ]
    accuracy = found["validation_accuracy"]
    if missing:
        return Evaluation(0.0, (f"It is above the budget: {', '.join(missing)}.",))
    share = min(1.0, max(0.0, (accuracy - NOTHING_AT) / (ALL_AT - NOTHING_AT)))
    told = (
        f"{accuracy:.1%} on the validation split with {found['macs']:,.0f} MACs and "
        f"{found['flash_bytes']:,.0f} bytes of flash; points go from {NOTHING_AT:.0%} to "
        f"{ALL_AT:.0%}."
    )
    return Evaluation(share, (told,))


FINAL = DesignTask(
    name="final",
    title="the most accurate within the budget",
    points=20,
    keys=tuple(CHANNELS),
    evaluate=evaluate,
)
