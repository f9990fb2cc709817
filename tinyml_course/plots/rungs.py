"""How low the peak of one network gets: from the textbook down to patches, image in SRAM or fed."""

from collections.abc import Sequence
from dataclasses import dataclass

from tinyml_course.graph import Graph
from tinyml_course.mcu.planning import plan
from tinyml_course.mcu.scheduling import Patches
from tinyml_course.mcu.scheduling.schedule import Image
from tinyml_course.patching.search import Scheduled, ScheduleSearch

RUNGS = ("unfused", "overlapped", "fused", "streamed", "patched", "patched and streamed")
"""Operator by operator as TinyEngine runs them; the same with outputs over dying inputs; stages
with one window over rows; any stages; patches, behind them operator by operator; patches, behind
them stages."""
IMAGES: tuple[Image, ...] = ("memory", "fed")


@dataclass(frozen=True)
class RungPoint:
    """One way to run a network.

    Attributes:
        rung: which of `RUNGS`.
        image: whether the input lies in SRAM as a whole, or is fed part by part.
        peak_bytes: SRAM.
        macs: multiply-accumulates that are executed.
        patches: rows and columns of its patch stage, if it has one.
    """

    rung: str
    image: Image
    peak_bytes: int
    macs: int
    patches: tuple[int, int] | None = None


def rung_points(graph: Graph) -> list[RungPoint]:
    """All rungs of a network; of patches several points, each with less SRAM and more MACs.

    Takes some seconds for a network of 70 operators.

    Args:
        graph: the network.
    """
    engine = plan(graph, policy="tinyengine")
    whole = [ScheduleSearch(graph, image, "unfused") for image in IMAGES]
    overlapped = _point("overlapped", whole[0].unfused())
    points = [RungPoint("unfused", "memory", engine.peak_bytes, engine.schedule.macs), overlapped]
    fused = [ScheduleSearch(graph, image, "fused") for image in IMAGES]
    streamed = [ScheduleSearch(graph, image) for image in IMAGES]
    points += [_point("fused", search.least_sram()) for search in fused]
    points += [_point("streamed", search.least_sram()) for search in streamed]
    for search in whole:
        points += [_point("patched", found) for found in search.patched()]
    for search in streamed:
        points += [_point("patched and streamed", found) for found in search.patched()]
    return points


def least_of(points: Sequence[RungPoint]) -> list[RungPoint]:
    """Those that no other beats in SRAM and MACs, by MACs."""
    best: list[RungPoint] = []
    for point in sorted(points, key=lambda p: (p.macs, p.peak_bytes)):
        if not best or point.peak_bytes < best[-1].peak_bytes:
            best.append(point)
    return best


def _point(rung: str, found: Scheduled) -> RungPoint:
    sizes = [(s.rows, s.columns) for s in found.schedule.stages if isinstance(s, Patches)]
    patches = sizes[0] if sizes else None
    return RungPoint(rung, found.schedule.image, found.peak_bytes, found.macs, patches)
