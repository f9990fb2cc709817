"""MACs, parameters and SRAM peak of many networks at once, for searches that look at thousands.

Nothing is built: the figures follow from the definitions by the rules by which the planner `tight`
bounds each step from below. In the search spaces of this family (expansion 3 to 6, channels that
do not shrink from stage to stage) the planner meets that bound, so the peaks are the plan's to the
byte; a network whose projections widen may need more than the bound says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tinyml_course.models.network_definition import Block, NetworkDefinition

Ints = NDArray[np.int64]
_IDENTITY = (0, 0, 0, 1, 1, 0)  # fills networks up to the length of the longest; costs nothing


@dataclass(frozen=True, eq=False)
class BatchCosts:
    """One number a network.

    Attributes:
        macs: multiply-accumulates of one inference, int64 ``(N,)``.
        params: weights and biases, int64 ``(N,)``.
        peak_bytes: lower bound of the SRAM under the policy ``tight``, int64 ``(N,)``.
    """

    macs: Ints
    params: Ints
    peak_bytes: Ints


def batch_costs(definitions: Sequence[NetworkDefinition]) -> BatchCosts:
    """The costs of each definition.

    Args:
        definitions: networks of stem, inverted bottlenecks and classifier, of any length.
    """
    stem = np.array(
        [
            (d.resolution, d.stem.c_in, d.stem.c_out, d.stem.kernel, d.stem.stride)
            for d in definitions
        ]
    ).T
    tail = np.array([(d.head_mix or 0, d.features, d.classes) for d in definitions]).T
    rows = _rows(definitions)
    resolution, c_in, channels, kernel, stride = stem
    size = _strided(resolution, stride)
    window = kernel**2 * c_in
    macs, params = size**2 * channels * window, channels * (window + 1)
    peak = np.array([_stem_peak(*map(int, column)) for column in stem.T])
    for block in np.moveaxis(rows, 1, 0):
        size, costs = _block_costs(size, block)
        macs, params, peak = macs + costs[0], params + costs[1], np.maximum(peak, costs[2])
    last = rows[np.arange(len(rows)), [len(d.blocks) - 1 for d in definitions], 2]
    area = size**2
    mix, features, classes = tail
    has_mix = mix > 0
    macs += has_mix * area * last * mix + features * classes
    params += has_mix * mix * (last + 1) + (features + 1) * classes
    head = has_mix * (area * np.maximum(last, mix) + 4 * last)
    peak = np.maximum.reduce([peak, head, area * features, features + classes])
    return BatchCosts(macs, params, peak)


def _rows(definitions: Sequence[NetworkDefinition]) -> Ints:
    """``(N, blocks, 6)``: the fields of each block, filled up with blocks that cost nothing."""
    longest = max(len(d.blocks) for d in definitions)
    rows = [
        [*map(_fields, d.blocks), *[_IDENTITY] * (longest - len(d.blocks))] for d in definitions
    ]
    return np.array(rows, np.int64).reshape(len(definitions), longest, len(_IDENTITY))


def _fields(block: Block) -> tuple[int, ...]:
    return block.c_in, block.c_mid, block.c_out, block.kernel, block.stride, block.residual


def _strided(size: Ints, stride: Ints) -> Ints:
    """Rows after a stride with ``kernel // 2`` padding."""
    return -(-size // stride)


def _block_costs(size: Ints, block: Ints) -> tuple[Ints, tuple[Ints, Ints, Ints]]:
    """Rows behind the block; its MACs, parameters and highest step."""
    c_in, c_mid, c_out, kernel, stride, residual = block.T
    after = _strided(size, stride)
    area, area_after = size**2, after**2
    expands = c_mid != c_in
    macs = expands * area * c_in * c_mid + area_after * c_mid * (kernel**2 + c_out)
    params = expands * c_mid * (c_in + 1) + c_mid * (kernel**2 + 1) + c_out * (c_mid + 1)
    source, expanded, projected = area * c_in, area * c_mid, area_after * c_out
    waiting = residual * source
    # A convolution's output covers its input where that is not the residual.
    expansion = np.where(residual > 0, source + expanded, np.maximum(source, expanded)) + 4 * c_in
    ring = np.minimum(kernel, size) * (size + 2 * (kernel // 2))
    # Without expansion a residual block's depthwise cannot run in place: its input is waited for.
    in_place = expands | (residual == 0)
    map_bytes = np.where(in_place, expanded, area_after * c_mid)
    depthwise = waiting + map_bytes + ring
    gain = (area_after - 1) * np.maximum(c_out - c_mid, 0)
    projection = waiting + np.maximum(area_after * c_mid + gain, projected) + 4 * c_mid
    steps = [expands * expansion, depthwise, projection]
    peak = np.where(c_out > 0, np.maximum.reduce(steps), 0)
    return after, (macs, params, peak)


@lru_cache(maxsize=4096)
def _stem_peak(resolution: int, c_in: int, c_out: int, kernel: int, stride: int) -> int:
    """Bytes while the stem runs: its output may cover the rows of the image that are read."""
    from tinyml_course.mcu.planning.tight import unit_bytes
    from tinyml_course.mcu.scheduling import Schedule
    from tinyml_course.models.int8_network import RandomLayers

    net = RandomLayers("stem", (1, resolution, resolution, c_in), seed=0)
    net.conv("stem", "input", c_out, kernel, stride)
    return unit_bytes(Schedule(net.builder.finish("stem")))[0]
