"""How much of each layer: the same everywhere, or as much as each layer bears."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tinyml_course.pruning.counts import check_sparsity
from tinyml_course.pruning.errors import PruningError, SparsityError


@dataclass(frozen=True)
class Sensitivity:
    """What pruning one layer alone does to accuracy.

    Attributes:
        baseline: validation accuracy of the dense network, in 0..1.
        sparsities: that were tried, rising.
        accuracies: by weight's name, one for each sparsity.
    """

    baseline: float
    sparsities: tuple[float, ...]
    accuracies: Mapping[str, tuple[float, ...]]


def uniform_ratios(names: Sequence[str], sparsity: float) -> dict[str, float]:
    """The same sparsity for every layer.

    Raises:
        SparsityError: a sparsity outside of 0..1.
    """
    check_sparsity(sparsity)
    return dict.fromkeys(names, float(sparsity))


def sensitivity_ratios(
    sparsities: Sequence[float],
    accuracies: Mapping[str, Sequence[float]],
    least_accuracy: float,
) -> dict[str, float]:
    """For each layer the highest sparsity up to which accuracy never falls below a bound.

    A curve that recovers by chance behind a dip is not trusted. Layers are scanned one by one, so
    all of them pruned together lose more than each alone.

    Args:
        sparsities: rising, in 0..1.
        accuracies: by layer, one for each sparsity, on the validation split.
        least_accuracy: what has to be left.

    Returns:
        Sparsity by layer, 0 where none keeps the bound.

    Raises:
        SparsityError: sparsities outside of 0..1 or not rising.
        PruningError: curves of another length.
    """
    for sparsity in sparsities:
        check_sparsity(sparsity)
    if any(b <= a for a, b in pairwise(sparsities)) or not sparsities:
        raise SparsityError(f"sparsities must rise, got {list(sparsities)}")
    ratios = {}
    for name, curve in accuracies.items():
        if len(curve) != len(sparsities):
            raise PruningError(f"{name}: {len(curve)} accuracies for {len(sparsities)} sparsities")
        ratio = 0.0
        for sparsity, accuracy in zip(sparsities, curve, strict=True):
            if accuracy < least_accuracy:
                break
            ratio = float(sparsity)
        ratios[name] = ratio
    return ratios


def ratios_for(scan: Sensitivity, weights: Mapping[str, int], sparsity: float) -> dict[str, float]:
    """Per-layer ratios that reach a sparsity of the whole, at the highest bound that allows it.

    Args:
        scan: from `sensitivity_scan`.
        weights: number of weights by layer, as many layers as in the scan.
        sparsity: of all of them together that is to be reached.

    Returns:
        Sparsity by layer; together at least ``sparsity``.

    Raises:
        SparsityError: not even the highest sparsities that were scanned reach it.
        PruningError: other layers than in the scan.
    """
    check_sparsity(sparsity)
    if set(weights) != set(scan.accuracies):
        raise PruningError(f"the scan has {sorted(scan.accuracies)}, not {sorted(weights)}")
    total = sum(weights.values())
    bounds = sorted({a for curve in scan.accuracies.values() for a in curve}, reverse=True)
    for bound in bounds:
        ratios = sensitivity_ratios(scan.sparsities, scan.accuracies, bound)
        reached = sum(ratios[name] * count for name, count in weights.items()) / total
        if reached >= sparsity:
            return ratios
    raise SparsityError(
        f"sparsity {sparsity:g} is above what was scanned; the most reachable is "
        f"{scan.sparsities[-1]:g}: scan higher sparsities"
    )
