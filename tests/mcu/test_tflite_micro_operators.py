"""The same bytes as TF-Lite Micro's interpreter for operators that no MLPerf Tiny file holds."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tflite_micro", reason="no tflite-micro wheel for this platform")

from tflite_draws import Draw

from tinyml_course.errors import GraphError, UnsupportedOperatorError
from tinyml_course.graph import from_tflite

SEEDS = range(6)
SLICES = [
    # begin, end, strides, masks (begin, end, shrink)
    ((0, 1, 2, 0), (1, 4, 6, 3), (1, 1, 1, 1), (0, 0, 0)),
    ((0, 0, 0, 0), (0, 0, 0, 0), (1, 2, 3, 1), (15, 15, 0)),
    ((0, -1, -1, -1), (1, -6, -7, -4), (1, -1, -2, -1), (0, 0, 0)),
    ((0, 9, 1, -9), (1, 0, 99, 99), (1, -2, 2, 1), (0, 2, 0)),
    ((0, -2, 0, 0), (0, 0, 0, 0), (1, 1, 1, 1), (13, 13, 2)),
    ((0, 0, 3, 2), (0, 0, 0, 0), (1, 1, 1, 1), (3, 3, 12)),
    ((0, 3, 0, 0), (0, 0, 0, 0), (1, -1, 1, 1), (13, 15, 0)),
]
RESIZES = [(False, False), (True, False), (False, True)]


@pytest.mark.parametrize("size", [(10, 12), (5, 6), (1, 1), (7, 13), (3, 4), (50, 9)])
@pytest.mark.parametrize(("corners", "half_pixel"), RESIZES)
def test_resizing_to_the_nearest(
    size: tuple[int, int], corners: bool, half_pixel: bool, tmp_path: Path
) -> None:
    draw = Draw(size[0])
    quantized = draw.quantized()
    x = draw.file.input((1, 5, 6, 3), **quantized)
    y = draw.file.tensor((1, *size, 3), **quantized)
    fields = {"alignCorners": corners, "halfPixelCenters": half_pixel}
    inputs = [x, draw.file.indices(*size)]
    draw.file.operator("RESIZE_NEAREST_NEIGHBOR", inputs, y, "ResizeNearestNeighbor", **fields)
    draw.check(tmp_path, y)


@pytest.mark.parametrize(("begin", "end", "strides", "masks"), SLICES)
def test_strided_slices(
    begin: tuple[int, ...],
    end: tuple[int, ...],
    strides: tuple[int, ...],
    masks: tuple[int, ...],
    tmp_path: Path,
) -> None:
    draw = Draw(sum(begin) + 20)
    quantized = draw.quantized()
    source = (1, 5, 6, 3)
    x = draw.file.input(source, **quantized)
    index = tuple(
        begin[i]
        if masks[2] >> i & 1
        else slice(
            None if masks[0] >> i & 1 else begin[i],
            None if masks[1] >> i & 1 else end[i],
            strides[i],
        )
        for i in range(4)
    )
    y = draw.file.tensor(np.zeros(source)[index].shape, **quantized)
    inputs = [x, *(draw.file.indices(*numbers) for numbers in (begin, end, strides))]
    names = ("beginMask", "endMask", "shrinkAxisMask")
    fields = dict(zip(names, masks, strict=True))
    draw.file.operator("STRIDED_SLICE", inputs, y, "StridedSlice", **fields)
    draw.check(tmp_path, y)


@pytest.mark.parametrize(
    ("fields", "begin", "error", "message"),
    [
        ({"ellipsisMask": 1}, (0, 0), UnsupportedOperatorError, "EllipsisMask"),
        ({"newAxisMask": 1}, (0, 0), UnsupportedOperatorError, "NewAxisMask"),
        ({"shrinkAxisMask": 2}, (0, 9), GraphError, "index 9 along axis 1, which has 6"),
        ({}, (0, 6), GraphError, "takes nothing"),
        ({}, (0,), GraphError, r"begin \(0,\)"),
    ],
)
def test_slices_that_do_not_run(
    fields: dict[str, int],
    begin: tuple[int, ...],
    error: type[Exception],
    message: str,
    tmp_path: Path,
) -> None:
    draw = Draw(0)
    x = draw.file.input((1, 6), scale=0.1)
    y = draw.file.tensor((1, 6), scale=0.1)
    inputs = [x, *(draw.file.indices(*n) for n in (begin, (1, 6), (1, 1)))]
    draw.file.operator("STRIDED_SLICE", inputs, y, "StridedSlice", **fields)
    with pytest.raises(error, match=message):
        from_tflite(draw.file.write(tmp_path / "slice.tflite", y))


@pytest.mark.parametrize("seed", range(30))
def test_log_softmax(seed: int, tmp_path: Path) -> None:
    draw = Draw(seed)
    classes = int(draw.rng.choice([1, 2, 12, 300]))
    scale = draw.scale() * float(draw.rng.choice([0.01, 1, 30, 300]))
    x = draw.file.input((1, 3, classes), scale=scale, zero_point=draw.zero_point())
    y = draw.file.tensor((1, 3, classes), scale=1 / 16, zero_point=127)
    draw.file.operator("LOG_SOFTMAX", [x], y, "LogSoftmax")
    draw.check(tmp_path, y, count=12)


@pytest.mark.parametrize("scale", [0.9, 1.0, 15.9, 16.0, 20.0, 1e-6])
def test_log_softmax_of_ties_and_of_scales_at_the_edge(scale: float, tmp_path: Path) -> None:
    draw = Draw(0)
    x = draw.file.input((1, 40, 100), scale=scale)
    y = draw.file.tensor((1, 40, 100), scale=1 / 16, zero_point=127)
    draw.file.operator("LOG_SOFTMAX", [x], y, "LogSoftmax")
    draw.check(tmp_path, y, count=8)


@pytest.mark.parametrize(
    ("axes", "keep_dims", "shape"),
    [((1, 2), False, (1, 8)), ((1, 2), True, (1, 1, 1, 8)), ((-1,), True, (1, 5, 6, 1))],
)
def test_the_largest(
    axes: tuple[int, ...], keep_dims: bool, shape: tuple[int, ...], tmp_path: Path
) -> None:
    draw = Draw(0)
    quantized = draw.quantized()
    x = draw.file.input((1, 5, 6, 8), **quantized)
    y = draw.file.tensor(shape, **quantized)
    inputs = [x, draw.file.indices(*axes)]
    draw.file.operator("REDUCE_MAX", inputs, y, "Reducer", keepDims=keep_dims)
    draw.check(tmp_path, y)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("kind", ["RELU", "HARD_SWISH"])
def test_activations_between_two_scales(kind: str, seed: int, tmp_path: Path) -> None:
    draw = Draw(seed)
    first = draw.quantized()
    x = draw.file.input((1, 4, 100), **first)
    scale = first["scale"] * 10 ** draw.rng.uniform(-1, 1)
    y = draw.file.tensor((1, 4, 100), scale=scale, zero_point=draw.zero_point())
    draw.file.operator(kind, [x], y)
    draw.check(tmp_path, y)


@pytest.mark.parametrize("seed", SEEDS)
def test_relu6_keeps_its_scale(seed: int, tmp_path: Path) -> None:
    draw = Draw(seed)
    quantized = draw.quantized()
    x = draw.file.input((1, 400), **quantized)
    y = draw.file.tensor((1, 400), **quantized)
    draw.check(tmp_path, draw.file.operator("RELU6", [x], y))


def test_hard_swish_does_not_stretch_its_input_by_more_than_128(tmp_path: Path) -> None:
    draw = Draw(0)
    x = draw.file.input((1, 4), scale=0.2)
    y = draw.file.tensor((1, 4), scale=0.001)
    path = draw.file.write(tmp_path / "h.tflite", draw.file.operator("HARD_SWISH", [x], y))
    with pytest.raises(GraphError, match=r"hard_swish_0: scale .* is below a 128th of 0\.2"):
        from_tflite(path)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_linear_layer_of_every_row(seed: int, tmp_path: Path) -> None:
    draw = Draw(seed)
    x = draw.file.input((1, 3, 2, 9), **draw.quantized())
    linear = draw.weighted("FULLY_CONNECTED", "FullyConnected", (7, 9), 0, x, keepNumDims=True)
    draw.check(tmp_path, linear((1, 3, 2, 7)))


@pytest.mark.parametrize("value", [-128, 5, 127])
def test_padding_with_a_value(value: int, tmp_path: Path) -> None:
    draw = Draw(0)
    quantized = draw.quantized()
    x = draw.file.input((1, 3, 4, 2), **quantized)
    y = draw.file.tensor((1, 6, 5, 2), **quantized)
    border = draw.file.tensor((), **quantized, data=np.array(value, np.int8))
    pads = draw.file.indices((0, 0), (1, 2), (1, 0), (0, 0))
    draw.check(tmp_path, draw.file.operator("PADV2", [x, pads, border], y, "PadV2"))
