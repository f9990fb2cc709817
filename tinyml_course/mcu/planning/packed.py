"""Which weights to pack: as many as can be unpacked in the SRAM that there is."""

from tinyml_course.errors import ScheduleError
from tinyml_course.graph import Graph
from tinyml_course.mcu.packed_weights import BYTE_BITS, packable_bits
from tinyml_course.mcu.planning.layout import Plan
from tinyml_course.mcu.planning.tight import tight_schedule, unit_bytes
from tinyml_course.mcu.scheduling import Schedule


def packed_schedule(network: Graph | Schedule, sram_bytes: int | None = None) -> Schedule:
    """A schedule that packs the weights of every operator that has the SRAM to unpack them.

    Where offsets leave gaps, the operators with the most weights keep theirs as bytes.

    Args:
        network: a graph, whose operators run in the order in which they stand, or a schedule,
            whose own packed weights do not count.
        sram_bytes: what the arena may take; by default what it takes without packed weights, so
            that flash becomes less and SRAM no more.

    Raises:
        ScheduleError: the arena is larger even without packed weights.
    """
    schedule = network if isinstance(network, Schedule) else Schedule(network)
    bare = tight_schedule(schedule.packing(())).peak_bytes
    limit = bare if sram_bytes is None else sram_bytes
    if bare > limit:
        raise ScheduleError(
            f"{schedule.graph.name} takes {bare:,} B of SRAM without packed weights, "
            f"{bare - limit:,} more than the {limit:,} allowed; schedule it as a stream, or allow "
            "more"
        )
    # Weights are there while their operator runs, so those of others take nothing from its share.
    chosen = {
        name
        for name in packable(schedule.graph)
        if max(unit_bytes(schedule.packing([name]))) <= limit
    }
    while True:
        tried = schedule.packing(chosen)
        planned = tight_schedule(tried)
        if planned.peak_bytes <= limit:
            return tried
        chosen.remove(_largest(planned))


def packable(graph: Graph) -> dict[str, int]:
    """The operators whose weights have fewer than eight bits, and how many."""
    bits = {operator.name: packable_bits(graph, operator) for operator in graph.operators}
    return {name: number for name, number in bits.items() if number and number < BYTE_BITS}


def _largest(planned: Plan) -> str:
    """The operator whose unpacked weights take the most bytes."""
    unpacked = (buffer for buffer in planned.buffers if buffer.role == "unpacked weights")
    return max(unpacked, key=lambda buffer: buffer.size_bytes).name
