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
from tinyml_course.graph.torch_importer.capture import Captured, program_inputs

Range = tuple[float, float]
Values = NDArray[np.float32]

PERCENTILE = 99.99
LEVELS = 256
BINS = 2048
SHRINK_FACTORS = np.linspace(1.0, 0.2, 81)
"""Shares of the full range that the searching methods try."""


def minmax(values: Values) -> Range:
    """Smallest and largest value seen: nothing saturates on the calibration data."""
    return float(values.min()), float(values.max())


def percentile(values: Values) -> Range:
    """The range that all but 0.01 % of the values at either end lie in."""
    low, high = np.percentile(values, [100 - PERCENTILE, PERCENTILE])
    return float(low), float(high)


def mse(values: Values) -> Range:
    """The share of the full range with the least mean squared error after quantization."""
    edges, counts = _histogram(values)
    centres = (edges[:-1] + edges[1:]) / 2

    def error(low: float, high: float) -> float:
        step = max(high - low, 1e-12) / (LEVELS - 1)
        rounded = low + np.rint((np.clip(centres, low, high) - low) / step) * step
        return float((counts * (rounded - centres) ** 2).sum())

    return _best_share(edges, error)


def entropy(values: Values) -> Range:
    """The share of the full range whose quantized histogram diverges least from the original.

    Kullback-Leibler divergence, as in TensorRT's calibrator (Migacz 2017): what lies outside is
    added to the outermost bins, and each level spreads its count over the bins that it covers.
    """
    edges, counts = _histogram(values)
    centres = (edges[:-1] + edges[1:]) / 2

    def divergence(low: float, high: float) -> float:
        inside = (centres >= low) & (centres <= high)
        if not counts[inside].any():
            return float("inf")  # a cut that leaves nothing
        kept = counts[inside].astype(np.float64)
        original = kept.copy()
        first, last = np.flatnonzero(inside)[[0, -1]]
        original[0] += counts[:first].sum()
        original[-1] += counts[last + 1 :].sum()
        level = (np.arange(kept.size) * LEVELS) // kept.size
        occupied = np.bincount(level, kept > 0, LEVELS)
        spread = np.bincount(level, kept, LEVELS) / np.maximum(occupied, 1)
        quantized = np.where(kept > 0, spread[level], 0.0)
        p, q = original / original.sum(), quantized / max(quantized.sum(), 1.0)
        seen = p > 0
        # A bin that only outliers fill has no quantized mass; a floor keeps the sum finite.
        return float((p[seen] * np.log(p[seen] / np.maximum(q[seen], 1e-9))).sum())

    return _best_share(edges, divergence)


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
        self.wanted = {layer.observed for layer in captured.layers} | {captured.input_node}
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
