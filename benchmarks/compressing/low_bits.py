"""Few bits on a network of inverted bottlenecks: after training, in training, shared, mixed.

The maps have 8 bits throughout. Linear grids are symmetric; ranges come from 256 training images.
Every accuracy is that of integers on the emulated board, but for codebooks, which stay float.
All trainings with quantized weights are equally long, and so is that of the float network that
stands beside them.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from compressing import fashion
from torch import nn

from tinyml_course import quantization as q
from tinyml_course.mcu import board, plan, report
from tinyml_course.models import compact
from tinyml_course.models.torch_network import build
from tinyml_course.quantization.bit_budget import Bits

TRAINING, VALIDATION, TEST = 12_000, 2_000, 5_000
DENSE_EPOCHS, TUNING_EPOCHS, TUNING_RATE = 10, 2, 0.02
CALIBRATION = 256
SCORED, EVALUATIONS = 1_000, 60
"""Training images on which a search takes the loss, and how often."""
CURVED, DRAWS = 500, 20
"""Training images and random vectors from which the curvature comes."""
CENTROID_RATE = 0.005
BOARD = "stm32f746"


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

    def linear(self, bits: int | Mapping[str, int], per_channel: bool = True) -> Any:
        """A copy with weights on linear grids."""
        network = self.network()
        of = {n: bits if isinstance(bits, int) else bits[n] for n in names(network)}
        network.quantize_weights(
            {name: q.LinearWeightQuantizer(b, per_channel) for name, b in of.items()}
        )
        return network

    def tuned(self, network: nn.Module, rate: float = TUNING_RATE) -> Any:
        """The network, trained for some epochs more."""
        how = {"epochs": TUNING_EPOCHS, "learning_rate": rate}
        return fashion.trained(network, self.data, self.seed, **how)

    def in_integers(self, network: q.QuantizableNetwork) -> float:
        """Test accuracy of the graph on the emulated board."""
        return fashion.integer_accuracy(network.graph(self.calibration), self.data.test)


def names(network: q.QuantizableNetwork) -> list[str]:
    """Of the layers with weights."""
    return [layer.name for layer in network.weighted()]


def measure(net: Trained) -> dict[str, Any]:
    """Everything about one seed."""
    longer = net.tuned(copy.deepcopy(net.model))
    return {
        "float": fashion.test_accuracy(net.model, net.data),
        "float_tuned": fashion.test_accuracy(longer, net.data),
        "uniform": uniform(net),
        "four_bits": four_bits(net),
        "trained": {str(bits): in_training(net, bits) for bits in (4, 2)},
        "codebooks": {str(bits): codebooks(net, bits) for bits in (4, 2)},
        "mixed": {str(bits): mixed(net, bits) for bits in (4, 3)},
    }


def uniform(net: Trained) -> list[dict[str, Any]]:
    """As many bits for all layers, no training."""
    rows = []
    for bits in (8, 4, 3, 2):
        for per_channel in (True, False):
            network = net.linear(bits, per_channel)
            graph = network.graph(net.calibration)
            costs = report(plan(graph, board(BOARD)), board(BOARD))
            rows.append(
                {
                    "bits": bits,
                    "per_channel": per_channel,
                    "accuracy": fashion.integer_accuracy(graph, net.data.test),
                    "weight_bytes": q.total_bytes(
                        q.weight_bytes(network, [bits]), dict.fromkeys(names(network), bits)
                    ),
                    "flash_constants_bytes": costs.flash_constants_bytes,
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


def in_training(net: Trained, bits: int) -> dict[str, float]:
    """Quantization-aware training, by how the grid is found."""
    ways: dict[str, Callable[[q.QuantizableNetwork, str], q.WeightQuantizer]] = {
        "straight-through": lambda _network, _name: q.LinearWeightQuantizer(bits),
        "learned step": lambda network, name: q.LearnedStep(
            network.weight(name), network.layers[name], bits
        ),
    }
    if bits == 2:
        ways["ternary (TWN)"] = lambda _network, _name: q.TernaryWeights()
        ways["trained ternary (TTQ)"] = lambda network, name: q.TrainedTernaryWeights(
            network.weight(name)
        )
    found = {}
    for title, make in ways.items():
        network = net.network()
        network.quantize_weights({name: make(network, name) for name in names(network)})
        found[title] = net.in_integers(net.tuned(network))
    return found


def codebooks(net: Trained, bits: int) -> dict[str, float]:
    """Weights shared by k-means, before and after their centroids learned."""
    network = net.network()
    quantizers = {name: q.SharedWeights(network.weight(name), bits) for name in names(network)}
    network.quantize_weights(quantizers)
    before = fashion.test_accuracy(network, net.data)
    stored = sum(q.codebook_bytes(network.weight(name).numel(), bits) for name in names(network))
    after = fashion.test_accuracy(net.tuned(network, CENTROID_RATE), net.data)
    return {"before": before, "after": after, "weight_bytes": stored}


def mixed(net: Trained, uniform_bits: int) -> dict[str, Any]:
    """2, 4 or 8 bits a layer, in the bytes that as many bits for all would take."""
    network = net.network()
    layers = names(network)
    sizes = q.weight_bytes(network)
    even = dict.fromkeys(layers, uniform_bits)
    budget = q.total_bytes(q.weight_bytes(network, [uniform_bits]), even)
    images = fashion.tensor(net.data.train, SCORED)
    labels = torch.from_numpy(net.data.train.labels[:SCORED])
    traces = q.hessian_traces(network, images[:CURVED], labels[:CURVED], draws=DRAWS, seed=net.seed)

    def score(bits: Bits) -> float:
        with torch.no_grad():
            logits = net.linear(bits)(images)
            return -float(nn.functional.cross_entropy(logits, labels))

    assignments = {
        "uniform": even,
        "memory-driven rule": q.memory_driven_bits(sizes, budget),
        "Hessian": q.least_cost_bits(q.hessian_costs(network, traces), sizes, budget),
        "search": q.search_bits(
            sizes, budget, score, evaluations=EVALUATIONS, seed=net.seed, progress=False
        ).bits,
    }
    rows = {}
    for title, bits in assignments.items():
        table = q.weight_bytes(network, sorted(set(bits.values())))
        rows[title] = {
            "bits": bits,
            "weight_bytes": q.total_bytes(table, bits),
            "after_training": net.in_integers(net.linear(bits)),
            "in_training": net.in_integers(net.tuned(net.linear(bits))),
        }
        assert rows[title]["weight_bytes"] <= budget
    return {"budget_bytes": budget, "rows": rows}
