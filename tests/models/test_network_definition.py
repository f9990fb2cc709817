"""Network definitions: published facts, and what cannot be."""

import dataclasses
from typing import Any

import pytest

from tinyml_course.errors import GraphError, UnknownNameError
from tinyml_course.models import Block, NetworkDefinition, Stem, definition, definitions
from tinyml_course.models.network_definition import from_record

STEM = Stem(3, 8, 3, 2)


def test_the_published_networks_are_there() -> None:
    assert set(definitions()) == {
        *("vww0@64", "vww1@80", "vww2@144"),
        *("in0@48", "in1@96", "in2@160", "in3@176", "in4@160"),
        *("proxyless@64", "proxyless@176", "mbv2@64", "mbv2w0.3@64"),
    }


@pytest.mark.parametrize("name", definitions())
def test_names_tell_the_resolution(name: str) -> None:
    network = definition(name)
    assert network.name == name
    assert network.resolution == int(name.split("@")[1])
    assert network.classes == (2 if name.startswith("vww") else 1000)


def test_an_unknown_network_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"'vww1@81'; did you mean 'vww\d@\d+'"):
        definition("vww1@81")


@pytest.mark.parametrize("name", definitions())
def test_a_residual_needs_equal_shapes(name: str) -> None:
    for block in definition(name).blocks:
        if block.residual:
            assert block.stride == 1
            assert block.c_in == block.c_out
        assert block.has_expansion == (block.c_mid > block.c_in)


def test_another_resolution_changes_nothing_else() -> None:
    network = definition("vww1@80")
    larger = network.at(160)
    assert larger.name == "vww1@160"
    assert larger.resolution == 160
    assert dataclasses.replace(larger, name=network.name, resolution=80) == network


def test_features_are_what_the_classifier_reads() -> None:
    block = Block(8, 24, 16, 3, 1, False)
    assert NetworkDefinition("n@8", 8, STEM, (block,), 32, 2).features == 32
    assert NetworkDefinition("n@8", 8, STEM, (block,), None, 2).features == 16
    assert NetworkDefinition("n@8", 8, STEM, (), None, 2).features == 8


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ((Block(9, 24, 16, 3, 1, False),), "n@8: block 0 reads 9 channels, gets 8"),
        (
            (Block(8, 24, 16, 3, 1, False), Block(8, 8, 8, 3, 1, False)),
            "block 1 reads 8 channels, gets 16",
        ),
        ((Block(8, 24, 16, 3, 1, True),), "block 0 cannot have a residual"),
        ((Block(8, 24, 8, 3, 2, True),), "block 0 cannot have a residual"),
    ],
)
def test_blocks_must_fit_together(blocks: tuple[Block, ...], message: str) -> None:
    with pytest.raises(GraphError, match=message):
        NetworkDefinition("n@8", 8, STEM, blocks, None, 2)


RECORD: dict[str, Any] = {
    "resolution": 8,
    "stem": [3, 8, 3, 2],
    "blocks": [[8, 24, 16, 3, 1, 0], [16, 48, 16, 5, 1, 1]],
    "head_mix": None,
    "classes": 2,
}


def test_a_record_is_a_definition() -> None:
    network = from_record("n@8", RECORD)
    assert network.blocks[1] == Block(16, 48, 16, 5, 1, True)
    assert network.stem == STEM


def test_an_unknown_key_of_a_record_is_named() -> None:
    with pytest.raises(UnknownNameError, match="network n@8 key 'class'; did you mean 'classes'"):
        from_record("n@8", {**RECORD, "class": 2})
