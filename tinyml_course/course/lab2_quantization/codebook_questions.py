"""Questions 10 to 13: shared weights, their bytes and gradients, and Huffman's words."""

# ruff: noqa: ARG001, ARG005 - a planted mistake leaves out what it should use

import heapq
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.quantization.codebook import centroid_gradients, codebook_bytes, codebook_step
from tinyml_course.quantization.huffman import huffman_bits

Array = NDArray[Any]
ROUNDING = 1e-9
"""Sums in another order differ in the last digits."""


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


def _signed_distance(w: Array, centroids: Array) -> dict[str, Array]:
    indices = (w[..., None] - centroids).argmin(-1)
    found = [w[indices == k] for k in range(len(centroids))]
    means = [p.mean() if p.size else c for p, c in zip(found, centroids, strict=True)]
    return {"indices": indices, "centroids": np.array(means)}


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
        Mistake(
            "The distance keeps its sign, so the largest centroid looks nearest. Take `np.abs`.",
            _signed_distance,
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
        case(9, 1, 2),
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
            "The bytes of the indices are rounded to the nearest. A byte that is only partly used "
            "is still taken: round up.",
            lambda weights, bits, centroids=None: (
                round(weights * bits / 8) + 4 * (centroids or 2**bits)
            ),
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
    return _centroid_sums(np.abs(gradient), indices, clusters)


def _centroid_sums(gradient: Array, indices: Array, clusters: int) -> Array:
    return np.array([gradient[indices == k].sum() for k in range(clusters)])


def _used_only(gradient: Array, indices: Array, clusters: int) -> list[float]:
    return [float(gradient[indices == k].sum()) for k in np.unique(indices)]


def _counted(gradient: Array, indices: Array, clusters: int) -> Array:
    return np.bincount(indices.ravel(), minlength=clusters)


def _first_row(gradient: Array, indices: Array, clusters: int) -> Array:
    return _centroid_sums(gradient[:1], indices[:1], clusters)


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

QUESTIONS = (KMEANS, BYTES, GRADIENTS, HUFFMAN)
