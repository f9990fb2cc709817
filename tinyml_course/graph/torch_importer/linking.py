"""One scale and zero point for every layer's output, shared where the int8 operators demand it.

Pools, reshapes and borders keep what they read, and the maps that are joined must agree with the
result and so with one another. Linked layers get the union of their ranges.
"""

from collections.abc import Mapping

from tinyml_course.graph.operators import Logistic, LogSoftmax, Softmax
from tinyml_course.graph.quantization import Quantization, range_to_quantization
from tinyml_course.graph.torch_importer.calibration import Range
from tinyml_course.graph.torch_importer.float_layers import KEEPERS, Captured

FIXED: dict[str, Quantization] = {
    "softmax": Softmax.range,
    "log_softmax": LogSoftmax.range,
    "sigmoid": Logistic.range,
}
"""Outputs whose quantization the int8 specification prescribes."""


def quantizations(captured: Captured, ranges: Mapping[str, Range]) -> dict[str, Quantization]:
    """The quantization of the input and of every layer's output, by layer.

    A map of a prescribed quantization is not linked to others when it is joined with them; the
    converter rescales it first.

    Args:
        captured: the network.
        ranges: by exported node, as `observe` gives them.
    """
    links = _Links()
    fixed = {layer.name: FIXED[layer.kind] for layer in captured.layers if layer.kind in FIXED}
    extents: dict[str, list[Range]] = {"input": [ranges[captured.input_node]]}
    for layer in captured.layers:
        if layer.is_observed:
            extents[layer.name] = [ranges[layer.observed]]
        elif layer.bounds is not None:
            extents[layer.name] = [layer.bounds]
        if layer.kind not in KEEPERS:
            continue
        roots = {name: links.root(name) for name in layer.inputs}
        prescribed = [fixed[root] for root in roots.values() if root in fixed]
        agree = all(q.same_as(prescribed[0]) for q in prescribed)
        if agree and len(prescribed) == len(roots):
            links.join(layer.name, next(iter(roots.values())))
            continue
        extents[layer.name] = [quantized_range(q) for q in prescribed]
        for name, root in roots.items():
            if root not in fixed:
                links.join(layer.name, name)
    names = ["input", *(layer.name for layer in captured.layers)]
    united: dict[str, list[Range]] = {}
    for name in names:
        united.setdefault(links.root(name), []).extend(extents.get(name, []))
    return {
        name: fixed[root] if (root := links.root(name)) in fixed else _cover(united[root])
        for name in names
    }


def quantized_range(quantization: Quantization) -> Range:
    """The reals that int8 covers under a quantization."""
    scale, zero_point = quantization.item()
    return float(scale) * (-128 - zero_point), float(scale) * (127 - zero_point)


def _cover(ranges: list[Range]) -> Quantization:
    return range_to_quantization(min(low for low, _ in ranges), max(high for _, high in ranges))


class _Links:
    """Sets of names that must agree; the first name of the earliest set stays the root."""

    def __init__(self) -> None:
        self.parent: dict[str, str] = {}

    def root(self, name: str) -> str:
        while name in self.parent:
            name = self.parent[name]
        return name

    def join(self, later: str, earlier: str) -> None:
        """Put ``later`` and whatever hangs on it under the root of ``earlier``."""
        child, root = self.root(later), self.root(earlier)
        if child != root:
            self.parent[child] = root
