"""Right answers of Lab 1, written otherwise: looped, vectorised, other types; none loses points."""

from collections.abc import Callable
from itertools import takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def mask_by_loop(w: Array, sparsity: float) -> Any:
    """q1: weight by weight, as nested lists."""
    flat = [abs(float(value)) for value in w.ravel()]
    mask = [True] * len(flat)
    for place in sorted(range(len(flat)), key=flat.__getitem__)[: round(sparsity * len(flat))]:
        mask[place] = False
    return np.array(mask).reshape(w.shape).tolist()


def mask_by_ranks(w: Array, sparsity: float) -> Array:
    """q1: the rank of each weight against the count, in float32."""
    magnitudes = np.abs(w.astype(np.float32)).ravel()
    ranks = np.empty(w.size, int)
    ranks[magnitudes.argsort(kind="stable")] = np.arange(w.size)
    return (ranks >= int(np.rint(sparsity * w.size))).reshape(w.shape)


def ratios_by_while(
    sparsities: list[float], accuracies: dict[str, list[float]], least_accuracy: float
) -> dict[str, float]:
    """q2: count how many hold."""
    found = {}
    for name, curve in accuracies.items():
        holding = 0
        while holding < len(curve) and curve[holding] >= least_accuracy:
            holding += 1
        found[name] = [0, *sparsities][holding]
    return found


def ratios_by_minimum(
    sparsities: list[float], accuracies: dict[str, list[float]], least_accuracy: float
) -> dict[str, Any]:
    """q2: by the running minimum, in NumPy."""
    return {
        name: np.max(np.where(np.minimum.accumulate(curve) >= least_accuracy, sparsities, 0.0))
        for name, curve in accuracies.items()
    }


def ratios_by_takewhile(
    sparsities: list[float], accuracies: dict[str, list[float]], least_accuracy: float
) -> dict[str, float]:
    """q2: the last of those before the first that fails; 0 as a whole number."""
    return {
        name: [0, *(s for s, _ in takewhile(lambda at: at[1] >= least_accuracy, pairs))][-1]
        for name, curve in accuracies.items()
        for pairs in [zip(sparsities, curve, strict=True)]
    }


def nm_by_loop(w: Array, n: int, m: int) -> Array:
    """q3: group by group."""
    mask = np.zeros(w.shape, bool)
    last = np.moveaxis(w, 1, -1)
    for where in np.ndindex(*last.shape[:-1]):
        for start in range(0, w.shape[1], m):
            group = np.abs(last[where][start : start + m])
            for place in np.argsort(group, kind="stable")[m - n :]:
                mask[(where[0], start + place, *where[1:])] = True
    return mask


def nm_by_ranks(w: Array, n: int, m: int) -> Array:
    """q3: ranks within each group by two sorts."""
    tail = w.shape[2:]
    groups = np.abs(w).reshape(w.shape[0], -1, m, *tail)
    ranks = groups.argsort(2, kind="stable").argsort(2, kind="stable")
    return (ranks >= m - n).reshape(w.shape)


def nm_by_torch(w: Array, n: int, m: int) -> Array:
    """q3: in torch, and back."""
    import torch

    magnitudes = torch.from_numpy(w.copy()).abs().movedim(1, -1)
    groups = magnitudes.reshape(-1, m)
    mask = torch.ones_like(groups, dtype=torch.bool)
    order = torch.sort(groups, dim=1, stable=True).indices
    mask.scatter_(1, order[:, : m - n], False)
    back: Array = mask.reshape(magnitudes.shape).movedim(-1, 1).numpy()
    return back


def pattern_by_loop(w: Array, patterns: Array) -> Array:
    """q4: kernel by kernel."""
    mask = np.empty(w.shape, bool)
    for o, filters in enumerate(w):
        for i, kernel in enumerate(filters):
            kept = [float((kernel[pattern] ** 2).sum()) for pattern in patterns]
            mask[o, i] = patterns[kept.index(max(kept))]
    return mask


def pattern_by_product(w: Array, patterns: Array) -> Array:
    """q4: one matrix product."""
    kept = (w**2).reshape(-1, 9) @ patterns.reshape(-1, 9).T
    mask: Array = patterns[kept.argmax(1)].reshape(w.shape)
    return mask


def pattern_by_loss(w: Array, patterns: Array) -> Array:
    """q4: the pattern that takes the least away, in float32."""
    lost = ((w.astype(np.float32)[:, :, None] * ~patterns) ** 2).sum((3, 4))
    mask: Array = patterns[lost.argmin(2)]
    return mask


def step_in_place(
    w: Array,
    mask: Array,
    gradient: Array,
    velocity: Array,
    *,
    learning_rate: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> tuple[Array, Array]:
    """q5: changes what it was given."""
    velocity *= momentum
    velocity += gradient + weight_decay * w
    velocity[~mask] = 0
    w -= learning_rate * velocity
    w[~mask] = 0
    return w, velocity


def step_by_element(
    w: Array,
    mask: Array,
    gradient: Array,
    velocity: Array,
    *,
    learning_rate: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> list[Array]:
    """q5: element by element, in float32."""
    new_w, new_v = np.zeros(w.shape, np.float32), np.zeros(w.shape, np.float32)
    for at in np.ndindex(*w.shape):
        if mask[at]:
            new_v[at] = momentum * velocity[at] + gradient[at] + weight_decay * w[at]
            new_w[at] = w[at] - learning_rate * (
                momentum * velocity[at] + gradient[at] + weight_decay * w[at]
            )
    return [new_w.astype(np.float64), new_v.astype(np.float64)]


def step_in_single_precision(
    w: Array,
    mask: Array,
    gradient: Array,
    velocity: Array,
    *,
    learning_rate: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> Array:
    """q5: all in float32, the products masked, both results in one array."""
    single = np.float32
    w, gradient, velocity = (a.astype(single) for a in (w, gradient, velocity))
    moved = mask * (gradient + single(weight_decay) * w + single(momentum) * velocity)
    return np.stack([mask * (w - single(learning_rate) * moved), moved])


def taylor_by_power(w: Array, gradient: Array) -> Array:
    """q6: by `np.power`."""
    return np.power(np.multiply(w, gradient), 2)


def taylor_of_squares(w: Array, gradient: Array) -> Array:
    """q6: squares first."""
    return w * w * gradient * gradient


def cubic_by_cases(step: int, *, begin: int, end: int, final: float, initial: float = 0.0) -> float:
    """q7: before, behind, between."""
    if step <= begin:
        return initial
    if step >= end:
        return final
    left = (end - step) / (end - begin)
    return final - (final - initial) * left * left * left


def cubic_by_clip(step: int, *, begin: int, end: int, final: float, initial: float = 0.0) -> Any:
    """q7: with `np.clip`."""
    way = np.clip((step - begin) / (end - begin), 0, 1)
    return final + (initial - final) * np.power(1 - way, 3)


def cubic_in_single_precision(
    step: int, *, begin: int, end: int, final: float, initial: float = 0.0
) -> Any:
    """q7: in float32."""
    way = np.float32(np.clip((step - begin) / (end - begin), 0, 1))
    return np.float32(final) + (np.float32(initial) - np.float32(final)) * (1 - way) ** 3


def bytes_by_walking(w: Array, index_bits: int = 4, value_bits: int = 8) -> int:
    """q8: weight by weight."""
    most, entries = 2**index_bits - 1, 0
    for column in w.T.tolist():
        zeros = 0
        for value in column:
            if value:
                entries += 1
                zeros = 0
            else:
                zeros += 1
            if zeros > most:
                entries, zeros = entries + 1, 0
        # Fillers behind the last weight were stored for nothing.
        tail = len(column) - max([i for i, v in enumerate(column) if v], default=-1) - 1
        entries -= tail // (most + 1)
    bits = (-(-entries * index_bits // 8), -(-entries * value_bits // 8))
    return 2 * (len(w.T) + 1) + sum(bits)


def bytes_by_places(w: Array, index_bits: int = 4, value_bits: int = 8) -> float:
    """q8: distances of neighbours, rounded up, as a float."""
    entries = 0.0
    for column in w.T:
        places = np.concatenate([[-1], np.nonzero(column)[0]])
        entries += np.ceil(np.diff(places) / 2**index_bits).sum()
    packed = np.ceil(entries * index_bits / 8) + np.ceil(entries * value_bits / 8)
    return float(2 * w.shape[1] + 2 + packed)


def norms_by_loop(w: Array, order: int = 2, axis: int = 0) -> list[float]:
    """q9: channel by channel."""
    norms = []
    for channel in np.swapaxes(w, 0, axis):
        if order == 1:
            norms.append(float(np.abs(channel).sum()))
        else:
            norms.append(float(np.sqrt((channel**2).sum())))
    return norms


def norms_by_axes(w: Array, order: int = 2, axis: int = 0) -> Array:
    """q9: sums over all other axes, in float32."""
    others = tuple(a for a in range(w.ndim) if a != axis)
    total: Array = (np.abs(w.astype(np.float32)) ** order).sum(others)
    return total if order == 1 else np.sqrt(total)


def coupled_by_sets(layers: list[dict[str, Any]]) -> dict[str, str]:
    """q10: sets of names that are merged."""
    groups: list[set[str]] = []
    order = [layer["name"] for layer in layers]
    for layer in layers:
        together = {layer["name"]}
        if layer["kind"] not in ("input", "conv", "linear"):
            for group in [g for g in groups if g & set(layer["reads"])]:
                groups.remove(group)
                together |= group
        groups.append(together)
    return {name: min(group, key=order.index) for group in groups for name in group}


def coupled_by_labels(layers: list[dict[str, Any]]) -> dict[str, str]:
    """q10: numbers that spread until nothing changes."""
    number = {layer["name"]: place for place, layer in enumerate(layers)}
    names = [layer["name"] for layer in layers]
    changed = True
    while changed:
        changed = False
        for layer in layers:
            if layer["kind"] in ("input", "conv", "linear"):
                continue
            alike = [layer["name"], *layer["reads"]]
            least = min(number[name] for name in alike)
            for name in alike:
                changed |= number[name] != least
                number[name] = least
    return {name: names[number[name]] for name in names}


def coupled_by_union(layers: list[dict[str, Any]]) -> dict[str, str]:
    """q10: a forest in which the earlier layer is the parent."""
    order = [layer["name"] for layer in layers]
    parent = {name: name for name in order}

    def root(name: str) -> str:
        return name if parent[name] == name else root(parent[name])

    for layer in layers:
        if layer["kind"] in ("input", "conv", "linear"):
            continue
        for read in layer["reads"]:
            first, second = sorted((root(layer["name"]), root(read)), key=order.index)
            parent[second] = first
    return {name: root(name) for name in order}


def take_by_index(
    parameters: dict[str, Array],
    places: dict[str, list[tuple[str, int]]],
    channels: dict[str, list[int]],
) -> dict[str, Array]:
    """q11: by indexing."""
    result = {name: array.copy() for name, array in parameters.items()}
    for group in channels:
        for name, axis in places[group]:
            index = channels[group]
            result[name] = result[name][index] if axis == 0 else result[name][:, index]
    return result


def take_in_place(
    parameters: dict[str, Array],
    places: dict[str, list[tuple[str, int]]],
    channels: dict[str, list[int]],
) -> dict[str, Array]:
    """q11: in the dict that was given, by slices."""
    for group, indices in channels.items():
        for name, axis in places[group]:
            where: list[Any] = [slice(None)] * parameters[name].ndim
            where[axis] = np.array(indices)
            parameters[name] = parameters[name][tuple(where)]
    return parameters


def take_by_stacking(
    parameters: dict[str, Array],
    places: dict[str, list[tuple[str, int]]],
    channels: dict[str, list[int]],
) -> dict[str, Any]:
    """q11: channel by channel, in float32."""
    result = {name: array.astype(np.float32) for name, array in parameters.items()}
    for group, indices in channels.items():
        for name, axis in places[group]:
            parts = [np.moveaxis(result[name], axis, 0)[index] for index in indices]
            result[name] = np.stack(parts, axis)
    return result


ALTERNATIVES: dict[str, tuple[Callable[..., Any], ...]] = {
    "q1": (mask_by_loop, mask_by_ranks),
    "q2": (ratios_by_while, ratios_by_minimum, ratios_by_takewhile),
    "q3": (nm_by_loop, nm_by_ranks, nm_by_torch),
    "q4": (pattern_by_loop, pattern_by_product, pattern_by_loss),
    "q5": (step_in_place, step_by_element, step_in_single_precision),
    "q6": (taylor_by_power, taylor_of_squares),
    "q7": (cubic_by_cases, cubic_by_clip, cubic_in_single_precision),
    "q8": (bytes_by_walking, bytes_by_places),
    "q9": (norms_by_loop, norms_by_axes),
    "q10": (coupled_by_sets, coupled_by_labels, coupled_by_union),
    "q11": (take_by_index, take_by_stacking, take_in_place),
}
"""Right answers by question."""
