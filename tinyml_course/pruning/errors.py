"""What can be wrong with a wish to prune."""

from math import floor

from tinyml_course.errors import TinyMLError


class PruningError(TinyMLError, ValueError):
    """A network, a mask or a set of channels that cannot be pruned like this."""


class SparsityError(PruningError):
    """A sparsity or structure that a layer's shape does not allow; the nearest that it does."""


class EmptyLayerError(SparsityError):
    """A sparsity of all layers together that takes every weight of one of them.

    Attributes:
        layer: the name of its weight.
        reachable: the highest sparsity that leaves every layer at least one weight.
    """

    def __init__(self, layer: str, sparsity: float, reachable: float) -> None:
        self.layer = layer
        self.reachable = reachable
        super().__init__(
            f"a sparsity of {sparsity:.4g} of all layers together leaves {layer} no weight, and "
            f"nothing passes it; with these weights the most is {floor(reachable * 1e4) / 1e4:.4f}:"
            " choose that or less, or prune each layer by itself (`make_masks`)"
        )


class WeightError(PruningError):
    """Weights from which nothing can be chosen: none at all, or NaN and infinity among them."""


class InfeasibleBudgetError(PruningError):
    """A budget below the smallest network that can be reached.

    Attributes:
        resource: what runs out, such as ``"macs"``.
        smallest: of it, with as few channels in every group as were allowed.
        asked: of it, at the most.
    """

    def __init__(self, resource: str, smallest: float, asked: float, way_out: str) -> None:
        self.resource = resource
        self.smallest = smallest
        self.asked = asked
        super().__init__(
            f"no pruned network has {resource} of {asked:,g} or less: the smallest reachable is "
            f"{smallest:,g}; {way_out}"
        )
