"""Hidden inputs of questions 1 to 4: a range, integers, a scale for each channel, a limit."""

import math

import numpy as np

from autograder.source.lab2_quantization.drawing import (
    CLEAR,
    Groups,
    clear_steps,
    several,
    until,
    whole,
)
from tinyml_course.course.question import Case, case
from tinyml_course.quantization.clipping import squared_error


def grid(rng: np.random.Generator) -> Groups:
    """q1."""

    def clear(drawn: Case) -> bool:
        low, high, bits = (*drawn.args, 8)[:3]
        low, high = min(low, 0.0), max(high, 0.0)
        steps = -low / (high - low) * (2**bits - 1)
        return bool(abs(steps % 1 - 0.5) > CLEAR)

    def around(*bits: int) -> Case:
        span = 10.0 ** rng.uniform(-2, 2)
        draw = lambda: case(  # noqa: E731
            -span * float(rng.uniform(0.1, 1)), span * float(rng.uniform(0.1, 1)), *bits
        )
        return until(draw, clear)

    def one_side(sign: int) -> Case:
        low, high = sorted(float(v) for v in rng.uniform(0.5, 9, 2))
        return case(low, high) if sign > 0 else case(-high, -low)

    low, high = -float(rng.uniform(0.1, 1)), float(rng.uniform(1, 2))
    law = until(lambda: case(low * float(rng.uniform(0.9, 1)), high), clear)
    return {
        "around 0": several(around, 6),
        "above 0": several(lambda: one_side(1)),
        "below 0": several(lambda: one_side(-1)),
        "fewer bits": [around(bits) for bits in (2, 3, 4, 5, 6, 7)],
        "law: a range twice as wide has twice the scale": [
            case(law.args[0] * factor, law.args[1] * factor) for factor in (1, 2, 4)
        ],
    }


def integers(rng: np.random.Generator) -> Groups:
    """q2."""

    def scale() -> float:
        return float(np.float32(10.0 ** rng.uniform(-2, 1)))

    def drawn(reach: int, zero_point: int, bits: int = 8) -> Case:
        step = scale()
        x = step * clear_steps(rng, -reach - zero_point, reach - zero_point, 8)
        return case(x.tolist(), step, zero_point, bits)

    def halves() -> Case:
        step = 2.0 ** whole(rng, -4, 3)
        sign = int(rng.choice([-1, 1]))
        # The last two lie between 0 and the zero point, where it matters what is added first.
        x = step * np.append(rng.integers(-60, 60, 6) + 0.5, [-0.5 * sign, -1.5 * sign])
        return case(x.tolist(), step, sign * whole(rng, 3, 9))

    def beyond() -> Case:
        step, zero_point = scale(), whole(rng, -40, 40)
        x = step * np.array([400.2, -400.2, 130.1, -200.3, whole(rng, -9, 9), 900.0, -130.1])
        return case(x.tolist(), step, zero_point)

    return {
        "inside the range": several(lambda: drawn(100, 0)),
        "halves": several(halves),
        "beyond the range": several(beyond),
        "zero points": several(lambda: drawn(120, whole(rng, 20, 100))),
        "fewer bits": [
            drawn(2 ** (bits - 1) + 3, whole(rng, -1, 1), bits) for bits in (2, 3, 4, 6)
        ],
    }


def per_channel(rng: np.random.Generator) -> Groups:
    """q3."""

    def drawn(shape: tuple[int, ...], bits: int = 8, axis: int = 0, spread: float = 1.0) -> Case:
        most = 2 ** (bits - 1) - 1
        channels, rest = shape[axis], tuple(n for a, n in enumerate(shape) if a != axis)
        flat = clear_steps(rng, -most + 1, most - 1, (channels, math.prod(rest)))
        ends = rng.integers(flat.shape[1], size=channels)
        # The largest magnitude lies on the grid's end by itself; it is negative half of the time.
        flat[np.arange(channels), ends] = most * rng.choice([-1, 1], channels)
        scales = 10.0 ** (spread * rng.uniform(-2, 0, channels))
        w = (flat * scales[:, None]).reshape(channels, *rest)
        return case(np.ascontiguousarray(np.moveaxis(w, 0, axis)), bits, axis)

    def c() -> int:
        return whole(rng, 2, 6)

    def negative() -> Case:
        found = drawn((c(), 7))
        w = found.args[0]
        largest = np.abs(w) == np.abs(w).max(1, keepdims=True)
        return case(np.where(largest, -np.abs(w), w), *found.args[1:])

    return {
        "linear layers": several(lambda: drawn((c(), whole(rng, 3, 12)))),
        "convolutions": several(lambda: drawn((c(), 3, 3, c())), 3),
        "depthwise": several(lambda: drawn((1, 3, 3, c()), 8, 3), 3),
        "fewer bits": [drawn((c(), 8), bits) for bits in (2, 3, 4, 5)],
        "channels of very different sizes": several(lambda: drawn((6, 5), 8, 0, 2.0)),
        "the largest is negative": several(negative),
    }


def clip(rng: np.random.Generator) -> Groups:
    """q4."""

    def clear(drawn: Case) -> bool:
        w, limits, bits = drawn.args
        errors = sorted(squared_error(w, limit, bits) for limit in limits)
        return errors[1] > 1.02 * errors[0]

    def drawn(bits: int, outliers: int, count: int = 200) -> Case:
        def draw() -> Case:
            w = rng.normal(size=count) * float(rng.uniform(0.05, 2))
            w[:outliers] *= rng.uniform(3, 6, outliers)
            top = float(np.abs(w).max())
            shares = np.linspace(1.0, 0.1, 10)
            return case(w, [top * float(share) for share in shares], bits)

        return until(draw, clear)

    def wide() -> Case:
        def draw() -> Case:
            w = rng.uniform(-1, 1, 100) * float(rng.uniform(0.1, 3))
            top = float(np.abs(w).max())
            return case(w, [top * share for share in (0.25, 0.5, 1.0)], 8)

        return until(draw, clear)

    def any_order() -> Case:
        found = drawn(3, 3)
        w, limits, bits = found.args
        return case(w.reshape(2, -1), [limits[i] for i in rng.permutation(len(limits))], bits)

    return {
        "2 bits": several(lambda: drawn(2, 0)),
        "3 bits with outliers": several(lambda: drawn(3, 4)),
        "4 bits with outliers": several(lambda: drawn(4, 2)),
        "8 bits, no outlier": several(wide),
        "limits in any order": several(any_order),
    }
