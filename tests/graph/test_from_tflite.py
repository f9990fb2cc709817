"""What `from_tflite` makes of a file, and what it says to those it cannot take."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tflite_micro", reason="no tflite-micro wheel, whose schema writes the files")

from tflite_files import TfliteFile
from tflite_micro_runs import MODELS, models_folder

from tinyml_course.errors import GraphError, TinyMLError, UnsupportedOperatorError
from tinyml_course.graph import Graph, count_macs, from_tflite, load, save
from tinyml_course.graph.operators import Conv2D, Pad

MACS = {
    "ad01_int8": 264_192,
    "kws_ref_model": 2_656_768,
    "pretrainedResnet_quant": 12_501_632,
    "vww_96_int8": 7_489_664,
}
"""By the formulas of Lab 0 over the shapes that MLPerf Tiny publishes."""


def convolution(
    *,
    size: int = 6,
    batch: int = 1,
    source: dict[str, Any] | None = None,
    weight: dict[str, Any] | None = None,
    **options: Any,
) -> tuple[TfliteFile, int]:
    """A file with one 3x3 convolution, and its output."""
    file = TfliteFile()
    quantized = {"scale": 0.05, "zero_point": 3}
    x = file.input((batch, size, size, 2), **(source or quantized))
    data = np.arange(-36, 36, dtype=np.int8).reshape(4, 3, 3, 2)
    weight = {"scale": [0.01] * 4} if weight is None else weight
    w = file.tensor((4, 3, 3, 2), data=data.astype(weight.get("dtype", "int8")), **weight)
    bias = file.tensor((4,), "int32", [0.0005] * 4, data=np.arange(4, dtype=np.int32))
    stride = options.get("strideH", 1) or 1
    side = -(-size // stride)
    y = file.tensor((batch, side, side, 4), **(source or quantized))
    fields = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, **options}
    return file, file.operator("CONV_2D", [x, w, bias], y, "Conv2D", **fields)


def importing(file: TfliteFile, output: int, folder: Path, **keywords: Any) -> Graph:
    return from_tflite(file.write(folder / "net.tflite", output, **keywords))


def model(name: str) -> Path:
    path = models_folder() / f"{name}.tflite"
    if not path.is_file():
        pytest.skip(f"no {path}; set TINYML_TEST_MODELS to a folder with the public files")
    return path


@pytest.mark.parametrize(
    ("size", "stride", "padding"),
    [(6, 1, ((1, 1), (1, 1))), (6, 2, ((0, 1), (0, 1))), (7, 2, ((1, 1), (1, 1)))],
)
def test_same_becomes_explicit_padding_with_the_odd_row_below(
    size: int, stride: int, padding: Any, tmp_path: Path
) -> None:
    graph = importing(*convolution(size=size, strideH=stride, strideW=stride), tmp_path)
    (operator,) = graph.operators
    assert isinstance(operator, Conv2D)
    assert operator.padding == padding
    assert operator.stride == (stride, stride)


def test_names_say_kind_and_position(tmp_path: Path) -> None:
    graph = importing(*convolution(), tmp_path)
    assert graph.name == "net"
    assert [*graph.tensors] == ["input", "conv_2d_0/weight", "conv_2d_0/bias", "conv_2d_0"]
    assert from_tflite(tmp_path / "net.tflite", name="mine").name == "mine"


def test_constants_and_quantization_arrive_unchanged(tmp_path: Path) -> None:
    graph = importing(*convolution(), tmp_path)
    weight = graph.tensors["conv_2d_0/weight"]
    np.testing.assert_array_equal(weight.values().ravel(), np.arange(-36, 36))
    assert weight.quantization is not None
    assert weight.quantization.axis == 0
    np.testing.assert_array_equal(weight.quantization.scale, np.float32([0.01] * 4))
    assert graph.input.scale_and_zero_point() == (np.float32(0.05), 3)


@pytest.mark.parametrize("name", MODELS)
def test_real_files_survive_being_saved_and_loaded(name: str, tmp_path: Path) -> None:
    graph = from_tflite(model(name))
    again = load(save(graph, tmp_path / "graph"))
    assert [o.attributes() for o in again.operators] == [o.attributes() for o in graph.operators]
    for tensor in graph.constants():
        np.testing.assert_array_equal(tensor.values(), again.tensors[tensor.name].values())


@pytest.mark.parametrize(("name", "macs"), MACS.items())
def test_macs_of_the_mlperf_tiny_networks(name: str, macs: int) -> None:
    assert count_macs(from_tflite(model(name))) == macs


def test_float_ends_and_explicit_padding_of_the_mcunet_file() -> None:
    graph = from_tflite(model("vww"))
    assert (graph.input.dtype, graph.output.dtype) == ("float32", "float32")
    assert graph.input.quantization is None
    pads = [o for o in graph.operators if isinstance(o, Pad)]
    assert [pad.paddings[1] for pad in pads] == [(1, 1), (1, 1), (3, 3), (3, 3)]


def test_dilation_is_refused_with_its_place(tmp_path: Path) -> None:
    match = r"net\.tflite: operator 0 \(CONV_2D\): dilation \(2, 1\).*stride or a larger kernel"
    with pytest.raises(UnsupportedOperatorError, match=match):
        importing(*convolution(dilationHFactor=2), tmp_path)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"dtype": "float32"}, "float graph"),
        ({"dtype": "int16", "scale": 0.1}, "int16 with 1 scales"),
    ],
)
def test_what_is_not_int8_is_told_the_way_out(
    source: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    match = rf"operator 0 \(CONV_2D\): .*{reason}.*full-integer quantization"
    with pytest.raises(UnsupportedOperatorError, match=match):
        importing(*convolution(source=source), tmp_path)


def test_weights_with_a_zero_point_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=r"net.tflite: CONV_2D conv_2d_0: .*zero point 0"):
        importing(*convolution(weight={"scale": 0.01, "zero_point": 5}), tmp_path)


def test_a_batch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=r"\(4, 6, 6, 2\): the batch size must be 1"):
        importing(*convolution(batch=4), tmp_path)


@pytest.mark.parametrize("activation", [2, 4], ids=["relu_n1_to_1", "tanh"])
def test_an_activation_without_int8_form_is_refused(activation: int, tmp_path: Path) -> None:
    match = rf"operator 0 \(CONV_2D\): fused activation {activation} is none of NONE, RELU, RELU6"
    with pytest.raises(UnsupportedOperatorError, match=match):
        importing(*convolution(fusedActivationFunction=activation), tmp_path)


def test_an_unknown_operator_is_named_with_what_there_is_instead(tmp_path: Path) -> None:
    file, y = convolution()
    z = file.tensor((1, 6, 6, 4), scale=0.05)
    file.operator("GELU", [y], z)
    match = r"operator 1 \(GELU\) has no int8 form.*AVERAGE_POOL_2D.*Replace the layer"
    with pytest.raises(UnsupportedOperatorError, match=match):
        importing(file, z, tmp_path)


def test_several_subgraphs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedOperatorError, match="2 subgraphs; control flow"):
        importing(*convolution(), tmp_path, subgraphs=2)


def test_a_stride_of_zero_is_an_error_and_not_a_crash(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=r"operator 0 \(CONV_2D\): stride \(0, 1\)"):
        importing(*convolution(strideH=0), tmp_path)


def test_no_file_and_no_tflite_file(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=r"there is no file .*absent\.tflite"):
        from_tflite(tmp_path / "absent.tflite")
    (tmp_path / "note.tflite").write_text("a text of some length")
    with pytest.raises(GraphError, match=r"note\.tflite is not a TF-Lite file.*TFLiteConverter"):
        from_tflite(tmp_path / "note.tflite")


def test_every_truncation_is_one_error(tmp_path: Path) -> None:
    file, y = convolution()
    content = file.write(tmp_path / "whole.tflite", y).read_bytes()
    cut = tmp_path / "cut.tflite"
    # The last bytes of a flatbuffer may be padding.
    for length in range(len(content) - 4):
        cut.write_bytes(content[:length])
        with pytest.raises(GraphError, match=r"cut\.tflite"):
            from_tflite(cut)


@pytest.mark.parametrize("seed", range(4))
def test_damage_is_an_error_or_another_network_but_never_a_crash(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    file, y = convolution()
    content = file.write(tmp_path / "whole.tflite", y).read_bytes()
    damaged = tmp_path / "damaged.tflite"
    words = [b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\0" * 4]
    outcomes = set()
    for _ in range(300):
        broken = bytearray(content)
        for _ in range(rng.choice([1, 3, 20])):
            start = rng.randrange(8, len(broken) - 4)
            word = rng.choice([*words, rng.randbytes(4)])
            broken[start : start + 4] = word
        damaged.write_bytes(broken)
        try:
            from_tflite(damaged)
            outcomes.add("taken")
        except TinyMLError as error:
            outcomes.add(type(error).__name__)
    assert "GraphError" in outcomes
