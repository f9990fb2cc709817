"""Networks of the torchvision zoo, with random weights."""

import numpy as np
import pytest
import torch

from tinyml_course.errors import UnsupportedOperatorError
from tinyml_course.graph import count_macs, count_params, dequantize, from_torch
from tinyml_course.mcu import reference
from tinyml_course.torchvision_repair import import_torchvision

import_torchvision()
models = pytest.importorskip("torchvision.models")


def network(name: str) -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = getattr(models, name)(weights=None)
        for part in module.modules():
            if isinstance(part, torch.nn.BatchNorm2d):
                part.running_mean.normal_(0, 0.1)
                part.running_var.uniform_(0.5, 1.5)
    return module.eval()


def expected_params(module: torch.nn.Module) -> int:
    """A batch norm has two parameters a channel; folded, it leaves one bias.

    A hard sigmoid brings a 3 and a 1/6.
    """
    own = sum(p.numel() for p in module.parameters())
    folded = sum(p.num_features for p in module.modules() if isinstance(p, torch.nn.BatchNorm2d))
    gates = sum(isinstance(p, torch.nn.Hardsigmoid) for p in module.modules())
    return own - 2 * folded + folded + 2 * gates


@pytest.mark.parametrize(
    "name", ["mobilenet_v2", "resnet18", "squeezenet1_1", "mobilenet_v3_small"]
)
def test_a_network_of_the_zoo_converts(name: str) -> None:
    module = network(name)
    x = torch.randn(8, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    graph = from_torch(module, x)
    assert count_params(graph) == expected_params(module)
    with torch.no_grad():
        expected = module(x).double().numpy()
    images = x.permute(0, 2, 3, 1).numpy()
    got = np.concatenate(
        [dequantize(reference.run(graph, i), graph.output.quantization) for i in images]
    )
    snr = 10 * np.log10((expected**2).sum() / ((expected - got) ** 2).sum())
    # 36.1 dB for mobilenet_v2, 36.6 for squeezenet1_1, 32.8 for the two others; within 0.1 over
    # three draws of images for those without joined maps and gates.
    assert snr > 28


@pytest.mark.parametrize(
    ("name", "operator", "place"),
    [
        ("shufflenet_v2_x0_5", "aten.view", "stage2.0"),
        ("resnext50_32x4d", "aten.conv2d", "layer1.0.conv2"),
    ],
)
def test_a_network_without_int8_form_is_refused_by_name_and_place(
    name: str, operator: str, place: str
) -> None:
    with pytest.raises(UnsupportedOperatorError, match="has no int8 form") as caught:
        from_torch(network(name), torch.zeros(1, 3, 64, 64))
    assert operator in str(caught.value)
    assert place in str(caught.value)


def test_macs_follow_from_the_shapes() -> None:
    """Counted by hooks on torch's own layers."""
    module = network("resnet18")
    counted = 0

    def count(layer: torch.nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        nonlocal counted
        taps = layer.weight[0].numel()
        counted += output[0].numel() * taps

    for part in module.modules():
        if isinstance(part, (torch.nn.Conv2d, torch.nn.Linear)):
            part.register_forward_hook(count)
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        module(x)
    for part in module.modules():
        part._forward_hooks.clear()
    assert count_macs(from_torch(module, x)) == counted
