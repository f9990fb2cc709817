"""The textbook: a layer needs its inputs and its output, and what is still waited for."""

from tinyml_course.graph import Graph, Lifetime, lifetimes, live_bytes
from tinyml_course.mcu.planning.first_fit import Block, first_fit
from tinyml_course.mcu.planning.layout import Buffer, Plan
from tinyml_course.mcu.planning.part import Part


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
    offsets = _from_both_ends(graph, spans) or first_fit(blocks)
    return Plan(
        graph,
        "per_layer",
        [
            Buffer(t.name, "activation", offsets[t.name], t.size_bytes, spans[t.name])
            for t in graph.activations()
        ],
    )


def _from_both_ends(graph: Graph, spans: dict[str, Lifetime]) -> dict[str, int]:
    """Offsets for a chain, whose tensors lie by turns at the bottom and at the top; else nothing.

    First fit may miss the bound there: of 6, 5, 5 and 6 bytes it places the two largest at the
    bottom and then both others above them.
    """
    tensors = list(graph.activations())
    # Tensors are in order of birth, so it is enough that each is gone when the next but one comes.
    pairs = zip(tensors[:-2], tensors[2:], strict=True)
    if any(spans[a.name].last >= spans[c.name].first for a, c in pairs):
        return {}
    top = max(live_bytes(graph))
    return {t.name: top - t.size_bytes if i % 2 else 0 for i, t in enumerate(tensors)}
