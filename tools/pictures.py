"""Draw the pictures of the documentation that do not come out of `make demo`.

``python tools/pictures.py`` writes ``docs/images/schedule.png``: what a schedule saves, unit by
unit; ``persons.png``: scenes without and with a person; and ``optimisation_story.png``: what each
step from an interpreter to the course's kernels is worth.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from tinyml_course import mcu, models, patching
from tinyml_course.data import load_persons
from tinyml_course.firmware import story
from tinyml_course.plots.optimisation_story import optimisation_story
from tinyml_course.plots.scenes import contact_sheet
from tinyml_course.plots.show import as_png
from tinyml_course.plots.unit_peaks import peaks_before_and_after

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"


def main() -> None:
    """Write them."""
    graph = models.random_graph(models.definition("vww1@80"))
    streamed = mcu.plan(patching.schedule(graph, image="fed"))
    picture = peaks_before_and_after(mcu.plan(graph), streamed, mcu.board("nrf52840"))
    picture.figure.savefig(IMAGES / "schedule.png", dpi=100)
    persons = contact_sheet(load_persons(96, train=24, validation=2, test=2, progress=False))
    # Noise does not compress: 256 colours instead of 16 million, which nobody sees at this size.
    drawn = Image.open(io.BytesIO(as_png(persons.figure))).convert("RGB")
    drawn.quantize(256, dither=Image.Dither.NONE).save(IMAGES / "persons.png", optimize=True)
    network = models.random_graph(models.definition("vww0@64"))
    image = np.zeros(network.input.shape, np.int8)
    told = optimisation_story(story.tell(network, image))
    told.figure.savefig(IMAGES / "optimisation_story.png", dpi=100)


if __name__ == "__main__":
    main()
