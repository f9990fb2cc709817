"""A layer of a network exchanged for its split."""

import copy
from collections.abc import Callable
from typing import Any

from torch import nn

from tinyml_course.errors import CompressionError, lookup
from tinyml_course.factorization.cp import split_cp
from tinyml_course.factorization.spatial import split_spatial
from tinyml_course.factorization.svd import split_channels, split_linear
from tinyml_course.factorization.tucker import split_tucker

SPLITS: dict[str, Callable[..., nn.Sequential]] = {
    "linear": split_linear,
    "channels": split_channels,
    "spatial": split_spatial,
    "tucker": split_tucker,
    "cp": split_cp,
}
"""Ways to split a layer, by name."""


def factorize(model: nn.Module, layers: dict[str, tuple[str, Any]]) -> nn.Module:
    """A copy of a network with some layers split; the network stays as it is.

    Args:
        model: any module.
        layers: for a layer's name, as `nn.Module.named_modules` says it, the split and its rank,
            ``{"stem": ("spatial", 8), "classifier": ("linear", 4)}``.

    Raises:
        UnknownNameError: no such layer or split.
        CompressionError: a split for another kind of layer, or a rank out of range.
    """
    result = copy.deepcopy(model)
    modules = dict(result.named_modules())
    for name, (way, rank) in layers.items():
        layer = lookup("layer", name, modules)
        split = lookup("split", way, SPLITS)
        wanted = nn.Linear if way == "linear" else nn.Conv2d
        if not isinstance(layer, wanted):
            raise CompressionError(
                f"{name} is a {type(layer).__name__}; the split {way!r} takes a {wanted.__name__}"
            )
        parent, _, own = name.rpartition(".")
        setattr(modules[parent], own, split(layer, rank).train(layer.training))
    return result
