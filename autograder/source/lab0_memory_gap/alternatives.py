"""Right answers of Lab 0, written otherwise: looped, vectorised, other types; none loses points."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

Numbers = dict[str, Any]
Steps = list[tuple[list[str], str]]


def output_size_by_walking(size: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """q1: count the places where the kernel can stand."""
    return len(range(0, size + padding - kernel + 1, stride))


def output_size_as_float(size: int, kernel: int, stride: int = 1, padding: int = 0) -> float:
    """q1: a whole number, as a float."""
    return float(np.floor((size + padding - kernel) / stride)) + 1.0


def params_from_shape(
    c_in: int, c_out: int, kernel: tuple[int, int], groups: int = 1, bias: bool = True
) -> Any:
    """q2: the weight's shape, multiplied by NumPy."""
    return np.prod([c_out, c_in // groups, *kernel]) + np.int32(c_out) * bias


def params_group_by_group(
    c_in: int, c_out: int, kernel: tuple[int, int], groups: int = 1, bias: bool = True
) -> int:
    """q2: one small dense convolution a group."""
    small = (c_in // groups) * (c_out // groups) * math.prod(kernel)
    return sum(small for _ in range(groups)) + (c_out if bias else 0)


def macs_in_float(
    output_size: tuple[int, int],
    c_in: int,
    c_out: int,
    kernel: tuple[int, int],
    groups: int = 1,
) -> float:
    """q3: with a division that is exact."""
    return math.prod(output_size) * c_out * c_in / groups * math.prod(kernel)


def macs_by_numpy(
    output_size: tuple[int, int],
    c_in: int,
    c_out: int,
    kernel: tuple[int, int],
    groups: int = 1,
) -> Any:
    """q3: in NumPy's 64-bit integers."""
    return np.prod(np.array([*output_size, c_out, c_in // groups, *kernel], dtype=np.int64))


def _layer_macs(layer: Numbers) -> int:
    kind, source, output = layer["kind"], layer["input_shape"], layer["output_shape"]
    if kind in ("conv", "depthwise"):
        taps = math.prod(layer["kernel"]) * source[-1] // layer["groups"]
        return int(math.prod(output) * taps)
    return int(math.prod(source) * math.prod(output)) if kind == "linear" else 0


def network_by_sum(network: list[Numbers]) -> int:
    """q4: a sum over a helper."""
    return sum(_layer_macs(layer) for layer in network)


def network_as_array(network: list[Numbers]) -> Any:
    """q4: summed by NumPy."""
    return np.array([_layer_macs(layer) for layer in network], dtype=np.uint64).sum()


def bytes_rounded_down_from_above(shape: tuple[int, ...], bits: int = 8) -> int:
    """q5: ceiling by negative floor division."""
    return -(-math.prod(shape) * bits // 8)


def bytes_by_ceil(shape: tuple[int, ...], bits: int = 8) -> Any:
    """q5: NumPy's ceiling, a float."""
    return np.ceil(np.prod(shape) * bits / 8)


def chain_vectorised(sizes: list[int]) -> Any:
    """q6: shifted arrays."""
    array = np.asarray(sizes)
    return (array[1:] + array[:-1]).max()


def chain_looped(sizes: list[int]) -> int:
    """q6: a loop over indices."""
    peak = 0
    for i in range(1, len(sizes)):
        peak = max(peak, sizes[i] + sizes[i - 1])
    return peak


def live_by_intervals(sizes: dict[str, int], steps: Steps) -> int:
    """q7: an interval a name, then the most that overlap."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for step, (reads, writes) in enumerate(steps):
        for name in reads:
            first.setdefault(name, 0)
            last[name] = step
        first.setdefault(writes, step)
        last[writes] = max(step, last.get(writes, step))
    held = [
        sum(sizes[name] for name in first if first[name] <= step <= last[name])
        for step in range(len(steps))
    ]
    return max(held)


def live_by_looking_ahead(sizes: dict[str, int], steps: Steps) -> Any:
    """q7: at each step, what exists and is read now or later."""
    peak = 0
    for step, (_, writes) in enumerate(steps):
        later = {name for reads, _ in steps[step:] for name in reads}
        written_later = {name for _, name in steps[step:]}
        needed = {name for name in later if name not in written_later} | {writes}
        peak = np.maximum(peak, sum(sizes[name] for name in needed))
    return peak


def fits_as_numpy(network: Numbers, board: Numbers) -> dict[str, Any]:
    """q8: NumPy's booleans and integers."""
    need = np.array([network["peak_bytes"], network["weight_bytes"] + network["code_bytes"]])
    missing = np.maximum(need - 1024 * np.array([board["sram_kib"], board["flash_kib"]]), 0)
    return {
        "flash_missing_bytes": missing[1],
        "sram_missing_bytes": missing[0],
        "fits": np.all(missing == 0),
    }


def fits_by_cases(network: Numbers, board: Numbers) -> dict[str, Any]:
    """q8: with if."""
    sram, flash = 0, 0
    if network["peak_bytes"] > board["sram_kib"] * 2**10:
        sram = network["peak_bytes"] - board["sram_kib"] * 2**10
    if network["weight_bytes"] + network["code_bytes"] > board["flash_kib"] * 2**10:
        flash = network["weight_bytes"] + network["code_bytes"] - board["flash_kib"] * 2**10
    return {
        "fits": not (sram or flash),
        "sram_missing_bytes": sram,
        "flash_missing_bytes": flash,
    }


def training_by_parts(params: int, activations: int, batch: int, optimizer: str = "sgd") -> float:
    """q9: part by part, in floats."""
    weights = gradients = 4.0 * params
    state = {"sgd": 0.0, "momentum": 4.0, "adam": 8.0}[optimizer] * params
    return weights + gradients + state + 4.0 * activations * batch


def training_by_counting(params: int, activations: int, batch: int, optimizer: str = "sgd") -> int:
    """q9: with if."""
    copies = 2
    if optimizer == "momentum":
        copies += 1
    elif optimizer == "adam":
        copies += 2
    return np.dtype(np.float32).itemsize * (copies * params + activations * batch)


def scaled_by_loop(costs: Numbers, width: float, resolution: float) -> dict[str, float]:
    """q10: repeated multiplication."""
    result = dict(costs)
    for key, axes in (("params", "ww"), ("macs", "wwrr"), ("peak_bytes", "wrr")):
        for axis in axes:
            result[key] *= width if axis == "w" else resolution
    return result


def scaled_in_numpy(costs: Numbers, width: float, resolution: float) -> dict[str, Any]:
    """q10: NumPy scalars, another order of multiplication."""
    factors = np.power([width, resolution], [[2, 0], [2, 2], [1, 2]]).prod(axis=1)
    keys: Iterable[str] = ("params", "macs", "peak_bytes")
    return {key: factor * costs[key] for key, factor in zip(keys, factors, strict=True)}


ALTERNATIVES: dict[str, tuple[Callable[..., Any], ...]] = {
    "q1": (output_size_by_walking, output_size_as_float),
    "q2": (params_from_shape, params_group_by_group),
    "q3": (macs_in_float, macs_by_numpy),
    "q4": (network_by_sum, network_as_array),
    "q5": (bytes_rounded_down_from_above, bytes_by_ceil),
    "q6": (chain_vectorised, chain_looped),
    "q7": (live_by_intervals, live_by_looking_ahead),
    "q8": (fits_as_numpy, fits_by_cases),
    "q9": (training_by_parts, training_by_counting),
    "q10": (scaled_by_loop, scaled_in_numpy),
}
"""Right answers by question."""
