"""From a torch module to float layers: nothing may change but the layout.

The captured layers are run here in double precision with torch's functions on channels-last maps
and compared with the module itself, so folding, fusing, flattening and padding are all checked
before any rounding to integers comes in.
"""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tinyml_course.errors import GraphError, UnsupportedOperatorError
from tinyml_course.graph.torch_importer.capture import Captured, FloatLayer, capture

Channels = tuple[int, ...]


def run_captured(captured: Captured, x: torch.Tensor) -> torch.Tensor:
    """The float layers on ``(N, C, H, W)``; gives ``(N, H, W, C)`` or ``(N, F)``."""
    values = {"input": x.permute(0, 2, 3, 1)}
    for layer in captured.layers:
        inputs = [values[name] for name in layer.inputs]
        values[layer.name] = _ACTIVATE[layer.activation](_run_layer(layer, inputs))
    return values[captured.output]


_ACTIVATE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "NONE": lambda x: x,
    "RELU": F.relu,
    "RELU6": F.relu6,
}


def _run_layer(layer: FloatLayer, inputs: list[torch.Tensor]) -> torch.Tensor:
    x = inputs[0]
    if layer.kind == "add":
        return inputs[0] + inputs[1]
    if layer.kind == "flatten":
        return x.reshape(len(x), -1)  # channels last, as the graph flattens
    if layer.kind == "linear":
        return F.linear(x, torch.from_numpy(layer.weight), torch.from_numpy(layer.bias))
    channels_first = x.permute(0, 3, 1, 2)
    stride = layer.attributes["stride"]
    (top, bottom), (left, right) = layer.attributes.get("padding", ((0, 0), (0, 0)))
    sides = (left, right, top, bottom)
    if layer.kind in ("conv", "depthwise"):
        weight, bias = torch.from_numpy(layer.weight), torch.from_numpy(layer.bias)
        # (C_out, K_h, K_w, C_in), depthwise (1, K_h, K_w, C_out)
        order = (0, 3, 1, 2) if layer.kind == "conv" else (3, 0, 1, 2)
        groups = 1 if layer.kind == "conv" else channels_first.shape[1]
        padded = F.pad(channels_first, sides)
        result = F.conv2d(padded, weight.permute(order), bias, stride, groups=groups)
    elif layer.kind == "max_pool":
        padded = F.pad(channels_first, sides, value=-torch.inf)
        result = F.max_pool2d(padded, layer.attributes["size"], stride)
    else:
        ones = F.pad(torch.ones_like(channels_first), sides)
        size = layer.attributes["size"]
        total = F.avg_pool2d(F.pad(channels_first, sides), size, stride)
        result = total / F.avg_pool2d(ones, size, stride)
    return result.permute(0, 2, 3, 1)


def randomized(module: nn.Module) -> nn.Module:
    """In eval mode and double precision, every batch norm with statistics of its own."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.5)
            part.running_var.uniform_(0.2, 3)
            if part.affine:
                part.weight.data.uniform_(-1.5, 1.5)
                part.bias.data.normal_(0, 0.5)
    return module.double().eval()


class Residual(nn.Module):
    """A block of ResNet: ReLU after the sum."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4)
        self.shortcut = nn.Sequential(nn.Conv2d(3, 4, 1, 2, bias=False), nn.BatchNorm2d(4))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += self.shortcut(x)
        return self.relu(out)


class Functional(nn.Module):
    """``forward`` as a function given from outside."""

    def __init__(self, function: Callable[..., torch.Tensor], **modules: nn.Module) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self, x)


def conv(c_in: int = 3, c_out: int = 4, kernel: Any = 3, **rest: Any) -> nn.Conv2d:
    return nn.Conv2d(c_in, c_out, kernel, **rest)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "conv": lambda: conv(),
    "conv, stride, padding, no square": lambda: conv(
        kernel=(3, 2), stride=(2, 1), padding=(1, 2), bias=False
    ),
    "conv 10x4": lambda: conv(kernel=(10, 4), padding=(5, 1), stride=2),
    "conv and batch norm": lambda: nn.Sequential(conv(), nn.BatchNorm2d(4)),
    "conv without bias and batch norm": lambda: nn.Sequential(conv(bias=False), nn.BatchNorm2d(4)),
    "batch norm without affine": lambda: nn.Sequential(conv(), nn.BatchNorm2d(4, affine=False)),
    "batch norm of a large epsilon": lambda: nn.Sequential(conv(), nn.BatchNorm2d(4, eps=0.5)),
    "depthwise": lambda: conv(3, 3, groups=3, padding=1),
    "depthwise, multiplier 4": lambda: nn.Sequential(
        conv(3, 12, groups=3, padding=1, stride=2), nn.BatchNorm2d(12), nn.ReLU6()
    ),
    "relu": lambda: nn.Sequential(conv(), nn.ReLU()),
    "relu in place": lambda: nn.Sequential(conv(), nn.BatchNorm2d(4), nn.ReLU(inplace=True)),
    "relu6 in place": lambda: nn.Sequential(conv(), nn.ReLU6(inplace=True)),
    "hardtanh 0..6": lambda: nn.Sequential(conv(), nn.Hardtanh(0.0, 6.0)),
    "one layer twice": lambda: Functional(
        lambda m, x: m.b(F.relu(m.b(F.relu(m.a(x))))), a=conv(padding=1), b=conv(4, padding=1)
    ),
    "residual": Residual,
    "two blocks": lambda: nn.Sequential(
        Residual(), Functional(lambda m, x: x + F.relu6(m.c(x)), c=conv(4, padding=1))
    ),
    "a sum of a map with itself": lambda: Functional(
        lambda m, x: (lambda y: F.relu(y + y))(m.c(x)), c=conv()
    ),
    "conv map, flattened, linear": lambda: nn.Sequential(conv(), nn.Flatten(), nn.Linear(196, 5)),
    "flattened image, linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(243, 5)),
    "view": lambda: Functional(
        lambda m, x: m.f(m.c(x).view(x.size(0), -1)), c=conv(), f=nn.Linear(196, 5)
    ),
    "two linear layers": lambda: nn.Sequential(
        conv(),
        nn.Flatten(),
        nn.Linear(196, 8),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(8, 3, bias=False),
    ),
    "dropout between a map and its linear layer": lambda: nn.Sequential(
        conv(), nn.Flatten(), nn.Dropout(), nn.Linear(196, 5)
    ),
    "global average pool": lambda: nn.Sequential(
        conv(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)
    ),
    "adaptive average pool to 3x3": lambda: nn.Sequential(
        nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(27, 5)
    ),
    "mean over height and width": lambda: Functional(
        lambda m, x: m.f(m.c(x).mean([2, 3])), c=conv(), f=nn.Linear(4, 5)
    ),
    "mean that keeps the axes": lambda: Functional(
        lambda m, x: m.f(m.c(x).mean((-1, -2), keepdim=True).flatten(1)),
        c=conv(),
        f=nn.Linear(4, 5),
    ),
    "average pool": lambda: nn.AvgPool2d(2),
    "average pool, padded, padding not counted": lambda: nn.AvgPool2d(
        3, 2, 1, count_include_pad=False
    ),
    "max pool": lambda: nn.MaxPool2d(3, 2, 1),
    "max pool of one stride": lambda: nn.MaxPool2d((3, 2), stride=(2, 1), padding=(1, 0)),
    "identity": lambda: nn.Sequential(nn.Identity(), conv(), nn.Identity()),
    "a module called input": lambda: Functional(lambda m, x: m.input(x), input=conv()),
    "a sum in place": lambda: Functional(
        # The pool reads y before it is changed, the last sum afterwards.
        lambda m, x: (lambda y: m.p(y) + y.add_(x) + y)(m.c(x)),
        c=conv(3, 3, padding=1),
        p=nn.MaxPool2d(3, 1, 1),
    ),
    "a sum in place behind a dropout": lambda: Functional(
        lambda m, x: F.relu(m.drop(m.c(x)).add_(x)), c=conv(3, 3, padding=1), drop=nn.Dropout()
    ),
    "a relu whose input is read again after it": lambda: Functional(
        # In place: y is the clamped map in both places.
        lambda m, x: (lambda y: F.relu_(y) + y)(m.c(x)),
        c=conv(),
    ),
}


def check(module: nn.Module, shape: Channels = (4, 3, 9, 9), seed: int = 0) -> Captured:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    module = randomized(module)
    with torch.no_grad():
        expected = module(x.clone())
    captured = capture(module, x)
    got = run_captured(captured, x)
    if expected.ndim == 4:
        got = got.permute(0, 3, 1, 2)
    # Double precision; folding a batch norm reorders a few products.
    torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-9)
    return captured


@pytest.mark.parametrize("name", NETWORKS)
def test_the_layers_compute_what_the_module_computes(name: str) -> None:
    torch.manual_seed(1)
    check(NETWORKS[name]())


@pytest.mark.parametrize("kind", [nn.MaxPool2d, nn.AvgPool2d])
def test_pools_that_round_up(kind: type[nn.Module]) -> None:
    """Every window, stride and padding for which torch's ceil mode adds a row or does not."""
    for size, kernel, stride, padding in itertools.product((5, 6, 7), (2, 3), (1, 2, 3), (0, 1)):
        rest = {} if kind is nn.MaxPool2d else {"count_include_pad": False}
        pool = kind(kernel, stride, padding, ceil_mode=True, **rest)
        check(pool, (1, 2, size, size + 1))


def test_folding_gives_the_weights_by_formula() -> None:
    torch.manual_seed(0)
    module = randomized(nn.Sequential(conv(bias=False), nn.BatchNorm2d(4, eps=1e-3)))
    (layer,) = capture(module, torch.zeros(1, 3, 9, 9, dtype=torch.float64)).layers
    weight, norm = module[0].weight.detach().numpy(), module[1]
    for c in range(4):
        factor = float(norm.weight.detach()[c]) / np.sqrt(float(norm.running_var[c]) + 1e-3)
        # Double precision on both sides.
        np.testing.assert_allclose(
            layer.weight[c], weight[c].transpose(1, 2, 0) * factor, rtol=1e-12
        )
        bias = float(norm.bias.detach()[c]) - float(norm.running_mean[c]) * factor
        assert layer.bias[c] == pytest.approx(bias, rel=1e-12)


def test_flattening_orders_the_columns_channels_last() -> None:
    module = nn.Sequential(conv(3, 2, 1), nn.Flatten(), nn.Linear(2 * 3 * 4, 1)).eval()
    columns = torch.arange(24.0)
    module[2].weight.data[0] = columns
    *_, linear = capture(module, torch.zeros(1, 3, 3, 4)).layers
    for c, y, x in itertools.product(range(2), range(3), range(4)):
        assert linear.weight[0, (y * 4 + x) * 2 + c] == columns[(c * 3 + y) * 4 + x]


def test_activations_are_fused_into_their_producers() -> None:
    captured = check(Residual())
    assert [(layer.kind, layer.activation) for layer in captured.layers] == [
        ("conv", "RELU"),
        ("conv", "NONE"),
        ("conv", "NONE"),
        ("add", "RELU"),
    ]


def test_layers_are_called_as_their_modules() -> None:
    names = [layer.name for layer in check(nn.Sequential(Residual())).layers]
    assert {"0.conv1", "0.conv2", "0.shortcut.0"} < set(names)
    assert len(set(names)) == len(names)
    twice = [layer.name for layer in check(NETWORKS["one layer twice"]()).layers]
    assert twice == ["a", "b", "b.2"]


def test_no_layer_takes_the_name_of_the_input() -> None:
    (layer,) = check(NETWORKS["a module called input"]()).layers
    assert layer.name != "input"
    assert layer.inputs == ["input"]


# --- what has no form is refused, never silently changed -------------------------------------


def flattened_then(function: Callable[..., torch.Tensor]) -> nn.Module:
    return Functional(lambda m, x: function(torch.flatten(m.c(x), 1)), c=conv())


REFUSED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "clamp": (lambda: nn.Sequential(conv(), nn.Hardtanh(-1, 1)), r"clamp to \(-1.*only 0\.\.6"),
    "dilation": (
        lambda: nn.Sequential(nn.Sequential(conv(dilation=2))),
        r"module '0\.0'.*dilation",
    ),
    "groups": (lambda: conv(4, 6, groups=2), "2 groups; 1 or one per channel"),
    "add a number": (lambda: Functional(lambda m, x: m.c(x) + 1.0, c=conv()), "adding a number"),
    "scaled sum": (
        lambda: Functional(lambda m, x: torch.add(m.c(x), m.c(x), alpha=2), c=conv()),
        "alpha",
    ),
    "broadcasting": (
        lambda: Functional(lambda m, x: m.c(x) + m.c(x).mean((2, 3), keepdim=True), c=conv()),
        "broadcasting",
    ),
    "batch norm first": (lambda: nn.Sequential(nn.BatchNorm2d(3), conv()), "batch norm is fused"),
    "batch norm after relu": (
        lambda: nn.Sequential(conv(), nn.ReLU(), nn.BatchNorm2d(4)),
        "batch norm is fused only into conv or depthwise",
    ),
    "a sum in place of a value that goes by two names": (
        lambda: Functional(
            lambda m, x: (lambda y: y + m.drop(y).add_(x))(m.c(x)),
            c=conv(3, 3, padding=1),
            drop=nn.Dropout(),
        ),
        "another name",
    ),
    "a sum in place of a map that was flattened before": (
        lambda: Functional(
            lambda m, x: (lambda y: (lambda f: (y.add_(x), m.f(f))[1])(y.flatten(1)))(m.c(x)),
            c=conv(3, 3, padding=1),
            f=nn.Linear(243, 2),
        ),
        "another name",
    ),
    "counted padding": (lambda: nn.AvgPool2d(3, 2, 1), "padding that counts in the mean"),
    "another divisor": (lambda: nn.AvgPool2d(2, divisor_override=3), "divisor"),
    "adaptive pool that does not divide": (lambda: nn.AdaptiveAvgPool2d(4), "does not divide into"),
    "mean over channels": (
        lambda: Functional(lambda m, x: m.c(x).mean(1), c=conv()),
        "mean over any",
    ),
    "max pool with dilation": (lambda: nn.MaxPool2d(2, dilation=2), "dilation"),
    "flattened map as output": (lambda: flattened_then(lambda f: f), "flattened map"),
    "flattened map into a sum": (lambda: flattened_then(lambda f: f + f), "flattened map"),
    "another view": (
        lambda: Functional(lambda m, x: m.c(x).reshape(x.size(0), 2, -1), c=conv()),
        "only",
    ),
    "linear over columns": (lambda: nn.Linear(9, 4), "flattened features"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_int8_form_is_refused_by_name_and_place(name: str) -> None:
    make, message = REFUSED[name]
    module = make().eval()
    c_in = next((p.in_channels for p in module.modules() if isinstance(p, nn.Conv2d)), 3)
    with pytest.raises(UnsupportedOperatorError, match=message) as caught:
        capture(module, torch.zeros(2, c_in, 9, 9))
    assert "supported: " in str(caught.value)
    assert "conv2d" in str(caught.value)


def test_training_mode_is_refused() -> None:
    with pytest.raises(GraphError, match=r"training mode; call module\.eval\(\)"):
        capture(nn.Sequential(conv(), nn.BatchNorm2d(4)), torch.zeros(2, 3, 9, 9))


def test_one_batch_norm_left_in_training_mode_is_named() -> None:
    module = nn.Sequential(conv(), nn.Sequential(nn.BatchNorm2d(4))).eval()
    module[1][0].train()
    with pytest.raises(GraphError, match=r"module '1\.0' is in training mode"):
        capture(module, torch.zeros(2, 3, 9, 9))


def test_several_outputs_are_refused() -> None:
    module = Functional(lambda m, x: (m.c(x), m.c(x)), c=conv()).eval()
    with pytest.raises(GraphError, match="several outputs; one is expected"):
        capture(module, torch.zeros(2, 3, 9, 9))


def test_several_inputs_are_refused() -> None:
    class Two(nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return x + y

    with pytest.raises(GraphError, match="missing a required argument: 'y'"):
        capture(Two().eval(), torch.zeros(2, 3, 9, 9))


def test_what_torch_cannot_trace_is_a_graph_error() -> None:
    module = Functional(lambda m, x: m.c(x) if x.sum() > 0 else x, c=conv()).eval()
    with pytest.raises(GraphError, match=r"torch\.export cannot trace this module"):
        capture(module, torch.zeros(2, 3, 9, 9))


def test_the_module_is_left_as_it_was() -> None:
    torch.manual_seed(0)
    module = randomized(Residual())
    before = {name: value.clone() for name, value in module.state_dict().items()}
    capture(module, torch.zeros(2, 3, 9, 9, dtype=torch.float64))
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])
