"""What `from_tflite` makes of uint8 files, and what it says to those that it cannot take."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tflite_micro", reason="no tflite-micro wheel, whose schema writes the files")

from tflite_files import TfliteFile

from tinyml_course.errors import GraphError, UnsupportedOperatorError
from tinyml_course.graph import Graph, count_params, from_tflite, load, save
from tinyml_course.mcu import plan, reference

QUANTIZED = {"dtype": "uint8", "scale": 0.05, "zero_point": 131}


def linear(
    *,
    weight: dict[str, Any] | None = None,
    source: dict[str, Any] | None = None,
    output: dict[str, Any] | None = None,
) -> tuple[TfliteFile, int]:
    """A file with one linear layer of four features and three outputs, and its output."""
    file = TfliteFile()
    x = file.input((1, 4), **(source or QUANTIZED))
    weight = {"dtype": "uint8", "scale": 0.01, "zero_point": 250, **(weight or {})}
    data = np.arange(100, 112).astype(weight["dtype"]).reshape(3, 4)
    w = file.tensor((3, 4), data=data, **weight)
    bias = file.tensor((3,), "int32", 0.0005, data=np.arange(3, dtype=np.int32))
    y = file.tensor((1, 3), **(output or QUANTIZED))
    return file, file.operator("FULLY_CONNECTED", [x, w, bias], y, "FullyConnected")


def importing(file: TfliteFile, output: int, folder: Path) -> Graph:
    return from_tflite(file.write(folder / "net.tflite", output))


def test_types_bytes_and_zero_points_arrive_unchanged(tmp_path: Path) -> None:
    graph = importing(*linear(), tmp_path)
    assert [graph.input.dtype, graph.output.dtype] == ["uint8", "uint8"]
    assert graph.input.scale_and_zero_point() == (np.float32(0.05), 131)
    weight = graph.tensors["fully_connected_0/weight"]
    assert weight.scale_and_zero_point() == (np.float32(0.01), 250)
    np.testing.assert_array_equal(
        weight.values(), np.arange(100, 112, dtype=np.uint8).reshape(3, 4)
    )


def test_no_operator_is_added_at_the_ends(tmp_path: Path) -> None:
    graph = importing(*linear(), tmp_path)
    assert [operator.kind for operator in graph.operators] == ["FULLY_CONNECTED"]
    assert plan(graph).peak_bytes == 4 + 3


def test_parameters_and_flash_count_as_in_int8(tmp_path: Path) -> None:
    graph = importing(*linear(), tmp_path)
    assert count_params(graph) == 12 + 3
    segments = plan(graph).flash.of("fully_connected_0")
    assert {role: s.size_bytes for role, s in segments.items()} == {
        "weight": 12,
        "bias": 12,
        "multiplier": 12,
        "shift": 3,
    }
    assert segments["weight"].data.dtype == np.uint8


def test_the_zero_point_of_weights_survives_saving(tmp_path: Path) -> None:
    graph = importing(*linear(), tmp_path)
    again = load(save(graph, tmp_path / "graph"))
    assert again.tensors["fully_connected_0/weight"].scale_and_zero_point()[1] == 250
    x = np.array([[0, 255, 130, 7]], np.uint8)
    np.testing.assert_array_equal(reference.run(again, x), reference.run(graph, x))


def test_int8_activations_with_uint8_weights_are_refused(tmp_path: Path) -> None:
    signed = {"scale": 0.05, "zero_point": 3}
    match = r"net\.tflite: FULLY_CONNECTED fully_connected_0: weight .* is uint8 and input is int8"
    with pytest.raises(GraphError, match=match + ".*quantize both to one type"):
        importing(*linear(source=signed, output=signed), tmp_path)


def test_uint8_activations_with_int8_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=r"weight .* is int8 and input is uint8"):
        importing(*linear(weight={"dtype": "int8", "zero_point": 0}), tmp_path)


def test_uint8_in_and_int8_out_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=r"input is uint8 and fully_connected_0 is int8.*QUANTIZE"):
        importing(*linear(output={"scale": 0.05, "zero_point": 3}), tmp_path)


def test_int8_weights_with_a_zero_point_are_refused(tmp_path: Path) -> None:
    signed = {"scale": 0.05, "zero_point": 3}
    file, y = linear(weight={"dtype": "int8", "zero_point": 5}, source=signed, output=signed)
    with pytest.raises(GraphError, match=r"must have zero point 0.*only uint8 weights with one"):
        importing(file, y, tmp_path)


def test_uint8_weights_per_channel_are_refused(tmp_path: Path) -> None:
    weight = {"scale": [0.01] * 3, "zero_point": [1, 2, 3]}
    with pytest.raises(GraphError, match=r"has 3 scales; uint8 weights have one.*to int8"):
        importing(*linear(weight=weight), tmp_path)


@pytest.mark.parametrize("zero_point", [-1, 256])
def test_a_zero_point_outside_of_a_byte_is_refused(zero_point: int, tmp_path: Path) -> None:
    match = r"operator 0 \(FULLY_CONNECTED\): 't1' has a zero point that uint8 does not hold"
    with pytest.raises(GraphError, match=match):
        importing(*linear(weight={"zero_point": zero_point}), tmp_path)


@pytest.mark.parametrize("kind", ["LOGISTIC", "LOG_SOFTMAX"])
def test_what_is_looked_up_in_a_floating_point_table_is_refused(kind: str, tmp_path: Path) -> None:
    file = TfliteFile()
    x, y = file.input((1, 4), **QUANTIZED), file.tensor((1, 4), **QUANTIZED)
    match = rf"operator 0 \({kind}\): 't0' is uint8.*no form here.*full-integer quantization"
    with pytest.raises(UnsupportedOperatorError, match=match):
        importing(file, file.operator(kind, [x], y), tmp_path)


def test_joining_maps_of_different_scales_is_refused_with_the_way_out(tmp_path: Path) -> None:
    file = TfliteFile()
    x = file.input((1, 4), **QUANTIZED)
    other = file.tensor((1, 4), "uint8", 0.07, 4)
    file.operator("QUANTIZE", [x], other)
    y = file.tensor((1, 8), **QUANTIZED)
    fields = {"axis": 1, "fusedActivationFunction": 0}
    file.operator("CONCATENATION", [x, other], y, "Concatenation", **fields)
    with pytest.raises(GraphError, match=r"concatenation_1: .*scale and zero point.*a QUANTIZE"):
        importing(file, y, tmp_path)


@pytest.mark.parametrize("zero_point", [0, -128])
def test_probabilities_start_at_zero(zero_point: int, tmp_path: Path) -> None:
    """The scale and zero point of TF-Lite's SOFTMAX; -128 is int8's."""
    file = TfliteFile()
    x = file.input((1, 4), **QUANTIZED)
    y = file.tensor((1, 4), "uint8" if zero_point == 0 else "int8", 1 / 256, zero_point)
    file.operator("SOFTMAX", [x], y, "Softmax", beta=1.0)
    if zero_point == 0:
        assert importing(file, y, tmp_path).output.scale_and_zero_point() == (1 / 256, 0)
        return
    with pytest.raises(GraphError, match="softmax_0"):
        importing(file, y, tmp_path)


def test_the_padding_value_has_the_type_of_the_map(tmp_path: Path) -> None:
    file = TfliteFile()
    x, y = file.input((1, 4), **QUANTIZED), file.tensor((1, 6), **QUANTIZED)
    value = file.tensor((), "uint8", 0.05, 131, data=np.array(200, np.uint8))
    file.operator("PADV2", [x, file.indices((0, 0), (1, 1)), value], y, "PadV2")
    graph = importing(file, y, tmp_path)
    expected = [[200, 1, 2, 3, 4, 200]]
    np.testing.assert_array_equal(
        reference.run(graph, np.array([[1, 2, 3, 4]], np.uint8)), expected
    )
