"""Few bits on a network of inverted bottlenecks: after training, in training, and mixed.

The maps have 8 bits throughout. Linear grids are symmetric; ranges come from 256 training images.
Accuracies are those of integers on the emulated board; of mixed precision, which tries many, those
of the simulation. All trainings with quantized weights are equally long, and so is that of the
float network beside them; each at two rates. Batch norms are folded before, as on the board.
"""

from collections.abc import Callable
from typing import Any

import torch
from compressing import fashion
from torch import nn

from tinyml_course import quantization as q
from tinyml_course.models import compact
from tinyml_course.models.torch_network import build
from tinyml_course.quantization.bit_budget import Bits

TRAINING, VALIDATION, TEST = 12_000, 2_000, 5_000
DENSE_EPOCHS, TUNING_EPOCHS = 10, 2
TUNING_RATES = (0.02, 0.005)
"""Of each training with few bits the better on the validation images is kept."""
CALIBRATION = 256
SCORED, EVALUATIONS = 1_000, 60
"""Training images on which a search takes the loss, and how often."""
CURVED, DRAWS = 256, 10
"""Training images and random vectors from which the curvature comes."""
BUDGETS = (4, 3)
"""Bits of all layers whose bytes the mixed ones may take."""


class Trained:
    """A trained network, its data, and trials on copies of it."""

    def __init__(self, seed: int) -> None:
        self.seed, self.data = seed, fashion.images(28, TRAINING, VALIDATION, TEST)
        model = build(compact(28, 1, 10), seed)
        self.model = fashion.trained(model, self.data, seed, epochs=DENSE_EPOCHS)
        self.calibration = fashion.tensor(self.data.train, CALIBRATION)

    def network(self) -> q.QuantizableNetwork:
        """A copy, its maps on int8 grids."""
        network = q.QuantizableNetwork(self.model, self.calibration)
        network.calibrate(self.calibration)
        return network

    def linear(self, bits: int, per_channel: bool = True) -> q.QuantizableNetwork:
        """A copy with weights on linear grids."""
        network = self.network()
        network.quantize_weights(
            {name: q.LinearWeightQuantizer(bits, per_channel) for name in names(network)}
        )
        return network

    def tuned(self, network: nn.Module) -> Any:
        """The network, trained for some epochs more, at the rate that validation prefers."""
        how = {"epochs": TUNING_EPOCHS, "rates": TUNING_RATES}
        return fashion.tuned(network, self.data, self.seed, **how)[1]

    def in_integers(self, network: q.QuantizableNetwork) -> float:
        """Test accuracy of the graph on the emulated board."""
        return fashion.integer_accuracy(network.graph(self.calibration), self.data.test)


def names(network: q.QuantizableNetwork) -> list[str]:
    """Of the layers with weights."""
    return [layer.name for layer in network.weighted()]


def measure(net: Trained) -> dict[str, Any]:
    """Everything about one seed."""
    longer = net.tuned(net.model)
    return {
        "float": fashion.test_accuracy(net.model, net.data),
        "float_tuned": fashion.test_accuracy(longer, net.data),
        "uniform": uniform(net),
        "four_bits": four_bits(net),
        "trained": in_training(net),
        "mixed": mixed(net),
    }


def uniform(net: Trained) -> list[dict[str, Any]]:
    """As many bits for all layers, no training."""
    rows = []
    for bits, per_channel in ((8, True), (8, False), (4, True), (4, False), (3, True), (2, True)):
        network = net.linear(bits, per_channel)
        even = dict.fromkeys(names(network), bits)
        rows.append(
            {
                "bits": bits,
                "per_channel": per_channel,
                "accuracy": net.in_integers(network),
                "weight_bytes": q.total_bytes(q.weight_bytes(network, [bits]), even),
            }
        )
    return rows


def four_bits(net: Trained) -> dict[str, float]:
    """What mends 4 bits without training."""
    without, with_images = net.linear(4), net.linear(4)
    q.correct_biases(without)
    q.correct_biases(with_images, net.calibration)
    equalized = q.QuantizableNetwork(net.model, net.calibration)
    q.relu6_to_relu(equalized)
    q.equalize(equalized)
    equalized.calibrate(net.calibration)
    grids = {name: q.LinearWeightQuantizer(4) for name in names(equalized)}
    equalized.quantize_weights(grids)
    found = {
        "biases corrected without data": without,
        "biases corrected on images": with_images,
        "equalized": equalized,
    }
    return {name: net.in_integers(network) for name, network in found.items()}


def in_training(net: Trained) -> dict[str, float]:
    """Quantization-aware training with 4 bits, by how the grid is found."""
    ways: dict[str, Callable[[q.QuantizableNetwork, str], q.WeightQuantizer]] = {
        "straight-through": lambda _network, _name: q.LinearWeightQuantizer(4),
        "learned step": lambda network, name: q.LearnedStep(
            network.weight(name), network.layers[name], 4
        ),
    }
    found = {}
    for title, make in ways.items():
        network = net.network()
        network.quantize_weights({name: make(network, name) for name in names(network)})
        found[title] = net.in_integers(net.tuned(network))
    return found


def mixed(net: Trained) -> dict[str, Any]:
    """2, 4 or 8 bits a layer, in the bytes that as many bits for all would take."""
    network = net.network()
    images = fashion.tensor(net.data.train, SCORED)
    labels = torch.from_numpy(net.data.train.labels[:SCORED])
    traces = q.hessian_traces(network, images[:CURVED], labels[:CURVED], draws=DRAWS, seed=net.seed)

    def score(bits: Bits) -> float:
        with_bits(network, bits)
        with torch.no_grad():
            return -float(nn.functional.cross_entropy(network(images), labels))

    def row(bits: Bits) -> dict[str, Any]:
        table = q.weight_bytes(network, sorted(set(bits.values())))
        tuned = net.tuned(with_bits(net.network(), bits))
        return {
            "bits": bits,
            "weight_bytes": q.total_bytes(table, bits),
            "after_training": fashion.test_accuracy(with_bits(network, bits), net.data),
            "in_training": fashion.test_accuracy(tuned, net.data),
        }

    sizes, found = q.weight_bytes(network), {}
    for uniform_bits in BUDGETS:
        even = dict.fromkeys(names(network), uniform_bits)
        budget = q.total_bytes(q.weight_bytes(network, [uniform_bits]), even)
        hessian = q.least_cost_bits(q.hessian_costs(network, traces), sizes, budget)
        searches = [
            q.search_bits(
                sizes,
                budget,
                score,
                evaluations=EVALUATIONS,
                seed=net.seed,
                starts=starts,
                progress=False,
            )
            for starts in ((), (hessian,))
        ]
        assignments = {
            "uniform": even,
            "memory-driven rule": q.memory_driven_bits(sizes, budget),
            "Hessian": hessian,
            "search": searches[0].bits,
            "search from the Hessian's": searches[1].bits,
        }
        rows = {title: row(bits) for title, bits in assignments.items()}
        assert all(one["weight_bytes"] <= budget for one in rows.values())
        found[str(uniform_bits)] = {"budget_bytes": budget, "rows": rows}
    return found


def with_bits(network: q.QuantizableNetwork, bits: Bits) -> q.QuantizableNetwork:
    """The network itself, its weights on grids of so many bits."""
    network.quantize_weights({name: q.LinearWeightQuantizer(b) for name, b in bits.items()})
    return network
