"""A network before quantization: a short list of layers of real numbers."""

import copy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

FloatArray = NDArray[np.float64]

WEIGHTED = ("conv", "depthwise", "linear")
KEEPERS = ("average_pool", "max_pool", "reshape", "flatten", "pad", "upsample", "relu6", "concat")
"""Layers whose output has the scale and zero point of what they read."""
SQUASHING = ("softmax", "log_softmax", "sigmoid")
"""Layers whose output has the one scale and zero point that TF-Lite allows."""
KINDS = (*WEIGHTED, "add", "mul", *KEEPERS, *SQUASHING, "relu", "hard_swish")


@dataclass
class FloatLayer:
    """One operator before quantization.

    Attributes:
        kind: one of `KINDS`.
        name: the module path it came from, unique.
        inputs: names of the layers it reads (or of the input).
        observed: the exported node whose values are the layer's output, after fusion.
        weight: float64 in the graph's layout, or ``None``.
        bias: float64 ``(C_out,)``, or ``None``.
        activation: fused clamp.
        attributes: stride, padding, size and the like, for the graph's operator.
        constant: the second operand of an ``add`` or ``mul`` that has only one input.
        bounds: the range of the output where it is known without looking.
        scale: of the weights, float ``(C_out,)``, where it has been chosen; else their largest
            magnitude decides.
        normal: mean and standard deviation of each channel before the activation, as the batch
            norm says that was folded in; ``None`` where there was none.
    """

    kind: str
    name: str
    inputs: list[str]
    observed: str
    weight: FloatArray | None = None
    bias: FloatArray | None = None
    activation: str = "NONE"
    attributes: dict[str, Any] = field(default_factory=dict)
    constant: float | None = None
    bounds: tuple[float, float] | None = None
    scale: FloatArray | None = None
    normal: tuple[FloatArray, FloatArray] | None = None

    @property
    def is_observed(self) -> bool:
        """Whether its range must be found on calibration data."""
        return self.bounds is None and self.kind not in (*KEEPERS, *SQUASHING)


@dataclass
class Captured:
    """A network as float layers in execution order.

    Attributes:
        layers: the layers.
        input_node: name of the exported input node.
        output: name of the layer that is the output.
        program: the exported program, to run calibration through.
    """

    layers: list[FloatLayer]
    input_node: str
    output: str
    program: ExportedProgram

    def __deepcopy__(self, memo: dict[int, object]) -> "Captured":
        """With layers of its own; the program, which nobody changes, is shared."""
        return replace(self, layers=copy.deepcopy(self.layers, memo))


def program_inputs(program: ExportedProgram, x: torch.Tensor) -> list[torch.Tensor]:
    """Arguments of the exported graph: its parameters and buffers, and ``x``."""
    return [
        x if spec.kind == InputKind.USER_INPUT else held_value(program, spec.target)
        for spec in program.graph_signature.input_specs
    ]


def held_value(program: ExportedProgram, target: str | None) -> torch.Tensor:
    """A parameter or buffer of the exported program."""
    assert target is not None  # torch names every parameter and buffer
    value = program.state_dict.get(target)
    held: torch.Tensor = program.constants[target] if value is None else value
    return held
