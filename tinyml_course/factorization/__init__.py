"""Low-rank factorization: a layer as two to four smaller ones, in weights and in MACs.

Each method takes a trained layer and gives an `nn.Sequential` of ordinary layers, so that what it
saves is read off the `Graph` that `from_torch` makes of the network.
"""

from tinyml_course.factorization.cp import cp_decomposition, split_cp
from tinyml_course.factorization.replace import SPLITS, factorize
from tinyml_course.factorization.spatial import split_spatial
from tinyml_course.factorization.svd import (
    rank_for_energy,
    split_channels,
    split_linear,
    truncated_svd,
)
from tinyml_course.factorization.tucker import split_tucker, tucker2

__all__ = [
    "SPLITS",
    "cp_decomposition",
    "factorize",
    "rank_for_energy",
    "split_channels",
    "split_cp",
    "split_linear",
    "split_spatial",
    "split_tucker",
    "truncated_svd",
    "tucker2",
]
