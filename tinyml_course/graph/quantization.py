"""How real numbers stand behind integers: ``real = scale * (integer - zero_point)``.

The rules are those of TF-Lite's int8 quantization specification: activations are asymmetric with
one scale per tensor, weights symmetric (zero point 0, range -127..127) with one scale per output
channel, biases int32 with ``scale = input scale * weight scale`` and zero point 0. In uint8, the
format before, weights have one scale per tensor and a zero point as free as that of activations.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinyml_course.errors import GraphError, check_bits

INT8_MIN, INT8_MAX = -128, 127

BITS = range(2, 9)
"""Numbers of bits that linear quantization may have here; all are kept in 8-bit tensors."""


def integer_limits(bits: int = 8) -> tuple[int, int]:
    """Smallest and largest signed integer of ``bits`` bits.

    Raises:
        GraphError: fewer than 2 bits or more than 8.
    """
    check_bits("linear quantization takes", bits, BITS[0], BITS[-1], GraphError)
    return -(1 << bits - 1), (1 << bits - 1) - 1


def weight_limit(bits: int = 8) -> int:
    """Largest magnitude of a weight: weights are symmetric, the smallest integer is not used.

    Raises:
        GraphError: fewer than 2 bits or more than 8.
    """
    return integer_limits(bits)[1]


@dataclass(frozen=True, eq=False)
class Quantization:
    """Scale and zero point of a tensor, one pair for all or one per channel.

    Attributes:
        scale: float32 ``(1,)`` or ``(C,)``, positive. Kept in float32 because TF-Lite stores it
            so and the fixed-point multipliers are computed from the rounded value.
        zero_point: int32, same shape.
        axis: the channel axis for ``(C,)``, ``None`` for one scale per tensor.
    """

    scale: NDArray[np.float32]
    zero_point: NDArray[np.int32]
    axis: int | None = None

    def __post_init__(self) -> None:
        if self.scale.ndim != 1 or self.scale.shape != self.zero_point.shape:
            raise GraphError(
                f"scale {self.scale.shape} and zero point {self.zero_point.shape} must be vectors "
                "of one length"
            )
        if not (np.isfinite(self.scale).all() and (self.scale > 0).all()):
            raise GraphError(f"scales must be finite and positive, got {self.scale.min()}")
        if self.axis is None and self.scale.size != 1:
            raise GraphError(f"{self.scale.size} scales need a channel axis")

    @classmethod
    def per_tensor(cls, scale: float, zero_point: int = 0) -> "Quantization":
        """One scale and zero point for the whole tensor."""
        return cls(np.array([scale], np.float32), np.array([zero_point], np.int32))

    @classmethod
    def per_channel(cls, scale: ArrayLike, axis: int) -> "Quantization":
        """Symmetric, one scale per index of ``axis``."""
        scales = np.asarray(scale, np.float32)
        return cls(scales, np.zeros(scales.shape, np.int32), axis)

    @property
    def is_per_tensor(self) -> bool:
        """Whether one scale serves the whole tensor."""
        return self.scale.size == 1

    def item(self) -> tuple[np.float32, int]:
        """Scale and zero point of a per-tensor quantization.

        Raises:
            GraphError: there is one scale per channel.
        """
        if not self.is_per_tensor:
            raise GraphError(f"one scale expected, got {self.scale.size} (per channel)")
        return np.float32(self.scale[0]), int(self.zero_point[0])

    def same_as(self, other: "Quantization") -> bool:
        """Whether both map integers to the same reals."""
        return (
            np.array_equal(self.scale, other.scale)
            and np.array_equal(self.zero_point, other.zero_point)
            and self.axis == other.axis
        )

    def _broadcast(self, ndim: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        if self.axis is None:
            return self.scale, self.zero_point
        shape = [1] * ndim
        shape[self.axis] = self.scale.size
        return self.scale.reshape(shape), self.zero_point.reshape(shape)


def range_to_quantization(low: float, high: float, bits: int = 8) -> Quantization:
    """Asymmetric quantization of the range ``low..high``, widened to hold 0.

    0 must be exact because padding writes it. A range without extent (a dead activation) becomes
    0..1, so that the scale stays positive.

    Args:
        low: smallest real number to be told apart.
        high: largest.
        bits: of the integers, 2 to 8.

    Raises:
        GraphError: the range is not finite, or another number of bits.
    """
    least, most = integer_limits(bits)
    if not (np.isfinite(low) and np.isfinite(high)):
        raise GraphError(f"range {low}..{high} is not finite")
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    if high - low < 1e-9:
        high = low + 1.0
    scale = np.float32((high - low) / (most - least))
    zero_point = round(least - low / float(scale))
    return Quantization.per_tensor(float(scale), int(np.clip(zero_point, least, most)))


def halves_away(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nearest integers, still floats, halves away from zero as TF-Lite rounds."""
    rounded: NDArray[np.float64] = np.trunc(values + np.copysign(0.5, values))
    return rounded


def quantize(
    values: ArrayLike, quantization: Quantization, dtype: str = "int8", bits: int = 8
) -> NDArray[np.int8] | NDArray[np.uint8]:
    """Nearest integers, half away from zero as TF-Lite's ``QUANTIZE`` rounds, saturated.

    Args:
        values: float array of any shape; the channel axis as the quantization says.
        quantization: scale and zero point.
        dtype: ``"int8"`` or ``"uint8"``.
        bits: of the integers, which lie in an 8-bit array; fewer than 8 in int8 only.

    Raises:
        GraphError: a value is not a number, ``dtype`` is not an 8-bit type, or another number of
            bits.
    """
    if dtype not in ("int8", "uint8"):
        raise GraphError(f"quantize gives int8 or uint8, not {dtype}")
    if dtype == "uint8" and bits != 8:
        raise GraphError(f"uint8 holds 8 bits here, not {bits}; use int8")
    real = np.asarray(values, np.float32)
    if np.isnan(real).any():
        raise GraphError("quantize: the input holds NaN; clean the data before running it")
    scale, zero_point = quantization._broadcast(real.ndim)
    # Divided in float32 as on the target, rounded in float64: 0.49999997 + 0.5 is 1 in float32.
    scaled = (real / scale).astype(np.float64)
    rounded = halves_away(scaled)
    least, most = integer_limits(bits) if dtype == "int8" else (0, 255)
    return np.clip(rounded + zero_point, least, most).astype(dtype)


def scale_and_zero_point(low: float, high: float, bits: int = 8) -> tuple[float, int]:
    """The asymmetric grid that covers a range, widened to hold 0 exactly.

    Args:
        low: smallest real number.
        high: largest.
        bits: 2 to 8.

    Returns:
        Scale, and the integer that stands for 0.

    Raises:
        GraphError: the range is not finite, or another number of bits.
    """
    scale, zero_point = range_to_quantization(low, high, bits).item()
    return float(scale), zero_point


def quantize_linear(
    x: ArrayLike, scale: float, zero_point: int = 0, bits: int = 8
) -> NDArray[np.int8]:
    """Real numbers as integers of one grid: rounded, halves away from zero, and saturated.

    Args:
        x: of any shape.
        scale: step of the grid.
        zero_point: the integer that stands for 0.
        bits: 2 to 8.

    Raises:
        GraphError: a value is not a number, or another number of bits.
    """
    grid = Quantization.per_tensor(scale, zero_point)
    return quantize(x, grid, bits=bits).astype(np.int8)


def quantize_per_channel(
    w: NDArray[np.floating], bits: int = 8, axis: int = 0
) -> dict[str, NDArray[np.generic]]:
    """Weights as integers around 0, with a scale for each output channel.

    Args:
        w: float weights, at least one of each channel not 0.
        bits: 2 to 8; the integers go from ``-(2^(bits - 1) - 1)`` to ``2^(bits - 1) - 1``.
        axis: of the output channels.

    Returns:
        ``scales``, float32 ``(C_out,)``, and ``integers``, int8 of the weights' shape.

    Raises:
        GraphError: another number of bits.
    """
    scales = weight_scales(w, axis, None, bits)
    integers = quantize(w, Quantization.per_channel(scales, axis), bits=bits)
    return {"scales": scales, "integers": integers}


def dequantize(integers: ArrayLike, quantization: Quantization) -> NDArray[np.float32]:
    """The real numbers that ``integers`` stand for, float32, same shape."""
    array = np.asarray(integers)
    scale, zero_point = quantization._broadcast(array.ndim)
    return ((array.astype(np.int32) - zero_point) * scale).astype(np.float32)


def weight_scales(
    weight: NDArray[np.floating],
    axis: int,
    least: Sequence[float] | NDArray[np.float64] | None,
    bits: int = 8,
) -> NDArray[np.float32]:
    """Symmetric per-channel scales ``max|w| / (2^(bits - 1) - 1)``, float32 ``(C,)``.

    Args:
        weight: float weights, channels along ``axis``.
        axis: the output-channel axis.
        least: a lower bound per channel, or ``None``. A channel whose weights have (almost)
            vanished would get a scale so small that its int32 bias overflows.
        bits: of the integers, 2 to 8.

    Raises:
        GraphError: another number of bits.
    """
    limit = weight_limit(bits)
    others = tuple(i for i in range(weight.ndim) if i != axis)
    scale = np.abs(weight).max(axis=others).astype(np.float64) / limit
    if least is not None:
        scale = np.maximum(scale, np.asarray(least, np.float64))
    return np.where(scale > 0, scale, 1.0 / limit).astype(np.float32)


def quantize_bias(
    bias: NDArray[np.floating], input_scale: float, scale: NDArray[np.float32]
) -> NDArray[np.int32]:
    """int32 biases on the accumulator's scale, ``input scale * weight scale``, zero point 0.

    Args:
        bias: ``(C_out,)``.
        input_scale: of the layer's input.
        scale: of the weights, ``(C_out,)`` or ``(1,)``.

    Raises:
        GraphError: a bias that int32 does not hold at this scale.
    """
    integers = np.rint(bias / (float(input_scale) * scale.astype(np.float64)))
    if (np.abs(integers) >= 2.0**31).any():
        channel = int(np.abs(integers).argmax())
        raise GraphError(
            f"the bias of channel {channel}, {bias[channel]:g}, is {integers[channel]:.3g} steps "
            "of the accumulator, more than int32 holds; its weights have almost vanished: a "
            "larger scale holds it"
        )
    return integers.astype(np.int32)
