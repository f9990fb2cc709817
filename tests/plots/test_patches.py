"""Patches on an image: frames and counts are the flow's, the overhead is the counted one."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from tinyml_course.errors import ScheduleError
from tinyml_course.graph import count_macs
from tinyml_course.mcu.scheduling import Patches, PatchFlow, Region, Schedule, Stream
from tinyml_course.models import compact, random_graph
from tinyml_course.plots.patches import core_of, patches_on_image, read_counts

GRAPH = random_graph(compact(16, 1, 10))
STAGE = Patches("stem", "block1.project", 2, 4)
IMAGE = np.random.default_rng(0).integers(0, 256, (16, 16), np.uint8)


def flow_of(stage: Patches = STAGE) -> PatchFlow:
    flow = Schedule(GRAPH, [stage]).units[0].flow
    assert isinstance(flow, PatchFlow)
    return flow


def region_of(frame: Rectangle) -> Region:
    left, top = round(frame.get_x() + 0.5), round(frame.get_y() + 0.5)
    size = round(frame.get_height()), round(frame.get_width())
    return Region((top, top + size[0]), (left, left + size[1]))


def test_counts_are_of_pixels_inside_of_regions() -> None:
    counts = read_counts(flow_of())
    for y, x in np.ndindex(16, 16):
        regions = [patch.regions["input"] for patch in flow_of().patches]
        inside = [r.rows[0] <= y < r.rows[1] and r.columns[0] <= x < r.columns[1] for r in regions]
        assert counts[y, x] == sum(inside)


def test_every_region_is_framed_and_what_is_read_again_is_shaded() -> None:
    left, _ = patches_on_image(IMAGE, GRAPH, STAGE).figure.axes
    frames = [region_of(p) for p in left.patches if isinstance(p, Rectangle)]
    assert frames == [patch.regions["input"] for patch in flow_of().patches]
    shaded = left.images[1].get_array()
    counts = read_counts(flow_of())
    assert isinstance(shaded, np.ma.MaskedArray)
    np.testing.assert_array_equal(shaded.mask, counts < 2)
    np.testing.assert_array_equal(shaded.filled(1), np.maximum(counts, 1))


@pytest.mark.parametrize("place", [(0, 0), (1, 2), (0, 3)])
def test_core_and_halo_make_up_the_region_of_the_highlighted_patch(place: tuple[int, int]) -> None:
    _, right = patches_on_image(IMAGE, GRAPH, STAGE, place).figure.axes
    *halo, region, core = (region_of(p) for p in right.patches if isinstance(p, Rectangle))
    patch = next(p for p in flow_of().patches if (p.row, p.column) == place)
    assert region == patch.regions["input"]
    assert core == core_of(flow_of(), patch)
    assert sum(part.pixels for part in (*halo, core)) == region.pixels


def test_cores_tile_the_image() -> None:
    cores = [core_of(flow_of(), patch) for patch in flow_of().patches]
    assert sum(core.pixels for core in cores) == 16 * 16
    assert cores[0] == Region((0, 8), (0, 4))


def test_the_title_states_the_overhead() -> None:
    picture = patches_on_image(IMAGE, GRAPH, STAGE)
    overhead = Schedule(GRAPH, [STAGE]).macs / count_macs(GRAPH) - 1
    title = picture.figure.get_suptitle()
    assert "2 x 4 patches from stem to block1.project" in title
    assert f"{overhead:.1%} more MACs in all" in title
    assert f"{overhead:.1%} more MACs in all" in picture.alt
    assert f"up to {read_counts(flow_of()).max()} times" in picture.alt


def test_a_single_patch_reads_nothing_twice() -> None:
    picture = patches_on_image(IMAGE, GRAPH, Patches("stem", "stem", 1, 1))
    assert len(picture.figure.axes[0].images) == 1
    assert "0% of the image is read more than once" in picture.alt


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.float32])
@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_images_of_all_kinds_are_drawn(dtype: type, channels: tuple[int, ...]) -> None:
    image = np.zeros((16, 16, *channels), dtype)
    image[0] = 1
    drawn = patches_on_image(image, GRAPH, STAGE).figure.axes[0].images[0].get_array()
    assert drawn is not None
    assert drawn.shape == (16, 16, 3)
    assert drawn.min() >= 0
    assert drawn.max() <= 1


@pytest.mark.parametrize("shape", [(16, 15), (16, 16, 2), (1, 16, 16, 1), (16,)])
def test_an_image_of_another_shape_is_an_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(ScheduleError, match="16 x 16 pixels"):
        patches_on_image(np.zeros(shape), GRAPH, STAGE)


def test_wrong_stages_are_errors() -> None:
    with pytest.raises(ScheduleError, match="has no patches"):
        patches_on_image(IMAGE, GRAPH, Stream("stem", "block1.project"))
    with pytest.raises(ScheduleError, match="begin with stem"):
        patches_on_image(IMAGE, GRAPH, Patches("block1.expand", "block1.project", 2, 2))
    with pytest.raises(ScheduleError, match="no operator"):
        patches_on_image(IMAGE, GRAPH, Patches("stem", "nobody", 2, 2))
    with pytest.raises(ScheduleError, match=r"columns 0\.\.3; none is \(0, 4\)"):
        patches_on_image(IMAGE, GRAPH, STAGE, (0, 4))
