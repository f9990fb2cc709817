"""Network definitions of the MCUNet family and its baselines; as torch modules and int8 graphs."""

from tinyml_course.models.baselines import random_resnet, random_resnet50, random_small_cifar
from tinyml_course.models.families import (
    compact,
    make_divisible,
    mnasnet,
    mobilenet_v2,
    proxyless_mobile,
)
from tinyml_course.models.int8_network import random_graph
from tinyml_course.models.network_definition import (
    Block,
    NetworkDefinition,
    Stem,
    definition,
    definitions,
)

__all__ = [
    "Block",
    "NetworkDefinition",
    "Stem",
    "compact",
    "definition",
    "definitions",
    "make_divisible",
    "mobilenet_v2",
    "proxyless_mobile",
    "mnasnet",
    "random_graph",
    "random_resnet",
    "random_resnet50",
    "random_small_cifar",
]
