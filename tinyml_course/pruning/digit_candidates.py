"""The digit network with fewer channels, on a board: what a candidate costs and how right it is.

Nothing is trained: the strongest channels stay, by L2 norm, weights and batch-norm statistics are
chosen anew on training images as in `search_channels`, and the accuracy is that on the validation
split. So a candidate has one answer, within a fraction of a second.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from tinyml_course.errors import reject_unknown_keys
from tinyml_course.mcu import board
from tinyml_course.pruning.budget import Budget
from tinyml_course.pruning.errors import PruningError

if TYPE_CHECKING:
    from tinyml_course.pruning.automatic import CandidateJudge

CHANNELS = {
    "stem": 16,
    "block0.first": 16,
    "block1.first": 16,
    "down": 32,
    "block2.first": 32,
    "block3.first": 32,
}
"""Channels of each group of the dense network, in execution order."""
BOARD = board("stm32f412")
BUDGET = Budget(macs=200_000, flash_bytes=24 * 1024)
"""Of the lab's final task."""


def candidate(counts: Mapping[str, int]) -> dict[str, float]:
    """What the digit network is with so many channels in each group.

    Args:
        counts: channels that stay, for every group of `CHANNELS`.

    Returns:
        ``validation_accuracy`` in 0..1, ``macs``, ``flash_bytes``, ``sram_bytes`` and
        ``latency_ms``, as the plan for `BOARD` has them; accuracy in float32, before fine-tuning.

    Raises:
        UnknownNameError: a group that does not exist.
        PruningError: a group is missing, or a count is not a whole number within its channels.
    """
    chosen = checked(counts)
    return dict(_measured(tuple(chosen.values())))


def costs(counts: Mapping[str, int]) -> dict[str, float]:
    """As `candidate`, without the accuracy: a few milliseconds."""
    found = _judge().costs.of(tuple(checked(counts).values()))
    return {
        "macs": found.macs,
        "flash_bytes": found.flash_used_bytes,
        "sram_bytes": found.sram_peak_bytes,
        "latency_ms": found.latency_ms_estimate,
    }


def checked(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts in the order of `CHANNELS`.

    Raises:
        UnknownNameError, PruningError: as `candidate`.
    """
    reject_unknown_keys("channel counts", counts, CHANNELS)
    missing = [name for name in CHANNELS if name not in counts]
    if missing:
        raise PruningError(f"how many channels of {', '.join(missing)} stay is missing")
    for name, size in CHANNELS.items():
        count = counts[name]
        whole = isinstance(count, (int, np.integer)) and not isinstance(count, bool)
        if not whole or not 1 <= count <= size:
            raise PruningError(
                f"{name} keeps a whole number of channels from 1 to {size}, got {count!r}"
            )
    return {name: int(counts[name]) for name in CHANNELS}


@cache
def _measured(counts: tuple[int, ...]) -> tuple[tuple[str, float], ...]:
    judge = _judge()
    accuracy = judge.candidate(counts).validation_accuracy
    named = dict(zip(CHANNELS, counts, strict=True))
    return (("validation_accuracy", accuracy), *costs(named).items())


@cache
def _judge() -> "CandidateJudge":
    import torch

    from tinyml_course.data import load
    from tinyml_course.graph import from_torch
    from tinyml_course.models.trained import load_trained
    from tinyml_course.pruning.automatic import CandidateJudge
    from tinyml_course.pruning.channel_costs import ChannelCosts
    from tinyml_course.pruning.channel_criteria import group_importance
    from tinyml_course.pruning.coupling.trace import channel_groups

    network, data = load_trained("digit_resnet"), load("digits")
    example = torch.from_numpy(data.train.images[:8])
    groups = channel_groups(network, example[:1])
    counted = ChannelCosts(from_torch(network, example), groups, BOARD, BUDGET)
    ranks = group_importance(network, groups)
    return CandidateJudge(network, counted, ranks, data, len(data.validation))
