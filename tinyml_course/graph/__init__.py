"""The int8 graph: one network, in the arithmetic of TF-Lite's specification.

`Graph` is what every other room takes: planners lay it out, executors run it, reports count it.
"""

from typing import TYPE_CHECKING, Any

from tinyml_course.graph.analysis import Lifetime, OperatorCost, costs, lifetimes, live_bytes
from tinyml_course.graph.analysis import macs as count_macs
from tinyml_course.graph.analysis import params as count_params
from tinyml_course.graph.builder import GraphBuilder
from tinyml_course.graph.graph import Graph
from tinyml_course.graph.operators import Operator
from tinyml_course.graph.quantization import Quantization, dequantize, quantize
from tinyml_course.graph.storage import load, save
from tinyml_course.graph.tensor import Tensor

if TYPE_CHECKING:
    from tinyml_course.graph.tflite_importer import from_tflite
    from tinyml_course.graph.torch_importer import from_torch

__all__ = [
    "Graph",
    "GraphBuilder",
    "Operator",
    "Tensor",
    "Quantization",
    "quantize",
    "dequantize",
    "from_torch",
    "from_tflite",
    "save",
    "load",
    "Lifetime",
    "OperatorCost",
    "costs",
    "count_macs",
    "count_params",
    "lifetimes",
    "live_bytes",
]


def __getattr__(name: str) -> Any:
    # torch takes a second to import: only who converts a torch network pays for it.
    if name == "from_torch":
        from tinyml_course.graph.torch_importer import from_torch

        return from_torch
    if name == "from_tflite":
        from tinyml_course.graph.tflite_importer import from_tflite

        return from_tflite
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
