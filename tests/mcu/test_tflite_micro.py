"""The same bytes as TF-Lite Micro's interpreter, from real files and for every operator alone."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tflite_micro", reason="no tflite-micro wheel for this platform")

from executors import kernels
from tflite_draws import Draw
from tflite_files import TfliteFile
from tflite_micro_runs import MODELS, Micro, assert_same_bytes, images, models_folder

from tinyml_course.errors import GraphError
from tinyml_course.graph import count_macs, from_tflite
from tinyml_course.graph.tflite_importer.read import read_model
from tinyml_course.mcu import POLICIES, Emulator, plan, reference

SEEDS = range(6)
OPERANDS = {"same": (1, 5, 6, 7), "channel": (7,), "row": (1, 1, 6, 1), "element": (1, 1, 1, 1)}
MEANS = [
    ((1, 2), False, (1, 8)),
    ((1, 2), True, (1, 1, 1, 8)),
    ((2,), False, (1, 5, 8)),
    ((-1,), True, (1, 5, 6, 1)),
    ((3, 2, 1), False, (1,)),
    ((1, 3), True, (1, 1, 6, 1)),
]


@pytest.mark.parametrize("name", MODELS)
def test_fifty_random_inputs_and_the_extremes_of_a_real_file(name: str) -> None:
    path = models_folder() / f"{name}.tflite"
    if not path.is_file():
        pytest.skip(f"no {path}; set TINYML_TEST_MODELS to a folder with the public files")
    graph = assert_same_bytes(path, 50)
    assert count_macs(graph) > 0


@pytest.mark.parametrize("name", MODELS)
def test_every_activation_in_the_middle_of_a_real_file(name: str) -> None:
    """A classifier's last bytes often saturate; what led to them must be equal too."""
    path = models_folder() / f"{name}.tflite"
    if not path.is_file():
        pytest.skip(f"no {path}; set TINYML_TEST_MODELS to a folder with the public files")
    graph, micro, records = (
        from_tflite(path),
        Micro(path, keep_all=True),
        read_model(path).operators,
    )
    for x in images(graph, 2):
        micro.run(x)
        values = reference.run_all(graph, x)
        for record, operator, kernel in zip(records, graph.operators, kernels(graph), strict=True):
            expected = micro.tensor(record.outputs[0])
            sources = [values[t.name] for t in graph.activations_of(operator)]
            np.testing.assert_array_equal(values[operator.name], expected, err_msg=operator.name)
            np.testing.assert_array_equal(kernel.run(sources), expected, err_msg=operator.name)


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_lays_out_every_real_file(policy: str) -> None:
    paths = [models_folder() / f"{name}.tflite" for name in MODELS]
    if not all(path.is_file() for path in paths):
        pytest.skip(f"not all of {', '.join(MODELS)} are in {models_folder()}")
    for path in paths:
        graph = from_tflite(path)
        x = np.zeros(graph.input.shape, graph.input.dtype)
        run = Emulator(graph, plan(graph, policy=policy)).run(x)
        np.testing.assert_array_equal(run.output, reference.run(graph, x))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("padding", [0, 1], ids=["same", "valid"])
def test_convolutions(seed: int, padding: int, tmp_path: Path) -> None:
    draw = Draw(seed)
    kernel, stride = draw.rng.integers(1, 4, 2), draw.rng.integers(1, 4, 2)
    fields = {"padding": padding, "strideH": int(stride[0]), "strideW": int(stride[1])}
    fields |= {"dilationHFactor": 1, "dilationWFactor": 1}
    size = np.array((9, 8))
    out = tuple(-(-size // stride) if padding == 0 else (size - kernel) // stride + 1)
    x = draw.file.input((1, 9, 8, 3), **draw.quantized())
    shape = (5, int(kernel[0]), int(kernel[1]), 3)
    conv = draw.weighted("CONV_2D", "Conv2D", shape, 0, x, **fields)
    conv = conv((1, int(out[0]), int(out[1]), 5))
    draw.check(tmp_path, conv)

    draw = Draw(seed)
    x = draw.file.input((1, 9, 8, 3), **draw.quantized())
    shape = (1, int(kernel[0]), int(kernel[1]), 6)  # depth multiplier 2
    fields["depthMultiplier"] = 2
    depthwise = draw.weighted("DEPTHWISE_CONV_2D", "DepthwiseConv2D", shape, 3, x, **fields)
    draw.check(tmp_path, depthwise((1, int(out[0]), int(out[1]), 6)))


@pytest.mark.parametrize("channels", [1, 20_000])
def test_the_last_bit_of_a_linear_layers_multipliers(channels: int, tmp_path: Path) -> None:
    """Every input to many outputs; one scale is multiplied in float32, several in double."""
    draw = Draw(channels)
    scales = draw.rng.uniform(0.01, 0.02, channels).astype(np.float32)
    scale_in, rows = np.float32(0.0137), 20_000
    x = draw.file.input((1, 1), scale=scale_in, zero_point=-128)
    weight = draw.file.tensor((rows, 1), scale=scales, data=draw.bytes((rows, 1)))
    integers = draw.rng.integers(-30_000, 30_000, rows).astype(np.int32)
    bias = draw.file.tensor((rows,), "int32", scale_in * scales, data=integers)
    y = draw.file.tensor((1, rows), scale=float(scale_in * scales.max() * 400))
    draw.file.operator("FULLY_CONNECTED", [x, weight, bias], y, "FullyConnected")
    draw.check(tmp_path, y, count=200)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_linear_layer_of_a_map_without_bias(seed: int, tmp_path: Path) -> None:
    draw = Draw(seed)
    x = draw.file.input((1, 3, 2, 4), **draw.quantized())
    weight = draw.file.tensor((7, 24), scale=draw.scale(), data=draw.bytes((7, 24)))
    y = draw.file.tensor((1, 7), scale=1.7, zero_point=3)
    draw.file.operator("FULLY_CONNECTED", [x, weight, -1], y, "FullyConnected")
    draw.check(tmp_path, y)


@pytest.mark.parametrize("kind", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
@pytest.mark.parametrize("seed", SEEDS)
def test_pools(kind: str, seed: int, tmp_path: Path) -> None:
    draw = Draw(seed)
    quantized = draw.quantized()
    x = draw.file.input((1, 7, 6, 5), **quantized)
    y = draw.file.tensor((1, 4, 2, 5), **quantized)
    size = {"filterHeight": 3, "filterWidth": 4, "strideH": 2, "strideW": 3, "padding": 0}
    activation = int(draw.rng.choice([0, 1, 3]))
    draw.file.operator(kind, [x], y, "Pool2D", fusedActivationFunction=activation, **size)
    draw.check(tmp_path, y)


@pytest.mark.parametrize("kind", ["ADD", "MUL"])
@pytest.mark.parametrize("operand", OPERANDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_sums_and_products_with_a_constant(
    kind: str, operand: str, seed: int, tmp_path: Path
) -> None:
    draw = Draw(seed)
    first, second = draw.quantized(), draw.quantized()
    x = draw.file.input((1, 5, 6, 7), **first)
    shape = OPERANDS[operand]
    constant = draw.file.tensor(shape, **second, data=draw.bytes(shape, -128))
    scales = first["scale"], second["scale"]
    scale = (max(scales) if kind == "ADD" else scales[0] * scales[1] * 70) * draw.rng.uniform(
        0.5, 2
    )
    y = draw.file.tensor((1, 5, 6, 7), scale=scale, zero_point=draw.zero_point())
    inputs = [x, constant] if seed % 2 else [constant, x]
    activation = int(draw.rng.choice([0, 1, 3]))
    options = kind.capitalize()
    draw.file.operator(kind, inputs, y, options, fusedActivationFunction=activation)
    draw.check(tmp_path, y)


@pytest.mark.parametrize("kind", ["ADD", "MUL"])
def test_sum_and_product_of_a_map_and_its_average(kind: str, tmp_path: Path) -> None:
    draw = Draw(0)
    x = draw.file.input((1, 5, 6, 8), scale=0.03, zero_point=-20)
    gate = draw.file.tensor((1, 1, 1, 8), scale=0.01, zero_point=4)
    draw.file.operator("MEAN", [x, draw.file.indices(1, 2)], gate, "Reducer", keepDims=True)
    y = draw.file.tensor((1, 5, 6, 8), scale=0.04, zero_point=-3)
    draw.file.operator(kind, [x, gate], y, kind.capitalize())
    draw.check(tmp_path, y)


@pytest.mark.parametrize(("axes", "keep_dims", "shape"), MEANS)
@pytest.mark.parametrize("rescaled", [False, True])
def test_means(
    axes: tuple[int, ...], keep_dims: bool, shape: tuple[int, ...], rescaled: bool, tmp_path: Path
) -> None:
    for seed in SEEDS:
        draw = Draw(seed)
        quantized = draw.quantized()
        x = draw.file.input((1, 5, 6, 8), **quantized)
        if rescaled:
            factor = draw.rng.uniform(0.1, 3)
            quantized = {"scale": quantized["scale"] * factor, "zero_point": draw.zero_point()}
        y = draw.file.tensor(shape, **quantized)
        draw.file.operator("MEAN", [x, draw.file.indices(*axes)], y, "Reducer", keepDims=keep_dims)
        draw.check(tmp_path, y)


@pytest.mark.parametrize("seed", range(20))
def test_softmax(seed: int, tmp_path: Path) -> None:
    draw = Draw(seed)
    draw.check(tmp_path, draw.softmax())


@pytest.mark.parametrize("seed", range(20))
def test_logistic(seed: int, tmp_path: Path) -> None:
    draw = Draw(seed)
    x = draw.file.input((1, 400), **draw.quantized())
    y = draw.file.tensor((1, 400), scale=1 / 256, zero_point=-128)
    draw.check(tmp_path, draw.file.operator("LOGISTIC", [x], y))


@pytest.mark.parametrize(
    ("source", "target"),
    [("float32", "int8"), ("int8", "int8"), ("uint8", "int8"), ("int8", "uint8")],
)
@pytest.mark.parametrize("seed", SEEDS)
def test_quantize(source: str, target: str, seed: int, tmp_path: Path) -> None:
    draw = Draw(seed)
    quantized = {"dtype": "float32"} if source == "float32" else draw.quantized(source)
    x = draw.file.input((1, 4, 100), **quantized)
    scale = quantized.get("scale", 1.0) * draw.rng.uniform(0.2, 4)
    y = draw.file.tensor((1, 4, 100), target, scale, draw.zero_point(target))
    draw.check(tmp_path, draw.file.operator("QUANTIZE", [x], y))


@pytest.mark.parametrize("source", ["int8", "uint8"])
@pytest.mark.parametrize("seed", SEEDS)
def test_dequantize(source: str, seed: int, tmp_path: Path) -> None:
    draw = Draw(seed)
    x = draw.file.input((1, 300), **draw.quantized(source))
    y = draw.file.tensor((1, 300), "float32")
    draw.check(tmp_path, draw.file.operator("DEQUANTIZE", [x], y))


@pytest.mark.parametrize("seed", SEEDS)
def test_what_only_moves(seed: int, tmp_path: Path) -> None:
    """PAD, TRANSPOSE, CONCATENATION with itself, RESHAPE, one behind the other."""
    draw = Draw(seed)
    quantized = draw.quantized()
    pads = draw.rng.integers(0, 3, (4, 2))
    pads[0] = 0
    x = draw.file.input((1, 3, 4, 5), **quantized)
    shape = tuple(int(n) for n in np.array((1, 3, 4, 5)) + pads.sum(axis=1))
    padded = draw.file.tensor(shape, **quantized)
    draw.file.operator("PAD", [x, draw.file.indices(*pads)], padded, "Pad")
    order = [0, *(1 + draw.rng.permutation(3))]
    turned = draw.file.tensor(tuple(shape[i] for i in order), **quantized)
    draw.file.operator("TRANSPOSE", [padded, draw.file.indices(*order)], turned, "Transpose")
    axis = int(draw.rng.integers(1, 4))
    wide = [shape[i] for i in order]
    wide[axis] *= 2
    joined = draw.file.tensor(tuple(wide), **quantized)
    fields = {"axis": axis - 4 if seed % 2 else axis, "fusedActivationFunction": 0}
    draw.file.operator("CONCATENATION", [turned, turned], joined, "Concatenation", **fields)
    flat = draw.file.tensor((1, int(np.prod(wide))), **quantized)
    draw.file.operator("RESHAPE", [joined, draw.file.indices(1, -1)], flat)
    draw.check(tmp_path, flat)


@pytest.mark.parametrize("kind", ["SQUEEZE", "EXPAND_DIMS"])
def test_axes_of_length_one_come_and_go(kind: str, tmp_path: Path) -> None:
    draw = Draw(0)
    quantized = draw.quantized()
    x = draw.file.input((1, 1, 6), **quantized)
    y = draw.file.tensor((1, 6) if kind == "SQUEEZE" else (1, 1, 1, 6), **quantized)
    if kind == "SQUEEZE":
        draw.file.operator(kind, [x], y, "Squeeze", squeezeDims=[1])
    else:
        draw.file.operator(kind, [x, draw.file.indices(1)], y, "ExpandDims")
    draw.check(tmp_path, y)


def test_a_graph_of_another_input_type_takes_that_type_or_real_numbers(tmp_path: Path) -> None:
    file = TfliteFile()
    x = file.input((1, 2, 3), dtype="uint8", scale=0.5, zero_point=200)
    y = file.tensor((1, 2, 3), scale=0.5, zero_point=72)
    graph = from_tflite(file.write(tmp_path / "bytes.tflite", file.operator("QUANTIZE", [x], y)))
    emulator = Emulator(graph, plan(graph))
    real = np.array([[[0.0, 0.5, -1.0], [27.5, -100.0, 1e9]]])
    integers = np.array([[[200, 201, 198], [255, 0, 255]]], np.uint8)
    np.testing.assert_array_equal(emulator.run(real).output, emulator.run(integers).output)
    with pytest.raises(GraphError, match="takes uint8 or float images, got int8"):
        emulator.run(integers.astype(np.int8))


def test_not_a_number_does_not_enter_a_float_graph(tmp_path: Path) -> None:
    file = TfliteFile()
    x = file.input((1, 2), dtype="float32")
    y = file.tensor((1, 2), scale=0.5)
    graph = from_tflite(file.write(tmp_path / "real.tflite", file.operator("QUANTIZE", [x], y)))
    for run in (Emulator(graph, plan(graph)).run, lambda image: reference.run(graph, image)):
        with pytest.raises(GraphError, match="holds NaN"):
            run(np.array([[0.0, np.nan]]))
