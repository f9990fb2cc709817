"""From a torch module to a short list of float layers, through torch.export.

Batch norm is folded into the convolution before it and activations are fused into their producer
here, so that what is quantized afterwards is exactly what the int8 operators compute.
"""

import torch

from tinyml_course.errors import GraphError
from tinyml_course.graph.torch_importer.float_layers import Captured, FloatLayer
from tinyml_course.graph.torch_importer.operators import Walk

__all__ = ["Captured", "FloatLayer", "capture"]


def capture(module: torch.nn.Module, example: torch.Tensor) -> Captured:
    """Trace ``module`` and reduce it to float layers.

    Args:
        module: in eval mode.
        example: ``(N, C, H, W)`` float.

    Raises:
        GraphError: the module is in training mode, or torch cannot export it.
        UnsupportedOperatorError: naming the operator and the module it stands in.
    """
    for name, part in module.named_modules():
        if part.training:
            place = f"module {name!r}" if name else "the module"
            raise GraphError(f"{place} is in training mode; call module.eval() before converting")
    try:
        program = torch.export.export(module, (example,))
    except Exception as error:  # torch.export raises many types for one fact
        raise GraphError(f"torch.export cannot trace this module: {error}") from error
    return Walk(program).run()
