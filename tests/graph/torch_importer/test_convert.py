"""`from_torch`: the integers follow from the floats by rule, and the network still works."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tinyml_course.errors import CalibrationError, GraphError, UnknownNameError
from tinyml_course.graph import Graph, dequantize, from_torch
from tinyml_course.graph.operators import DepthwiseConv2D
from tinyml_course.graph.quantization import range_to_quantization
from tinyml_course.graph.torch_importer.calibration import CALIBRATIONS
from tinyml_course.mcu import Emulator, plan, reference
from tinyml_course.models import compact
from tinyml_course.models.torch_network import build


def channels_last(x: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(x.permute(0, 2, 3, 1).numpy())


def float_outputs(module: nn.Module, x: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        y = module(x)
    return channels_last(y) if y.ndim == 4 else y.numpy()


def int8_outputs(graph: Graph, x: torch.Tensor) -> np.ndarray:
    images = channels_last(x)
    outputs = [reference.run(graph, image) for image in images]
    return np.concatenate([dequantize(o, graph.output.quantization) for o in outputs])


def snr_db(module: nn.Module, graph: Graph, x: torch.Tensor) -> float:
    """Power of the float output over power of the error, in decibel."""
    expected = float_outputs(module, x).astype(np.float64)
    error = expected - int8_outputs(graph, x)
    return float(10 * np.log10((expected**2).sum() / (error**2).sum()))


def with_statistics(module: nn.Module) -> nn.Module:
    """In eval mode, with batch norms that do something."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 1.5)
            part.weight.data.uniform_(0.5, 1.5)
            part.bias.data.normal_(0, 0.2)
    return module.eval()


LAYERS: dict[str, nn.Module] = {
    "conv": nn.Conv2d(3, 5, 3, 2, 1),
    "depthwise": nn.Conv2d(3, 6, 3, 1, 1, groups=3),
    "linear": nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 7)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_error_of_one_layer_is_within_its_three_roundings(name: str) -> None:
    """Input, weights and output are each off by at most half a step, the bias by half a product."""
    torch.manual_seed(0)
    module = LAYERS[name].eval()
    x = torch.randn(6, 3, 8, 8)
    graph = from_torch(module, x)
    scale_in = float(graph.input.scale_and_zero_point()[0])
    scale_out = float(graph.output.scale_and_zero_point()[0])
    (operator,) = [o for o in graph.operators if len(o.inputs) == 3]
    weight, _ = graph.inputs_of(operator)[1:]
    axis = 3 if isinstance(operator, DepthwiseConv2D) else 0
    scale_w = weight.quantization.scale.astype(np.float64)
    real = np.moveaxis(dequantize(weight.values(), weight.quantization), axis, 0)
    taps = real[0].size
    largest = float(x.abs().max()) + scale_in  # of an input, after its own rounding
    bound = (
        np.abs(real.reshape(len(real), -1)).sum(1) * scale_in / 2
        + taps * largest * scale_w / 2
        + scale_in * scale_w / 2
        # The zero points of input and output are rounded too, so one end of a range may saturate
        # by half a step; the fixed-point product adds two roundings, at most one step.
        + np.abs(real.reshape(len(real), -1)).sum(1) * scale_in / 2
        + 2 * scale_out
    )
    error = np.abs(int8_outputs(graph, x) - float_outputs(module, x))
    assert (error <= bound).all()


def test_the_constants_follow_by_rule() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU()).eval()
    x = torch.randn(4, 3, 8, 8)
    graph = from_torch(module, x)
    assert graph.input.quantization.same_as(range_to_quantization(float(x.min()), float(x.max())))
    output = module(x).detach()
    assert graph.output.quantization.same_as(range_to_quantization(0.0, float(output.max())))
    (operator,) = graph.operators
    weight, bias = graph.inputs_of(operator)[1:]
    floats = module[0].weight.detach().numpy().transpose(0, 2, 3, 1).astype(np.float64)
    scale = weight.quantization.scale
    for c in range(5):
        assert scale[c] == np.float32(np.abs(floats[c]).max() / 127)
        assert np.array_equal(weight.values()[c], np.rint(floats[c] / np.float64(scale[c])))
        assert np.abs(weight.values()[c]).max() == 127
        step = np.float64(graph.input.scale_and_zero_point()[0]) * np.float64(scale[c])
        assert bias.values()[c] == np.rint(np.float64(module[0].bias[c].item()) / step)
    assert weight.quantization.axis == 0
    assert operator.activation == "RELU"


@pytest.mark.parametrize("seed", [0, 1])
def test_a_network_keeps_its_answers(seed: int) -> None:
    torch.manual_seed(seed)
    module = with_statistics(build(compact(16, 3, 10), seed))
    x = torch.rand(48, 3, 16, 16)
    graph = from_torch(module, x)
    # Eight bits give at most about 48 dB; fifteen layers of rounding left 40.5 to 43.4 dB over six
    # seeds, a single wrong axis or zero point leaves less than 10.
    assert snr_db(module, graph, x) > 35
    same = float_outputs(module, x).argmax(1) == int8_outputs(graph, x).argmax(1)
    assert same.mean() >= 0.9  # 1.0 over six seeds; the classes of random weights are near ties
    image = channels_last(x)[0]
    emulated = Emulator(graph, plan(graph)).run(image).output
    assert np.array_equal(emulated, reference.run(graph, image))


def test_other_images_than_the_calibration_images_work_too() -> None:
    torch.manual_seed(0)
    module = with_statistics(build(compact(16, 3, 10), 0))
    graph = from_torch(module, torch.rand(48, 3, 16, 16))
    # Some values lie outside of the ranges seen; 40.8 to 43.8 dB over six seeds.
    assert snr_db(module, graph, torch.rand(48, 3, 16, 16)) > 35


def test_relu_after_a_sum() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 3, 3, 1, 1), nn.Conv2d(3, 3, 3, 1, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = torch.relu(self.a(x))
            return torch.relu(x + self.b(x))

    torch.manual_seed(0)
    module, x = Block().eval(), torch.randn(16, 3, 8, 8)
    graph = from_torch(module, x)
    assert [(o.kind, o.activation) for o in graph.operators] == [
        ("CONV_2D", "RELU"),
        ("CONV_2D", "NONE"),
        ("ADD", "RELU"),
    ]
    assert snr_db(module, graph, x) > 34  # 37.7 to 39.2 dB over six seeds


@pytest.mark.parametrize("bias", [0.0, 0.37, -2.9])
def test_a_channel_whose_weights_have_vanished_keeps_its_bias(bias: float) -> None:
    module = nn.Conv2d(3, 2, 3).eval()
    module.weight.data[1] = 0
    module.bias.data[1] = bias
    x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    graph = from_torch(module, x)
    half_a_step = float(graph.output.scale_and_zero_point()[0]) / 2
    got = int8_outputs(graph, x)[..., 1]
    # Half a step of the output, and what the 2**-30 of the bias loses.
    assert np.abs(got - bias).max() <= half_a_step * (1 + 1e-5)


def test_pools_keep_scale_and_zero_point() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.AvgPool2d(3)).eval()
    x = torch.randn(4, 3, 8, 8)
    graph = from_torch(module, x)
    conv, *pools = (graph.output_of(o).quantization for o in graph.operators)
    assert all(conv.same_as(q) for q in pools)


def test_the_graph_takes_one_image_channels_last() -> None:
    graph = from_torch(nn.Conv2d(3, 4, 3).eval(), torch.randn(5, 3, 6, 8))
    assert graph.input.shape == (1, 6, 8, 3)
    assert graph.output.shape == (1, 4, 6, 4)


def test_the_name_is_the_class_unless_it_is_given() -> None:
    module, x = nn.Conv2d(3, 4, 3).eval(), torch.randn(1, 3, 6, 8)
    assert from_torch(module, x).name == "Conv2d"
    assert from_torch(module, x, name="mine").name == "mine"


@pytest.mark.parametrize("method", CALIBRATIONS)
def test_every_calibration_method_converts(method: str) -> None:
    torch.manual_seed(0)
    module, x = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()).eval(), torch.randn(16, 3, 8, 8)
    # Narrower ranges than min and max saturate the tails of normal data on purpose: 33.6 to 41 dB
    # over the methods and six seeds.
    assert snr_db(module, from_torch(module, x, method=method), x) > 28


def test_an_unknown_method_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'minmax'") as caught:
        from_torch(nn.Conv2d(3, 4, 3).eval(), torch.randn(1, 3, 8, 8), method="minimax")
    for method in CALIBRATIONS:
        assert method in str(caught.value)


def _with(value: float, image: int) -> torch.Tensor:
    x = torch.zeros(6, 3, 8, 8)
    x[image, 1, 2, 3] = value
    return x


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (_with(float("nan"), 3), "calibration image 3 holds NaN or infinity"),
        (_with(float("inf"), 5), "calibration image 5 holds NaN or infinity"),
        (torch.zeros(3, 8, 8), r"must be \(N, C, H, W\) with N >= 1, got \(3, 8, 8\)"),
        (torch.zeros(0, 3, 8, 8), "N >= 1"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), "must be float.*uint8"),
    ],
)
def test_calibration_images_are_checked(x: torch.Tensor, message: str) -> None:
    with pytest.raises(CalibrationError, match=message):
        from_torch(nn.Conv2d(3, 4, 3).eval(), x)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_layer_that_gives_no_number_is_named(value: float) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)).eval()
    module[1].bias.data[2] = value
    with pytest.raises((CalibrationError, GraphError), match="conv2d_1 gives NaN or infinity"):
        from_torch(module, torch.zeros(1, 3, 8, 8))


def test_constant_images_give_a_lawful_graph() -> None:
    """A range without extent, as a black calibration image has."""
    graph = from_torch(nn.Conv2d(3, 4, 3, bias=False).eval(), torch.zeros(2, 3, 8, 8))
    assert not int8_outputs(graph, torch.zeros(1, 3, 8, 8)).any()


def test_a_module_that_does_nothing_is_refused() -> None:
    with pytest.raises(GraphError, match="returns its input unchanged"):
        from_torch(nn.Identity().eval(), torch.zeros(1, 3, 8, 8))


def test_calibration_images_are_not_changed() -> None:
    class InPlace(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, 1, 1)

        def forward(self, x: torch.Tensor) -> Any:
            y = self.conv(x)
            y += x
            return torch.relu_(y)

    x = torch.randn(2, 3, 8, 8)
    before = x.clone()
    from_torch(InPlace().eval(), x)
    assert torch.equal(x, before)


def test_weights_of_fewer_bits() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)).eval()
    x = torch.randn(8, 2, 8, 8)

    def limits(graph: Graph) -> list[int]:
        weights = [graph.tensors[o.inputs[1]] for o in graph.operators if len(o.inputs) == 3]
        return [int(np.abs(weight.values().astype(int)).max()) for weight in weights]

    assert limits(from_torch(module, x)) == [127, 127]
    assert limits(from_torch(module, x, weight_bits=4)) == [7 << 4, 7 << 4]
    mixed = from_torch(module, x, weight_bits={"3": 2})
    assert limits(mixed) == [127, 1 << 6]
    snr = [snr_db(module, from_torch(module, x, weight_bits=bits), x) for bits in (2, 4, 6, 8)]
    assert snr == sorted(snr)
    assert snr[-1] - snr[1] > 12  # a bit is worth 6 dB until the activations' steps dominate
    for image in channels_last(x)[:2]:  # what runs is still an ordinary int8 graph
        run = Emulator(mixed, plan(mixed)).run(image)
        np.testing.assert_array_equal(run.output, reference.run(mixed, image))
    with pytest.raises(UnknownNameError, match=r"unknown weighted layer key '1'.*Known: 0, 3"):
        from_torch(module, x, weight_bits={"1": 4})
    with pytest.raises(GraphError, match="2 to 8 bits, got 1"):
        from_torch(module, x, weight_bits=1)
