"""Hidden inputs of Lab 2, drawn from a seed: several sizes, edge cases, and laws.

Each question has named groups of inputs. A group is right only as a whole, and holds inputs with
different answers, so that a constant answer is never right. Values keep away from a tie between
two integers, except where a tie is what is asked: who computes in float32 is as right as who does
in float64.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.question import Case, case
from tinyml_course.graph.fixed_point import quantize_multiplier
from tinyml_course.quantization.clipping import squared_error
from tinyml_course.quantization.integer import requantize

Groups = dict[str, list[Case]]
Array = NDArray[Any]
Draw = Callable[[], Case]
REPEATS = 4
CLEAR = 0.05
"""A tie is at least this far away, in steps of the grid."""


def _int(rng: np.random.Generator, low: int, high: int) -> int:
    """A whole number from ``low`` to ``high``, both included."""
    return int(rng.integers(low, high + 1))


def _several(draw: Draw, repeats: int = REPEATS) -> list[Case]:
    return [draw() for _ in range(repeats)]


def _until(draw: Draw, clear: Callable[[Case], bool], tries: int = 1000) -> Case:
    for _ in range(tries):
        found = draw()
        if clear(found):
            return found
    raise RuntimeError(f"no clear case in {tries} tries")


def _steps(rng: np.random.Generator, low: int, high: int, size: Any) -> Array:
    """Numbers of steps, each clear of the tie between two integers."""
    whole = rng.integers(low, high + 1, size)
    answer: Array = whole + rng.uniform(-0.5 + CLEAR, 0.5 - CLEAR, size)
    return answer


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
        return _until(draw, clear)

    def one_side(sign: int) -> Case:
        low, high = sorted(float(v) for v in rng.uniform(0.5, 9, 2))
        return case(low, high) if sign > 0 else case(-high, -low)

    low, high = -float(rng.uniform(0.1, 1)), float(rng.uniform(1, 2))
    law = _until(lambda: case(low * float(rng.uniform(0.9, 1)), high), clear)
    return {
        "around 0": _several(around, 6),
        "above 0": _several(lambda: one_side(1)),
        "below 0": _several(lambda: one_side(-1)),
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
        x = step * _steps(rng, -reach - zero_point, reach - zero_point, 8)
        return case(x.tolist(), step, zero_point, bits)

    def halves() -> Case:
        step = 2.0 ** _int(rng, -4, 3)
        x = step * (rng.integers(-60, 60, 8) + 0.5)
        return case(x.tolist(), step, _int(rng, -9, 9))

    def beyond() -> Case:
        step, zero_point = scale(), _int(rng, -40, 40)
        x = step * np.array([400.2, -400.2, 130.1, -200.3, _int(rng, -9, 9), 900.0, -130.1])
        return case(x.tolist(), step, zero_point)

    return {
        "inside the range": _several(lambda: drawn(100, 0)),
        "halves": _several(halves),
        "beyond the range": _several(beyond),
        "zero points": _several(lambda: drawn(120, _int(rng, 20, 100))),
        "fewer bits": [drawn(2 ** (bits - 1) + 3, _int(rng, -1, 1), bits) for bits in (2, 3, 4, 6)],
    }


def per_channel(rng: np.random.Generator) -> Groups:
    """q3."""

    def drawn(shape: tuple[int, ...], bits: int = 8, axis: int = 0, spread: float = 1.0) -> Case:
        most = 2 ** (bits - 1) - 1
        channels, rest = shape[axis], tuple(n for a, n in enumerate(shape) if a != axis)
        flat = _steps(rng, -most + 1, most - 1, (channels, math.prod(rest)))
        ends = rng.integers(flat.shape[1], size=channels)
        # The largest magnitude lies on the grid's end by itself; it is negative half of the time.
        flat[np.arange(channels), ends] = most * rng.choice([-1, 1], channels)
        scales = 10.0 ** (spread * rng.uniform(-2, 0, channels))
        w = (flat * scales[:, None]).reshape(channels, *rest)
        return case(np.ascontiguousarray(np.moveaxis(w, 0, axis)), bits, axis)

    def c() -> int:
        return _int(rng, 2, 6)

    def negative() -> Case:
        found = drawn((c(), 7))
        w = found.args[0]
        largest = np.abs(w) == np.abs(w).max(1, keepdims=True)
        return case(np.where(largest, -np.abs(w), w), *found.args[1:])

    return {
        "linear layers": _several(lambda: drawn((c(), _int(rng, 3, 12)))),
        "convolutions": _several(lambda: drawn((c(), 3, 3, c())), 3),
        "depthwise": _several(lambda: drawn((1, 3, 3, c()), 8, 3), 3),
        "fewer bits": [drawn((c(), 8), bits) for bits in (2, 3, 4, 5)],
        "channels of very different sizes": _several(lambda: drawn((6, 5), 8, 0, 2.0)),
        "the largest is negative": _several(negative),
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

        return _until(draw, clear)

    def wide() -> Case:
        def draw() -> Case:
            w = rng.uniform(-1, 1, 100) * float(rng.uniform(0.1, 3))
            top = float(np.abs(w).max())
            return case(w, [top * share for share in (0.25, 0.5, 1.0)], 8)

        return _until(draw, clear)

    def any_order() -> Case:
        found = drawn(3, 3)
        w, limits, bits = found.args
        return case(w.reshape(2, -1), [limits[i] for i in rng.permutation(len(limits))], bits)

    return {
        "2 bits": _several(lambda: drawn(2, 0)),
        "3 bits with outliers": _several(lambda: drawn(3, 4)),
        "4 bits with outliers": _several(lambda: drawn(4, 2)),
        "8 bits, no outlier": _several(wide),
        "limits in any order": _several(any_order),
    }


def bias(rng: np.random.Generator) -> Groups:
    """q5."""

    def drawn(channels: int, reach: int, scales: int | None = None, input_scale: float = 0) -> Case:
        step_in = input_scale or float(np.float32(10.0 ** rng.uniform(-3, 0)))
        shape = scales or channels
        scale = (10.0 ** rng.uniform(-4, -1, shape)).astype(np.float32)
        steps = _steps(rng, -reach, reach, channels)
        return case(steps * (step_in * scale.astype(np.float64)), step_in, scale)

    return {
        "small": _several(lambda: drawn(_int(rng, 2, 6), 100)),
        "larger than int8": _several(lambda: drawn(_int(rng, 2, 6), 50_000)),
        "one scale for all channels": _several(lambda: drawn(5, 3000, 1)),
        "large ones": _several(lambda: drawn(4, 2**30)),
        "an input scale of 1": _several(lambda: drawn(4, 900, None, 1.0)),
    }


def multiplier(rng: np.random.Generator) -> Groups:
    """q6."""

    def real(low: float, high: float) -> Case:
        rest = float(rng.uniform(CLEAR, 0.5 - CLEAR)) + 0.5 * _int(rng, 0, 1)
        mantissa = 0.5 + (_int(rng, 1, 2**30 - 2) + rest) / 2**31
        return case(math.ldexp(mantissa, _int(rng, int(low), int(high))))

    def almost(power: int) -> Case:
        return case(2.0**power * (1 - 2.0 ** -_int(rng, 34, 50)))

    return {
        "below 1": _several(lambda: real(-12, 0), 6),
        "above 1": _several(lambda: real(1, 8)),
        "powers of 2": [case(2.0**p) for p in rng.permutation(np.arange(-9, 6))[:5].tolist()],
        "almost a power of 2": [almost(_int(rng, -8, -1)), almost(0), almost(_int(rng, 1, 5))],
        "nothing, and almost nothing": [
            case(0.0),
            case(2.0 ** -_int(rng, 34, 60)),
            case(2.0 ** -_int(rng, 20, 30)),
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
        return case(sums, m, s, _int(rng, -zero, zero))

    def halves() -> Case:
        """Ties of both roundings: multipliers that are powers of 2."""
        shift = -_int(rng, 0, 3)
        places = 2 ** (1 - shift)
        sums = np.arange(-4, 4) * places + places // 2
        table = np.array([2**30], np.int32), np.array([shift], np.int32)
        return case(sums.astype(np.int32)[:, None], *table, _int(rng, -3, 3))

    def twice() -> Case:
        """Where rounding twice gives another integer than rounding once."""
        shift = -_int(rng, 2, 5)
        for _ in range(10_000):
            m = _int(rng, 2**30, 2**31 - 1)
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
        "right shifts": _several(lambda: drawn(-9, -1)),
        "left shifts": _several(lambda: drawn(1, 3)),
        "halves": _several(halves),
        "rounded twice": _several(twice),
        "beyond int8": _several(lambda: drawn(-9, -1, 500)),
        "large zero points": _several(lambda: drawn(-6, 0, 120, 3, 127)),
        "one channel": _several(lambda: drawn(-8, -2, 120, 1)),
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
        c_in, c_out = channels or _int(rng, 1, 3), _int(rng, 1, 3)
        side = (kernel + _int(rng, 1, 4), kernel + _int(rng, 1, 4))
        x = rng.integers(-128, 128, (*side, c_in)).astype(np.int8)
        weight = rng.integers(-127, 128, (c_out, kernel, kernel, c_in)).astype(np.int8)
        # Sums of about this size become about 60.
        size = 90 * 73 * math.sqrt(kernel * kernel * c_in) / 60
        shift = -math.ceil(math.log2(size))
        m, s = _real_multipliers(rng, c_out, shift, shift)
        add = rng.integers(-2000, 2000, c_out).astype(np.int32)
        zero = _int(rng, low, high)
        return case(x, weight, add, zero, m, s, _int(rng, -30, 30), stride, padding)

    return {
        "no border": _several(lambda: drawn(_int(rng, 2, 3))),
        "padded": _several(lambda: drawn(3, 1, _int(rng, 1, 2), 20, 90)),
        "strided": _several(lambda: drawn(_int(rng, 1, 3), _int(rng, 2, 3))),
        "strided and padded": _several(lambda: drawn(3, 2, 1, -90, -20)),
        "1x1, as a linear layer": _several(lambda: drawn(1, 1, 0, -60, 60, 5)),
        "a zero point of -128": _several(lambda: drawn(3, 1, 1, -128, -128)),
    }


def through(rng: np.random.Generator) -> Groups:
    """q9."""

    def drawn(bits: int, zero: int, beyond: float, size: Any = 8) -> Case:
        step, zero_point = float(np.float32(10.0 ** rng.uniform(-2, 0))), _int(rng, -zero, zero)
        most = 2 ** (bits - 1)
        reach = int(most * beyond)
        steps = _steps(rng, -reach, reach, size) - zero_point
        return case(step * steps, step, zero_point, bits)

    def ends(bits: int) -> Case:
        step, zero_point = 2.0 ** _int(rng, -5, 1), _int(rng, -2, 2)
        most = 2 ** (bits - 1) - 1
        integers = np.array([most, most + 1, -most - 1, -most - 2, 0]) - zero_point
        return case(step * (integers + float(rng.uniform(-0.3, 0.3))), step, zero_point, bits)

    return {
        "inside": _several(lambda: drawn(8, 10, 0.8)),
        "beyond": _several(lambda: drawn(8, 10, 3.0, 20)),
        "few bits": [drawn(bits, 1, 2.0, 16) for bits in (2, 3, 4, 5)],
        "large zero points": [drawn(8, 120, 1.5, 20), drawn(4, 7, 2.5, 30), drawn(8, 120, 1.5, 20)],
        "the ends of the grid": [ends(bits) for bits in (3, 4, 5, 8)],
        "tables": _several(lambda: drawn(4, 3, 2.0, (3, 5))),
    }


def kmeans(rng: np.random.Generator) -> Groups:
    """q10."""

    def clear(drawn: Case) -> bool:
        w, centroids = drawn.args
        away = np.sort(np.abs(w[..., None] - centroids), -1)
        return bool((away[..., 1] - away[..., 0] > 1e-6).all())

    def drawn(shape: Any, k: int) -> Case:
        def draw() -> Case:
            w = rng.gamma(1.0, 1.0, shape) * rng.choice([-1, 1], shape)
            return case(w, np.sort(rng.normal(size=k)))

        return _until(draw, clear)

    def with_empty() -> Case:
        found = drawn(12, 3)
        far = np.array([-60.0 - rng.uniform(0, 9), *found.args[1], 50.0 + rng.uniform(0, 9)])
        return case(found.args[0], far)

    def moving() -> Case:
        """Centroids off to one side, so that the next assignment is another one."""
        found = drawn(30, 4)
        return _until(lambda: case(found.args[0], np.sort(rng.uniform(0.2, 2.5, 4))), clear)

    return {
        "two centroids": _several(lambda: drawn(15, 2)),
        "many": _several(lambda: drawn(60, 8)),
        "weights of a convolution": _several(lambda: drawn((4, 3, 3, 2), 4)),
        "a centroid without weights": _several(with_empty),
        "centroids that move far": _several(moving),
    }


def stored(rng: np.random.Generator) -> Groups:
    """q11."""

    def odd(bits: int) -> Case:
        rest = [n for n in range(1, 9) if n * bits % 8]
        return case(8 * _int(rng, 9, 900) + rest[_int(rng, 0, len(rest) - 1)], bits)

    def drawn(bits: int) -> Case:
        return case(8 * _int(rng, 20, 20_000), bits)

    return {
        "whole bytes": [drawn(bits) for bits in (1, 2, 4)],
        "a byte for each": [drawn(8), drawn(8), drawn(7)],
        "a byte that is partly used": [odd(bits) for bits in (1, 2, 3, 4, 5)],
        "fewer centroids than the bits can name": [
            case(_int(rng, 100, 9999), bits, _int(rng, 2, 2**bits - 1)) for bits in (3, 4, 5, 8)
        ],
    }


def gradients(rng: np.random.Generator) -> Groups:
    """q12."""

    def drawn(shape: Any, clusters: int, used: int | None = None) -> Case:
        indices = rng.integers(0, used or clusters, shape).astype(np.uint8)
        return case(rng.normal(size=shape), indices, clusters)

    def unused() -> Case:
        found = drawn((3, 4), 8, 3)
        names = np.sort(rng.permutation(8)[:3]).astype(np.uint8)
        return case(found.args[0], names[found.args[1]], 8)

    return {
        "rows": _several(lambda: drawn((2, _int(rng, 12, 30)), 4)),
        "weights of a convolution": _several(lambda: drawn((4, 3, 3, 3), 8)),
        "centroids without weights": _several(unused),
        "one centroid": _several(lambda: drawn((3, 7), 1)),
        "as many as 256": _several(lambda: drawn((4, 100), 256), 2),
    }


def words(rng: np.random.Generator) -> Groups:
    """q13."""

    def counts(length: int, low: int = 1, high: int = 500) -> Case:
        return case([_int(rng, low, high) for _ in range(length)])

    def steep() -> Case:
        found = np.ceil(3000 * rng.uniform(0.4, 0.6) ** np.arange(1, _int(rng, 7, 11)))
        return case([int(c) for c in rng.permutation(found)])

    return {
        "random": [counts(n) for n in (3, 5, 9, 16, 40)],
        "steep": _several(steep),
        "almost equal": [counts(n, 90, 110) for n in (5, 6, 7, 11)],
        "one code alone": [counts(1, 2, 99), counts(1, 100, 500), counts(1, 501, 999)],
        "two codes, and three": [counts(2), counts(3), counts(2)],
    }


def bits(rng: np.random.Generator) -> Groups:
    """q14."""

    def tables(layers: int, choices: tuple[int, ...] = (2, 4, 8)) -> tuple[Any, Any]:
        names = [f"layer{i}" for i in range(layers)]
        weights = {name: _int(rng, 10, 120) for name in names}
        worth = {name: float(10.0 ** rng.uniform(-1, 1.5)) for name in names}
        sizes = {n: {b: -(-weights[n] * b // 8) + 4 for b in choices} for n in names}
        costs = {
            n: {b: worth[n] * 4.0 ** -(b - 2) * float(rng.uniform(0.7, 1.4)) for b in choices}
            for n in names
        }
        return costs, sizes

    def budget_of(sizes: Any, share: float) -> int:
        least = sum(min(by_bits.values()) for by_bits in sizes.values())
        most = sum(max(table.values()) for table in sizes.values())
        return int(least + share * (most - least))

    def drawn(layers: int, low: float, high: float, choices: tuple[int, ...] = (2, 4, 8)) -> Case:
        costs, sizes = tables(layers, choices)
        return case(costs, sizes, budget_of(sizes, float(rng.uniform(low, high))))

    def exactly() -> Case:
        """The best assignment uses the budget up."""
        costs, sizes = tables(4)
        chosen = {name: int(rng.choice(list(table))) for name, table in sizes.items()}
        budget = sum(sizes[name][b] for name, b in chosen.items())
        for name, b in chosen.items():
            costs[name][b] = float(rng.uniform(0.001, 0.002))
        return case(costs, sizes, budget)

    costs, sizes = tables(4)
    return {
        "little room": _several(lambda: drawn(4, 0.1, 0.35)),
        "half the room": _several(lambda: drawn(5, 0.4, 0.6)),
        "other choices": _several(lambda: drawn(4, 0.3, 0.7, (3, 5, 6))),
        "the budget exactly used up": _several(exactly, 6),
        "law: more room never costs more": [
            case(costs, sizes, budget_of(sizes, share)) for share in (0, 0.25, 0.5, 1)
        ],
    }


GROUPS: dict[str, Callable[[np.random.Generator], Groups]] = {
    "q1": grid,
    "q2": integers,
    "q3": per_channel,
    "q4": clip,
    "q5": bias,
    "q6": multiplier,
    "q7": rescale,
    "q8": convolution,
    "q9": through,
    "q10": kmeans,
    "q11": stored,
    "q12": gradients,
    "q13": words,
    "q14": bits,
}
"""Hidden inputs by question."""
