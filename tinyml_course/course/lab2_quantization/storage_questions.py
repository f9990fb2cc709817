"""Questions 9 to 14: training through the rounding, shared weights, bytes, and bits per layer."""

# ruff: noqa: ARG001, ARG005 - a planted mistake leaves out what it should use

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.quantization.bit_budget import least_cost_bits
from tinyml_course.quantization.codebook import centroid_gradients, codebook_bytes, codebook_step
from tinyml_course.quantization.huffman import huffman_bits
from tinyml_course.quantization.straight_through_estimator import straight_through

Array = NDArray[Any]
ROUNDING = 1e-9
"""Sums in another order differ in the last digits."""


def _fake(
    x: Any, scale: float, zero_point: int = 0, bits: int = 8
) -> tuple[Array, Array, Array, Array]:
    """Reals, integers before clipping, values, gradient."""
    real = np.asarray(x, np.float64)
    most = 2 ** (bits - 1) - 1
    integers = np.trunc(real / scale + np.copysign(0.5, real)) + zero_point
    clipped = np.clip(integers, -most - 1, most)
    return real, integers, (clipped - zero_point) * scale, (clipped == integers).astype(float)


def _through_everything(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    _, _, values, gradient = _fake(x, scale, zero_point, bits)
    return {"values": values, "gradient": np.ones_like(gradient)}


def _through_nothing(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    _, _, values, gradient = _fake(x, scale, zero_point, bits)
    return {"values": values, "gradient": np.zeros_like(gradient)}


def _still_integers(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    _, _, values, gradient = _fake(x, scale, zero_point, bits)
    return {"values": np.rint(values / scale) + zero_point, "gradient": gradient}


def _zero_point_left_in(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    _, _, values, gradient = _fake(x, scale, zero_point, bits)
    return {"values": values + zero_point * scale, "gradient": gradient}


def _values_not_clipped(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    _, integers, _, gradient = _fake(x, scale, zero_point, bits)
    return {"values": (integers - zero_point) * scale, "gradient": gradient}


def _gradient_scaled(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    _, _, values, gradient = _fake(x, scale, zero_point, bits)
    return {"values": values, "gradient": gradient * scale}


def _gradient_turned(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    _, _, values, gradient = _fake(x, scale, zero_point, bits)
    return {"values": values, "gradient": 1 - gradient}


def _around_0(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    real, _, values, _ = _fake(x, scale, zero_point, bits)
    return {"values": values, "gradient": (np.abs(real) <= 2 ** (bits - 1) * scale).astype(float)}


def _ends_left_out(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    _, integers, values, _ = _fake(x, scale, zero_point, bits)
    most = 2 ** (bits - 1) - 1
    inside = (integers > -most - 1) & (integers < most)
    return {"values": values, "gradient": inside.astype(float)}


STRAIGHT_THROUGH = Question(
    name="q9",
    title="a gradient through the rounding",
    points=5,
    reference=straight_through,
    cases=(
        case(np.array([0.1, -0.6, 1.3]), 0.5),
        case(np.array([100.0, -100.0, 1.0]), 0.25),
        case(np.array([5.0, 0.2, -0.3, -2.1]), 0.5, -5, 4),
        case(np.array([3.5, -4.1, 4.2, 0.4]), 0.5, 0, 4),
        case(np.array([7.2, -7.8, -9.0]), 1.0, 0, 4),
    ),
    mistakes=(
        Mistake(
            "The gradient is 1 everywhere. Where a value saturates, a small change of it changes "
            "nothing: 0.",
            _through_everything,
        ),
        Mistake(
            "This is rounding's own gradient, 0 everywhere: nothing would learn. Pass it through "
            "as 1 where the integer lies on the grid.",
            _through_nothing,
        ),
        Mistake(
            "The values are still integers. Go back: `scale * (integer - zero_point)`.",
            _still_integers,
        ),
        Mistake(
            "The zero point is not subtracted on the way back: `scale * (integer - zero_point)`.",
            _zero_point_left_in,
        ),
        Mistake("The values do not saturate. Clip the integers first.", _values_not_clipped),
        Mistake(
            "The gradient holds the scale. Dividing and multiplying by it cancel: 1.",
            _gradient_scaled,
        ),
        Mistake("The gradient is turned: 1 belongs where nothing saturates.", _gradient_turned),
        Mistake(
            "You ask whether `x` lies around 0. With a zero point the grid lies elsewhere: ask "
            "whether the *integer* lies on it.",
            _around_0,
        ),
        Mistake(
            "The ends of the grid are left out. A value that rounds to them is not cut off.",
            _ends_left_out,
        ),
    ),
    tolerance=1e-6,
)


def _nearest(w: Array, centroids: Array) -> Array:
    indices: Array = np.abs(w[..., None] - centroids).argmin(-1)
    return indices


def _moved(
    w: Array, centroids: Array, how: Callable[[Array], Any], empty: Callable[[float], float]
) -> Array:
    indices = _nearest(w, centroids)
    found = [w[indices == k] for k in range(len(centroids))]
    return np.array(
        [how(part) if part.size else empty(c) for part, c in zip(found, centroids, strict=True)]
    )


def _step(
    how: Callable[[Array], Any] = np.mean, empty: Callable[[float], float] = float
) -> Callable[[Array, Array], dict[str, Array]]:
    def step(w: Array, centroids: Array) -> dict[str, Array]:
        centroids = np.asarray(centroids, np.float64)
        moved = _moved(w, centroids, how, empty)
        return {"indices": _nearest(w, centroids), "centroids": moved}

    return step


def _indices_after(w: Array, centroids: Array) -> dict[str, Array]:
    moved = _step()(w, centroids)["centroids"]
    return {"indices": _nearest(w, moved), "centroids": moved}


def _not_moved(w: Array, centroids: Array) -> dict[str, Array]:
    return {"indices": _nearest(w, np.asarray(centroids)), "centroids": np.asarray(centroids)}


def _next_below(w: Array, centroids: Array) -> dict[str, Array]:
    indices = np.clip(np.searchsorted(centroids, w, side="right") - 1, 0, len(centroids) - 1)
    found = [w[indices == k] for k in range(len(centroids))]
    means = [p.mean() if p.size else c for p, c in zip(found, centroids, strict=True)]
    return {"indices": indices, "centroids": np.array(means)}


_W = np.array([[-1.2, -0.8, 0.1], [0.2, 0.9, 3.0]])

KMEANS = Question(
    name="q10",
    title="a step of k-means",
    points=5,
    reference=codebook_step,
    cases=(
        case(_W, np.array([-1.0, 0.0, 2.0])),
        case(_W, np.array([-1.0, 1.0])),
        case(np.array([0.1, 0.2, 0.4]), np.array([-5.0, 0.0, 0.5])),
        case(np.array([1.0, 2.0, 6.0, 7.0]), np.array([0.0, 4.2])),
        case(np.array([0.0, 1.0, 2.0, 3.0, 10.0]), np.array([0.0, 2.2])),
    ),
    mistakes=(
        Mistake(
            "A centroid moves to the median of its weights. k-means takes the mean, which makes "
            "the squared error least.",
            _step(np.median),
        ),
        Mistake(
            "A centroid moves to the sum of its weights: divide by how many there are.",
            _step(np.sum),
        ),
        Mistake(
            "A centroid moves to the middle between its smallest and largest weight. Take the mean "
            "of all its weights.",
            _step(lambda part: (part.min() + part.max()) / 2),
        ),
        Mistake(
            "A centroid without weights becomes 0. Let it stay where it is.",
            _step(empty=lambda c: 0.0),
        ),
        Mistake(
            "The indices are those after the move. One step assigns first, then moves; give the "
            "indices of the assignment.",
            _indices_after,
        ),
        Mistake("The centroids do not move: each goes to its weights' mean.", _not_moved),
        Mistake(
            "Each weight takes the centroid below it. Take the nearest, on either side.",
            _next_below,
        ),
    ),
    tolerance=ROUNDING,
)

BYTES = Question(
    name="q11",
    title="bytes of a codebook",
    points=3,
    reference=codebook_bytes,
    cases=(
        case(1000, 4),
        case(1000, 2),
        case(13, 3),
        case(1000, 8),
        case(1000, 4, 11),
        case(7, 1, 2),
    ),
    mistakes=(
        Mistake(
            "The centroids are missing: each takes 4 bytes, a float32.",
            lambda weights, bits, centroids=None: -(-weights * bits // 8),
        ),
        Mistake(
            "The indices are counted in bits. Eight of them are a byte.",
            lambda weights, bits, centroids=None: weights * bits + 4 * (centroids or 2**bits),
        ),
        Mistake(
            "Each index takes a whole byte here. They are packed; round up once.",
            lambda weights, bits, centroids=None: (
                weights * math.ceil(bits / 8) + 4 * (centroids or 2**bits)
            ),
        ),
        Mistake(
            "A centroid takes one byte here. It is a float32: 4 bytes.",
            lambda weights, bits, centroids=None: -(-weights * bits // 8) + (centroids or 2**bits),
        ),
        Mistake(
            "The number of centroids is `bits`. So many bits can name `2**bits` of them.",
            lambda weights, bits, centroids=None: -(-weights * bits // 8) + 4 * (centroids or bits),
        ),
        Mistake(
            "The last byte is lost. A byte that is only partly used is still taken: round up.",
            lambda weights, bits, centroids=None: weights * bits // 8 + 4 * (centroids or 2**bits),
        ),
        Mistake(
            "`centroids` is not used. Where it is given, only so many are stored.",
            lambda weights, bits, centroids=None: -(-weights * bits // 8) + 4 * 2**bits,
        ),
    ),
)


def _mean_gradient(gradient: Array, indices: Array, clusters: int) -> Array:
    sums = np.bincount(indices.ravel(), gradient.ravel(), clusters)
    means: Array = sums / np.maximum(np.bincount(indices.ravel(), minlength=clusters), 1)
    return means


def _last_one_wins(gradient: Array, indices: Array, clusters: int) -> Array:
    total = np.zeros(clusters)
    total[indices] += gradient
    return total


def _without_signs(gradient: Array, indices: Array, clusters: int) -> Array:
    return centroid_sums(np.abs(gradient), indices, clusters)


def centroid_sums(gradient: Array, indices: Array, clusters: int) -> Array:
    """The sums, as the mistakes change them."""
    return np.array([gradient[indices == k].sum() for k in range(clusters)])


def _used_only(gradient: Array, indices: Array, clusters: int) -> list[float]:
    return [float(gradient[indices == k].sum()) for k in np.unique(indices)]


def _counted(gradient: Array, indices: Array, clusters: int) -> Array:
    return np.bincount(indices.ravel(), minlength=clusters)


def _first_row(gradient: Array, indices: Array, clusters: int) -> Array:
    return centroid_sums(gradient[:1], indices[:1], clusters)


_G = np.array([[0.5, -1.0, 0.25], [2.0, 0.125, -0.75]])
_I = np.array([[0, 1, 0], [2, 1, 0]], np.uint8)

GRADIENTS = Question(
    name="q12",
    title="the gradient of a centroid",
    points=4,
    reference=centroid_gradients,
    cases=(
        case(_G, _I, 3),
        case(_G, _I, 5),
        case(_G, np.zeros((2, 3), np.uint8), 1),
        case(np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([[1, 1, 3, 1]], np.uint8), 4),
    ),
    mistakes=(
        Mistake(
            "These are means. A centroid changes all its weights at once, so its gradient is the "
            "*sum* of theirs.",
            _mean_gradient,
        ),
        Mistake(
            "`total[indices] += gradient` keeps one gradient for each index: NumPy does not add up "
            "repeated indices. Use `np.add.at`, `np.bincount` with weights, or a loop.",
            _last_one_wins,
        ),
        Mistake("The signs are lost. Gradients that pull apart cancel.", _without_signs),
        Mistake(
            "Centroids without weights are missing. There is an entry for each, 0 for those.",
            _used_only,
        ),
        Mistake("You count the weights. Add up their gradients.", _counted),
        Mistake(
            "Only the first row is summed. Weights of every row share the centroids.", _first_row
        ),
    ),
    tolerance=ROUNDING,
)


def _code_lengths(counts: Sequence[int], key: Callable[[int], float]) -> int:
    """Bits of the tree that merges the two of least ``key`` each time."""
    heap = [(key(count), place, count) for place, count in enumerate(counts)]
    heapq.heapify(heap)
    total = 0
    for place in range(len(counts), 2 * len(counts) - 1):
        (_, _, first), (_, _, second) = heapq.heappop(heap), heapq.heappop(heap)
        total += first + second
        heapq.heappush(heap, (key(first + second), place, first + second))
    return total


def _in_order_given(counts: Sequence[int]) -> int:
    left, total = list(counts), 0
    while len(left) > 1:
        merged = left.pop(0) + left.pop(0)
        total += merged
        left.insert(0, merged)
    return total or sum(counts)


def _sorted_once(counts: Sequence[int]) -> int:
    return _in_order_given(sorted(counts))


def _entropy(counts: Sequence[int]) -> float:
    share = np.array(counts) / sum(counts)
    return float(-(np.array(counts) * np.log2(share)).sum())


HUFFMAN = Question(
    name="q13",
    title="bits of Huffman's words",
    points=4,
    reference=huffman_bits,
    cases=(
        case([5, 2, 1]),
        case([8, 4, 2, 1, 1]),
        case([3, 3, 3, 3, 3, 3]),
        case([1, 9, 2, 9, 1, 4]),
        case([7]),
        case([4, 4]),
    ),
    mistakes=(
        Mistake(
            "Each code has a word of one fixed length. Frequent codes get shorter words.",
            lambda counts: sum(counts) * max(1, math.ceil(math.log2(len(counts)))),
        ),
        Mistake(
            "This is the entropy, the bound. Words have whole bits: build the tree.",
            lambda counts: math.ceil(_entropy(counts)),
        ),
        Mistake(
            "Each word has `ceil(-log2 p)` bits. That is Shannon's code; Huffman's is shorter.",
            lambda counts: sum(c * max(1, math.ceil(-math.log2(c / sum(counts)))) for c in counts),
        ),
        Mistake(
            "The two most frequent trees are merged first. Merge the two rarest.",
            lambda counts: _code_lengths(counts, lambda c: -c) or sum(counts),
        ),
        Mistake(
            "The counts are sorted only once. A merged tree must find its place among the others: "
            "use a heap, or sort again.",
            _sorted_once,
        ),
        Mistake("The trees are merged in the order given. Merge the two rarest.", _in_order_given),
        Mistake(
            "A code that is alone has a word of 0 bits: nothing could be counted. It takes 1 bit.",
            lambda counts: _code_lengths(counts, float),
        ),
    ),
)

Tables = Mapping[str, Mapping[int, float]]
Sizes = Mapping[str, Mapping[int, int]]


def _every(costs: Tables, sizes: Sizes, budget: float) -> list[tuple[float, int, dict[str, int]]]:
    found = []
    for choice in product(*(sizes[name] for name in sizes)):
        bits = dict(zip(sizes, choice, strict=True))
        size = sum(sizes[name][b] for name, b in bits.items())
        if size <= budget:
            found.append((sum(costs[name][b] for name, b in bits.items()), size, bits))
    return found


def _one_width(costs: Tables, sizes: Sizes, budget_bytes: int) -> dict[str, int]:
    found = [f for f in _every(costs, sizes, budget_bytes) if len(set(f[2].values())) == 1]
    return min(found, key=lambda f: f[0])[2]


def _no_budget(costs: Tables, sizes: Sizes, budget_bytes: int) -> dict[str, int]:
    return {name: min(costs[name], key=lambda b: costs[name][b]) for name in sizes}


def _fewest(costs: Tables, sizes: Sizes, budget_bytes: int) -> dict[str, int]:
    return {name: min(sizes[name]) for name in sizes}


def _largest_first(costs: Tables, sizes: Sizes, budget_bytes: int) -> dict[str, int]:
    bits = {name: max(sizes[name]) for name in sizes}
    while sum(sizes[name][b] for name, b in bits.items()) > budget_bytes:
        above = [name for name in bits if bits[name] > min(sizes[name])]
        chosen = max(above, key=lambda name: sizes[name][bits[name]])
        bits[chosen] = max(b for b in sizes[chosen] if b < bits[chosen])
    return bits


def _most_bytes(costs: Tables, sizes: Sizes, budget_bytes: int) -> dict[str, int]:
    return max(_every(costs, sizes, budget_bytes), key=lambda f: (f[1], -f[0]))[2]


def _one_after_the_other(costs: Tables, sizes: Sizes, budget_bytes: int) -> dict[str, int]:
    """The best bits for the first layer, then for the second with what is left."""
    left, bits = budget_bytes, {}
    names = list(sizes)
    for place, name in enumerate(names):
        kept = sum(min(sizes[later].values()) for later in names[place + 1 :])
        able = [b for b in sizes[name] if sizes[name][b] + kept <= left]
        bits[name] = min(able, key=lambda b: costs[name][b])
        left -= sizes[name][bits[name]]
    return bits


def _just_below(costs: Tables, sizes: Sizes, budget_bytes: int) -> dict[str, int]:
    return min(_every(costs, sizes, budget_bytes - 1) or _every(costs, sizes, budget_bytes))[2]


_SIZES = {"stem": {2: 20, 4: 40, 8: 80}, "head": {2: 50, 4: 100, 8: 200}}
_COSTS = {"stem": {2: 9.0, 4: 2.0, 8: 0.1}, "head": {2: 4.0, 4: 1.5, 8: 0.2}}
_TWO = {"a": {2: 10, 8: 40}, "b": {2: 12, 8: 48}}
_UNEVEN = {"a": {2: 9.0, 8: 1.0}, "b": {2: 2.0, 8: 1.0}}
_THREE = {"a": {2: 30, 8: 120}, "b": {2: 25, 8: 100}, "c": {2: 20, 8: 80}}
_WORTH = {"a": {2: 5.0, 8: 0.5}, "b": {2: 4.0, 8: 0.3}, "c": {2: 3.5, 8: 0.1}}

BITS = Question(
    name="q14",
    title="bits for each layer",
    points=4,
    reference=least_cost_bits,
    cases=(
        case(_COSTS, _SIZES, 140),
        case(_COSTS, _SIZES, 180),
        case(_COSTS, _SIZES, 280),
        case(_UNEVEN, _TWO, 60),
        case(_WORTH, _THREE, 210),
        case(_WORTH, _THREE, 165),
        case(_COSTS, _SIZES, 70),
    ),
    mistakes=(
        Mistake("All layers have the same bits. Each may have its own.", _one_width),
        Mistake("The budget is not used: these bits take too many bytes.", _no_budget),
        Mistake("Every layer has the fewest bits. What is left of the budget helps.", _fewest),
        Mistake(
            "Bits are always taken from the largest layer. What counts is what its bits cost.",
            _largest_first,
        ),
        Mistake(
            "The most bytes that fit are used. The least *cost* counts: some bytes are worth less.",
            _most_bytes,
        ),
        Mistake(
            "The layers choose one after the other, and nothing good is left for the last. Compare "
            "whole assignments.",
            _one_after_the_other,
        ),
        Mistake("A budget that is exactly used up is met: `<=`.", _just_below),
    ),
)

QUESTIONS = (STRAIGHT_THROUGH, KMEANS, BYTES, GRADIENTS, HUFFMAN, BITS)
