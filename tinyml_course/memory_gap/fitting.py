"""Does a network fit a board, and if not, by how many bytes?"""

from collections.abc import Mapping
from typing import TypedDict

from tinyml_course.graph import Graph, count_macs
from tinyml_course.mcu import Board, plan
from tinyml_course.models import mobilenet_v2, random_graph

KIB = 1024


class Fit(TypedDict):
    """The verdict.

    Keys:
        fits: whether both memories suffice.
        sram_missing_bytes: what SRAM lacks, 0 where it suffices.
        flash_missing_bytes: what flash lacks, likewise.
    """

    fits: bool
    sram_missing_bytes: int
    flash_missing_bytes: int


def fits(network: Mapping[str, int], board: Mapping[str, int]) -> Fit:
    """Whether a network fits a board. Just full is full, not too small.

    Args:
        network: ``peak_bytes`` in SRAM; ``weight_bytes`` and ``code_bytes`` in flash.
        board: ``sram_kib`` and ``flash_kib``, in KiB of 1024 bytes.

    >>> needs = {"peak_bytes": 2048, "weight_bytes": 1000, "code_bytes": 500}
    >>> fits(needs, {"sram_kib": 1, "flash_kib": 2})["sram_missing_bytes"]
    1024
    """
    flash_bytes = network["weight_bytes"] + network["code_bytes"]
    sram = max(0, network["peak_bytes"] - KIB * board["sram_kib"])
    flash = max(0, flash_bytes - KIB * board["flash_kib"])
    return Fit(fits=sram == 0 and flash == 0, sram_missing_bytes=sram, flash_missing_bytes=flash)


def needs(graph: Graph, policy: str = "per_layer") -> dict[str, int]:
    """What a graph asks of a board, by its memory plan: the ``network`` of `fits`.

    Args:
        graph: the network.
        policy: of the memory planner.
    """
    result = plan(graph, policy=policy)
    return {
        "peak_bytes": result.peak_bytes,
        "weight_bytes": result.constants_bytes,
        "code_bytes": result.flash_bytes - result.constants_bytes,
    }


def candidate(width: float, resolution: int, policy: str = "tinyengine") -> dict[str, int]:
    """A MobileNetV2 with 1000 classes: its `needs` and its ``macs``.

    Args:
        width: multiplier of every channel count.
        resolution: rows and columns of the image.
        policy: of the memory planner.
    """
    graph = random_graph(mobilenet_v2(width, resolution), seed=None)
    return needs(graph, policy) | {"macs": count_macs(graph)}


def board_kib(board: Board) -> dict[str, int]:
    """A board's memories as its data sheet gives them: the ``board`` of `fits`."""
    return {"sram_kib": board.sram_bytes // KIB, "flash_kib": board.flash_bytes // KIB}
