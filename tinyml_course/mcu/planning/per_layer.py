"""The textbook: a layer needs its inputs and its output, and what is still waited for."""

from tinyml_course.graph import Graph, lifetimes
from tinyml_course.mcu.planning.first_fit import Block, Part, first_fit
from tinyml_course.mcu.planning.plan import Buffer, Plan


def per_layer(graph: Graph) -> Plan:
    """Every activation in a place of its own while it lives; no scratch, nothing in place.

    For a chain the peak is the largest input plus output of a layer, the figure that papers mean
    by peak activation memory (MCUNetV2, section 3).
    """
    spans = lifetimes(graph)
    blocks = [
        Block((tensor.name,), (Part(tensor.size_bytes, spans[tensor.name]),))
        for tensor in graph.activations()
    ]
    offsets = first_fit(blocks)
    return Plan(
        graph,
        "per_layer",
        [
            Buffer(t.name, "activation", offsets[t.name], t.size_bytes, spans[t.name])
            for t in graph.activations()
        ],
    )
