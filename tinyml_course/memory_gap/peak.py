"""Peak activation memory: of a chain, and of any network."""

from collections.abc import Mapping, Sequence
from itertools import pairwise


def peak_chain(sizes: Sequence[int]) -> int:
    """Peak of a chain: a layer needs its input and its output at the same time.

    Args:
        sizes: bytes of each activation, the image first; layer ``i`` reads ``sizes[i]`` and writes
            ``sizes[i + 1]``. At least two.

    >>> peak_chain([3, 8, 4])
    12
    """
    return max(before + after for before, after in pairwise(sizes))


def peak_live(sizes: Mapping[str, int], steps: Sequence[tuple[Sequence[str], str]]) -> int:
    """Peak of any network: the most bytes that are held at one step.

    An activation is held from the step that writes it to the last step that reads it; an input
    from step 0. What nobody reads is held during the step that writes it.

    Args:
        sizes: bytes of each activation by name.
        steps: per layer, in execution order: the names it reads and the name it writes.

    >>> peak_live({"x": 4, "y": 6, "z": 4}, [(["x"], "y"), (["y", "x"], "z")])
    14
    """
    return max(live_per_step(sizes, steps))


def live_per_step(
    sizes: Mapping[str, int], steps: Sequence[tuple[Sequence[str], str]]
) -> list[int]:
    """Bytes held at each step; `peak_live` is the largest of them.

    Args:
        sizes: as for `peak_live`.
        steps: likewise.
    """
    last_use: dict[str, int] = {}
    for step, (reads, writes) in enumerate(steps):
        last_use.update(dict.fromkeys([*reads, writes], step))
    written = {writes for _, writes in steps}
    live = {name for name in last_use if name not in written}
    held = []
    for step, (_, writes) in enumerate(steps):
        live.add(writes)
        held.append(sum(sizes[name] for name in live))
        live = {name for name in live if last_use[name] > step}
    return held
