"""Which range of reals an activation's 256 integers should cover."""

from collections.abc import Callable
from typing import Any

import torch

from tinyml_course.errors import CalibrationError
from tinyml_course.graph.torch_importer.capture import Captured, program_inputs

Range = tuple[float, float]


def minmax(values: torch.Tensor) -> Range:
    """Smallest and largest value seen: nothing saturates on the calibration data."""
    low, high = torch.aminmax(values)
    return float(low), float(high)


CALIBRATIONS: dict[str, Callable[[torch.Tensor], Range]] = {"minmax": minmax}
"""Ways to choose a range, by name."""


def check_calibration_data(x: torch.Tensor) -> None:
    """Raise unless ``x`` is a non-empty, finite batch of images ``(N, C, H, W)``.

    Raises:
        CalibrationError: naming what is wrong and where.
    """
    if x.ndim != 4 or x.shape[0] < 1:
        raise CalibrationError(
            f"calibration must be (N, C, H, W) with N >= 1, got {tuple(x.shape)}"
        )
    if not x.is_floating_point():
        raise CalibrationError(f"calibration must be float, as the network is fed; got {x.dtype}")
    bad = ~torch.isfinite(x)
    if bad.any():
        image = int(bad.flatten(1).any(1).nonzero()[0])
        raise CalibrationError(
            f"calibration image {image} holds NaN or infinity; remove it or mend the reader"
        )


class _Observer(torch.fx.Interpreter):
    """Runs the exported graph and notes the range of the nodes that are asked for."""

    def __init__(self, captured: Captured, method: Callable[[torch.Tensor], Range]) -> None:
        super().__init__(captured.program.graph_module)
        self.wanted = {layer.observed for layer in captured.layers} | {captured.input_node}
        self.method = method
        self.ranges: dict[str, Range] = {}

    def run_node(self, n: torch.fx.Node) -> Any:
        result = super().run_node(n)
        if n.name in self.wanted:
            if not torch.isfinite(result).all():
                raise CalibrationError(f"{n.name} gives NaN or infinity on the calibration data")
            self.ranges[n.name] = self.method(result)
        return result


def observe(captured: Captured, x: torch.Tensor, method: str) -> dict[str, Range]:
    """Range of every layer's output on ``x``, by exported node.

    Args:
        captured: the traced network.
        x: ``(N, C, H, W)`` float.
        method: a name in `CALIBRATIONS`.
    """
    observer = _Observer(captured, CALIBRATIONS[method])
    with torch.no_grad():
        observer.run(*program_inputs(captured.program, x))
    return observer.ranges
