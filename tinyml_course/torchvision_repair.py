"""Importing torchvision beside a CPU-only torch.

torchvision's wheel from PyPI is built against CUDA. Beside a CPU build of torch its extension
cannot be loaded, and the import then fails with ``operator torchvision::nms does not exist``,
because it registers fake kernels for operators whose schemas only the extension defines. Defining
those two schemas is enough. Where the extension loads, nothing is done.
"""

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

# Kept alive: the definitions vanish with the library object.
_LIBRARY: list[Any] = []
_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def extension_loads() -> bool:
    """Whether torchvision's compiled extension can be loaded beside this torch."""
    import torch

    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return False
    for library in sorted(Path(spec.origin).parent.glob("_C.*")):
        try:
            torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
        except (ImportError, OSError):
            return False
        return True
    return False


@cache
def import_torchvision() -> ModuleType:
    """``torchvision``, repaired first if its extension cannot be loaded.

    Returns:
        The module; ``torchvision.datasets`` and ``torchvision.models`` can be imported after it.

    Raises:
        ImportError: torchvision is not installed.
    """
    if importlib.util.find_spec("torchvision") is None:
        raise ImportError("torchvision is not installed; see `tinyml doctor`")
    if not extension_loads():
        import torch

        library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
        for schema in _SCHEMAS:
            name = schema.split("(", 1)[0]
            if not hasattr(torch.ops.torchvision, name):
                library.define(schema)  # type: ignore[no-untyped-call]
        _LIBRARY.append(library)
    import torchvision

    module: ModuleType = torchvision
    return module
