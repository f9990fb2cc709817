"""Linear quantization: integers on an even grid (Jacob et al. 2018, equation 1)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import CompressionError
from tinyml_course.graph.quantization import (
    Quantization,
    dequantize,
    quantize,
    range_to_quantization,
    weight_scales,
)
from tinyml_course.pruning.bit_packing import pack_bits, packed_bytes
from tinyml_course.quantization.codebook import check_weights

SCALE_BYTES = 4  # float32


@dataclass(frozen=True, eq=False)
class LinearWeights:
    """Integers with their scales.

    Attributes:
        integers: int8, of the weight's shape.
        quantization: scale and zero point, one or one for each channel.
        bits: of an integer.
    """

    integers: NDArray[np.int8]
    quantization: Quantization
    bits: int

    def weights(self) -> NDArray[np.float32]:
        """The real numbers that the integers stand for."""
        return dequantize(self.integers, self.quantization)

    @property
    def size_bytes(self) -> int:
        """Bytes that `to_bytes` writes."""
        return linear_bytes(self.integers.size, self.bits, self.quantization.scale.size)

    def to_bytes(self) -> bytes:
        """Scales, then integers without gaps, in two's complement. A zero point is code."""
        codes = self.integers.reshape(-1).astype(np.int64) & ((1 << self.bits) - 1)
        packed = pack_bits(codes.astype(np.uint32), self.bits)
        return self.quantization.scale.astype("<f4").tobytes() + packed


def linear_bytes(weights: int, bits: int, scales: int = 1) -> int:
    """Bytes of integers and scales.

    Args:
        weights: how many.
        bits: of each.
        scales: how many.
    """
    return packed_bytes(weights, bits) + SCALE_BYTES * scales


def quantize_symmetric(
    w: NDArray[np.floating], bits: int = 8, axis: int | None = None
) -> LinearWeights:
    """Weights on a grid around 0, one scale for all or one for each channel.

    The grid has ``2^bits - 1`` steps: the smallest integer is not used.

    Args:
        w: float weights.
        bits: 2 to 8.
        axis: of the channels that get a scale each; ``None`` for one scale.

    Raises:
        CompressionError: no weights, NaN or infinity, or no such axis.
        GraphError: another number of bits.
    """
    check_weights(w)
    if axis is None:
        scale = weight_scales(w.reshape(1, -1), 0, None, bits)
        quantization = Quantization.per_tensor(float(scale[0]))
    elif 0 <= axis < w.ndim:
        quantization = Quantization.per_channel(weight_scales(w, axis, None, bits), axis)
    else:
        raise CompressionError(f"weights {w.shape} have no axis {axis}")
    return _on_grid(w, quantization, bits)


def quantize_asymmetric(
    w: NDArray[np.floating], bits: int = 8, limits: tuple[float, float] | None = None
) -> LinearWeights:
    """Weights on a grid from their smallest to their largest, with a zero point.

    Args:
        w: float weights.
        bits: 2 to 8.
        limits: another range, beyond which they saturate.

    Raises:
        CompressionError: no weights, NaN or infinity.
        GraphError: another number of bits.
    """
    check_weights(w)
    low, high = limits or (float(w.min()), float(w.max()))
    return _on_grid(w, range_to_quantization(low, high, bits), bits)


def _on_grid(w: NDArray[np.floating], quantization: Quantization, bits: int) -> LinearWeights:
    integers = quantize(w, quantization, bits=bits).astype(np.int8)
    return LinearWeights(integers, quantization, bits)
