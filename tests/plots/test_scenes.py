"""A contact sheet: the images as they are, each with the name of its class."""

import numpy as np
import pytest

from tinyml_course import data
from tinyml_course.data import load_persons
from tinyml_course.errors import DataError
from tinyml_course.plots.scenes import contact_sheet
from tinyml_course.plots.show import as_html

PERSONS = load_persons(32, train=12, validation=2, test=2, progress=False)


def test_every_place_shows_its_image_and_names_its_class() -> None:
    axes = contact_sheet(PERSONS, 2, 5).figure.axes
    assert len(axes) == 10
    for index, place in enumerate(axes):
        (drawn,) = place.images
        expected = PERSONS.train.images[index].transpose(1, 2, 0)
        np.testing.assert_array_equal(np.asarray(drawn.get_array()), expected)
        assert place.get_title() == ("person" if index % 2 else "no person")


def test_the_classes_differ_in_colour_too() -> None:
    first, second = contact_sheet(PERSONS, 1, 2).figure.axes
    assert first.title.get_color() != second.title.get_color()
    assert first.spines["left"].get_edgecolor() != second.spines["left"].get_edgecolor()


def test_grey_images_are_drawn_from_black_to_white() -> None:
    digits = data.load("digits")
    axes = contact_sheet(digits, 1, 3).figure.axes
    for place, label in zip(axes, digits.train.labels, strict=False):
        assert place.images[0].get_clim() == (0, 1)
        assert place.images[0].get_array().shape == (8, 8)
        assert place.get_title() == str(label)


def test_the_words_count_the_classes() -> None:
    picture = contact_sheet(PERSONS, 1, 7)
    assert picture.alt == (
        "A grid of 1x7 images of persons, 32x32 pixels, in colour; by class: 4 no person, 3 person."
    )
    assert "by class: 4 no person" in as_html(picture, look_at="the shapes")


@pytest.mark.parametrize(("rows", "columns"), [(0, 3), (3, 0), (-1, -1), (2, 7)])
def test_a_sheet_without_places_or_with_too_many_is_refused(rows: int, columns: int) -> None:
    with pytest.raises(DataError, match=f"{rows} rows of {columns} images .* 12 training images"):
        contact_sheet(PERSONS, rows, columns)
