"""TF-Lite Micro's arena and CMSIS-NN's, against the published figures."""

import pytest
from public_files import models_folder

from tinyml_course.graph import from_tflite
from tinyml_course.graph.padding import explicit_padding
from tinyml_course.mcu import plan
from tinyml_course.mcu.planning.tflm import ALIGNMENT, interpreter_bytes
from tinyml_course.models import definition, random_graph

# KiB: what the rule gives, and the papers' figures for CMSIS-NN. ("Tiny Machine Learning: Progress
# and Futures", table III; for in4@160 both ran out of memory.)
PUBLISHED = {
    "vww0@64": (162.7, 163),
    "vww1@80": (220.5, 220),
    "vww2@144": (385.0, 390),
    "in0@48": (161.2, 161),
    "in1@96": (218.9, 219),
    "in2@160": (459.7, 469),
    "in3@176": (493.0, 493),
    "in4@160": (755.2, None),
    "proxyless@64": (127.8, 136),
    "proxyless@176": (453.3, 453),
    "mbv2w0.3@64": (172.8, 173),
}


MEASURED = {
    "ad01_int8": (768, 3984),
    "hello_world_int8": (32, 1504),
    "kws_ref_model": (16000, 24272),
    "micro_speech_quantized": (5968, 7584),
    "person_detect": (55296, 85264),
    "pretrainedResnet_quant": (49152, 55984),
    "vww": (161472, 224976),
    "vww_96_int8": (73728, 103680),
}
"""Head and total of the arena, as `print_allocations` of the public interpreter gives them."""


@pytest.mark.parametrize("name", MEASURED)
def test_the_arena_of_a_public_file(name: str) -> None:
    path = models_folder() / f"{name}.tflite"
    if not path.is_file():
        pytest.skip(f"no {path}; set TINYML_TEST_MODELS to a folder with the public files")
    graph = from_tflite(path)
    planned = plan(graph, policy="tflm")
    (interpreter,) = [b for b in planned.buffers if b.role == "runtime"]
    head, total = MEASURED[name]
    assert interpreter.offset == head
    # The total was measured on a PC, whose pointers have eight bytes instead of four: the rule, of
    # microcontrollers, stays below it by 76 to 159 bytes an operator.
    missing = total - planned.peak_bytes
    assert 70 * len(graph.operators) < missing < 165 * len(graph.operators)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_peaks(name: str) -> None:
    graph = explicit_padding(random_graph(definition(name)), everywhere=True)
    tflm_kib, cmsis_kib = PUBLISHED[name]
    assert round(plan(graph, policy="tflm").peak_bytes / 1024, 1) == tflm_kib
    if cmsis_kib is not None:
        # The paper prints whole KiB, of a measurement; the rule is within half a KiB and a half.
        peak = plan(graph, policy="cmsis_nn").peak_bytes / 1024
        assert peak == pytest.approx(cmsis_kib, abs=0.6)


def test_padding_that_same_cannot_say_becomes_an_operator_of_the_plan() -> None:
    graph = random_graph(definition("vww0@64"))
    planned = plan(graph, policy="tflm")
    assert planned.source is graph
    assert len(planned.graph.operators) > len(graph.operators)
    assert any(o.kind == "PAD" for o in planned.graph.operators)


def test_tensors_are_aligned_and_the_interpreter_lies_behind_them() -> None:
    planned = plan(random_graph(definition("vww0@64")), policy="cmsis_nn")
    runtime = [b for b in planned.buffers if b.role == "runtime"]
    assert len(runtime) == 1
    assert runtime[0].end == planned.peak_bytes
    assert runtime[0].size_bytes == interpreter_bytes(planned.graph)
    assert all(b.offset % ALIGNMENT == 0 for b in planned.buffers)
    others = [b for b in planned.buffers if b.role != "runtime"]
    assert max(b.end for b in others) <= runtime[0].offset
