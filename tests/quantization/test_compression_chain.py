"""Deep Compression as a whole: what comes back from the bytes is a network of shared weights."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from tinyml_course import data
from tinyml_course.data import DataSet
from tinyml_course.errors import CompressionError
from tinyml_course.models.trained import load_trained
from tinyml_course.pruning import apply_masks, global_masks, settle_statistics, weight_arrays
from tinyml_course.pruning.masks import to_tensors
from tinyml_course.quantization import CompressedNetwork, compress_network, compression_chain


@pytest.fixture(scope="module")
def digits() -> DataSet:
    return data.load("digits")


@pytest.fixture(scope="module")
def pruned(digits: DataSet) -> nn.Module:
    network = copy.deepcopy(load_trained("digit_resnet"))
    apply_masks(network, to_tensors(global_masks(weight_arrays(network), 0.8)))
    settle_statistics(network, torch.from_numpy(digits.train.images[:256]))
    return network.eval()


def chain(pruned: nn.Module, digits: DataSet, bits: int, epochs: int) -> CompressedNetwork:
    return compress_network(pruned, digits, bits, epochs=epochs, seed=0, progress=False)


def loss(network: nn.Module, digits: DataSet) -> float:
    images, labels = (torch.from_numpy(part) for part in (digits.train.images, digits.train.labels))
    with torch.no_grad():
        return float(nn.functional.cross_entropy(network(images), labels))


@pytest.fixture(scope="module")
def untuned(pruned: nn.Module, digits: DataSet) -> CompressedNetwork:
    return chain(pruned, digits, 3, 0)


def test_weights_are_shared_and_zeros_stay(pruned: nn.Module, untuned: CompressedNetwork) -> None:
    left = sum(np.count_nonzero(w) for w in weight_arrays(pruned).values())
    kept = sum(int(untuned.network.weight(name).count_nonzero()) for name in untuned.layers)
    # A weight to which 0 is the nearest value becomes 0; a pruned one never comes back.
    assert 0.95 * left < kept <= left
    for name in untuned.layers:
        values = untuned.network.weight(name).unique()
        assert len(values) <= 2**3
        assert 0 in values


def test_bytes_are_those_written(pruned: nn.Module, untuned: CompressedNetwork) -> None:
    sizes = untuned.stage_bytes
    biases = sum(4 * untuned.network.bias(name).numel() for name in untuned.layers)
    written = sum(len(layer.to_bytes()) for layer in untuned.layers.values())
    assert sizes["coded"] == written + biases
    assert sizes["dense"] == 4 * sum(w.size for w in weight_arrays(pruned).values()) + biases
    assert sizes["dense"] > sizes["pruned"] > sizes["shared"] > sizes["coded"]
    assert untuned.ratio == sizes["dense"] / sizes["coded"]


def test_gaps_have_the_bits_that_make_a_layer_smallest(
    pruned: nn.Module, digits: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    sparse = copy.deepcopy(pruned)
    apply_masks(sparse, to_tensors(global_masks(weight_arrays(sparse), 0.95)))
    free = chain(sparse, digits, 3, 0)
    assert len({layer.index_bits for layer in free.layers.values()}) > 1
    for bits in compression_chain.INDEX_BITS:
        monkeypatch.setattr(compression_chain, "INDEX_BITS", [bits])
        alike = chain(sparse, digits, 3, 0)
        assert all(
            layer.size_bytes <= alike.layers[name].size_bytes for name, layer in free.layers.items()
        )


def test_centroids_that_learn_are_better_and_the_network_given_is_left_alone(
    pruned: nn.Module, digits: DataSet, untuned: CompressedNetwork
) -> None:
    before = copy.deepcopy(pruned.state_dict())
    tuned, again = chain(pruned, digits, 3, 2), chain(pruned, digits, 3, 2)
    assert all(torch.equal(before[name], w) for name, w in pruned.state_dict().items())
    assert loss(tuned.network, digits) < loss(untuned.network, digits)
    for name, layer in tuned.layers.items():
        assert torch.equal(tuned.network.weight(name), again.network.weight(name))
        np.testing.assert_array_equal(layer.weights(), tuned.network.weight(name).detach().numpy())
        # What was shared stays shared, as often as before; only the values moved.
        assert (layer.weights() != 0).sum() == (untuned.layers[name].weights() != 0).sum()


def test_enough_bits_change_nothing_to_speak_of(pruned: nn.Module, digits: DataSet) -> None:
    images = torch.from_numpy(digits.test.images)
    network = chain(pruned, digits, 8, 0).network
    with torch.no_grad():
        wanted, got = pruned(images), network(images)
    # 255 values for at most 9,216 weights: the logits' error is a hundredth of their spread.
    assert float((wanted - got).square().mean() / wanted.square().mean()) < 1e-3


def test_a_layer_without_weights_and_too_many_bits(pruned: nn.Module, digits: DataSet) -> None:
    empty = copy.deepcopy(pruned)
    with torch.no_grad():
        empty.get_submodule("block0.first").weight.zero_()
    with pytest.raises(CompressionError, match="all weights of the layer are 0"):
        chain(empty, digits, 3, 0)
    with pytest.raises(CompressionError, match="1 to 8 bits, got 9; the nearest is 8"):
        chain(pruned, digits, 9, 0)
