"""A kernel: one operator made ready once, to run many times on bytes of an arena."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinyml_course.errors import UnsupportedOperatorError
from tinyml_course.graph import Graph, Operator
from tinyml_course.mcu.requantization import activation_limits

Bytes = NDArray[np.int8] | NDArray[np.uint8]
Constants = Mapping[str, NDArray[Any]]

EXACT_FLOAT32 = 2**24
"""Every integer up to here is a float32, so sums bounded by it are exact in any order."""


class Kernel(ABC):
    """The arithmetic of one operator.

    Args:
        graph: the graph the operator stands in.
        operator: the operator.
        constants: weight, bias, multiplier, shift as they were read from flash.
    """

    def __init__(self, graph: Graph, operator: Operator, constants: Constants) -> None:
        self.operator = operator
        self.constants = constants
        self.output_shape = graph.output_of(operator).shape

    @abstractmethod
    def run(self, inputs: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """The output for these activations; the inputs are not written to."""


class ByteKernel(Kernel):
    """A kernel whose activations are all int8 or all uint8, which is to say almost every kernel."""

    def __init__(self, graph: Graph, operator: Operator, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        self.zero_points = [
            tensor.scale_and_zero_point()[1] for tensor in graph.activations_of(operator)
        ]
        output = graph.output_of(operator)
        self.output_zero_point = output.scale_and_zero_point()[1]
        self.dtype = np.dtype(output.dtype)
        self.limits = activation_limits(getattr(operator, "activation", "NONE"), output)

    def clamp(self, values: NDArray[Any]) -> Bytes:
        """The fused activation, and saturation to the output's type."""
        clamped: Bytes = np.clip(values, *self.limits).astype(self.dtype)
        return clamped.reshape(self.output_shape)


KERNELS: dict[type[Operator], type[Kernel]] = {}
"""The kernel of every operator that can run."""

KernelType = TypeVar("KernelType", bound=type[Kernel])


def kernel_for(operator: type[Operator]) -> Callable[[KernelType], KernelType]:
    """Class decorator: enter a kernel for an operator."""

    def enter(cls: KernelType) -> KernelType:
        KERNELS[operator] = cls
        return cls

    return enter


def make_kernel(graph: Graph, operator: Operator, constants: Constants) -> Kernel:
    """The kernel of an operator.

    Raises:
        UnsupportedOperatorError: there is none.
    """
    kernel = KERNELS.get(type(operator))
    if kernel is None:
        known = ", ".join(sorted(cls.kind for cls in KERNELS))
        raise UnsupportedOperatorError(
            f"{operator.kind} {operator.name} has no kernel; there are kernels for {known}"
        )
    return kernel(graph, operator, constants)


def exact_matrix(weight: NDArray[np.integer[Any]], dtype: DTypeLike) -> NDArray[np.floating[Any]]:
    """Centred weights ``(C_out, K)`` as the narrowest float matrix whose products are exact.

    An accumulator is bounded by ``max|x| * sum|w|`` over a channel, and so is every partial sum:
    below 2**24 BLAS may add in float32 in any order and still be exact, otherwise in float64.

    Args:
        weight: int8, or uint8 less its zero point, which takes up to 255 in magnitude.
        dtype: of what is multiplied by it: at most 128 in magnitude for int8, 255 for uint8.
    """
    limits = np.iinfo(np.dtype(dtype))
    largest = max(-int(limits.min), int(limits.max))
    bound = largest * int(np.abs(weight.astype(np.int64)).sum(axis=1).max())
    return weight.astype(np.float32 if bound < EXACT_FLOAT32 else np.float64)
