"""Two bits on a plain CNN: linear, ternary and shared weights, before and after they learn.

Four 3x3 convolutions and a classifier, 14 x 14 pixels; the maps have 8 bits. Each way is trained
for as many epochs, with the step size that was best on the validation split. Linear and ternary
grids have a scale for each output channel; trained ternary weights (TTQ) and codebooks have their
values for a whole layer. Accuracies are the simulation's: values without an even grid have no
integers.
"""

from collections.abc import Callable
from typing import Any

import torch
from compressing import fashion
from compressing.low_bits import names
from pruning import small_cnn

from tinyml_course import quantization as q

TRAINING, VALIDATION, TEST = 12_000, 2_000, 5_000
DENSE_EPOCHS, TUNING_EPOCHS, RATES = 8, 2, (0.02, 0.005)
CALIBRATION = 256

WAYS: dict[str, Callable[[q.QuantizableNetwork, str], q.WeightQuantizer]] = {
    "k-means, 4 bits": lambda network, name: q.SharedWeights(network.weight(name), 4),
    "k-means": lambda network, name: q.SharedWeights(network.weight(name), 2),
    "linear, straight-through": lambda _network, _name: q.LinearWeightQuantizer(2),
    "linear, learned step": lambda network, name: q.LearnedStep(
        network.weight(name), network.layers[name], 2
    ),
    "ternary (TWN)": lambda _network, _name: q.TernaryWeights(),
    "trained ternary (TTQ)": lambda network, name: q.TrainedTernaryWeights(network.weight(name)),
}


def measure(seed: int) -> dict[str, Any]:
    """Of one seed."""
    torch.set_num_threads(1)
    data = fashion.images(14, TRAINING, VALIDATION, TEST)
    model = fashion.trained(small_cnn(seed), data, seed, epochs=DENSE_EPOCHS)
    calibration = fashion.tensor(data.train, CALIBRATION)
    rows: dict[str, Any] = {}
    for title, make in WAYS.items():
        network = q.QuantizableNetwork(model, calibration)
        network.calibrate(calibration)
        network.quantize_weights({name: make(network, name) for name in names(network)})
        rate, best = fashion.tuned(network, data, seed, epochs=TUNING_EPOCHS, rates=RATES)
        rows[title] = {
            "before": fashion.test_accuracy(network, data),
            "after": fashion.test_accuracy(best, data),
            "learning_rate": rate,
        }
    return {"float": fashion.test_accuracy(model, data), "rows": rows}
