"""Whole networks as C: the reference's bytes, on this machine and on the emulated core."""

import numpy as np
import pytest

pytest.importorskip("ziglang", reason="needs the extra 'firmware'")
pytest.importorskip("unicorn", reason="needs the extra 'firmware'")

from averaging import averaging_network, streamed_average
from firmware_runs import check
from hypothesis import given, settings
from random_graphs import int8_graphs
from tflite_micro_runs import models_folder

from tinyml_course.errors import FirmwareError, ImageTooLargeError
from tinyml_course.firmware import NetworkMachine, generate
from tinyml_course.firmware.c_names import c_names
from tinyml_course.graph import Graph, from_tflite
from tinyml_course.mcu import Board, board, plan
from tinyml_course.models import compact, definition, random_graph
from tinyml_course.patching import schedule

KINDS = ("conv", "pointwise", "depthwise", "add", "average_pool", "max_pool")
MORE_KINDS = (*KINDS, "concatenation", "mul", "pad", "mean", "unary", "resize")
FILES = [
    "ad01_int8",
    "hello_world_int8",
    "kws_ref_model",
    "micro_speech_quantized",
    "person_detect",
    "pretrainedResnet_quant",
    "vww_96_int8",
]


@pytest.mark.parametrize("name", ["vww0@64", "vww1@80", "in0@48", "proxyless@64"])
def test_published_networks(name: str) -> None:
    check(random_graph(definition(name)), 3)


@pytest.mark.parametrize("name", ["vww0@64", "vww1@80", "in0@48", "proxyless@64"])
def test_published_networks_streamed(name: str) -> None:
    graph = random_graph(definition(name))
    unfused = check(graph, 1).execution
    for image in ("memory", "fed"):
        streamed = check(schedule(graph, image=image), 2).execution
        assert streamed.arena_bytes < 0.6 * unfused.arena_bytes
        # Nothing is computed twice; what rows cost beside is a bound of this project.
        assert streamed.instructions <= 1.03 * unfused.instructions


@pytest.mark.parametrize("core", ["stm32f746", "nrf52840"])
def test_the_demo_network_on_either_core(core: str) -> None:
    check(random_graph(compact(8, 1, 10)), 20, board(core))


@pytest.mark.parametrize("name", FILES)
def test_real_files(name: str) -> None:
    path = models_folder() / f"{name}.tflite"
    if not path.is_file():
        pytest.skip(f"no {path}; set TINYML_TEST_MODELS to a folder with the public files")
    check(from_tflite(path), 3)


@pytest.mark.parametrize("name", ["kws_ref_model", "pretrainedResnet_quant", "vww_96_int8"])
@pytest.mark.parametrize("image", ["memory", "fed"])
def test_real_files_streamed(name: str, image: str) -> None:
    path = models_folder() / f"{name}.tflite"
    if not path.is_file():
        pytest.skip(f"no {path}; set TINYML_TEST_MODELS to a folder with the public files")
    check(schedule(from_tflite(path), image=image), 3)


@pytest.mark.parametrize(
    ("padding", "size"), [((0, 0), (9, 7)), ((1, 1), (11, 7)), ((0, 0), (9, 2)), ((2, 0), (11, 4))]
)
def test_an_average_sums_up_rows(padding: tuple[int, int], size: tuple[int, int]) -> None:
    check(streamed_average(averaging_network(padding, size)), 3)


@settings(max_examples=25, deadline=None)
@given(int8_graphs(7, MORE_KINDS))
def test_random_graphs(case: tuple[Graph, np.ndarray]) -> None:
    graph, _ = case
    check(graph, 2, exact=False)


def test_what_has_no_c_is_refused_before_anything_is_built() -> None:
    graph = random_graph(compact(8, 1, 10))
    with pytest.raises(FirmwareError, match="the plan is of per_layer"):
        generate(plan(graph, policy="per_layer"))
    tiny = Board("tiny", 4096, 1 << 20, "cortex-m4", 64)
    with pytest.raises(ImageTooLargeError, match="more SRAM than"):
        NetworkMachine(tiny, generate(plan(graph)))


def test_names_become_identifiers_of_their_own() -> None:
    names = c_names(["a.b", "a/b", "int", "2d"])
    assert list(names.values()) == ["network_a_b", "network_a_b_2", "network_int", "network_2d"]
