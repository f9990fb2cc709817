"""What a weight goes through before the network computes with it."""

from torch import Tensor, nn

from tinyml_course.graph.torch_importer.float_layers import FloatLayer


class WeightQuantizer(nn.Module):
    """Base of the quantizers that can be hung before a layer's weight.

    Attributes:
        bits: of an index or integer in flash.
    """

    bits: int

    def forward(self, weight: Tensor, layer: FloatLayer) -> Tensor:
        """The weight that the network computes with; differentiable.

        Args:
            weight: in the graph's layout.
            layer: whose it is.
        """
        raise NotImplementedError

    def scales(self, weight: Tensor, layer: FloatLayer) -> Tensor | None:  # noqa: ARG002
        """Steps of an even grid around 0, broadcast to the weight; ``None`` without such a grid.

        The int8 graph takes them as they are, so that its integers are those trained with.
        """
        return None


def output_axis(layer: FloatLayer) -> int:
    """Where the output channels are in a weight of the graph's layout."""
    return 3 if layer.kind == "depthwise" else 0


def inner_axes(layer: FloatLayer) -> tuple[int, ...]:
    """All axes of the weight but that of the output channels."""
    assert layer.weight is not None
    return tuple(axis for axis in range(layer.weight.ndim) if axis != output_axis(layer))
