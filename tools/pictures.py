"""Draw the pictures of the documentation that do not come out of `make demo`.

``python tools/pictures.py`` writes ``docs/images/schedule.png``: what a schedule saves, unit by
unit.
"""

from pathlib import Path

from tinyml_course import mcu, models, patching
from tinyml_course.plots.unit_peaks import peaks_before_and_after

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"


def main() -> None:
    """Write them."""
    graph = models.random_graph(models.definition("vww1@80"))
    streamed = mcu.plan(patching.schedule(graph, image="fed"))
    picture = peaks_before_and_after(mcu.plan(graph), streamed, mcu.board("nrf52840"))
    picture.figure.savefig(IMAGES / "schedule.png", dpi=100)


if __name__ == "__main__":
    main()
