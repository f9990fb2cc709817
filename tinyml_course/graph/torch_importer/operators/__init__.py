"""What each operator of torch becomes. The modules register their handlers when imported."""

from tinyml_course.graph.torch_importer.operators import (  # noqa: F401 - they register themselves
    activations,
    elementwise,
    joining,
    pools,
    shapes,
    weighted,
)
from tinyml_course.graph.torch_importer.walk import HANDLERS, Walk

__all__ = ["HANDLERS", "Walk"]
