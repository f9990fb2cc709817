"""The operators of the graph, one small class each, registered by TF-Lite's name."""

from tinyml_course.graph.operators.base import (
    ACTIVATIONS,
    OPERATORS,
    Activation,
    Operator,
    from_attributes,
    register,
)
from tinyml_course.graph.operators.concatenation import Concatenation
from tinyml_course.graph.operators.conv import Conv2D, DepthwiseConv2D
from tinyml_course.graph.operators.elementwise import Add, Elementwise, Mul
from tinyml_course.graph.operators.linear import FullyConnected
from tinyml_course.graph.operators.pad import Pad
from tinyml_course.graph.operators.pool import AveragePool2D, MaxPool2D, Pool
from tinyml_course.graph.operators.quantize import Dequantize, Quantize
from tinyml_course.graph.operators.reduction import Mean, ReduceMax, Reduction
from tinyml_course.graph.operators.resize import ResizeNearestNeighbor
from tinyml_course.graph.operators.shape import Reshape
from tinyml_course.graph.operators.squashing import Logistic, LogSoftmax, Softmax, Squashing
from tinyml_course.graph.operators.strided_slice import StridedSlice
from tinyml_course.graph.operators.transpose import Transpose
from tinyml_course.graph.operators.unary import HardSwish, Relu, Relu6, Unary
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
    "Elementwise",
    "Add",
    "Mul",
    "Pool",
    "AveragePool2D",
    "MaxPool2D",
    "Reduction",
    "Mean",
    "ReduceMax",
    "Squashing",
    "Softmax",
    "LogSoftmax",
    "Logistic",
    "Unary",
    "Relu",
    "Relu6",
    "HardSwish",
    "Reshape",
    "Transpose",
    "StridedSlice",
    "ResizeNearestNeighbor",
    "Pad",
    "Concatenation",
    "Quantize",
    "Dequantize",
]
