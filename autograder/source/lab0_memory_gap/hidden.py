"""Hidden inputs of Lab 0, drawn from a seed: several sizes, edge cases, and laws.

Each question has named groups of inputs. A group is right only as a whole, and holds inputs with
different answers, so that a constant answer is never right.
"""

from collections.abc import Callable

import numpy as np

from tinyml_course.course.lab0_memory_gap.layer_questions import layer
from tinyml_course.course.question import Case, case
from tinyml_course.memory_gap import Layer

Groups = dict[str, list[Case]]
Steps = list[tuple[list[str], str]]
KIB = 1024
REPEATS = 5


def _int(rng: np.random.Generator, low: int, high: int) -> int:
    """A whole number from ``low`` to ``high``, both included."""
    return int(rng.integers(low, high + 1))


def _several(draw: Callable[[], Case], repeats: int = REPEATS) -> list[Case]:
    return [draw() for _ in range(repeats)]


def output_size(rng: np.random.Generator) -> Groups:
    """q1."""

    def drawn(stride: int, padding: int) -> Case:
        kernel = _int(rng, 1, 9)
        return case(_int(rng, kernel, 257), kernel, stride, padding)

    def ragged() -> Case:
        # A window that would hang over the edge: the division leaves a rest.
        kernel, stride, windows = _int(rng, 2, 9), _int(rng, 2, 5), _int(rng, 2, 60)
        rest = _int(rng, 1, stride - 1)
        padding = _int(rng, 0, kernel - 1)
        size = kernel + (windows - 1) * stride + rest - padding
        return case(size, kernel, stride, padding)

    return {
        "stride 1, no padding": [
            case(k + _int(rng, 1, 99), k) for k in (1, 3, 5, _int(rng, 6, 11))
        ],
        "strided": _several(lambda: drawn(_int(rng, 2, 5), 0)),
        "padded, also by an odd number": [drawn(1, p) for p in (1, 2, 3, 4, _int(rng, 5, 8))],
        "windows that would hang over": _several(ragged),
        "kernel as large as the input": [
            case(k, k, s, p) for k, s, p in ((1, 1, 0), (7, 2, 0), (4, 1, 1), (6, 3, 6))
        ],
    }


def params(rng: np.random.Generator) -> Groups:
    """q2."""

    def dense(bias: bool) -> Case:
        kernel = (_int(rng, 1, 7), _int(rng, 1, 7))
        return case(_int(rng, 1, 64), _int(rng, 1, 64), kernel, 1, bias)

    def grouped() -> Case:
        groups = _int(rng, 2, 6)
        c_in, c_out = groups * _int(rng, 2, 9), groups * _int(rng, 2, 9)
        return case(c_in, c_out, (_int(rng, 1, 5), _int(rng, 2, 5)), groups, bool(rng.integers(2)))

    return {
        "dense, with bias": _several(lambda: dense(True)),
        "dense, without bias": _several(lambda: dense(False)),
        "grouped": _several(grouped),
        "depthwise": [case(c, c, (k, k), c) for k in (3, 5, 7) for c in [_int(rng, 2, 99)]],
        "one channel": [case(1, _int(rng, 2, 9), (1, 1)), case(1, 1, (3, 1)), case(2, 1, (1, 3))],
    }


def macs(rng: np.random.Generator) -> Groups:
    """q3."""

    def dense() -> Case:
        size = (_int(rng, 2, 60), _int(rng, 2, 60))
        return case(size, _int(rng, 2, 64), _int(rng, 2, 64), (_int(rng, 2, 7), _int(rng, 2, 7)))

    def grouped() -> Case:
        groups, kernel = _int(rng, 2, 5), (_int(rng, 2, 5), _int(rng, 2, 5))
        size = (_int(rng, 2, 30), _int(rng, 2, 30))
        return case(size, groups * _int(rng, 2, 6), groups * _int(rng, 2, 6), kernel, groups)

    def depthwise() -> Case:
        side, channels, k = _int(rng, 2, 112), _int(rng, 2, 200), int(rng.choice([3, 5, 7]))
        return case((side, side), channels, channels, (k, k), channels)

    side, c = _int(rng, 3, 20), _int(rng, 2, 30)
    return {
        "dense": _several(dense),
        "grouped": _several(grouped),
        "depthwise": _several(depthwise),
        "1x1": [case((s, s + 1), _int(rng, 2, 99), _int(rng, 2, 99), (1, 1)) for s in (1, 7, 14)],
        "law: twice the output channels, twice the MACs": [
            case((side, side), c, c * factor, (3, 3)) for factor in (1, 2, 4)
        ],
    }


def _network(rng: np.random.Generator, kinds: list[str]) -> list[Layer]:
    shape = (_int(rng, 8, 40), _int(rng, 8, 40), _int(rng, 2, 16))
    network = []
    for kind in kinds:
        if kind == "linear":
            features = (shape[-1],)
            network.append(layer(kind, features, (_int(rng, 2, 50),)))
            continue
        k = int(rng.choice([3, 5]))
        kernel = {"conv": (k, 3), "depthwise": (k, k), "pool": (2, 2)}.get(kind, (1, 1))
        half = (max(1, shape[0] // 2), max(1, shape[1] // 2))
        after = (*(shape[:2] if kind == "add" else half), shape[2])
        if kind == "conv":
            after = (*half, _int(rng, 2, 32))
        network.append(layer(kind, shape, after, kernel, shape[2] if kind == "depthwise" else 1))
        shape = after
    return network


def network_macs(rng: np.random.Generator) -> Groups:
    """q4."""

    def networks(*kinds: str) -> list[Case]:
        return _several(lambda: case(_network(rng, list(kinds))), 3)

    def mixed() -> Case:
        blocks = [str(kind) for kind in rng.choice(["conv", "depthwise", "add"], _int(rng, 4, 12))]
        return case(_network(rng, ["conv", *blocks, "pool", "linear"]))

    return {
        "convolutions": networks("conv", "conv", "conv"),
        "depthwise": networks("conv", "depthwise", "conv"),
        "linear": networks("linear"),
        "layers without weights": networks("conv", "pool", "add", "pool", "add"),
        "whole networks": _several(mixed),
    }


def activation_bytes(rng: np.random.Generator) -> Groups:
    """q5."""

    def shape(axes: int = 3, odd: bool = False) -> tuple[int, ...]:
        sides = [_int(rng, 2, 40) for _ in range(axes)]
        return tuple(2 * side + 1 for side in sides) if odd else tuple(sides)

    return {
        "int8, also by default": [case(shape()), case(shape(), 8), case(shape(1)), case(shape(4))],
        "wider types": [case(shape(), bits) for bits in (16, 32, 32, 64)],
        "packed, no rest": [case((4, 2, _int(rng, 1, 99)), bits) for bits in (1, 2, 4)],
        "packed, with a rest": [case(shape(odd=True), bits) for bits in (1, 2, 4, 6)],
        "less than a byte": [case((1,), 4), case((3, 1), 1), case((9,), 1), case((1, 1, 3), 2)],
    }


def chain(rng: np.random.Generator) -> Groups:
    """q6."""

    def sizes(length: int) -> list[int]:
        return [_int(rng, 1, 100_000) for _ in range(length)]

    def with_peak_at(place: int, length: int = 9) -> Case:
        values = [_int(rng, 100, 1000) for _ in range(length)]
        values[place], values[place - 1 if place else 1] = 5000, 4000 + _int(rng, 0, 900)
        return case(values)

    def apart() -> Case:
        # The two largest are no neighbours, so that their sum is not the peak.
        values = [_int(rng, 10, 100) for _ in range(9)]
        values[1], values[7] = _int(rng, 2000, 3000), _int(rng, 2000, 3000)
        return case(values)

    forward = sizes(8)
    return {
        "random chains": [case(sizes(n)) for n in (3, 5, 20, 60)],
        "two large ones apart": _several(apart),
        "peak at the image": [with_peak_at(0), with_peak_at(0, 3)],
        "peak at the end": [with_peak_at(8), with_peak_at(2, 3)],
        "law: backwards and scaled": [
            case(forward),
            case(forward[::-1]),
            case([3 * size for size in forward]),
        ],
        "one layer": _several(lambda: case(sizes(2)), 3),
    }


def _named(rng: np.random.Generator, steps: Steps, low: int = 1) -> Case:
    names = dict.fromkeys(name for reads, writes in steps for name in [*reads, writes])
    return case({name: _int(rng, low, 9999) for name in names}, steps)


def _blocks(count: int) -> Steps:
    """Inverted bottlenecks, each with a shortcut, one after the other."""
    steps: Steps = []
    source = "image"
    for i in range(count):
        a, b, c, y = (f"{letter}{i}" for letter in "abcy")
        steps += [([source], a), ([a], b), ([b], c), ([c, source], y)]
        source = y
    return steps


def _random_steps(rng: np.random.Generator, length: int) -> Steps:
    names, steps = ["image", "second"], []
    for i in range(length):
        fresh = [names[-1], str(rng.choice(names))]
        reads = fresh if rng.integers(2) else fresh[:1]
        steps.append((reads, f"t{i}"))
        names.append(f"t{i}")
    return steps


def live(rng: np.random.Generator) -> Groups:
    """q7."""

    def chain_case(length: int) -> Case:
        return _named(rng, [([f"t{i}"], f"t{i + 1}") for i in range(length)])

    def waiting() -> Case:
        # The shortcut is the largest of all and waits through every other layer.
        count = _int(rng, 3, 9)
        steps: Steps = [(["x"], "t0")]
        steps += [([f"t{i}"], f"t{i + 1}") for i in range(count)]
        steps.append(([f"t{count}", "x"], "y"))
        drawn = _named(rng, steps)
        drawn.args[0].update(x=_int(rng, 10_000, 20_000), y=_int(rng, 1, 50))
        return drawn

    def read_twice() -> Case:
        drawn = _named(rng, [(["x"], "a"), (["a", "a"], "b"), (["b"], "y")])
        drawn.args[0].update(a=_int(rng, 20_000, 30_000))
        return drawn

    def two_readers() -> Case:
        steps: Steps = [(["x"], "a"), (["x"], "b"), (["b"], "c"), (["a", "c"], "d"), (["d"], "y")]
        return _named(rng, steps)

    def large_image() -> Case:
        drawn = chain_case(_int(rng, 2, 6))
        drawn.args[0].update(t0=_int(rng, 20_000, 30_000))
        return drawn

    return {
        "chains": [chain_case(n) for n in (1, 2, 5, 20)],
        "a shortcut that waits": _several(waiting),
        "blocks with shortcuts": [_named(rng, _blocks(n)) for n in (1, 2, 5, 17)],
        "one activation, two readers": _several(two_readers),
        "read twice by one layer": _several(read_twice),
        "the image counts": _several(large_image),
        "any order of reading": [
            case_ for n in (3, 8, 25) for case_ in [_named(rng, _random_steps(rng, n))]
        ],
    }


def training(rng: np.random.Generator) -> Groups:
    """q9."""

    def drawn(optimizer: str, low: int, high: int) -> Case:
        batch = _int(rng, low, high)
        return case(_int(rng, 10, 9_999_999), _int(rng, 10, 9_999_999), batch, optimizer)

    params, activations = _int(rng, 10, 999), _int(rng, 10, 999)
    return {
        "one image": _several(lambda: drawn("sgd", 1, 1)),
        "batches, sgd": _several(lambda: drawn("sgd", 2, 256)),
        "momentum": _several(lambda: drawn("momentum", 2, 64)),
        "adam": _several(lambda: drawn("adam", 2, 64)),
        "law: only activations follow the batch, sgd by default": [
            case(params, activations, batch) for batch in (1, 2, 3, 8)
        ],
    }


def verdict(rng: np.random.Generator) -> Groups:
    """q8."""

    def drawn(sram: tuple[int, int], flash: tuple[int, int]) -> Case:
        board = {"sram_kib": _int(rng, 20, 600), "flash_kib": _int(rng, 700, 4000)}
        code = _int(rng, 8000, 90_000)
        flash_bytes = KIB * board["flash_kib"] + _int(rng, *flash)
        network = {
            "peak_bytes": KIB * board["sram_kib"] + _int(rng, *sram),
            "weight_bytes": flash_bytes - code,
            "code_bytes": code,
        }
        return case(network, board)

    room, gap = (-19_000, -1), (1, 2_000_000)
    return {
        "SRAM decides": [drawn(gap, room), drawn(gap, room), drawn(room, room)],
        "flash decides": [drawn(room, gap), drawn(room, gap), drawn(room, room)],
        "both are missing": _several(lambda: drawn(gap, gap), 4),
        "just full, and one byte more": [drawn((n, n), (m, m)) for n in (0, 1) for m in (0, 1)],
        "little missing, much to spare": [
            drawn((1, 300), (-400_000, -200_000)),
            drawn(room, (1, 99)),
        ],
    }


def scaling(rng: np.random.Generator) -> Groups:
    """q10."""

    def drawn(width: float, resolution: float) -> Case:
        keys = ("params", "macs", "peak_bytes")
        return case({key: _int(rng, 1000, 9_999_999) for key in keys}, width, resolution)

    def factor() -> float:
        return float(rng.uniform(0.2, 0.9)) if rng.integers(2) else float(rng.uniform(1.1, 3))

    return {
        "width alone": _several(lambda: drawn(factor(), 1.0)),
        "resolution alone": _several(lambda: drawn(1.0, factor())),
        "both": _several(lambda: drawn(factor(), factor())),
        "nothing changes": _several(lambda: drawn(1.0, 1.0), 3),
    }


GROUPS: dict[str, Callable[[np.random.Generator], Groups]] = {
    "q1": output_size,
    "q2": params,
    "q3": macs,
    "q4": network_macs,
    "q5": activation_bytes,
    "q6": chain,
    "q7": live,
    "q8": verdict,
    "q9": training,
    "q10": scaling,
}
"""Hidden inputs by question."""
