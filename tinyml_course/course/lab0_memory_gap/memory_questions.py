"""Questions 6 and 7: peak activation memory of a chain, and with activations that wait."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.memory_gap.peak import peak_chain, peak_live

Sizes = Mapping[str, int]
Steps = Sequence[tuple[Sequence[str], str]]

CHAIN = Question(
    name="q6",
    title="peak of a chain",
    points=8,
    reference=peak_chain,
    cases=(
        case([3, 8, 4]),
        case([10, 4, 2]),
        case([1, 2, 9]),
        case([2, 9, 1, 8, 3]),
        case([5, 5]),
    ),
    mistakes=(
        Mistake(
            "This is the largest activation alone. A layer reads it while it writes the next one.",
            lambda sizes: max(sizes),
        ),
        Mistake(
            "This is the sum of all. Once a layer has run, nobody reads its input again.",
            lambda sizes: sum(sizes),
        ),
        Mistake(
            "These are the two largest. Only neighbours are held at the same time.",
            lambda sizes: sum(sorted(sizes)[-2:]),
        ),
        Mistake(
            "The image is missing: the first layer reads it, so it lies in SRAM too.",
            lambda sizes: max([sizes[1], *map(sum, pairwise(sizes[1:]))]),
        ),
        Mistake(
            "The last layer is missing: there is one more pair of neighbours.",
            lambda sizes: max([sizes[0], *map(sum, pairwise(sizes[:-1]))]),
        ),
        Mistake(
            "Three activations are held. A layer of a chain needs two: its input and its output.",
            lambda sizes: max(sum(sizes[i : i + 3]) for i in range(len(sizes) - 1)),
        ),
        Mistake(
            "This is the first layer only. The peak is the largest over all layers.",
            lambda sizes: sizes[0] + sizes[1],
        ),
    ),
)


def _last_use(steps: Steps) -> dict[str, int]:
    last: dict[str, int] = {}
    for step, (reads, writes) in enumerate(steps):
        last.update(dict.fromkeys([*reads, writes], step))
    return last


def _inputs(steps: Steps) -> set[str]:
    written = {writes for _, writes in steps}
    return {name for reads, _ in steps for name in reads} - written


def _current_layer(sizes: Sizes, steps: Steps) -> int:
    return max(sum(sizes[n] for n in {*reads, writes}) for reads, writes in steps)


def _first_input_only(sizes: Sizes, steps: Steps) -> int:
    return max(sizes[reads[0]] + sizes[writes] for reads, writes in steps)


def _never_freed(sizes: Sizes, steps: Steps) -> int:
    return sum(sizes[name] for name in _last_use(steps))


def _freed_at_first_read(sizes: Sizes, steps: Steps) -> int:
    live, peak = _inputs(steps), 0
    for reads, writes in steps:
        live.add(writes)
        peak = max(peak, sum(sizes[name] for name in live | set(reads)))
        live -= set(reads)
    return peak


def _freed_before_writing(sizes: Sizes, steps: Steps) -> int:
    last, live, peak = _last_use(steps), _inputs(steps), 0
    for step, (_, writes) in enumerate(steps):
        peak = max(peak, sum(sizes[name] for name in live))
        live = {name for name in live if last[name] > step} | {writes}
        peak = max(peak, sum(sizes[name] for name in live))
    return peak


def _freed_one_step_late(sizes: Sizes, steps: Steps) -> int:
    last, live, peak = _last_use(steps), _inputs(steps), 0
    for step, (_, writes) in enumerate(steps):
        live = {name for name in live if last[name] >= step - 1} | {writes}
        peak = max(peak, sum(sizes[name] for name in live))
    return peak


def _read_twice_counts_twice(sizes: Sizes, steps: Steps) -> int:
    last, live, peak = _last_use(steps), _inputs(steps), 0
    for step, (reads, writes) in enumerate(steps):
        waiting = live - set(reads)
        peak = max(peak, sum(sizes[name] for name in [*waiting, *reads, writes]))
        live = {name for name in live | {writes} if last[name] > step}
    return peak


def _image_comes_from_nowhere(sizes: Sizes, steps: Steps) -> int:
    last, peak = _last_use(steps), 0
    live: set[str] = set()
    for step, (_, writes) in enumerate(steps):
        live.add(writes)
        peak = max(peak, sum(sizes[name] for name in live))
        live = {name for name in live if last[name] > step}
    return peak


_BOTTLENECK = [(["x"], "a"), (["a"], "b"), (["b"], "c"), (["c", "x"], "y")]
_TWO_READERS = [(["x"], "a"), (["x"], "b"), (["a", "b"], "c"), (["c"], "y")]

LIVE = Question(
    name="q7",
    title="peak with activations that wait",
    points=12,
    reference=peak_live,
    cases=(
        case({"x": 4, "a": 9, "y": 2}, [(["x"], "a"), (["a"], "y")]),
        case({"x": 4, "a": 12, "b": 12, "c": 4, "y": 4}, _BOTTLENECK),
        case({"x": 9, "a": 1, "b": 2, "c": 2, "y": 6}, _TWO_READERS),
        case({"x": 5, "y": 7, "z": 1}, [(["x", "x"], "y"), (["y"], "z")]),
        case({"x": 20, "a": 3, "y": 1}, [(["x"], "a"), (["a"], "y")]),
        case({"left": 6, "right": 5, "a": 1, "y": 3}, [(["left"], "a"), (["a", "right"], "y")]),
    ),
    mistakes=(
        Mistake(
            "You count what the running layer reads and writes. A shortcut that waits for a later "
            "layer lies in SRAM as well.",
            _current_layer,
        ),
        Mistake(
            "You count the first input only. An addition reads two activations.",
            _first_input_only,
        ),
        Mistake(
            "Nothing is ever freed. After its last reader an activation's place is free.",
            _never_freed,
        ),
        Mistake(
            "An activation is freed by its first reader. Another layer may read it later: look for "
            "the last one.",
            _freed_at_first_read,
        ),
        Mistake(
            "The input is freed before the output is written. While a layer runs, both are there.",
            _freed_before_writing,
        ),
        Mistake(
            "Activations are held one step too long. After its last reader has run, the place is "
            "free for the next layer's output.",
            _freed_one_step_late,
        ),
        Mistake(
            "A layer that reads the same activation twice still needs it once.",
            _read_twice_counts_twice,
        ),
        Mistake(
            "The network's input is missing. No layer writes it, but it lies in SRAM from the "
            "first step to its last reader.",
            _image_comes_from_nowhere,
        ),
    ),
)

QUESTIONS = (CHAIN, LIVE)
