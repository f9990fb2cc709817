"""Stages of a definition against the graph that is built of it."""

import pytest

from tinyml_course.errors import GraphError
from tinyml_course.graph.receptive_field import receptive_fields
from tinyml_course.models import compact, definition, random_graph
from tinyml_course.patching import stage_end, stage_span


@pytest.mark.parametrize("name", ["vww0@64", "mbv2@64"])
def test_a_stage_ends_where_the_graph_has_that_map_and_field(name: str) -> None:
    network = definition(name)
    graph = random_graph(network)
    fields = receptive_fields(graph)
    outputs = {operator.name: operator.outputs[0] for operator in graph.operators}
    for blocks in range(len(network.blocks) + 1):
        output = outputs[stage_end(network, blocks)]
        field = fields[output]
        assert field.rows == field.columns == stage_span(network, blocks)
        channels = network.blocks[blocks - 1].c_out if blocks else network.stem.c_out
        assert graph.tensors[output].shape[-1] == channels


@pytest.mark.parametrize("blocks", [-1, 6])
def test_a_stage_has_the_blocks_of_its_network(blocks: int) -> None:
    for ask in (stage_end, stage_span):
        with pytest.raises(GraphError, match=rf"compact@32 has 0\.\.5 blocks, not {blocks}"):
            ask(compact(32, 3, 2), blocks)
