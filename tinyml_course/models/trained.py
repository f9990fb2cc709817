"""Networks with the weights that a command of the repository trained; no pickle, no network."""

from pathlib import Path
from typing import TYPE_CHECKING

from tinyml_course.errors import DataError, lookup
from tinyml_course.models.families import compact
from tinyml_course.models.network_definition import NetworkDefinition

if TYPE_CHECKING:
    from tinyml_course.models.torch_network import MobileNetwork

_FOLDER = Path(__file__).resolve().parent / "weights"

TRAINED: dict[str, NetworkDefinition] = {"digits": compact(8, 1, 10)}
"""By the data set that they learned, at its own resolution; `tools/train_models.py` made them."""


def weights_file(name: str) -> Path:
    """Where the weights of a network lie.

    Raises:
        UnknownNameError: there is no such network.
    """
    lookup("trained network", name, TRAINED)
    return _FOLDER / f"{name}.safetensors"


def load_trained(name: str) -> "MobileNetwork":
    """A trained network, in eval mode.

    Args:
        name: a name in `TRAINED`.

    Raises:
        UnknownNameError: there is no such network.
        DataError: its weights are missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from tinyml_course.models.torch_network import build

    path = weights_file(name)
    network = build(TRAINED[name], 0)
    try:
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise DataError(
            f"{path} does not hold the weights of {name}; `python tools/train_models.py {name}` "
            "makes it anew"
        ) from error
    return network.eval()
