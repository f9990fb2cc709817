"""The reference operators: TF-Lite's specification written out, one function an operator.

Slow and plain on purpose. Nothing is shared with the fast kernels but the constants of
`tinyml_course.mcu.requantization`, so that each checks the other.
"""

from tinyml_course.mcu.reference.execute import REFERENCE, run, run_all

__all__ = ["REFERENCE", "run", "run_all"]
