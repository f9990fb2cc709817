"""Bits by search: what HAQ learns by reinforcement, found by evolution (Wang et al. 2019)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from tinyml_course.errors import CompressionError
from tinyml_course.quantization.bit_budget import Bits, memory_driven_bits, total_bytes

POPULATION = 8


@dataclass(frozen=True)
class BitSearch:
    """What a search found.

    Attributes:
        bits: of each layer, the best that fits.
        score: of it.
        history: the best score after each evaluation.
    """

    bits: Bits
    score: float
    history: tuple[float, ...]


def search_bits(
    sizes: Mapping[str, Mapping[int, int]],
    budget_bytes: int,
    score: Callable[[Bits], float],
    *,
    evaluations: int,
    seed: int,
    starts: Sequence[Bits] = (),
    progress: bool = True,
) -> BitSearch:
    """Look for bits within a flash budget that score best.

    As in HAQ every candidate meets the budget before it is scored: bits are taken back until it
    does (section 3.3). It starts from the assignments that are given, from the rule-based one and
    from the most bits that all layers can have alike, in this order, so with an evaluation for each
    it is never worse than these.

    Args:
        sizes: bytes of each layer by number of bits, as `weight_bytes` gives them.
        budget_bytes: at most.
        score: more is better; on validation data, never on the test split.
        evaluations: calls of ``score``, at least 1.
        seed: of the mutations.
        starts: assignments to begin with, such as that of `hessian_costs`; all within the budget.
        progress: show a bar.

    Raises:
        CompressionError: a budget that cannot be met, or that a start does not meet; no
            evaluations.
        UnknownNameError: a start with a layer or bits that ``sizes`` does not have.
    """
    if evaluations < 1:
        raise CompressionError(f"search_bits: {evaluations} evaluations; at least 1")
    rng = np.random.default_rng(seed)
    scored: dict[tuple[int, ...], float] = {}
    history: list[float] = []
    names = list(sizes)
    waiting = _starts(sizes, budget_bytes, starts)
    for _ in tqdm(range(evaluations), desc="bits", unit="network", disable=not progress):
        candidate = waiting.pop(0)
        key = tuple(candidate[name] for name in names)
        scored[key] = score(dict(candidate))
        history.append(max(scored.values()))
        if waiting:
            continue
        best = sorted(scored, key=lambda k: -scored[k])[:POPULATION]
        child = _child(sizes, budget_bytes, best, set(scored), rng)
        if child is None:
            break  # all neighbours of the best are known
        waiting.append(child)
    key = max(scored, key=lambda k: scored[k])
    return BitSearch(dict(zip(names, key, strict=True)), scored[key], tuple(history))


def _starts(
    sizes: Mapping[str, Mapping[int, int]], budget_bytes: int, given: Sequence[Bits]
) -> list[Bits]:
    """Those given, the rule's assignment, and the uniform one of the most bits that fits."""
    found: list[Bits] = []
    for bits in given:
        size = total_bytes(sizes, bits)
        if size > budget_bytes:
            raise CompressionError(
                f"search_bits: a start takes {size:,} bytes, {size - budget_bytes:,} more than the "
                f"{budget_bytes:,} allowed; least_cost_bits gives one that fits"
            )
        found.append({name: bits[name] for name in sizes})
    found.append(memory_driven_bits(sizes, budget_bytes))
    common = set.intersection(*(set(table) for table in sizes.values()))
    even = [dict.fromkeys(sizes, bits) for bits in sorted(common, reverse=True)]
    fitting = [bits for bits in even if total_bytes(sizes, bits) <= budget_bytes]
    found += fitting[:1]
    return [bits for i, bits in enumerate(found) if bits not in found[:i]]


def _child(
    sizes: Mapping[str, Mapping[int, int]],
    budget_bytes: int,
    parents: list[tuple[int, ...]],
    known: set[tuple[int, ...]],
    rng: np.random.Generator,
    tries: int = 100,
) -> Bits | None:
    """A new mixture of two parents with one or two layers changed, brought under the budget."""
    names = list(sizes)
    for _ in range(tries):
        first, second = (parents[i] for i in rng.integers(len(parents), size=2))
        pick = rng.random(len(names)) < 0.5
        child = {
            n: int(a if p else b) for n, a, b, p in zip(names, first, second, pick, strict=True)
        }
        for name in rng.choice(names, size=int(rng.integers(1, 3))):
            child[str(name)] = int(rng.choice(list(sizes[str(name)])))
        while total_bytes(sizes, child) > budget_bytes:
            above = [n for n in names if child[n] > min(sizes[n])]
            name = str(rng.choice(above))
            child[name] = max(b for b in sizes[name] if b < child[name])
        if tuple(child.values()) not in known:
            return child
    return None
