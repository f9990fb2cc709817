"""Fast int8 kernels for the emulator: exact integer arithmetic through BLAS and numpy."""

from tinyml_course.mcu.kernels import (  # noqa: F401 - they register themselves
    elementwise,
    moving,
    rescaling,
    squashing,
    unary,
    unweighted,
    weighted,
)
from tinyml_course.mcu.kernels.base import KERNELS, Kernel, make_kernel

__all__ = ["KERNELS", "Kernel", "make_kernel"]
