"""The memory gap: what a network costs, counted layer by layer, and which board can pay.

The functions that Lab 0 asks for are here under the same names.
"""

from tinyml_course.graph.counting import (
    activation_bytes,
    conv_macs,
    conv_output_size,
    conv_params,
    linear_macs,
)
from tinyml_course.memory_gap.blocks import block_of, block_peaks
from tinyml_course.memory_gap.fitting import Fit, board_kib, candidate, fits, needs
from tinyml_course.memory_gap.macs import network_macs
from tinyml_course.memory_gap.network import Layer, activation_shapes, layers, steps
from tinyml_course.memory_gap.peak import live_per_step, peak_chain, peak_live
from tinyml_course.memory_gap.scaling import scaled
from tinyml_course.memory_gap.training import OPTIMIZER_STATE, training_bytes

__all__ = [
    "Layer",
    "layers",
    "activation_shapes",
    "steps",
    "block_of",
    "block_peaks",
    "conv_output_size",
    "conv_params",
    "conv_macs",
    "linear_macs",
    "network_macs",
    "activation_bytes",
    "peak_chain",
    "peak_live",
    "live_per_step",
    "OPTIMIZER_STATE",
    "training_bytes",
    "Fit",
    "fits",
    "needs",
    "candidate",
    "board_kib",
    "scaled",
]
