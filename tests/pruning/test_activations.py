"""What layers see, with and without running the rest of the network."""

import pytest
import torch
from pruned_networks import images, network
from torch import nn

from tinyml_course.errors import UnknownNameError
from tinyml_course.pruning.activations import input_of, watched
from tinyml_course.pruning.errors import PruningError


class Failing(nn.Module):
    """Behind what is asked for nothing may be computed."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise AssertionError("the network ran on")


@pytest.mark.parametrize("name", ["residual", "dense", "gate", "shared", "mobile"])
def test_an_input_is_that_of_a_whole_run(name: str) -> None:
    model, x = network(name), images()
    names = [n for n, m in model.named_modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    with torch.no_grad():
        with watched(model, names) as seen:
            model(x)
        for module in names:
            found = input_of(model, module, x, seen.uses[module])
            assert torch.equal(found, seen.inputs[module])


def test_of_a_layer_that_is_used_twice_each_use_has_its_input() -> None:
    layer = nn.Linear(3, 3)
    model, x = nn.Sequential(layer, nn.ReLU(), layer), torch.ones(2, 3)
    with torch.no_grad():
        assert torch.equal(input_of(model, "0", x), x)
        assert torch.equal(input_of(model, "0", x, 2), layer(x).relu())
        with watched(model, ["0"]) as seen:
            model(x)
    assert seen.uses["0"] == 2
    with pytest.raises(PruningError, match="0 is called 2 times, not 3 times"):
        input_of(model, "0", x, 3)


def test_nothing_behind_is_run_and_no_hook_stays() -> None:
    model, x = nn.Sequential(nn.ReLU(), nn.Linear(3, 2), Failing()), -torch.ones(1, 3)
    assert torch.equal(input_of(model, "1", x), torch.zeros(1, 3))
    with pytest.raises(AssertionError, match="ran on"):
        model(x)
    with pytest.raises(UnknownNameError, match="unknown module '7'"):
        input_of(model, "7", x)
