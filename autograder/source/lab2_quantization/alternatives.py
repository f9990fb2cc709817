"""Right answers of Lab 2, written otherwise: looped, vectorised, other types; none loses points."""

import heapq
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tinyml_course.quantization.integer import requantize

Array = NDArray[Any]
Costs = dict[str, dict[int, float]]
Sizes = dict[str, dict[int, int]]


def grid_by_ends(low: float, high: float, bits: int = 8) -> list[float]:
    """q1: a list; the zero point from the other end of the range."""
    low, high = np.minimum(low, 0), np.maximum(high, 0)
    scale = (high - low) / (2**bits - 1)
    return [scale, np.rint(2 ** (bits - 1) - 1 - high / scale)]


def grid_in_float32(low: float, high: float, bits: int = 8) -> tuple[Any, int]:
    """q1: the scale in float32."""
    low, high = min(0.0, low), max(0.0, high)
    scale = np.float32((high - low) / ((1 << bits) - 1))
    return scale, math.floor(-(1 << bits - 1) - low / float(scale) + 0.5)


def integers_looped(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> list[int]:
    """q2: one after the other, in plain Python."""
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    found = []
    for value in np.asarray(x).ravel().tolist():
        rounded = math.copysign(math.floor(abs(value / scale) + 0.5), value)
        found.append(int(min(max(rounded + zero_point, least), most)))
    return found


def integers_by_sign(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> Array:
    """q2: magnitude and sign, as floats."""
    steps = np.array(x, float) / scale
    rounded = np.sign(steps) * np.floor(np.abs(steps) + 0.5) + zero_point
    answer: Array = np.minimum(np.maximum(rounded, -(2.0 ** (bits - 1))), 2.0 ** (bits - 1) - 1)
    return answer


def channels_looped(w: Array, bits: int = 8, axis: int = 0) -> dict[str, Any]:
    """q3: channel by channel."""
    most = 2 ** (bits - 1) - 1
    moved = np.moveaxis(w, axis, 0)
    integers, scales = np.zeros(moved.shape, np.int8), []
    for channel, values in enumerate(moved):
        scale = float(np.abs(values).max()) / most
        scales.append(scale)
        integers[channel] = np.sign(values) * np.floor(np.abs(values) / scale + 0.5)
    return {"integers": np.moveaxis(integers, 0, axis), "scales": scales}


def channels_in_float32(w: Array, bits: int = 8, axis: int = 0) -> dict[str, Any]:
    """q3: everything in float32."""
    most = np.float32(2 ** (bits - 1) - 1)
    single = w.astype(np.float32)
    others = tuple(a for a in range(w.ndim) if a != axis)
    scales = np.abs(single).max(axis=others, keepdims=True) / most
    return {"scales": scales.reshape(-1), "integers": np.rint(single / scales)}


def clip_by_loop(w: Array, limits: list[float], bits: int = 8) -> float:
    """q4: remembers the best so far."""
    most, best, least = 2 ** (bits - 1) - 1, limits[0], math.inf
    for limit in limits:
        back = np.rint(np.clip(w, -limit, limit) * most / limit) * limit / most
        error = float(np.sum((back - w) ** 2))
        if error < least:
            best, least = limit, error
    return best


def clip_vectorised(w: Array, limits: list[float], bits: int = 8) -> Any:
    """q4: all limits at once."""
    most = 2 ** (bits - 1) - 1
    scales = np.array(limits)[:, None] / most
    flat = w.reshape(1, -1)
    errors = (np.clip(np.round(flat / scales), -most, most) * scales - flat) ** 2
    return np.array(limits)[errors.mean(1).argmin()]


def bias_looped(bias: Array, input_scale: float, scale: Array) -> list[int]:
    """q5: one channel after the other."""
    scales = np.broadcast_to(scale, bias.shape).tolist()
    return [round(b / (input_scale * s)) for b, s in zip(bias.tolist(), scales, strict=True)]


def bias_in_float32(bias: Array, input_scale: float, scale: Array) -> Array:
    """q5: everything in float32, as NumPy does of itself where the scales are float32."""
    steps = bias.astype(np.float32) / (np.float32(input_scale) * scale.astype(np.float32))
    answer: Array = np.round(steps).astype(np.int32)
    return answer


def bias_divided_twice(bias: Array, input_scale: float, scale: Array) -> Array:
    """q5: divided by one scale after the other; floats."""
    steps = bias / input_scale / scale.astype(float)
    answer: Array = np.floor(steps + 0.5)
    return answer


def multiplier_by_logarithm(real: float) -> list[int]:
    """q6: the exponent by doubling and halving."""
    if real < 2.0**-32:
        return [0, 0]
    shift = 0
    while real >= 1:
        real, shift = real / 2, shift + 1
    while real < 0.5:
        real, shift = real * 2, shift - 1
    multiplier = round(real * 2**31)
    return [2**30, shift + 1] if multiplier > 2**31 - 1 else [multiplier, shift]


def multiplier_by_numpy(real: float) -> tuple[Any, Any]:
    """q6: NumPy's frexp."""
    fraction, shift = np.frexp(real)
    multiplier = np.int64(np.rint(fraction * 2.0**31))
    if multiplier == 2**31:
        multiplier, shift = multiplier // 2, shift + 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def rescaled_looped(accumulator: Array, multiplier: Array, shift: Array, zero_point: int) -> Array:
    """q7: in Python's integers."""
    result = np.empty(accumulator.shape, np.int8)
    channels = accumulator.shape[-1]
    for place, value in np.ndenumerate(accumulator):
        channel = place[-1] if len(multiplier) == channels else 0
        number, places = int(value), int(shift[channel])
        high = (number * 2 ** max(places, 0) * int(multiplier[channel]) + 2**30) // 2**31
        step = 2 ** max(-places, 0)
        magnitude = (2 * abs(high) + step) // (2 * step)
        rounded = magnitude if high >= 0 else -magnitude
        result[place] = max(-128, min(127, rounded + zero_point))
    return result


def rescaled_by_mask(accumulator: Array, multiplier: Array, shift: Array, zero_point: int) -> Array:
    """q7: the right shift with mask and threshold, as C code has it."""
    places = shift.astype(np.int64)
    right = np.where(places < 0, -places, 0)
    wide = accumulator.astype(np.int64) * (np.int64(1) << np.where(places > 0, places, 0))
    high = (wide * multiplier + (1 << 30)) >> 31
    mask = (np.int64(1) << right) - 1
    rounded = (high >> right) + ((high & mask) > (mask >> 1) + (high < 0))
    answer: Array = np.clip(rounded + zero_point, -128, 127).astype(np.int8)
    return answer


def conv_by_taps(
    x: Array,
    weight: Array,
    bias: Array,
    input_zero_point: int,
    multiplier: Array,
    shift: Array,
    output_zero_point: int,
    stride: int = 1,
    padding: int = 0,
) -> Array:
    """q8: one tap of the kernel after the other, for all places at once."""
    size = weight.shape[1]
    edges = ((padding, padding), (padding, padding), (0, 0))
    padded = np.pad(x.astype(np.int32), edges, constant_values=input_zero_point) - input_zero_point
    rows = (padded.shape[0] - size) // stride + 1
    columns = (padded.shape[1] - size) // stride + 1
    sums = np.zeros((rows, columns, len(weight)), np.int64) + bias
    for i in range(size):
        for j in range(size):
            part = padded[i : i + rows * stride : stride, j : j + columns * stride : stride]
            sums += part[:rows, :columns] @ weight[:, i, j, :].astype(np.int64).T
    return requantize(sums, multiplier, shift, output_zero_point)


def conv_by_einsum(
    x: Array,
    weight: Array,
    bias: Array,
    input_zero_point: int,
    multiplier: Array,
    shift: Array,
    output_zero_point: int,
    stride: int = 1,
    padding: int = 0,
) -> list[Any]:
    """q8: the zero point taken out of the sum, a list."""
    size = weight.shape[1]
    edges = ((padding, padding), (padding, padding), (0, 0))
    padded = np.pad(x.astype(np.int64), edges, constant_values=input_zero_point)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), (0, 1))
    wide = weight.astype(np.int64)
    sums = np.einsum("hwcij,oijc->hwo", windows[::stride, ::stride], wide)
    sums = sums - input_zero_point * wide.sum((1, 2, 3)) + bias
    found: list[Any] = requantize(sums, multiplier, shift, output_zero_point).tolist()
    return found


def conv_by_torch(
    x: Array,
    weight: Array,
    bias: Array,
    input_zero_point: int,
    multiplier: Array,
    shift: Array,
    output_zero_point: int,
    stride: int = 1,
    padding: int = 0,
) -> Array:
    """q8: torch's convolution in float64, which holds these integers exactly."""
    centred, kernel, offset = (
        torch.from_numpy(part.astype(np.float64)) for part in (x, weight, bias)
    )
    maps = (centred - input_zero_point).permute(2, 0, 1)[None]
    sums = torch.nn.functional.conv2d(maps, kernel.permute(0, 3, 1, 2), offset, stride, padding)
    integers = sums[0].permute(1, 2, 0).numpy().astype(np.int64)
    return requantize(integers, multiplier, shift, output_zero_point)


def through_by_torch(x: Array, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    """q9: torch's fake quantization and its gradient."""
    leaf = torch.tensor(x, dtype=torch.float32, requires_grad=True)
    ends = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    values = torch.fake_quantize_per_tensor_affine(leaf, scale, zero_point, *ends)
    values.sum().backward()  # type: ignore[no-untyped-call]
    assert leaf.grad is not None
    return {"values": values.detach().numpy(), "gradient": leaf.grad.numpy()}


def through_looped(x: Array, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Array]:
    """q9: value by value."""
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    values, gradient = np.empty(x.shape), np.empty(x.shape, bool).astype(int)
    for place, real in np.ndenumerate(x):
        step = math.copysign(math.floor(abs(real) / scale + 0.5), real) + zero_point
        gradient[place] = 1 if least <= step <= most else 0
        values[place] = scale * (min(max(step, least), most) - zero_point)
    return {"gradient": gradient, "values": values}


def through_by_range(x: Array, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    """q9: clips the reals; single precision."""
    least, most = (scale * (q - zero_point) for q in (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1))
    inside = (x > least - scale / 2) & (x < most + scale / 2)
    kept = np.clip(x, least, most) / scale
    values = np.sign(kept) * np.floor(np.abs(kept) + 0.5) * scale
    return {"values": values.astype(np.float32), "gradient": np.where(inside, 1.0, 0.0)}


def step_looped(w: Array, centroids: Array) -> dict[str, Any]:
    """q10: weight by weight."""
    indices = np.zeros(w.shape, int)
    sums, members = [0.0] * len(centroids), [0] * len(centroids)
    for place, value in np.ndenumerate(w):
        nearest = min(range(len(centroids)), key=lambda k: abs(value - centroids[k]))
        indices[place] = nearest
        sums[nearest] += float(value)
        members[nearest] += 1
    moved = [s / n if n else float(c) for s, n, c in zip(sums, members, centroids, strict=True)]
    return {"centroids": moved, "indices": indices}


def step_by_bounds(w: Array, centroids: Array) -> dict[str, Array]:
    """q10: the bounds between neighbours."""
    indices = np.digitize(w, (centroids[1:] + centroids[:-1]) / 2)
    one_hot = indices.ravel()[:, None] == np.arange(len(centroids))
    members = one_hot.sum(0)
    sums = w.ravel() @ one_hot
    moved = np.divide(sums, members, out=centroids.astype(float), where=members > 0)
    return {"indices": indices, "centroids": moved}


def bytes_by_floor(weights: int, bits: int, centroids: int | None = None) -> int:
    """q11: whole bytes by integer division."""
    return (weights * bits + 7) // 8 + (4 << bits if centroids is None else 4 * centroids)


def bytes_by_numpy(weights: int, bits: int, centroids: int | None = None) -> Any:
    """q11: a float."""
    entries = np.exp2(bits) if centroids is None else centroids
    return np.ceil(weights * bits / 8) + np.dtype(np.float32).itemsize * entries


def gradients_looped(gradient: Array, indices: Array, clusters: int) -> list[float]:
    """q12: centroid by centroid."""
    return [float(gradient[indices == k].sum()) for k in range(clusters)]


def gradients_added(gradient: Array, indices: Array, clusters: int) -> Array:
    """q12: np.add.at."""
    total = np.zeros(clusters)
    np.add.at(total, indices, gradient)
    return total


def words_by_heap(counts: list[int]) -> int:
    """q13: a heap of merged counts."""
    heap, total = list(counts), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        merged = heapq.heappop(heap) + heapq.heappop(heap)
        total += merged
        heapq.heappush(heap, merged)
    return total or counts[0]


def words_by_depth(counts: list[int]) -> Any:
    """q13: the depth of each leaf in a tree of tuples."""
    trees: list[Any] = sorted(
        ((count, place, None) for place, count in enumerate(counts)), key=lambda t: t[:2]
    )
    for place in itertools.count(len(counts)):
        if len(trees) == 1:
            break
        (first, second), trees = trees[:2], trees[2:]
        trees = sorted(
            [*trees, (first[0] + second[0], place, (first, second))], key=lambda t: t[:2]
        )
    lengths = np.zeros(len(counts), int)

    def walk(tree: Any, depth: int) -> None:
        if tree[2] is None:
            lengths[tree[1]] = max(depth, 1)
            return
        for branch in tree[2]:
            walk(branch, depth + 1)

    walk(trees[0], 0)
    return np.dot(lengths, counts)


def bits_by_trying(costs: Costs, sizes: Sizes, budget_bytes: int) -> dict[str, int]:
    """q14: all assignments."""
    names = list(sizes)
    best: tuple[float, tuple[int, ...]] = (math.inf, ())
    for choice in itertools.product(*(sizes[name] for name in names)):
        pairs = list(zip(names, choice, strict=True))
        if sum(sizes[name][b] for name, b in pairs) <= budget_bytes:
            best = min(best, (sum(costs[name][b] for name, b in pairs), choice))
    return dict(zip(names, best[1], strict=True))


def bits_by_recursion(costs: Costs, sizes: Sizes, budget_bytes: int) -> dict[str, Any]:
    """q14: the first layer, then the rest with what is left."""

    def solve(names: list[str], left: int) -> tuple[float, dict[str, Any]]:
        if not names:
            return 0.0, {}
        best: tuple[float, dict[str, Any]] = (math.inf, {})
        for number, size in sizes[names[0]].items():
            if size <= left:
                cost, rest = solve(names[1:], left - size)
                if cost + costs[names[0]][number] < best[0]:
                    best = (cost + costs[names[0]][number], {names[0]: np.int64(number), **rest})
        return best

    return solve(list(sizes), budget_bytes)[1]


ALTERNATIVES: dict[str, tuple[Callable[..., Any], ...]] = {
    "q1": (grid_by_ends, grid_in_float32),
    "q2": (integers_looped, integers_by_sign),
    "q3": (channels_looped, channels_in_float32),
    "q4": (clip_by_loop, clip_vectorised),
    "q5": (bias_looped, bias_divided_twice, bias_in_float32),
    "q6": (multiplier_by_logarithm, multiplier_by_numpy),
    "q7": (rescaled_looped, rescaled_by_mask),
    "q8": (conv_by_taps, conv_by_einsum, conv_by_torch),
    "q9": (through_looped, through_by_range, through_by_torch),
    "q10": (step_looped, step_by_bounds),
    "q11": (bytes_by_floor, bytes_by_numpy),
    "q12": (gradients_looped, gradients_added),
    "q13": (words_by_heap, words_by_depth),
    "q14": (bits_by_trying, bits_by_recursion),
}
"""Right answers by question."""
