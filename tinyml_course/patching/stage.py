"""The first blocks of a network as a patch stage: where it ends, and what a pixel of it sees."""

from tinyml_course.errors import GraphError
from tinyml_course.graph.local_window import LocalWindow
from tinyml_course.graph.receptive_field import Span
from tinyml_course.models.network_definition import Block, NetworkDefinition, Stem


def stage_end(definition: NetworkDefinition, blocks: int) -> str:
    """The operator of `random_graph(definition)` with which the stem and ``blocks`` blocks end.

    Args:
        definition: the network.
        blocks: of the stage, stem not counted.

    Raises:
        GraphError: the network has fewer blocks, or ``blocks`` is negative.
    """
    _check(definition, blocks)
    if blocks == 0:
        return "stem"
    return f"block{blocks - 1}.{'add' if definition.blocks[blocks - 1].residual else 'project'}"


def stage_span(definition: NetworkDefinition, blocks: int) -> Span:
    """Input rows (and columns) that one pixel behind the stem and ``blocks`` blocks depends on.

    Nothing is built; the span is that of `graph.receptive_field.receptive_fields`.

    Args:
        definition: the network.
        blocks: of the stage, stem not counted.

    Raises:
        GraphError: the network has fewer blocks, or ``blocks`` is negative.
    """
    _check(definition, blocks)
    layers: tuple[Stem | Block, ...] = (definition.stem, *definition.blocks[:blocks])
    span = Span()
    for layer in layers:
        span = span.behind(LocalWindow(layer.kernel, layer.stride, layer.kernel // 2))
    return span


def _check(definition: NetworkDefinition, blocks: int) -> None:
    most = len(definition.blocks)
    if not 0 <= blocks <= most:
        raise GraphError(f"a stage of {definition.name} has 0..{most} blocks, not {blocks}")
