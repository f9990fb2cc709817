"""The network in between: equal to the float module before, to the int8 graph behind."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from tinyml_course.errors import CalibrationError, UnknownNameError
from tinyml_course.graph import Graph, dequantize, from_torch
from tinyml_course.mcu import reference
from tinyml_course.models import compact
from tinyml_course.models.torch_network import build
from tinyml_course.quantization import LearnedStep, LinearWeightQuantizer, QuantizableNetwork


class Everything(nn.Module):
    """Each kind of layer that `from_torch` knows."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.depthwise = nn.Conv2d(8, 8, (3, 5), 1, (1, 2), groups=8)
        self.wide = nn.Conv2d(8, 16, 1)
        self.gate = nn.Conv2d(8, 8, 1)
        self.average = nn.AvgPool2d(3, 2, 1, count_include_pad=False)
        self.most = nn.MaxPool2d(3, 2, 1)
        self.head = nn.Linear(24 * 3 * 3, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu6(self.stem(functional.pad(x, (0, 1, 0, 1))))
        x = x + functional.relu(self.depthwise(x))
        squeezed = self.gate(x.mean((2, 3), keepdim=True)).sigmoid()
        x = functional.hardswish(x * squeezed) * functional.hardsigmoid(x)
        x = torch.cat([functional.relu(self.wide(x)), x], 1)
        x = functional.pad(self.average(x) + self.most(x), (1, 0, 1, 0))
        x = functional.max_pool2d(functional.interpolate(x, scale_factor=2), 2)
        return self.head(functional.relu(x).flatten(1)).log_softmax(1)


def images(count: int, size: int = 7, channels: int = 3) -> torch.Tensor:
    return torch.randn(count, channels, size, size, generator=torch.Generator().manual_seed(0))


def mobile() -> nn.Module:
    module = build(compact(16, 3, 10), 0)
    module.train()
    for _ in range(20):
        module(images(32, 16))  # statistics for its batch norms
    return module.eval()


def everything() -> nn.Module:
    torch.manual_seed(0)
    return Everything().eval()


NETWORKS = {"mobile": (mobile, 16), "everything": (everything, 7)}


def outputs(graph: Graph, x: torch.Tensor) -> np.ndarray:
    found = [reference.run(graph, image) for image in x.permute(0, 2, 3, 1).contiguous().numpy()]
    return np.concatenate([dequantize(y, graph.output.quantization) for y in found])


@pytest.mark.parametrize("name", NETWORKS)
def test_before_anything_it_is_the_module(name: str) -> None:
    make, size = NETWORKS[name]
    module, x = make(), images(6, size)
    network = QuantizableNetwork(module, x)
    with torch.no_grad():
        torch.testing.assert_close(network(x), module(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("method", ["minmax", "mse"])
def test_without_changes_its_graph_is_from_torch_s(name: str, method: str) -> None:
    make, size = NETWORKS[name]
    module, x = make(), images(16, size)
    ours = QuantizableNetwork(module, x).graph(x, method=method)
    theirs = from_torch(module, x, method=method)
    assert [o.name for o in ours.operators] == [o.name for o in theirs.operators]
    for key, tensor in theirs.tensors.items():
        if tensor.is_constant:  # the last bits of float32 may decide a rounding
            distance = np.abs(ours.tensors[key].values().astype(int) - tensor.values())
            assert distance.max() <= max(1, 1e-5 * np.abs(tensor.values().astype(int)).max())
        elif tensor.quantization is not None:
            np.testing.assert_allclose(
                ours.tensors[key].quantization.scale, tensor.quantization.scale, rtol=1e-4
            )


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("bits", [8, 4, 2])
def test_fake_quantized_it_computes_what_the_graph_computes(name: str, bits: int) -> None:
    make, size = NETWORKS[name]
    x = images(16, size)
    network = QuantizableNetwork(make(), x)
    with torch.no_grad():
        in_float = network(x).numpy()
        quantizers = {n.name: LinearWeightQuantizer(bits) for n in network.weighted()}
        network.quantize_weights(quantizers)
        network.calibrate(x)
        fake = network(x).numpy()
    graph = network.graph(x)
    deployed, step = outputs(graph, x), float(graph.output.quantization.scale[0])

    def rms(error: np.ndarray) -> float:
        return float(np.sqrt((error**2).mean())) / step

    # Both round to the same grids; sums in float32 and fixed-point multipliers differ in their last
    # places, which now and then decides a rounding. At 8 bits that is all there is to see, below,
    # the fake network tells what the deployed one does and the float network does not.
    assert rms(fake - deployed) <= max(1.0, 0.2 * rms(in_float - deployed))


def test_the_graph_has_the_integers_that_were_trained_with() -> None:
    x = images(8, 16)
    network = QuantizableNetwork(mobile(), x)
    quantizers = {n.name: LearnedStep(network.weight(n.name), n, 4) for n in network.weighted()}
    network.quantize_weights(quantizers)
    graph = network.graph(x)
    for operator in graph.operators:
        if operator.name not in quantizers:
            continue
        step = quantizers[operator.name].step.detach().numpy()
        weight = graph.inputs_of(operator)[1]
        used = network.used_weight(operator.name).detach().numpy()
        integers = np.rint(used / step)
        # In the top bits of their bytes: more of them would not fit, by one power of two for all.
        factor = 128 // 2 ** int(np.abs(integers).max()).bit_length()
        np.testing.assert_array_equal(weight.quantization.scale * factor, step.ravel())
        np.testing.assert_array_equal(weight.values(), integers * factor)


def test_calibrating_again_starts_from_the_float_maps() -> None:
    x = images(8, 16)
    network = QuantizableNetwork(mobile(), x)
    network.calibrate(x)
    before = network.quantized
    network.calibrate(x)
    assert all(before[name].same_as(found) for name, found in network.quantized.items())


def test_in_float_nothing_is_quantized() -> None:
    module, x = mobile(), images(8, 16)
    network = QuantizableNetwork(module, x)
    with torch.no_grad():
        before = network(x)
        network.quantize_weights({n.name: LinearWeightQuantizer(2) for n in network.weighted()})
        network.calibrate(x)
        assert not torch.allclose(network(x), before, atol=1e-3)
        with network.in_float():
            torch.testing.assert_close(network(x), before)
        assert not torch.allclose(network(x), before, atol=1e-3)
        network.free_weights()
        assert network.weight_quantizer("classifier") is None


def test_the_module_is_not_changed() -> None:
    module, x = mobile(), images(8, 16)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    network = QuantizableNetwork(module, x)
    for parameter in network.parameters():
        parameter.data.zero_()
    network.graph(x)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


def test_names_that_there_are_not() -> None:
    x = images(4, 16)
    network = QuantizableNetwork(mobile(), x)
    with pytest.raises(UnknownNameError, match="unknown weighted layer 'pool'"):
        network.weight("pool")
    with pytest.raises(UnknownNameError, match="unknown weighted layer 'head'"):
        network.quantize_weights({"head": LinearWeightQuantizer(4)})
    with pytest.raises(UnknownNameError, match="unknown calibration method 'max'"):
        network.calibrate(x, "max")
    with pytest.raises(CalibrationError, match="NaN"):
        network.calibrate(x * float("nan"))
    with pytest.raises(UnknownNameError, match="unknown weighted layer key 'head'"):
        network.graph(x, weight_bits={"head": 4})
