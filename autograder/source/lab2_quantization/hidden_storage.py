"""Hidden inputs of questions 9 to 14: fake quantization, shared weights, words, bits."""

from typing import Any

import numpy as np

from autograder.source.lab2_quantization.drawing import Groups, clear_steps, several, until, whole
from tinyml_course.course.question import Case, case


def through(rng: np.random.Generator) -> Groups:
    """q9."""

    def drawn(bits: int, zero: int, beyond: float, size: Any = 8) -> Case:
        step, zero_point = float(np.float32(10.0 ** rng.uniform(-2, 0))), whole(rng, -zero, zero)
        most = 2 ** (bits - 1)
        reach = int(most * beyond)
        steps = clear_steps(rng, -reach, reach, size) - zero_point
        return case(step * steps, step, zero_point, bits)

    def ends(bits: int) -> Case:
        step, zero_point = 2.0 ** whole(rng, -5, 1), whole(rng, -2, 2)
        most = 2 ** (bits - 1) - 1
        integers = np.array([most, most + 1, -most - 1, -most - 2, 0]) - zero_point
        return case(step * (integers + float(rng.uniform(-0.3, 0.3))), step, zero_point, bits)

    return {
        "inside": several(lambda: drawn(8, 10, 0.8)),
        "beyond": several(lambda: drawn(8, 10, 3.0, 20)),
        "few bits": [drawn(bits, 1, 2.0, 16) for bits in (2, 3, 4, 5)],
        "large zero points": [drawn(8, 120, 1.5, 20), drawn(4, 7, 2.5, 30), drawn(8, 120, 1.5, 20)],
        "the ends of the grid": [ends(bits) for bits in (3, 4, 5, 8)],
        "tables": several(lambda: drawn(4, 3, 2.0, (3, 5))),
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

        return until(draw, clear)

    def with_empty() -> Case:
        found = drawn(12, 3)
        far = np.array([-60.0 - rng.uniform(0, 9), *found.args[1], 50.0 + rng.uniform(0, 9)])
        return case(found.args[0], far)

    def moving() -> Case:
        """Centroids off to one side, so that the next assignment is another one."""
        found = drawn(30, 4)
        return until(lambda: case(found.args[0], np.sort(rng.uniform(0.2, 2.5, 4))), clear)

    return {
        "two centroids": several(lambda: drawn(15, 2)),
        "many": several(lambda: drawn(60, 8)),
        "weights of a convolution": several(lambda: drawn((4, 3, 3, 2), 4)),
        "a centroid without weights": several(with_empty),
        "centroids that move far": several(moving),
    }


def stored(rng: np.random.Generator) -> Groups:
    """q11."""

    def odd(bits: int) -> Case:
        rest = [n for n in range(1, 9) if n * bits % 8]
        return case(8 * whole(rng, 9, 900) + rest[whole(rng, 0, len(rest) - 1)], bits)

    def drawn(bits: int) -> Case:
        return case(8 * whole(rng, 20, 20_000), bits)

    return {
        "whole bytes": [drawn(bits) for bits in (1, 2, 4)],
        "a byte for each": [drawn(8), drawn(8), drawn(7)],
        "a byte that is partly used": [odd(bits) for bits in (1, 2, 3, 4, 5)],
        "fewer centroids than the bits can name": [
            case(whole(rng, 100, 9999), bits, whole(rng, 2, 2**bits - 1)) for bits in (3, 4, 5, 8)
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
        "rows": several(lambda: drawn((2, whole(rng, 12, 30)), 4)),
        "weights of a convolution": several(lambda: drawn((4, 3, 3, 3), 8)),
        "centroids without weights": several(unused),
        "one centroid": several(lambda: drawn((3, 7), 1)),
        "as many as 256": several(lambda: drawn((4, 100), 256), 2),
    }


def words(rng: np.random.Generator) -> Groups:
    """q13."""

    def counts(length: int, low: int = 1, high: int = 500) -> Case:
        return case([whole(rng, low, high) for _ in range(length)])

    def steep() -> Case:
        found = np.ceil(3000 * rng.uniform(0.4, 0.6) ** np.arange(1, whole(rng, 7, 11)))
        return case([int(c) for c in rng.permutation(found)])

    return {
        "random": [counts(n) for n in (3, 5, 9, 16, 40)],
        "steep": several(steep),
        "almost equal": [counts(n, 90, 110) for n in (5, 6, 7, 11)],
        "one code alone": [counts(1, 2, 99), counts(1, 100, 500), counts(1, 501, 999)],
        "two codes, and three": [counts(2), counts(3), counts(2)],
    }


def bits(rng: np.random.Generator) -> Groups:
    """q14."""

    def tables(layers: int, choices: tuple[int, ...] = (2, 4, 8)) -> tuple[Any, Any]:
        names = [f"layer{i}" for i in range(layers)]
        weights = {name: whole(rng, 10, 120) for name in names}
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

    def left_over() -> Case:
        """A layer whose byte wins most, but not as much as two others that fit together."""
        upgrades = rng.integers(40, 50, 2)
        both = int(upgrades.sum())
        upgrade = both - int(both * rng.uniform(0.2, 0.4))
        worth = float(10.0 ** rng.uniform(-3, 0))
        order = rng.permutation(3)
        table = [(upgrade, 1.1 * worth), *((int(u), worth) for u in upgrades)]
        sizes = {f"layer{i}": {2: 20 + i, 8: 20 + i + table[o][0]} for i, o in enumerate(order)}
        costs = {
            f"layer{i}": {2: 2 * table[o][0] * table[o][1], 8: table[o][0] * table[o][1]}
            for i, o in enumerate(order)
        }
        return case(costs, sizes, sum(size[2] for size in sizes.values()) + both)

    costs, sizes = tables(4)
    return {
        "little room": several(lambda: drawn(4, 0.1, 0.35)),
        "half the room": several(lambda: drawn(5, 0.4, 0.6)),
        "other choices": several(lambda: drawn(4, 0.3, 0.7, (3, 5, 6))),
        "the budget exactly used up": several(exactly, 6),
        "a byte that wins most, and bytes left over": several(left_over),
        "law: more room never costs more": [
            case(costs, sizes, budget_of(sizes, share)) for share in (0, 0.25, 0.5, 1)
        ],
    }
