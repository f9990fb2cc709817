"""Random schedules whose weights have few bits and lie packed."""

import numpy as np
from few_bits import of_few_bits
from hypothesis import strategies as st
from random_schedules import schedules

from tinyml_course.mcu.planning.packed import packable
from tinyml_course.mcu.scheduling import Schedule


@st.composite
def packed_schedules(draw: st.DrawFn, most_operators: int = 8) -> tuple[Schedule, np.ndarray]:
    """A schedule that packs some of the weights, and an image for its graph."""
    schedule, image = draw(schedules(most_operators))
    graph = of_few_bits(schedule.graph, draw(st.integers(0, 2**16)))
    names = sorted(packable(graph))
    chosen = draw(st.sets(st.sampled_from(names))) if names else set()
    return Schedule(graph, schedule.stages, schedule.image, chosen), image
