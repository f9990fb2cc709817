"""Names on an axis: short, and still told apart."""

import pytest

from tinyml_course.plots.style import block_of, short_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("stem", "stem"),
        ("block10.depthwise", "block10.depthwise"),
        ("stem .. block1.project", "stem .. block1.project"),
        ("block1.expand .. block1.add", "block1.expand .. add"),
        ("block1.expand .. block10.add", "block1.expand .. block10.add"),
        ("a .. a", "a .. a"),
        ("features.12.conv.2.0.weight", "features.…0.weight"),
    ],
)
def test_names_are_shortened(name: str, expected: str) -> None:
    assert short_name(name) == expected


@pytest.mark.parametrize(("name", "block"), [("block3.expand", "block3"), ("stem", "stem")])
def test_the_block_of_an_operator(name: str, block: str) -> None:
    assert block_of(name) == block
