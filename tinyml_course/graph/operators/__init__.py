"""The operators of the graph, one small class each, registered by TF-Lite's name."""

from tinyml_course.graph.operators.base import (
    ACTIVATIONS,
    OPERATORS,
    Activation,
    Operator,
    from_attributes,
    register,
)
from tinyml_course.graph.operators.conv import Conv2D, DepthwiseConv2D
from tinyml_course.graph.operators.elementwise import Add
from tinyml_course.graph.operators.linear import FullyConnected
from tinyml_course.graph.operators.pool import AveragePool2D, MaxPool2D, Pool
from tinyml_course.graph.operators.shape import Reshape
from tinyml_course.graph.operators.windows import NO_PADDING, Padding, WindowOperator, same_padding

__all__ = [
    "ACTIVATIONS",
    "OPERATORS",
    "Activation",
    "Operator",
    "from_attributes",
    "register",
    "WindowOperator",
    "Padding",
    "NO_PADDING",
    "same_padding",
    "Conv2D",
    "DepthwiseConv2D",
    "FullyConnected",
    "Add",
    "Pool",
    "AveragePool2D",
    "MaxPool2D",
    "Reshape",
]
