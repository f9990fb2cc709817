"""Hidden inputs of questions 5 to 8: bias, multiplier and shift, rounding, a convolution."""

import math
from typing import Any

import numpy as np

from autograder.source.lab2_quantization.drawing import CLEAR, Groups, clear_steps, several, whole
from tinyml_course.course.question import Case, case
from tinyml_course.graph.fixed_point import quantize_multiplier
from tinyml_course.quantization.integer import requantize


def bias(rng: np.random.Generator) -> Groups:
    """q5."""

    def drawn(channels: int, reach: int, scales: int | None = None, input_scale: float = 0) -> Case:
        step_in = input_scale or float(np.float32(10.0 ** rng.uniform(-3, 0)))
        shape = scales or channels
        scale = (10.0 ** rng.uniform(-4, -1, shape)).astype(np.float32)
        steps = clear_steps(rng, -reach, reach, channels)
        return case(steps * (step_in * scale.astype(np.float64)), step_in, scale)

    return {
        "small": several(lambda: drawn(whole(rng, 2, 6), 100)),
        "larger than int8": several(lambda: drawn(whole(rng, 2, 6), 50_000)),
        "one scale for all channels": several(lambda: drawn(5, 3000, 1)),
        # Not larger: with 2**30 steps, a product of two scales in float32 is off by several.
        "larger than int16": several(lambda: drawn(4, 200_000)),
        "an input scale of 1": several(lambda: drawn(4, 900, None, 1.0)),
    }


def multiplier(rng: np.random.Generator) -> Groups:
    """q6."""

    def real(low: float, high: float) -> Case:
        rest = float(rng.uniform(CLEAR, 0.5 - CLEAR)) + 0.5 * whole(rng, 0, 1)
        mantissa = 0.5 + (whole(rng, 1, 2**30 - 2) + rest) / 2**31
        return case(math.ldexp(mantissa, whole(rng, int(low), int(high))))

    def almost(power: int) -> Case:
        return case(2.0**power * (1 - 2.0 ** -whole(rng, 34, 50)))

    return {
        "below 1": several(lambda: real(-12, 0), 6),
        "above 1": several(lambda: real(1, 8)),
        "powers of 2": [case(2.0**p) for p in rng.permutation(np.arange(-9, 6))[:5].tolist()],
        "almost a power of 2": [almost(whole(rng, -8, -1)), almost(0), almost(whole(rng, 1, 5))],
        "nothing, and almost nothing": [
            case(0.0),
            case(2.0 ** -whole(rng, 34, 60)),
            case(2.0 ** -whole(rng, 20, 30)),
            case(2.0**-32),
        ],
    }


def _real_multipliers(rng: np.random.Generator, count: int, low: int, high: int) -> Any:
    reals = rng.uniform(0.5, 1, count) * 2.0 ** rng.integers(low, high + 1, count)
    pairs = [quantize_multiplier(float(each)) for each in reals]
    return (np.array([p[i] for p in pairs], np.int32) for i in (0, 1))


def rescale(rng: np.random.Generator) -> Groups:
    """q7."""

    def drawn(low: int, high: int, reach: int = 120, channels: int = 3, zero: int = 30) -> Case:
        m, s = _real_multipliers(rng, channels, low, high)
        widths = 2.0 ** -s.astype(float)
        sums = np.rint(rng.uniform(-reach, reach, (2, channels)) * widths).astype(np.int32)
        return case(sums, m, s, whole(rng, -zero, zero))

    def halves() -> Case:
        """Ties of both roundings: multipliers that are powers of 2."""
        shift = -whole(rng, 0, 3)
        places = 2 ** (1 - shift)
        sums = np.arange(-4, 4) * places + places // 2
        table = np.array([2**30], np.int32), np.array([shift], np.int32)
        return case(sums.astype(np.int32)[:, None], *table, whole(rng, -3, 3))

    def twice() -> Case:
        """Where rounding twice gives another integer than rounding once."""
        shift = -whole(rng, 2, 5)
        for _ in range(10_000):
            m = whole(rng, 2**30, 2**31 - 1)
            real = m * 2.0 ** (shift - 31)
            ties = rng.integers(-100, 100, 20) + rng.choice([-0.5, 0.5], 20)
            sums = np.rint(ties / real).astype(np.int32)
            table = np.array([m], np.int32), np.array([shift], np.int32)
            exact = sums * real
            once = np.clip(np.floor(exact + 0.5), -128, 127)
            away = np.clip(np.trunc(exact + np.copysign(0.5, exact)), -128, 127)
            got = requantize(sums[:, None], *table, 0)[:, 0]
            if (got != once).any() and (got != away).any():
                return case(sums[:, None], *table, 0)
        raise RuntimeError("no accumulators that rounding twice tells apart")

    return {
        "right shifts": several(lambda: drawn(-9, -1)),
        "left shifts": several(lambda: drawn(1, 3)),
        "halves": several(halves),
        "rounded twice": several(twice),
        "beyond int8": several(lambda: drawn(-9, -1, 500)),
        "large zero points": several(lambda: drawn(-6, 0, 120, 3, 127)),
        "one channel": several(lambda: drawn(-8, -2, 120, 1)),
    }


def convolution(rng: np.random.Generator) -> Groups:
    """q8."""

    def drawn(
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        low: int = -60,
        high: int = 60,
        channels: int = 0,
    ) -> Case:
        c_in, c_out = channels or whole(rng, 1, 3), whole(rng, 1, 3)
        side = (kernel + whole(rng, 1, 4), kernel + whole(rng, 1, 4))
        x = rng.integers(-128, 128, (*side, c_in)).astype(np.int8)
        weight = rng.integers(-127, 128, (c_out, kernel, kernel, c_in)).astype(np.int8)
        # Sums of about this size become about 60.
        size = 90 * 73 * math.sqrt(kernel * kernel * c_in) / 60
        shift = -math.ceil(math.log2(size))
        m, s = _real_multipliers(rng, c_out, shift, shift)
        add = rng.integers(-2000, 2000, c_out).astype(np.int32)
        zero = whole(rng, low, high)
        return case(x, weight, add, zero, m, s, whole(rng, -30, 30), stride, padding)

    return {
        "no border": several(lambda: drawn(whole(rng, 2, 3))),
        "padded": several(lambda: drawn(3, 1, whole(rng, 1, 2), 20, 90)),
        "strided": several(lambda: drawn(whole(rng, 1, 3), whole(rng, 2, 3))),
        "strided and padded": several(lambda: drawn(3, 2, 1, -90, -20)),
        "1x1, as a linear layer": several(lambda: drawn(1, 1, 0, -60, 60, 5)),
        "a zero point of -128": several(lambda: drawn(3, 1, 1, -128, -128)),
    }
