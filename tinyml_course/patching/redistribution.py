"""The receptive field, moved from the patch stage to where it costs no halo (MCUNetV2, 3.2).

What a pixel behind the patch stage sees beyond its own patch is computed again by the neighbour.
So the stage keeps only the windows it cannot do without, and later blocks, which run on the whole
map anyway, look further.
"""

from dataclasses import dataclass, replace

from tinyml_course.errors import GraphError
from tinyml_course.models.batch_costs import batch_costs
from tinyml_course.models.network_definition import Block, NetworkDefinition
from tinyml_course.patching.stage import stage_span


@dataclass(frozen=True)
class Redistributed:
    """A network with a narrow patch stage.

    Attributes:
        network: its definition.
        blocks: how many of its blocks run patch by patch, behind the stem; fewer than before
            where blocks were left out.
    """

    network: NetworkDefinition
    blocks: int


def redistribute(
    definition: NetworkDefinition,
    blocks: int,
    extra_blocks: int | None = None,
    repeat: int | None = None,
) -> Redistributed:
    """Shrink the receptive field of the first ``blocks`` blocks, grow that of the later ones.

    In the patch stage (MCUNetV2, section 3.2: "smaller kernels and fewer blocks"):

    - a block that adds its input is left out;
    - another one gets the smallest odd kernel that skips no pixel: 1 x 1 without a stride, 3 x 3
      with stride 2. No kernel grows.

    The stage's output keeps its size and channels. Behind it ("increased the number of blocks") a
    block that adds its input is repeated with 3 x 3 windows. The paper tunes by hand how many
    blocks there are and where; here it is by default as many as give the network its receptive
    field back, which then exceeds the old one by less than one such window, and where they cost
    the fewest MACs.

    Args:
        definition: the network.
        blocks: of the patch stage, behind the stem. 0 changes nothing.
        extra_blocks: how often to repeat; fewer than the default leave the field smaller.
        repeat: index in ``definition.blocks`` of the block that is repeated.

    Returns:
        The network, ``-rd`` behind its name where it differs, and the blocks of its patch stage.

    Raises:
        GraphError: there are not that many blocks, none is left behind the stage, or none there
            can be repeated; ``extra_blocks`` is negative; ``repeat`` cannot be repeated.
    """
    most = len(definition.blocks) - 1
    if not 0 <= blocks <= max(most, 0):
        raise GraphError(
            f"{definition.name} has {most + 1} blocks and can give 0..{max(most, 0)} to the patch "
            f"stage, not {blocks}: a later one has to win the receptive field back"
        )
    if extra_blocks is not None and extra_blocks < 0:
        raise GraphError(f"extra_blocks must be 0 or more, got {extra_blocks}")
    stage, rest = _narrow(definition.blocks[:blocks]), definition.blocks[blocks:]
    shrunk = replace(definition, blocks=(*stage, *rest))
    lost = _size(definition) - _size(shrunk)
    if repeat is not None or extra_blocks or (extra_blocks is None and lost):
        at = _repeated(definition, blocks, repeat)
        window = 2 * stage_span(definition, at + 1).step
        count = -(-lost // window) if extra_blocks is None else extra_blocks
        rest = _with_repeats(definition, at, count).blocks[blocks:]
    if (*stage, *rest) == definition.blocks:
        return Redistributed(definition, blocks)
    network, at_sign, resolution = definition.name.partition("@")
    name = f"{network.removesuffix('-rd')}-rd{at_sign}{resolution}"
    return Redistributed(replace(definition, name=name, blocks=(*stage, *rest)), len(stage))


def _narrow(stage: tuple[Block, ...]) -> tuple[Block, ...]:
    """Without residual blocks; a window that covers the stride leaves out no pixel."""
    return tuple(
        replace(block, kernel=min(block.kernel, block.stride | 1))
        for block in stage
        if not block.residual
    )


def _repeated(definition: NetworkDefinition, first: int, asked: int | None) -> int:
    """The residual block from ``first`` on that is asked for, or the one cheapest to repeat."""
    known = [i for i, b in enumerate(definition.blocks) if i >= first and b.residual]
    if not known:
        raise GraphError(
            f"{definition.name} has no block behind the first {first} that adds its input, so none "
            "can be repeated; end the patch stage earlier"
        )
    if asked is not None and asked not in known:
        raise GraphError(
            f"block {asked} of {definition.name} cannot be repeated; those behind the patch stage "
            f"that add their input can: {', '.join(map(str, known))}"
        )
    if asked is not None:
        return asked
    macs = batch_costs([_with_repeats(definition, at, 1) for at in known]).macs
    return known[int(macs.argmin())]


def _with_repeats(definition: NetworkDefinition, at: int, count: int) -> NetworkDefinition:
    """``count`` blocks like the one ``at``, behind it; 3 x 3, so that the field grows in steps."""
    again = replace(definition.blocks[at], kernel=3)
    cut = at + 1
    blocks = (*definition.blocks[:cut], *[again] * count, *definition.blocks[cut:])
    return replace(definition, blocks=blocks)


def _size(definition: NetworkDefinition) -> int:
    return stage_span(definition, len(definition.blocks)).size
