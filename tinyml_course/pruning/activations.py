"""What the layers of a network see and give on some images."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional as F

from tinyml_course.errors import lookup
from tinyml_course.pruning.errors import PruningError


@dataclass
class Seen:
    """Inputs and outputs of modules, filled whenever the network runs.

    Attributes:
        inputs: by module's name.
        outputs: by module's name.
        uses: how often each was called, by module's name.
    """

    inputs: dict[str, torch.Tensor] = field(default_factory=dict)
    outputs: dict[str, torch.Tensor] = field(default_factory=dict)
    uses: Counter[str] = field(default_factory=Counter)


class _ReachedError(Exception):
    """A network has come as far as was asked for."""


@contextmanager
def watched(model: nn.Module, names: Sequence[str]) -> Iterator[Seen]:
    """Within, the modules' inputs and outputs of the last run are noted.

    Raises:
        UnknownNameError: no such module.
    """
    seen, table = Seen(), dict(model.named_modules())
    handles = []
    for name in names:
        module = lookup("module", name, table)

        def note(
            _: nn.Module, args: tuple[torch.Tensor, ...], output: torch.Tensor, name: str = name
        ) -> None:
            seen.inputs[name], seen.outputs[name] = args[0].detach(), output.detach()
            seen.uses[name] += 1

        handles.append(module.register_forward_hook(note))
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def input_of(model: nn.Module, name: str, x: torch.Tensor, use: int = 1) -> torch.Tensor:
    """What a module sees; what the network computes behind it is spared.

    Args:
        model: the network.
        name: of the module.
        x: the network's input.
        use: of a module that is called several times, the call whose input is wanted, from 1 on.

    Raises:
        UnknownNameError: no such module.
        PruningError: it is not called so often.
    """
    inputs: list[torch.Tensor] = []

    def note(_: nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        inputs.append(args[0].detach())
        if len(inputs) == use:
            raise _ReachedError

    module = lookup("module", name, dict(model.named_modules()))
    handle = module.register_forward_pre_hook(note)
    try:
        model(x)
    except _ReachedError:
        return inputs[-1]
    finally:
        handle.remove()
    raise PruningError(f"{name} is called {len(inputs)} times, not {use} times")


def patches(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """What each output of a layer is computed from, ``(N, positions, C_in K K)``.

    Args:
        layer: a dense convolution or a linear layer.
        x: its input, ``(N, C_in, H, W)`` or ``(N, C_in)``.

    Raises:
        PruningError: another layer.
    """
    if isinstance(layer, nn.Linear):
        return x[:, None]
    if not isinstance(layer, nn.Conv2d) or layer.groups != 1 or layer.padding_mode != "zeros":
        raise PruningError(f"{layer}: patches are for dense convolutions and linear layers")
    if isinstance(layer.padding, str):
        raise PruningError(f"{layer}: give the padding as a number")
    kernel, stride, padding = layer.kernel_size, layer.stride, layer.padding
    columns = F.unfold(x, kernel, layer.dilation, padding, stride)
    return columns.transpose(1, 2)


def flat_outputs(y: torch.Tensor) -> torch.Tensor:
    """A layer's output in the order of `patches`, ``(N, positions, C_out)``."""
    return y.flatten(2).transpose(1, 2) if y.ndim > 2 else y[:, None]
