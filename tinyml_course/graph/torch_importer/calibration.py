"""Which range of reals an activation's 256 integers should cover.

A wide range saturates nothing and rounds coarsely, a narrow one the other way round. Each method
takes all values that an activation had on the calibration images and gives a range.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tinyml_course.errors import CalibrationError
from tinyml_course.graph.torch_importer.float_layers import Captured, program_inputs

Range = tuple[float, float]
Values = NDArray[np.float32]

PERCENTILE = 99.99
BINS = 2048
BIN_STEP = 16
"""Distance of the thresholds that `entropy` tries, in bins."""
SHRINK_FACTORS = np.linspace(1.0, 0.2, 81)
"""Shares of the full range that the searching methods try."""


def minmax(values: Values) -> Range:
    """Smallest and largest value seen: nothing saturates on the calibration data."""
    return float(values.min()), float(values.max())


def percentile(values: Values, percent: float = PERCENTILE) -> Range:
    """The range that all but the outermost values at either end lie in.

    Args:
        values: any shape.
        percent: of the values that lie below the upper end, and above the lower one.

    Raises:
        CalibrationError: a percentage that is not above 50 and at most 100.
    """
    if not 50 < percent <= 100:
        raise CalibrationError(f"percent must be above 50 and at most 100, it is {percent}")
    low, high = np.percentile(values, [100 - percent, percent])
    return float(low), float(high)


def mse(values: Values, bits: int = 8) -> Range:
    """The share of the full range with the least mean squared error after quantization.

    Args:
        values: any shape.
        bits: of the integers.
    """
    levels = 1 << bits
    edges, counts = _histogram(values)
    centres = (edges[:-1] + edges[1:]) / 2

    def error(low: float, high: float) -> float:
        step = max(high - low, 1e-12) / (levels - 1)
        rounded = low + np.rint((np.clip(centres, low, high) - low) / step) * step
        return float((counts * (rounded - centres) ** 2).sum())

    return _best_share(edges, error)


def entropy(values: Values, bits: int = 8) -> Range:
    """The share of the full range whose quantized histogram diverges least from the original.

    TensorRT's calibrator (Migacz 2017) over magnitudes: the histogram up to a threshold, with what
    lies beyond added to its last bin, against the same histogram in 128 levels (256 where values
    have one sign only), each of which spreads its count over the occupied bins that it covers.
    Here a magnitude is relative to the end of the range on its side, so both ends shrink together.

    It keeps the shape of a distribution, not its values. A value that very many elements share,
    such as what a layer makes of a plain background, fills one bin, and its level spreads it over
    eight or sixteen: only a narrow range avoids that, however much it cuts off.

    Args:
        values: any shape.
        bits: of the integers; the text above is of 8.
    """
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    if high <= low:
        return low, high
    ends = np.where(values < 0, low or 1.0, high or 1.0)
    levels = (1 << bits) if 0 in (low, high) else (1 << bits - 1)
    seen = values != 0
    counts, _ = np.histogram(values[seen] / ends[seen], BINS, (0.0, 1.0))
    thresholds = range(BINS, levels - 1, -BIN_STEP)
    share = min(thresholds, key=lambda bins: _divergence(counts, bins, levels)) / BINS
    return share * low, share * high


def _divergence(counts: NDArray[np.int64], bins: int, levels: int) -> float:
    """Kullback-Leibler divergence of the first ``bins`` counts in ``levels`` from all of them."""
    kept = counts[:bins].astype(np.float64)
    original = kept.copy()
    original[-1] += counts[bins:].sum()
    if (original > 0).sum() > (kept > 0).sum() or not kept.any():
        return float("inf")  # the last bin holds nothing but what was cut off
    occupied = kept > 0
    level = (np.arange(bins) * levels) // bins
    members = np.bincount(level, occupied, levels)
    spread = np.bincount(level, kept, levels) / np.maximum(members, 1)
    p = original[occupied] / original.sum()
    q = spread[level][occupied] / kept.sum()
    return float((p * np.log(p / q)).sum())


CALIBRATIONS: dict[str, Callable[[Values], Range]] = {
    "minmax": minmax,
    "percentile": percentile,
    "mse": mse,
    "entropy": entropy,
}
"""Ways to choose a range, by name."""


def _histogram(values: Values) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Bin edges over the range widened to hold 0, and counts of what is not 0.

    Zeros, of which a ReLU gives many, are exact under any range and would drown the rest.
    """
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    if high <= low:
        high = low + 1e-6
    counts, edges = np.histogram(values[values != 0], BINS, (low, high))
    return edges.astype(np.float64), counts.astype(np.int64)


def _best_share(edges: NDArray[np.float64], cost: Callable[[float, float], float]) -> Range:
    low, high = float(edges[0]), float(edges[-1])
    costs = [cost(share * low, share * high) for share in SHRINK_FACTORS]
    share = float(SHRINK_FACTORS[int(np.argmin(costs))])
    return share * low, share * high


def check_calibration_data(x: torch.Tensor) -> None:
    """Raise unless ``x`` is a non-empty, finite batch of images ``(N, C, H, W)``.

    Raises:
        CalibrationError: naming what is wrong and where.
    """
    if x.ndim != 4 or x.shape[0] < 1:
        raise CalibrationError(
            f"calibration must be (N, C, H, W) with N >= 1, got {tuple(x.shape)}"
        )
    if not x.is_floating_point():
        raise CalibrationError(f"calibration must be float, as the network is fed; got {x.dtype}")
    bad = ~torch.isfinite(x)
    if bad.any():
        image = int(bad.flatten(1).any(1).nonzero()[0])
        raise CalibrationError(
            f"calibration image {image} holds NaN or infinity; remove it or mend the reader"
        )


class _Observer(torch.fx.Interpreter):
    """Runs the exported graph and notes the range of the nodes that are asked for."""

    def __init__(self, captured: Captured, method: Callable[[Values], Range]) -> None:
        super().__init__(captured.program.graph_module)
        self.wanted = {layer.observed for layer in captured.layers if layer.is_observed}
        self.wanted.add(captured.input_node)
        self.method = method
        self.ranges: dict[str, Range] = {}

    def run_node(self, n: torch.fx.Node) -> Any:
        result = super().run_node(n)
        if n.name in self.wanted:
            if not torch.isfinite(result).all():
                raise CalibrationError(f"{n.name} gives NaN or infinity on the calibration data")
            self.ranges[n.name] = self.method(result.detach().float().numpy())
        return result


def observe(captured: Captured, x: torch.Tensor, method: str) -> dict[str, Range]:
    """Range of every layer's output on ``x``, by exported node.

    Args:
        captured: the traced network.
        x: ``(N, C, H, W)`` float.
        method: a name in `CALIBRATIONS`.
    """
    observer = _Observer(captured, CALIBRATIONS[method])
    with torch.no_grad():
        observer.run(*program_inputs(captured.program, x))
    return observer.ranges
