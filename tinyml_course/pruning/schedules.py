"""When how much is pruned: at once, in rounds, or gradually while training."""

from tinyml_course.pruning.counts import check_sparsity
from tinyml_course.pruning.errors import SparsityError


def cubic_sparsity(step: int, *, begin: int, end: int, final: float, initial: float = 0.0) -> float:
    """The sparsity at a step, fast at first and slow at the end (Zhu and Gupta 2017, equation 1).

    ``final + (initial - final) (1 - (step - begin) / (end - begin))^3`` between ``begin`` and
    ``end``, ``initial`` before and ``final`` after.

    Args:
        step: training step.
        begin: step at which pruning begins.
        end: step from which the sparsity is final, above ``begin``.
        final: sparsity to reach, in 0..1.
        initial: sparsity at the beginning, at most ``final``.

    Raises:
        SparsityError: a sparsity outside of 0..1, ``initial`` above ``final``, or no steps.

    >>> [round(cubic_sparsity(t, begin=0, end=4, final=0.8), 4) for t in range(5)]
    [0.0, 0.4625, 0.7, 0.7875, 0.8]
    """
    check_sparsity(initial)
    check_sparsity(final)
    if initial > final:
        raise SparsityError(f"pruning does not undo itself: initial {initial} above final {final}")
    if end <= begin:
        raise SparsityError(f"pruning must end after step {begin} where it begins, not at {end}")
    if step >= end:
        return final
    remaining = 1 - max(step - begin, 0) / (end - begin)
    return final + (initial - final) * remaining**3


def round_sparsities(final: float, rounds: int) -> list[float]:
    """Sparsities of iterative pruning: every round prunes the same share of what is left.

    ``1 - (1 - final)^(i / rounds)``, after Han et al. 2015 (section 3.4) and Frankle, Carbin 2019.

    Args:
        final: sparsity after the last round, in 0..1 but below 1.
        rounds: how many; 1 is one-shot pruning.

    Raises:
        SparsityError: a sparsity outside of 0..1 or 1 itself, or no rounds.

    >>> [round(s, 3) for s in round_sparsities(0.875, 3)]
    [0.5, 0.75, 0.875]
    """
    check_sparsity(final)
    if final == 1:
        raise SparsityError(
            "everything cannot be pruned in equal shares; choose a sparsity below 1"
        )
    if rounds < 1:
        raise SparsityError(f"rounds must be at least 1, got {rounds}")
    return [1 - (1 - final) ** (i / rounds) for i in range(1, rounds)] + [final]
