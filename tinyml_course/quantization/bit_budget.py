"""Bits for each layer's weights from tables alone: what each choice costs, and what it takes."""

from collections.abc import Mapping

import numpy as np

from tinyml_course.errors import CompressionError, reject_unknown_keys

Bits = dict[str, int]
Table = Mapping[str, Mapping[int, float]]
"""For each layer, what each number of bits costs."""


def total_bytes(sizes: Mapping[str, Mapping[int, int]], bits: Mapping[str, int]) -> int:
    """Flash of all weights under an assignment of bits.

    Raises:
        UnknownNameError: a layer that there is not.
        CompressionError: a layer without bits, or with a number that its table does not have.
    """
    reject_unknown_keys("layer", bits, sizes)
    for name in sizes:
        if name not in bits:
            raise CompressionError(f"the assignment has no bits for {name}; every layer needs some")
        if bits[name] not in sizes[name]:
            nearest = min(sizes[name], key=lambda b: abs(b - bits[name]))
            raise CompressionError(
                f"{name} cannot have {bits[name]} bits; there are "
                f"{', '.join(map(str, sorted(sizes[name])))}, the nearest is {nearest}"
            )
    return sum(sizes[name][bits[name]] for name in sizes)


def memory_driven_bits(
    sizes: Mapping[str, Mapping[int, int]], budget_bytes: int, margin: float = 0.05
) -> Bits:
    """Take bits from whoever has the largest share, until all fit (Rusci et al. 2020, algorithm 2).

    No data and no training is in it. Among layers whose share is within the margin of the largest,
    the earlier one is cut: later layers of networks tend to matter more for the classes.

    Args:
        sizes: bytes of each layer by number of bits, as `weight_bytes` gives them.
        budget_bytes: at most.
        margin: of the share of all bytes, 0 to 1.

    Raises:
        CompressionError: even the fewest bits need more; says how much.
    """
    _check_budget(sizes, budget_bytes)
    bits = {name: max(table) for name, table in sizes.items()}
    while (total := total_bytes(sizes, bits)) > budget_bytes:
        shares = {
            name: sizes[name][bits[name]] / total for name in sizes if bits[name] > min(sizes[name])
        }
        bound = max(shares.values()) - margin
        chosen = next(name for name, share in shares.items() if share >= bound)
        bits[chosen] = max(b for b in sizes[chosen] if b < bits[chosen])
    return bits


def least_cost_bits(
    costs: Table, sizes: Mapping[str, Mapping[int, int]], budget_bytes: int
) -> Bits:
    """The assignment of least total cost that fits, found exactly by dynamic programming.

    Args:
        costs: of each layer by number of bits; they are added up.
        sizes: bytes likewise.
        budget_bytes: at most.

    Raises:
        CompressionError: even the fewest bits need more; says how much.
    """
    _check_budget(sizes, budget_bytes)
    names = list(sizes)
    # best[b]: least cost of the layers so far in at most b bytes.
    best, chosen = np.zeros(budget_bytes + 1), []
    for name in names:
        table = np.full((len(sizes[name]), budget_bytes + 1), np.inf)
        for row, (bits, size) in enumerate(sizes[name].items()):
            if size <= budget_bytes:
                table[row, size:] = best[: budget_bytes + 1 - size] + costs[name][bits]
        chosen.append(table.argmin(0).astype(np.int8))
        best = table.min(0)
    left, found = budget_bytes, {}
    for name, rows in zip(reversed(names), reversed(chosen), strict=True):
        bits = list(sizes[name])[rows[left]]
        found[name] = bits
        left -= sizes[name][bits]
    return {name: found[name] for name in names}


def _check_budget(sizes: Mapping[str, Mapping[int, int]], budget_bytes: int) -> None:
    least = sum(min(table.values()) for table in sizes.values())
    if least > budget_bytes:
        raise CompressionError(
            f"the weights need {least:,} B with the fewest bits, {least - budget_bytes:,} B more "
            f"than the {budget_bytes:,} B allowed; prune first, or allow fewer bits"
        )
