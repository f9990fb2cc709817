"""Networks with the weights that a command of the repository trained; no pickle, no network."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tinyml_course.errors import DataError, lookup

if TYPE_CHECKING:
    from torch import nn

_FOLDER = Path(__file__).resolve().parent / "weights"


class Recipe(NamedTuple):
    """How a network is built from a seed, and what it was trained with.

    Attributes:
        build: a seed to the network with random weights.
        data: name of the data set.
        epochs: passes over its training split.
        learning_rate: at the start.
        weight_decay: L2.
    """

    build: Callable[[int], "nn.Module"]
    data: str
    epochs: int
    learning_rate: float
    weight_decay: float


# torch is imported where a network is built: who only reads a report need not wait for it.
def _digit_resnet(seed: int) -> "nn.Module":
    from tinyml_course.models.digit_resnet import digit_resnet

    return digit_resnet(seed)


def _digit_mobilenet(seed: int) -> "nn.Module":
    from tinyml_course.models.families import compact
    from tinyml_course.models.torch_network import build

    return build(compact(8, 1, 10), seed)


TRAINED: dict[str, Recipe] = {
    "digit_resnet": Recipe(_digit_resnet, "digits", 30, 0.05, 1e-3),
    "digit_mobilenet": Recipe(_digit_mobilenet, "digits", 40, 0.1, 1e-4),
}
"""`tools/train_models.py` trained them, with seed 0, and tells what they reach."""


def weights_file(name: str) -> Path:
    """Where the weights of a network lie.

    Raises:
        UnknownNameError: there is no such network.
    """
    lookup("trained network", name, TRAINED)
    return _FOLDER / f"{name}.safetensors"


def load_trained(name: str) -> "nn.Module":
    """A trained network, in eval mode.

    Args:
        name: a name in `TRAINED`.

    Raises:
        UnknownNameError: there is no such network.
        DataError: its weights are missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = weights_file(name)
    network = TRAINED[name].build(0)
    try:
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise DataError(
            f"{path} does not hold the weights of {name}; `python tools/train_models.py {name}` "
            "makes it anew"
        ) from error
    return network.eval()
