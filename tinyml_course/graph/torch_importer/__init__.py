"""Importer for torch networks: capture (torch.export), calibrate, convert."""

from tinyml_course.graph.torch_importer.calibration import CALIBRATIONS
from tinyml_course.graph.torch_importer.convert import from_torch

__all__ = ["CALIBRATIONS", "from_torch"]
