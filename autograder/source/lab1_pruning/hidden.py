"""Hidden inputs of Lab 1, drawn from a seed: several sizes, ties, edge cases, and laws.

Each question has named groups of inputs. A group is right only as a whole, and holds inputs with
different answers, so that a constant answer is never right. Shares are drawn off the halves, so
that nobody loses points to the way a half is rounded.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.lab1_pruning.channel_questions import Layer, layer
from tinyml_course.course.question import Case, case
from tinyml_course.pruning.granularity import all_patterns

Groups = dict[str, list[Case]]
Array = NDArray[Any]
Rng = np.random.Generator
REPEATS = 4


def _int(rng: Rng, low: int, high: int) -> int:
    """A whole number from ``low`` to ``high``, both included."""
    return int(rng.integers(low, high + 1))


def _several(draw: Callable[[], Case], repeats: int = REPEATS) -> list[Case]:
    return [draw() for _ in range(repeats)]


def _weights(rng: Rng, *shape: int) -> Array:
    """Weights of both signs, no two of a magnitude."""
    size = int(np.prod(shape))
    magnitudes = rng.permutation(np.arange(1, size + 1)) + rng.uniform(-0.3, 0.3, size)
    values: Array = (magnitudes * rng.choice([-1, 1], size) / 8).reshape(shape)
    return values


def _tied(rng: Rng, *shape: int) -> Array:
    """Weights of a few magnitudes, each many times."""
    values: Array = rng.choice([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0], shape)
    return values


def _share(rng: Rng, size: int, low: int = 1) -> float:
    """A sparsity that prunes ``low`` of ``size`` or more, but not all, and no half of a weight."""
    return float((_int(rng, low, size - 1) + rng.uniform(-0.35, 0.35)) / size)


def fine_grained(rng: Rng) -> Groups:
    """q1."""

    def drawn(*shape: int) -> Case:
        return case(_weights(rng, *shape), _share(rng, int(np.prod(shape))))

    def tied() -> Case:
        rows, columns = _int(rng, 5, 7), _int(rng, 7, 9)
        return case(_tied(rng, rows, columns), _share(rng, rows * columns, 5))

    def sparse() -> Case:
        # More zeros than weights that should go, so that some of them stay.
        w = _weights(rng, 4, _int(rng, 4, 6))
        zeros = rng.choice(w.size, _int(rng, 7, 10), replace=False)
        w.ravel()[zeros] = 0.0
        return case(w, float(_int(rng, 2, 5) / w.size))

    def rounded(side: float) -> Case:
        size = _int(rng, 5, 30)
        return case(_weights(rng, size), float((_int(rng, 1, size - 2) + side) / size))

    w = _weights(rng, 5, 5)
    return {
        "vectors": [drawn(_int(rng, 6, 40)) for _ in range(REPEATS)],
        "matrices and kernels": [drawn(4, 9), drawn(7, 5), drawn(4, 3, 3, 3), drawn(2, 5, 1, 1)],
        "many weights of equal magnitude": _several(tied, 6),
        "weights that are zero already": _several(sparse),
        "counts that are rounded": [rounded(side) for side in (0.4, -0.4, 0.3, -0.3, -0.2)],
        "nothing and everything": [case(_weights(rng, 2, 4), share) for share in (0.0, 1.0)],
        "law: pruned twice, more the second time": [case(w, 0.2), case(w, 0.6), case(w, 0.88)],
    }


def ratios(rng: Rng) -> Groups:
    """q2."""
    sparsities = sorted({round(float(s), 2) for s in rng.uniform(0.1, 0.95, 6)})
    count = len(sparsities)

    def falling(start: float = 0.98) -> list[float]:
        return [round(float(a), 3) for a in start - np.cumsum(rng.uniform(0.0, 0.08, count))]

    def layers(draw: Callable[[], list[float]], number: int = 3) -> dict[str, list[float]]:
        return {f"layer{i}": draw() for i in range(number)}

    def with_dip() -> list[float]:
        curve = [0.97] * count
        place = _int(rng, 1, count - 2)
        curve[place] = 0.9
        return curve

    def at_bound() -> list[float]:
        place = _int(rng, 1, count - 1)
        return [0.97] * (place - 1) + [0.95] + [0.9] * (count - place)

    def asked(draw: Callable[[], list[float]], number: int = 3) -> list[Case]:
        return _several(lambda: case(sparsities, layers(draw, number), 0.95))

    return {
        "falling curves": [
            case(sparsities, layers(falling, 4), bound) for bound in (0.95, 0.9, 0.8, 0.6)
        ],
        "curves that recover": asked(with_dip),
        "an accuracy just at the bound": asked(at_bound),
        "layers that bear nothing": [
            case(sparsities, layers(lambda: falling(0.9), n) | {"robust": [0.99] * count}, 0.95)
            for n in (1, 2, 3)
        ],
        "layers that bear everything": [
            case(sparsities, layers(lambda: [0.99] * count, n) | {"weak": falling(0.96)}, 0.95)
            for n in (1, 2, 3)
        ],
    }


def n_m(rng: Rng) -> Groups:
    """q3."""

    def drawn(n: int, m: int, draw: Callable[..., Array] = _weights, *taps: int) -> Case:
        return case(draw(rng, _int(rng, 2, 4), m * _int(rng, 2, 4), *taps), n, m)

    return {
        "2:4": _several(lambda: drawn(2, 4)),
        "other N and M": [drawn(n, m) for n, m in ((1, 2), (1, 4), (3, 4), (2, 5), (3, 8))],
        "kernels": [
            drawn(2, 4, _weights, 3, 3),
            drawn(1, 2, _weights, 3, 1),
            drawn(1, 3, _weights, 2, 2),
        ],
        "equal magnitudes": _several(lambda: drawn(2, 4, _tied), 6),
        "one group, and all that stays": [
            case(_weights(rng, 3, 6), 2, 6),
            case(_weights(rng, 2, 4), 4, 4),
            case(_weights(rng, 3, 5), 1, 5),
        ],
    }


def patterns(rng: Rng) -> Groups:
    """q4."""

    def some(count: int, entries: int = 4) -> Array:
        every = all_patterns(entries)
        return every[rng.choice(len(every), count, replace=False)]

    def drawn(c_out: int, c_in: int, count: int, entries: int = 4) -> Case:
        return case(rng.normal(size=(c_out, c_in, 3, 3)), some(count, entries))

    def spiky() -> Case:
        # A large weight in one pattern, three smaller ones in the other: the sum of their
        # magnitudes is larger, that of their squares smaller. Other kernels have no large one.
        a, b = all_patterns(4)[[0, 55]]
        w = np.zeros((3, 4, 3, 3))
        w[:, :, b & ~a] = rng.uniform(1.8, 2.1, (3, 4, 3))
        large = rng.random((3, 4)) < 0.5
        large[0, :2] = True, False
        w[large, 0, 0] = rng.uniform(4.5, 5.0, int(large.sum()))
        return case(w * rng.choice([-1, 1], w.shape), np.array([a, b]))

    def equal() -> Case:
        # Whole numbers: the sums are exact in any order, and several patterns keep equally much.
        values = rng.choice([-2.0, -1.0, 1.0, 2.0], (3, 3, 3, 3))
        values[0, 0] = 1.0
        return case(values, some(12))

    return {
        "eight patterns": [drawn(_int(rng, 2, 5), _int(rng, 2, 5), 8) for _ in range(REPEATS)],
        "two patterns": [drawn(3, 4, 2) for _ in range(REPEATS)],
        "other sizes of patterns": [drawn(3, 2, 6, entries) for entries in (2, 3, 5)],
        "one kernel": [drawn(1, 1, 20) for _ in range(REPEATS)],
        "large weights against many": _several(spiky, 3),
        "patterns that keep equally much": _several(equal),
    }


def steps(rng: Rng) -> Groups:
    """q5."""

    def drawn(clean: bool = True, moving: bool = True, **options: float) -> Case:
        shape = (_int(rng, 2, 5), _int(rng, 3, 6))
        mask = rng.random(shape) < 0.5
        mask[0, :2] = True, False
        # Of one sign and of such sizes that no difference is near zero: an answer in float32 is as
        # right as any.
        sign = rng.choice([-1, 1], shape)
        w, gradient = sign * rng.uniform(1.5, 3, shape), sign * rng.uniform(0.5, 2, shape)
        velocity = sign * rng.uniform(0.5, 2, shape)
        start = np.where(mask, w, 0.0) if clean else w
        rate = float(rng.uniform(0.02, 0.2))
        moved = velocity if moving else np.zeros(shape)
        return case(start, mask, gradient, moved, learning_rate=rate, **options)

    return {
        "at rest": _several(lambda: drawn(moving=False)),
        "with velocity from before": _several(lambda: drawn()),
        "weights that are not zero yet": _several(lambda: drawn(clean=False)),
        "other momentum": [drawn(momentum=m) for m in (0.1, 0.5, 0.99)],
        "weight decay": [drawn(weight_decay=d, clean=c) for d in (0.1, 0.5) for c in (True, False)],
    }


def taylor(rng: Rng) -> Groups:
    """q6."""

    def drawn(*shape: int) -> Case:
        return case(rng.normal(size=shape), rng.normal(size=shape))

    def with_zeros() -> Case:
        w, gradient = rng.normal(size=8), rng.normal(size=8)
        w[_int(rng, 0, 3)], gradient[_int(rng, 4, 7)] = 0.0, 0.0
        return case(w, gradient)

    w, gradient = rng.normal(size=5), rng.normal(size=5)
    return {
        "vectors": [drawn(n) for n in (1, 4, 9)],
        "matrices and kernels": [drawn(3, 4), drawn(2, 3, 3, 3)],
        "zeros": _several(with_zeros),
        "law: a sign changes nothing, a factor counts squared": [
            case(w, gradient),
            case(-w, 2 * gradient),
            case(3 * w, -gradient),
        ],
    }


def cubic(rng: Rng) -> Groups:
    """q7."""

    def drawn(place: str, initial: bool = False) -> Case:
        begin = _int(rng, 5, 50)
        end = begin + _int(rng, 10, 90)
        step = {
            "within": _int(rng, begin + 1, end - 1),
            "before": _int(rng, 0, begin - 1),
            "behind": _int(rng, end + 1, 2 * end),
        }[place]
        options = {"initial": float(rng.uniform(0.05, 0.4))} if initial else {}
        final = float(rng.uniform(0.5, 0.99))
        return case(step, begin=begin, end=end, final=final, **options)

    final, length = float(rng.uniform(0.6, 0.95)), _int(rng, 8, 40)
    return {
        "on the way": _several(lambda: drawn("within")),
        "with an initial sparsity": _several(lambda: drawn("within", True)),
        "before the beginning": _several(lambda: drawn("before", True)),
        "behind the end": _several(lambda: drawn("behind", True)),
        "from step 0, first and last step": [
            case(step, begin=0, end=length, final=final) for step in (0, 1, length - 1, length)
        ],
    }


def storage(rng: Rng) -> Groups:
    """q8."""

    def drawn(rows: int, columns: int, density: float) -> Array:
        values = rng.integers(1, 127, (rows, columns)) * rng.choice([-1, 1], (rows, columns))
        return np.where(rng.random((rows, columns)) < density, values, 0).astype(np.int8)

    def gaps(*lengths: int, end: int = 0) -> Array:
        column: list[int] = []
        for length in lengths:
            column += [0] * length + [_int(rng, 1, 100)]
        return np.array([*column, *[0] * end], np.int8).reshape(-1, 1)

    return {
        "half of them zero": [
            case(drawn(_int(rng, 6, 12), _int(rng, 2, 9), 0.5)) for _ in range(5)
        ],
        "gaps about as long as the index counts": [
            case(gaps(*(int(g) for g in rng.permutation([14, 15, 16, 17, 31, 32])[:count])))
            for count in (3, 4, 5)
        ]
        + [case(gaps(15, 15)), case(gaps(16, 3, 0))],
        "few weights in long columns": [
            case(drawn(_int(rng, 60, 120), 3, 0.04 + 0.02 * i)) for i in range(REPEATS)
        ],
        "other bits": [
            case(drawn(20, 4, 0.3), index, value)
            for index, value in ((2, 8), (3, 4), (5, 5), (8, 2))
        ]
        # 3 and 9 entries of 3 and 4 bits: two lists end in the middle of a byte.
        + [case(gaps(*[_int(rng, 0, 7) for _ in range(count)]), 3, 4) for count in (3, 9)],
        "empty columns and ends": [
            case(np.hstack([drawn(30, 1, 0.2), np.zeros((30, n), np.int8), drawn(30, 1, 0.6)]))
            for n in (1, 2)
        ]
        + [case(gaps(3, 2, end=50)), case(gaps(1, end=33), 3, 8), case(np.zeros((9, 5), np.int8))],
    }


def importance(rng: Rng) -> Groups:
    """q9."""

    def kernels(*options: int) -> Case:
        return case(rng.normal(size=(_int(rng, 2, 6), _int(rng, 7, 9), 3, 3)), *options)

    w = rng.normal(size=(4, 6))
    return {
        "matrices": [case(rng.normal(size=(_int(rng, 3, 8), 2))) for _ in range(REPEATS)],
        "kernels, L2": [kernels(), kernels(2), kernels(2, 0)],
        "kernels, L1": [kernels(1), kernels(1, 0), kernels(1)],
        "input channels": [kernels(2, 1), kernels(1, 1), kernels(2, 1)],
        "law: twice the weights, twice the norm": [case(w), case(2 * w), case(-3 * w, 1, 1)],
    }


def _renamed(rng: Rng, layers: list[Layer]) -> list[Layer]:
    """The same network under other names, so that none tells its kind."""
    names = [f"t{number}" for number in rng.permutation(len(layers) + 5)]
    table = {old["name"]: new for old, new in zip(layers, names, strict=False)}
    return [
        layer(table[each["name"]], each["kind"], *(table[read] for read in each["reads"]))
        for each in layers
    ]


def _residual(rng: Rng, blocks: int, depthwise: bool = False) -> list[Layer]:
    layers = [layer("x", "input"), layer("s", "conv", "x")]
    source = "s"
    for number in range(blocks):
        a, b, c = (f"{letter}{number}" for letter in "abc")
        layers.append(layer(a, "conv", source))
        middle = f"{a}r"
        layers.append(layer(middle, "depthwise" if depthwise else "relu", a))
        layers.append(layer(b, "conv", middle))
        pair = [source, b] if rng.integers(2) else [b, source]
        layers.append(layer(c, "add", *pair))
        source = c
    return [*layers, layer("p", "pool", source), layer("y", "linear", "p")]


def _random_network(rng: Rng, length: int) -> list[Layer]:
    layers = [layer("x", "input"), layer("a", "conv", "x"), layer("b", "conv", "x")]
    for number in range(length):
        made = [each["name"] for each in layers[1:]]
        first, second = (str(name) for name in rng.choice(made, 2, replace=False))
        kind = str(rng.choice(["conv", "relu", "depthwise", "add", "add"]))
        layers.append(layer(f"n{number}", kind, *([first, second] if kind == "add" else [first])))
    return layers


def coupled(rng: Rng) -> Groups:
    """q10."""

    def chain() -> list[Layer]:
        layers = [layer("x", "input")]
        for number in range(_int(rng, 3, 8)):
            kind = str(rng.choice(["conv", "relu", "depthwise", "pool"]))
            layers.append(layer(f"n{number}", kind, layers[-1]["name"]))
        layers.append(layer("c", "conv", layers[-1]["name"]))
        return [
            *layers,
            layer("d", "depthwise", "c"),
            layer("r", "relu", "d"),
            layer("y", "linear", "r"),
        ]

    def late_join() -> list[Layer]:
        # Two groups of several layers each, joined at the end by layers that came late in both.
        layers = [layer("x", "input")]
        for side in "ab":
            layers.append(layer(side, "conv", "x"))
            for number in range(_int(rng, 1, 3)):
                layers.append(layer(f"{side}{number}", "relu", layers[-1]["name"]))
        names = [each["name"] for each in layers]
        ends = [
            layers[-1]["name"],
            next(n for n in names[::-1] if n[0] == "a"),
        ]
        return [*layers, layer("sum", "add", *ends), layer("y", "linear", "sum")]

    def asked(draw: Callable[[], list[Layer]], repeats: int = REPEATS) -> list[Case]:
        return _several(lambda: case(_renamed(rng, draw())), repeats)

    return {
        "chains": asked(chain),
        "one residual block": asked(lambda: _residual(rng, 1)),
        "blocks one after the other": asked(lambda: _residual(rng, _int(rng, 2, 4))),
        "inverted bottlenecks": asked(lambda: _residual(rng, _int(rng, 1, 3), True)),
        "two groups that join late": asked(late_join),
        "any network": asked(lambda: _random_network(rng, _int(rng, 4, 10)), 6),
    }


def take(rng: Rng) -> Groups:
    """q11."""

    def network(sizes: list[int], taps: int = 1) -> tuple[dict[str, Array], dict[str, Any]]:
        parameters: dict[str, Array] = {}
        places: dict[str, list[tuple[str, int]]] = {f"g{i}": [] for i in range(1, len(sizes))}
        for i in range(1, len(sizes)):
            name = f"l{i}"
            shape = (sizes[i], sizes[i - 1]) + ((taps, taps) if taps > 1 else ())
            parameters[f"{name}.weight"] = np.round(rng.normal(size=shape) * 8)
            parameters[f"{name}.bias"] = np.round(rng.normal(size=sizes[i]) * 8) + 50
            places[f"g{i}"] += [(f"{name}.weight", 0), (f"{name}.bias", 0)]
            if i > 1:
                places[f"g{i - 1}"].append((f"{name}.weight", 1))
        return parameters, places

    def some(size: int, ordered: bool = True) -> list[int]:
        chosen = [int(c) for c in rng.choice(size, _int(rng, 1, size - 1), replace=False)]
        return sorted(chosen) if ordered else chosen

    def order(size: int) -> list[int]:
        return [*(int(c) for c in rng.permutation(np.arange(1, size))), 0]

    def one(taps: int = 1) -> Case:
        sizes = [_int(rng, 2, 3), _int(rng, 4, 6), _int(rng, 3, 4)]
        parameters, places = network(sizes, taps)
        return case(parameters, places, {"g1": some(sizes[1])})

    def two() -> Case:
        sizes = [2, _int(rng, 3, 5), _int(rng, 3, 5), _int(rng, 2, 4)]
        parameters, places = network(sizes)
        return case(parameters, places, {"g2": some(sizes[2]), "g1": some(sizes[1])})

    def reordered() -> Case:
        sizes = [2, _int(rng, 3, 5), 3]
        parameters, places = network(sizes)
        return case(parameters, places, {"g1": order(sizes[1])})

    def shortcut() -> Case:
        # Two makers and two readers of the same channels, as around an addition.
        size = _int(rng, 3, 5)
        parameters = {
            "a": np.round(rng.normal(size=(size, 2)) * 9),
            "b": np.round(rng.normal(size=(size, size)) * 9),
            "c": np.round(rng.normal(size=(2, size)) * 9),
            "other": np.round(rng.normal(size=3) * 9),
        }
        places = {"sum": [("a", 0), ("b", 0), ("b", 1), ("c", 1)]}
        return case(parameters, places, {"sum": some(size, ordered=False)})

    return {
        "one group": _several(lambda: one()),
        "kernels": _several(lambda: one(3), 3),
        "two groups in one parameter": _several(two),
        "another order": _several(reordered),
        "around a shortcut": _several(shortcut),
    }


GROUPS: dict[str, Callable[[Rng], Groups]] = {
    "q1": fine_grained,
    "q2": ratios,
    "q3": n_m,
    "q4": patterns,
    "q5": steps,
    "q6": taylor,
    "q7": cubic,
    "q8": storage,
    "q9": importance,
    "q10": coupled,
    "q11": take,
}
"""Hidden inputs by question."""
