"""Hidden inputs of Lab 2, drawn from a seed: several sizes, edge cases, and laws.

Each question has named groups of inputs. A group is right only as a whole, and holds inputs with
different answers, so that a constant answer is never right.
"""

from collections.abc import Callable

import numpy as np

from autograder.source.lab2_quantization import hidden_grids, hidden_layers, hidden_storage
from autograder.source.lab2_quantization.drawing import Groups

GROUPS: dict[str, Callable[[np.random.Generator], Groups]] = {
    "q1": hidden_grids.grid,
    "q2": hidden_grids.integers,
    "q3": hidden_grids.per_channel,
    "q4": hidden_grids.clip,
    "q5": hidden_layers.bias,
    "q6": hidden_layers.multiplier,
    "q7": hidden_layers.rescale,
    "q8": hidden_layers.convolution,
    "q9": hidden_storage.through,
    "q10": hidden_storage.kmeans,
    "q11": hidden_storage.stored,
    "q12": hidden_storage.gradients,
    "q13": hidden_storage.words,
    "q14": hidden_storage.bits,
}
"""Hidden inputs by question."""
