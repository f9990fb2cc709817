"""uint8 as int8: every byte and every zero point less 128; all differences stay.

Bytes keep their places in memory; the C flips their top bit when it reads and writes them
(``tinyml_bytes.h``).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Tensor

HALF = 128
"""What lies between a uint8 and its twin; as bits, what is flipped."""


def flip_of(tensor: Tensor) -> int:
    """The bits that the C flips in bytes of ``tensor``."""
    return HALF if tensor.dtype == "uint8" else 0


def zero_point_of(tensor: Tensor) -> int:
    """The zero point of the int8 twin."""
    return tensor.scale_and_zero_point()[1] - flip_of(tensor)


def suffix_of(tensor: Tensor) -> str:
    """How the function for its type is called, behind the name of the one for int8."""
    return "_uint8" if flip_of(tensor) else ""


def weights_of(tensor: Tensor) -> tuple[NDArray[np.int8], int]:
    """int8 twins of a layer's weights, and their zero point; the latter is 0 for int8."""
    assert tensor.quantization is not None
    zero_point = int(tensor.quantization.zero_point[0]) - flip_of(tensor)
    return signed(tensor.values()) if flip_of(tensor) else tensor.values(), zero_point


def signed(values: NDArray[Any]) -> NDArray[np.int8]:
    """int8 twins of uint8 numbers, of the same shape."""
    twins: NDArray[np.int8] = (values ^ np.uint8(HALF)).view(np.int8)
    return twins
