"""How sharply the loss bends along a layer's weights: which layers need their bits (HAWQ-V2)."""

import torch
from torch import Tensor
from torch.nn import functional

from tinyml_course.errors import CompressionError
from tinyml_course.quantization.network import QuantizableNetwork


def hessian_traces(
    network: QuantizableNetwork, images: Tensor, labels: Tensor, *, draws: int, seed: int
) -> dict[str, float]:
    """Mean of the diagonal of the loss's Hessian, layer by layer, estimated as Hutchinson did.

    ``v H v`` for random signs ``v`` has the trace as its mean (HAWQ-V2, Dong et al. 2020, equation
    10). The weights are taken in float.

    Args:
        network: images to logits.
        images: ``(N, C, H, W)``.
        labels: ``(N,)``.
        draws: of ``v``; 50 to 100 give a few percent.
        seed: of the draws.

    Returns:
        By layer the trace over the number of its weights.

    Raises:
        CompressionError: no draws.
    """
    if draws < 1:
        raise CompressionError(f"hessian_traces: {draws} draws; at least 1")
    generator = torch.Generator().manual_seed(seed)
    traces = {}
    with network.in_float():
        loss = functional.cross_entropy(network(images), labels)
        for layer in network.weighted():
            # One layer at a time: the others' signs would only add noise to its estimate.
            weight, total = network.weight(layer.name), 0.0
            (slope,) = torch.autograd.grad(loss, weight, create_graph=True)
            for _ in range(draws):
                signs = 2.0 * torch.randint(0, 2, weight.shape, generator=generator) - 1.0
                (bent,) = torch.autograd.grad((slope * signs).sum(), weight, retain_graph=True)
                total += float((bent * signs).sum())
            traces[layer.name] = total / draws / weight.numel()
    return traces
