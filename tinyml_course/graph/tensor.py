"""A tensor of the graph: an activation that lives in SRAM, or a constant that lies in flash."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import GraphError
from tinyml_course.graph.quantization import Quantization

ITEM_BYTES = {"int8": 1, "uint8": 1, "int16": 2, "int32": 4, "float32": 4}

BYTE_TYPES = ("int8", "uint8")
"""What quantized activations and weights may be; within one operator all are one of them."""


@dataclass(frozen=True, eq=False)
class Tensor:
    """Shape, type and meaning of a block of numbers.

    Attributes:
        name: unique in its graph.
        shape: activations ``(1, H, W, C)`` or ``(1, F)``; conv weights ``(C_out, K_h, K_w, C_in)``;
            depthwise weights ``(1, K_h, K_w, C_out)``; linear weights ``(C_out, C_in)``;
            biases ``(C_out,)``.
        dtype: one of ``ITEM_BYTES``.
        quantization: scale and zero point, or ``None`` for tensors of real or index numbers.
        data: the values of a constant, ``None`` for an activation.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "int8"
    quantization: Quantization | None = None
    data: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        if self.dtype not in ITEM_BYTES:
            raise GraphError(f"{self.name}: dtype {self.dtype!r} is not one of {list(ITEM_BYTES)}")
        if any(not isinstance(n, int) or n < 1 for n in self.shape):
            raise GraphError(f"{self.name}: every dimension must be at least 1, got {self.shape}")
        if self.data is not None:
            if self.data.shape != self.shape or self.data.dtype != np.dtype(self.dtype):
                raise GraphError(
                    f"{self.name}: data is {self.data.dtype}{self.data.shape}, declared "
                    f"{self.dtype}{self.shape}"
                )
            self.data.setflags(write=False)

    @property
    def is_constant(self) -> bool:
        """Whether the values are known, so that they lie in flash."""
        return self.data is not None

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Bytes without any alignment."""
        return self.elements * ITEM_BYTES[self.dtype]

    def values(self) -> NDArray[Any]:
        """The constant's values.

        Raises:
            GraphError: the tensor is an activation.
        """
        if self.data is None:
            raise GraphError(f"{self.name} is an activation: it has no values before a run")
        return self.data

    def scale_and_zero_point(self) -> tuple[np.float32, int]:
        """Scale and zero point of a per-tensor quantized tensor.

        Raises:
            GraphError: the tensor is not quantized, or quantized per channel.
        """
        if self.quantization is None:
            raise GraphError(f"{self.name} has no scale and zero point; quantize the graph first")
        return self.quantization.item()
