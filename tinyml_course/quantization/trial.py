"""Bits on trial: a trained network with its weights on grids, its bytes, loss and accuracy.

No training is in it: the weights stay as they are, each layer's on a symmetric grid with one scale
for each output channel (or one for all), maps on int8 grids calibrated on the training images.
"""

import copy
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tinyml_course.data import DataSet, Split
from tinyml_course.graph import Graph
from tinyml_course.graph.quantization import integer_limits
from tinyml_course.models.fit import accuracy, fit, predict
from tinyml_course.quantization.bit_widths import weight_bytes
from tinyml_course.quantization.equalization import relu6_to_relu, unequalize
from tinyml_course.quantization.fake_quantization import LinearWeightQuantizer
from tinyml_course.quantization.network import QuantizableNetwork

CHOICES = tuple(range(2, 9))
LOSS_IMAGES = 360
"""Training images that the loss is taken on: enough to tell layers apart, and quick."""


class BitTrial:
    """Tries bits for the layers of one network.

    Args:
        module: in eval mode; it is not changed. A `QuantizableNetwork` is taken as it is, with
            its weights in float, which spares another capture.
        data: its data set. Ranges and losses are those of the training split, accuracies of the
            validation split; the test split is not looked at.
        choices: numbers of bits.
        prepare: what is done to the float network first, in place.

    Attributes:
        network: with its maps on int8 grids.
        sizes: bytes of each layer's weights and scales, by number of bits.
    """

    def __init__(
        self,
        module: nn.Module,
        data: DataSet,
        choices: Sequence[int] = CHOICES,
        prepare: Callable[[QuantizableNetwork], object] | None = None,
    ) -> None:
        self.data, self._prepare = data, prepare
        self._images = torch.from_numpy(data.train.images)
        self._labels = torch.from_numpy(data.train.labels[:LOSS_IMAGES])
        if not isinstance(module, QuantizableNetwork):
            module = QuantizableNetwork(module, self._images)
        self._plain = module
        self.network: QuantizableNetwork = copy.deepcopy(module)
        if prepare is not None:
            prepare(self.network)
        self.network.calibrate(self._images)
        self.sizes = weight_bytes(self.network, choices)

    @property
    def layers(self) -> list[str]:
        """Names of the layers with weights, in execution order."""
        return list(self.sizes)

    @property
    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Each layer's float weights, as a board keeps them.

        ``(C_out, K, K, C_in)`` of a convolution, ``(1, K, K, C_out)`` of a depthwise one, ``(C_out,
        C_in)`` of a linear layer.
        """
        return {name: self.network.weight(name).detach().numpy().copy() for name in self.layers}

    @property
    def biases(self) -> dict[str, NDArray[np.float32]]:
        """Each layer's float bias ``(C_out,)``."""
        return {name: self.network.bias(name).detach().numpy().copy() for name in self.layers}

    def accuracy(
        self, bits: Mapping[str, int], per_channel: bool = True, split: Split | None = None
    ) -> float:
        """Accuracy in 0..1 with these bits.

        Args:
            bits: by layer; a layer that is not named keeps its float weights.
            per_channel: a scale for each output channel, or one for the layer.
            split: other images than the validation split's.

        Raises:
            UnknownNameError: a layer that there is not.
            GraphError: bits that there are not.
        """
        images = split or self.data.validation
        self._set(bits, per_channel)
        return accuracy(predict(self.network, images), images.labels)

    def loss(self, bits: Mapping[str, int], per_channel: bool = True) -> float:
        """Mean cross entropy on the first training images with these bits; as `accuracy`."""
        self._set(bits, per_channel)
        with torch.no_grad():
            logits: Tensor = self.network(self._images[:LOSS_IMAGES])
            return float(nn.functional.cross_entropy(logits, self._labels))

    def tuned_accuracy(
        self, bits: Mapping[str, int], *, epochs: int, seed: int, learning_rate: float = 0.005
    ) -> float:
        """Accuracy on the validation split after training with these bits (QAT).

        The trial's own weights stay as they are.

        Args:
            bits: by layer.
            epochs: passes over the training split.
            seed: of the order of the images.
            learning_rate: at the start. Through coarse grids a larger one is a lottery: with 2 bits
                and 0.02, four seeds of `digit_mobilenet` end between 31 and 84 % after 3 epochs,
                and eight between 91 and 96 % with the default.
        """
        other = self._again(self._prepare)
        other._set(bits, True)
        done = fit(
            other.network,
            self.data,
            epochs=epochs,
            seed=seed,
            learning_rate=learning_rate,
            progress=False,
        )
        return done.validation_accuracy

    def saturating(self, method: str, images: int | None = None) -> dict[str, float]:
        """Share of each map's values, on all training images, that a calibration cuts off.

        Args:
            method: as `QuantizableNetwork.calibrate` takes it.
            images: so many of the training images are calibrated on; by default all.

        Returns:
            By layer, in 0..1; the layers whose output has a range of its own.

        Raises:
            UnknownNameError: no such method.
        """
        other = self._again(self._prepare)
        with torch.no_grad(), other.network.in_float():
            values = other.network.maps(self._images)
        other.network.calibrate(self._images[:images], method)
        found = {}
        for name, quantization in other.network.quantized.items():
            if name not in values:
                continue
            scale, zero_point = quantization.item()
            least, most = integer_limits()
            steps = values[name] / float(scale) + zero_point
            beyond = (steps > most + 0.5) | (steps < least - 0.5)
            found[name] = float(beyond.float().mean())
        return found

    def output_error(self, method: str, images: int | None = None) -> float:
        """Error of the output that a calibration of the maps makes, weights in float.

        Args:
            method: as `QuantizableNetwork.calibrate` takes it.
            images: so many of the training images are calibrated on; by default all.

        Returns:
            Root mean square error on the validation images, relative to the output in float.

        Raises:
            UnknownNameError: no such method.
        """
        other = self._again(self._prepare)
        other.network.calibrate(self._images[:images], method)
        shown = torch.from_numpy(self.data.validation.images)
        with torch.no_grad():
            got: Tensor = other.network(shown)
            with other.network.in_float():
                wanted: Tensor = other.network(shown)
        return float((got - wanted).square().mean().sqrt() / wanted.square().mean().sqrt())

    def unequalized(self, most: float, *, seed: int) -> "BitTrial":
        """A trial of a network that computes the same from channels of other sizes.

        Every channel between two layers gets a factor of chance, which the next layer undoes, as
        `unequalize` describes it. For that, activations may grow beyond 6.

        Args:
            most: the largest factor; the smallest is ``1 / most``.
            seed: of the factors.

        Raises:
            CompressionError: ``most`` is below 1.
        """

        def scaled(network: QuantizableNetwork) -> None:
            relu6_to_relu(network)
            unequalize(network, most, seed)

        return self._again(scaled)

    def deployed(self, bits: Mapping[str, int]) -> Graph:
        """The int8 graph with these bits, a scale for each channel.

        Its weights lie in the top bits of bytes; `mcu.packed_schedule` packs them.

        Args:
            bits: by layer; a layer that is not named has 8.

        Raises:
            UnknownNameError: a layer that there is not.
            GraphError: bits that there are not.
        """
        self._set(bits, True)
        return self.network.graph(self._images)

    def _again(self, prepare: Callable[[QuantizableNetwork], object] | None) -> "BitTrial":
        choices = sorted(next(iter(self.sizes.values())))
        return BitTrial(self._plain, self.data, choices, prepare)

    def _set(self, bits: Mapping[str, int], per_channel: bool) -> None:
        self.network.free_weights()
        self.network.quantize_weights(
            {name: LinearWeightQuantizer(number, per_channel) for name, number in bits.items()}
        )


def trained_trial(name: str, choices: Sequence[int] = CHOICES) -> BitTrial:
    """The trial of a network that comes with the package.

    Args:
        name: as `load_trained` takes it.
        choices: numbers of bits.

    Raises:
        UnknownNameError: there is no such network.
        DataError: its weights are missing.
    """
    from tinyml_course import data
    from tinyml_course.models.trained import TRAINED, load_trained

    return BitTrial(load_trained(name), data.load(TRAINED[name].data), choices)
