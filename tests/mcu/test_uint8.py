"""uint8 networks: the bytes of TF-Lite's formulas, or of TF-Lite Micro where a shift proves them.

TF-Lite Micro has dropped uint8. Where an operator rounds alike in both types, its interpreter is
asked about the int8 file that says the same; where not, a formula stands in `uint8_formulas`.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tflite_micro", reason="no tflite-micro wheel for this platform")

import uint8_formulas as formulas
from executors import kernels
from int8_formulas.scalars import multiply_by_quantized_multiplier, quantize_multiplier
from tflite_draws import Draw
from tflite_files import TfliteFile
from tflite_micro_runs import Micro
from uint8_draws import UnsignedDraw, assert_equal_runs, unsigned_twin

from tinyml_course.errors import GraphError
from tinyml_course.graph import dequantize, from_tflite
from tinyml_course.mcu import Emulator, plan, reference

SEEDS = range(6)
PLAIN_WINDOW = {
    "padding": 1,
    "strideH": 1,
    "strideW": 1,
    "dilationHFactor": 1,
    "dilationWFactor": 1,
}


def window(draw: Draw, padding: int) -> tuple[dict[str, Any], tuple[int, int], tuple[int, int]]:
    """Options of a random window over a map of 9 x 8, its kernel and its output's size."""
    kernel, stride = draw.rng.integers(1, 4, 2), draw.rng.integers(1, 4, 2)
    fields = {"padding": padding, "strideH": int(stride[0]), "strideW": int(stride[1])}
    size = np.array((9, 8))
    out = -(-size // stride) if padding == 0 else (size - kernel) // stride + 1
    return fields, (int(kernel[0]), int(kernel[1])), (int(out[0]), int(out[1]))


@pytest.mark.parametrize("padding", [0, 1], ids=["same", "valid"])
@pytest.mark.parametrize("seed", SEEDS)
def test_convolutions(seed: int, padding: int, tmp_path: Path) -> None:
    draw = UnsignedDraw(seed)
    fields, kernel, out = window(draw, padding)
    x = draw.file.input((1, 9, 8, 3), **draw.quantized())
    dilation = {"dilationHFactor": 1, "dilationWFactor": 1}
    conv = draw.weighted("CONV_2D", "Conv2D", (5, *kernel, 3), 0, x, **fields, **dilation)
    draw.check(tmp_path, conv((1, *out, 5)))


@pytest.mark.parametrize("padding", [0, 1], ids=["same", "valid"])
@pytest.mark.parametrize("seed", SEEDS)
def test_depthwise_convolutions_with_two_outputs_per_channel(
    seed: int, padding: int, tmp_path: Path
) -> None:
    draw = UnsignedDraw(seed)
    fields, kernel, out = window(draw, padding)
    fields |= {"dilationHFactor": 1, "dilationWFactor": 1, "depthMultiplier": 2}
    x = draw.file.input((1, 9, 8, 3), **draw.quantized())
    kind, options = "DEPTHWISE_CONV_2D", "DepthwiseConv2D"
    depthwise = draw.weighted(kind, options, (1, *kernel, 6), 3, x, **fields)
    draw.check(tmp_path, depthwise((1, *out, 6)))


@pytest.mark.parametrize("seed", SEEDS)
def test_pointwise_convolutions(seed: int, tmp_path: Path) -> None:
    draw = UnsignedDraw(seed)
    x = draw.file.input((1, 3, 4, 70), **draw.quantized())
    conv = draw.weighted("CONV_2D", "Conv2D", (40, 1, 1, 70), 0, x, **PLAIN_WINDOW)
    draw.check(tmp_path, conv((1, 3, 4, 40)))


@pytest.mark.parametrize("seed", SEEDS)
def test_linear_layers(seed: int, tmp_path: Path) -> None:
    draw = UnsignedDraw(seed)
    x = draw.file.input((1, 3, 2, 10), **draw.quantized())
    linear = draw.weighted("FULLY_CONNECTED", "FullyConnected", (50, 60), 0, x)
    draw.check(tmp_path, linear((1, 50)))


@pytest.mark.parametrize("kind", ["CONV_2D", "MUL", "RELU"])
def test_products_and_quotients_of_scales_are_taken_in_single_precision(
    kind: str, tmp_path: Path
) -> None:
    """The output's scale puts the result next to a half, where the multiplier's last bit shows.

    Multipliers between 1/2 and 1, so that nothing is rounded before.
    """
    differences = 0
    for seed in range(60):
        draw = UnsignedDraw(seed)
        file, value = draw.file, 200
        first = np.float32(draw.scale())
        second = np.float32(1.0 if kind == "RELU" else draw.scale())
        real = float(first) * float(second) * value
        scale = np.float32(real / (draw.rng.integers(value // 2, value) + 0.5))
        x = file.input((1, 1, 1, 1), dtype="uint8", scale=first)
        y = file.tensor((1, 1, 1, 1), "uint8", scale)
        if kind == "RELU":
            file.operator(kind, [x], y)
        else:
            data = np.ones((1, 1, 1, 1), np.uint8)
            operands = [x, file.tensor(data.shape, "uint8", second, data=data)]
            fields: dict[str, Any] = {"fusedActivationFunction": 0}
            if kind == "CONV_2D":
                bias = np.zeros(1, np.int32)
                operands.append(file.tensor((1,), "int32", first * second, data=bias))
                fields |= PLAIN_WINDOW
            file.operator(kind, operands, y, {"MUL": "Mul"}.get(kind, "Conv2D"), **fields)
        graph = from_tflite(file.write(tmp_path / "one.tflite", y))
        image = np.full((1, 1, 1, 1), value, np.uint8)
        expected = formulas.evaluate(file, image)[y].item()
        for output in (reference.run(graph, image), Emulator(graph, plan(graph)).run(image).output):
            assert output.item() == expected
        double = quantize_multiplier(float(first) * float(second) / float(scale))
        differences += multiply_by_quantized_multiplier(value, *double) != expected
    assert differences > 0  # the test sees the last bit


@pytest.mark.parametrize("zero_points", [(0, 0), (0, 255), (255, 0), (255, 255)])
def test_sums_beyond_single_precision_are_exact(
    zero_points: tuple[int, int], tmp_path: Path
) -> None:
    """301 products of 255 x 255: an odd sum above 2**24, where float32 holds the even ones."""
    file, taps, rows = TfliteFile(), 301, 8
    zero_in, zero_weight = zero_points
    x = file.input((1, taps), dtype="uint8", scale=1.0, zero_point=zero_in)
    data = np.full((rows, taps), 255 - zero_weight, np.uint8)
    weight = file.tensor(data.shape, "uint8", 1.0, zero_weight, data=data)
    total = taps * 255 * 255 * (1 if zero_in == zero_weight else -1)
    # The bias takes away the bulk, so that one unit of the sum is one unit of the output.
    integers = np.arange(rows, dtype=np.int32) + 100 - total
    bias = file.tensor((rows,), "int32", 1.0, data=integers)
    y = file.tensor((1, rows), "uint8", 1.0, 0)
    fields = {"fusedActivationFunction": 0}
    file.operator("FULLY_CONNECTED", [x, weight, bias], y, "FullyConnected", **fields)
    graph = from_tflite(file.write(tmp_path / "sums.tflite", y))
    image = np.full((1, taps), 255 - zero_in, np.uint8)
    for output in (reference.run(graph, image), Emulator(graph, plan(graph)).run(image).output):
        np.testing.assert_array_equal(output[0], np.arange(100, 100 + rows))


@pytest.mark.parametrize("kind", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
@pytest.mark.parametrize("padding", [0, 1], ids=["same", "valid"])
@pytest.mark.parametrize("seed", SEEDS)
def test_pools(kind: str, padding: int, seed: int, tmp_path: Path) -> None:
    draw = UnsignedDraw(seed)
    fields, kernel, out = window(draw, padding)
    fields |= {"filterHeight": kernel[0], "filterWidth": kernel[1]}
    quantized = draw.quantized()
    x = draw.file.input((1, 9, 8, 3), **quantized)
    y = draw.file.tensor((1, *out, 3), **quantized)
    activation = int(draw.rng.choice([0, 1, 3]))
    draw.file.operator(kind, [x], y, "Pool2D", fusedActivationFunction=activation, **fields)
    draw.check(tmp_path, y)


def test_halves_of_an_average_go_up_where_those_of_its_int8_twin_go_down(tmp_path: Path) -> None:
    """1 and 2 give 2; the same numbers as -127 and -126 give -127 and not -126."""
    file = TfliteFile()
    quantized = {"scale": 1.0, "zero_point": -128}
    x, y = file.input((1, 1, 2, 1), **quantized), file.tensor((1, 1, 1, 1), **quantized)
    fields = {"filterHeight": 1, "filterWidth": 2, "strideH": 1, "strideW": 1, "padding": 1}
    file.operator("AVERAGE_POOL_2D", [x], y, "Pool2D", fusedActivationFunction=0, **fields)
    signed = from_tflite(file.write(tmp_path / "int8.tflite", y))
    unsigned = from_tflite(unsigned_twin(file).write(tmp_path / "uint8.tflite", y))
    image = np.array([[[[1], [2]]]], np.uint8)
    assert reference.run(unsigned, image).item() == 2
    assert reference.run(signed, (image ^ 0x80).view(np.int8)).item() == -127


@pytest.mark.parametrize("kind", ["ADD", "MUL"])
@pytest.mark.parametrize("shape", [(1, 5, 6, 7), (7,), (1, 1, 1, 7)])
@pytest.mark.parametrize("seed", SEEDS)
def test_sums_and_products_with_a_constant(
    kind: str, shape: tuple[int, ...], seed: int, tmp_path: Path
) -> None:
    draw = UnsignedDraw(seed)
    first, second = draw.quantized(), draw.quantized()
    x = draw.file.input((1, 5, 6, 7), **first)
    constant = draw.file.tensor(shape, **second, data=draw.bytes(shape))
    scales = first["scale"], second["scale"]
    scale = max(scales) if kind == "ADD" else scales[0] * scales[1] * 70
    scale *= draw.rng.uniform(0.5, 2)
    y = draw.file.tensor((1, 5, 6, 7), "uint8", scale, draw.zero_point())
    inputs = [x, constant] if seed % 2 else [constant, x]
    activation = int(draw.rng.choice([0, 1, 3]))
    draw.file.operator(kind, inputs, y, kind.capitalize(), fusedActivationFunction=activation)
    draw.check(tmp_path, y)


@pytest.mark.parametrize("seed", range(20))
def test_relu_to_another_scale(seed: int, tmp_path: Path) -> None:
    draw = UnsignedDraw(seed)
    quantized = draw.quantized()
    x = draw.file.input((1, 400), **quantized)
    scale = quantized["scale"] * draw.rng.uniform(0.2, 4)
    y = draw.file.tensor((1, 400), "uint8", scale, draw.zero_point())
    draw.check(tmp_path, draw.file.operator("RELU", [x], y))


def mobile_network(draw: Draw) -> int:
    """A small MobileNet with one residual block and one join, everything that the old files hold.

    Returns its output: convolution of stride 2, depthwise and pointwise, ADD, CONCATENATION, both
    pools, a linear layer.
    """
    file = draw.file
    same = {**PLAIN_WINDOW, "padding": 0}
    depth = {**same, "depthMultiplier": 1}
    pool = {"padding": 1, "strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2}
    pool["fusedActivationFunction"] = 0

    def conv(source: int, shape: tuple[int, ...], side: int, **changes: Any) -> int:
        fields = {**same, **changes}
        return draw.weighted("CONV_2D", "Conv2D", shape, 0, source, **fields)(
            (1, side, side, shape[0])
        )

    def like(tensor: int, shape: tuple[int, ...]) -> int:
        quantization = file.tensors[tensor].quantization
        scale, zero_point = quantization.scale[0], quantization.zeroPoint[0]
        return file.tensor(shape, draw.dtype, scale, zero_point)

    x = file.input((1, 13, 13, 3), dtype=draw.dtype, scale=1 / 128, zero_point=draw.zero_point())
    stem = conv(x, (8, 3, 3, 3), 7, strideH=2, strideW=2)
    spread = draw.weighted("DEPTHWISE_CONV_2D", "DepthwiseConv2D", (1, 3, 3, 8), 3, stem, **depth)
    mixed = conv(spread((1, 7, 7, 8)), (8, 1, 1, 8), 7)
    scale = max(file.tensors[t].quantization.scale[0] for t in (stem, mixed))
    total = file.tensor((1, 7, 7, 8), draw.dtype, 1.5 * scale, draw.zero_point())
    file.operator("ADD", [stem, mixed], total, "Add", fusedActivationFunction=0)
    largest, average = (like(total, (1, 3, 3, 8)) for _ in range(2))
    file.operator("MAX_POOL_2D", [total], largest, "Pool2D", **pool)
    file.operator("AVERAGE_POOL_2D", [total], average, "Pool2D", **pool)
    joined = like(total, (1, 3, 3, 16))
    fields = {"axis": 3, "fusedActivationFunction": 0}
    file.operator("CONCATENATION", [largest, average], joined, "Concatenation", **fields)
    flat = like(total, (1, 144))
    file.operator("RESHAPE", [joined, file.indices(1, 144)], flat)
    return draw.weighted("FULLY_CONNECTED", "FullyConnected", (10, 144), 0, flat)((1, 10))


@pytest.mark.parametrize("seed", range(8))
def test_a_whole_network_under_every_policy(seed: int, tmp_path: Path) -> None:
    draw = UnsignedDraw(seed)
    draw.check(tmp_path, mobile_network(draw), count=2)


@pytest.mark.parametrize("seed", range(3))
def test_every_activation_of_a_whole_network(seed: int, tmp_path: Path) -> None:
    """The last bytes saturate now and then; what led to them must be equal too."""
    draw = UnsignedDraw(seed)
    graph = from_tflite(draw.file.write(tmp_path / "net.tflite", mobile_network(draw)))
    image = draw.bytes(graph.input.shape)
    expected, values = formulas.evaluate(draw.file, image), reference.run_all(graph, image)
    for record, operator, kernel in zip(
        draw.file.operators, graph.operators, kernels(graph), strict=True
    ):
        sources = [values[t.name] for t in graph.activations_of(operator)]
        for output in (values[operator.name], kernel.run(sources)):
            np.testing.assert_array_equal(output, expected[record.outputs[0]], operator.name)


def test_a_network_uses_the_sram_and_flash_of_its_int8_twin(tmp_path: Path) -> None:
    draw = Draw(1)
    output = mobile_network(draw)
    signed = from_tflite(draw.file.write(tmp_path / "int8.tflite", output))
    draw = UnsignedDraw(1)
    unsigned = from_tflite(draw.file.write(tmp_path / "uint8.tflite", mobile_network(draw)))
    assert {t.dtype for t in unsigned.activations()} == {"uint8"}
    plans = plan(signed), plan(unsigned)
    assert plans[0].peak_bytes == plans[1].peak_bytes
    assert plans[0].flash.size_bytes == plans[1].flash.size_bytes
    run = Emulator(unsigned, plans[1]).run(np.zeros(unsigned.input.shape, np.uint8))
    assert run.peak_bytes == plans[1].peak_bytes


def test_a_network_takes_bytes_or_real_numbers_and_gives_bytes_and_reals(tmp_path: Path) -> None:
    draw = UnsignedDraw(2)
    graph = from_tflite(draw.file.write(tmp_path / "net.tflite", mobile_network(draw)))
    emulator, image = Emulator(graph, plan(graph)), draw.bytes(graph.input.shape)
    assert graph.input.quantization is not None
    assert graph.output.quantization is not None
    run = emulator.run(image)
    real = dequantize(image, graph.input.quantization)
    np.testing.assert_array_equal(emulator.run(real).output, run.output)
    np.testing.assert_array_equal(run.values, dequantize(run.output, graph.output.quantization))
    with pytest.raises(GraphError, match="takes uint8 or float images, got int8"):
        emulator.run(image.view(np.int8))


class TwinDraw(Draw):
    """An int8 file; its uint8 twin must give the bytes that TF-Lite Micro gives for it."""

    def check(self, folder: Path, *outputs: int, count: int = 6) -> None:
        micro = Micro(self.file.write(folder / "int8.tflite", *outputs))
        twin = unsigned_twin(self.file).write(folder / "uint8.tflite", *outputs)

        def run(x: np.ndarray) -> np.ndarray:
            output = micro.run((x ^ 0x80).view(np.int8))
            return output.view(np.uint8) ^ 0x80

        assert_equal_runs(from_tflite(twin), run, count)


@pytest.mark.parametrize("seed", range(20))
def test_softmax_as_its_int8_twin(seed: int, tmp_path: Path) -> None:
    draw = TwinDraw(seed)
    draw.check(tmp_path, draw.softmax())


@pytest.mark.parametrize("seed", range(12))
def test_hard_swish_as_its_int8_twin(seed: int, tmp_path: Path) -> None:
    draw = TwinDraw(seed)
    quantized = draw.quantized()
    x = draw.file.input((1, 400), **quantized)
    scale = quantized["scale"] * draw.rng.uniform(0.05, 4)
    y = draw.file.tensor((1, 400), scale=scale, zero_point=draw.zero_point())
    draw.check(tmp_path, draw.file.operator("HARD_SWISH", [x], y))


@pytest.mark.parametrize("kind", ["MEAN", "REDUCE_MAX"])
@pytest.mark.parametrize(
    ("axes", "shape"), [((1, 2), (1, 8)), ((2,), (1, 5, 8)), ((3,), (1, 5, 6))]
)
@pytest.mark.parametrize("seed", SEEDS)
def test_reductions_as_their_int8_twins(
    kind: str, axes: tuple[int, ...], shape: tuple[int, ...], seed: int, tmp_path: Path
) -> None:
    draw = TwinDraw(seed)
    quantized = draw.quantized()
    x = draw.file.input((1, 5, 6, 8), **quantized)
    if kind == "MEAN" and seed % 2:
        scale = quantized["scale"] * draw.rng.uniform(0.1, 3)
        quantized = {"scale": scale, "zero_point": draw.zero_point()}
    y = draw.file.tensor(shape, **quantized)
    draw.file.operator(kind, [x, draw.file.indices(*axes)], y, "Reducer", keepDims=False)
    draw.check(tmp_path, y)


@pytest.mark.parametrize("seed", SEEDS)
def test_add_as_its_int8_twin(seed: int, tmp_path: Path) -> None:
    draw = TwinDraw(seed)
    first, second = draw.quantized(), draw.quantized()
    x = draw.file.input((1, 5, 6, 7), **first)
    constant = draw.file.tensor((7,), **second, data=draw.bytes((7,), -128))
    scale = max(first["scale"], second["scale"]) * draw.rng.uniform(0.5, 2)
    y = draw.file.tensor((1, 5, 6, 7), scale=scale, zero_point=draw.zero_point())
    activation = int(draw.rng.choice([0, 1, 3]))
    draw.file.operator("ADD", [x, constant], y, "Add", fusedActivationFunction=activation)
    draw.check(tmp_path, y)


@pytest.mark.parametrize("seed", SEEDS)
def test_quantize_to_another_scale_as_its_int8_twin(seed: int, tmp_path: Path) -> None:
    draw = TwinDraw(seed)
    quantized = draw.quantized()
    x = draw.file.input((1, 4, 100), **quantized)
    scale = quantized["scale"] * draw.rng.uniform(0.2, 4)
    y = draw.file.tensor((1, 4, 100), scale=scale, zero_point=draw.zero_point())
    draw.check(tmp_path, draw.file.operator("QUANTIZE", [x], y))


@pytest.mark.parametrize("seed", SEEDS)
def test_what_only_moves_as_its_int8_twin(seed: int, tmp_path: Path) -> None:
    """RELU6, PAD, TRANSPOSE, RESIZE_NEAREST_NEIGHBOR, STRIDED_SLICE, one behind the other."""
    draw = TwinDraw(seed)
    file, quantized = draw.file, draw.quantized()
    pads = draw.rng.integers(0, 3, (4, 2))
    pads[0] = 0
    x = file.input((1, 3, 4, 5), **quantized)
    clamped = file.tensor((1, 3, 4, 5), **quantized)
    file.operator("RELU6", [x], clamped)
    shape = tuple(int(n) for n in np.array((1, 3, 4, 5)) + pads.sum(axis=1))
    padded = file.tensor(shape, **quantized)
    file.operator("PAD", [clamped, file.indices(*pads)], padded, "Pad")
    order = [0, *(1 + draw.rng.permutation(3))]
    shape = tuple(shape[i] for i in order)
    turned = file.tensor(shape, **quantized)
    file.operator("TRANSPOSE", [padded, file.indices(*order)], turned, "Transpose")
    large = (1, 2 * shape[1], shape[2] + 3, shape[3])
    resized = file.tensor(large, **quantized)
    inputs = [turned, file.indices(*large[1:3])]
    file.operator("RESIZE_NEAREST_NEIGHBOR", inputs, resized, "ResizeNearestNeighbor")
    cut = file.tensor((1, large[1] - 1, (large[2] + 1) // 2, large[3]), **quantized)
    bounds = [file.indices(0, 1, 0, 0), file.indices(*large), file.indices(1, 1, 2, 1)]
    file.operator("STRIDED_SLICE", [resized, *bounds], cut, "StridedSlice")
    draw.check(tmp_path, cut)


@pytest.mark.parametrize(("source", "target"), [("float32", "uint8"), ("uint8", "float32")])
def test_real_numbers_become_bytes_and_come_back(source: str, target: str, tmp_path: Path) -> None:
    """Every byte is exact, and what lies beyond the range saturates."""
    file = TfliteFile()
    quantized = {"dtype": "uint8", "scale": 0.25, "zero_point": 100}
    ends = [quantized if kind == "uint8" else {"dtype": kind} for kind in (source, target)]
    x, y = file.input((1, 258), **ends[0]), file.tensor((1, 258), **ends[1])
    file.operator("QUANTIZE" if target == "uint8" else "DEQUANTIZE", [x], y)
    graph = from_tflite(file.write(tmp_path / "ends.tflite", y))
    integers = np.array([[0, *range(256), 255]], np.uint8)
    reals = (integers.astype(np.float32) - 100) / 4
    image, expected = (integers, reals) if source == "uint8" else (reals, integers)
    if source == "float32":
        image[0, [0, -1]] = -1e6, 1e6
    for output in (reference.run(graph, image), Emulator(graph, plan(graph)).run(image).output):
        np.testing.assert_array_equal(output, expected)
