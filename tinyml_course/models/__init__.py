"""Network definitions of the MCUNet family and its baselines; as torch modules and int8 graphs."""

from tinyml_course.models.definition import (
    Block,
    NetworkDefinition,
    Stem,
    compact,
    definition,
    definitions,
    make_divisible,
    mobilenet_v2,
)
from tinyml_course.models.int8_network import random_graph, random_resnet50

__all__ = [
    "Block",
    "NetworkDefinition",
    "Stem",
    "compact",
    "definition",
    "definitions",
    "make_divisible",
    "mobilenet_v2",
    "random_graph",
    "random_resnet50",
]
