"""Memory of one training step."""

from tinyml_course.errors import lookup

FLOAT32_BYTES = 4

OPTIMIZER_STATE = {"sgd": 0, "momentum": 1, "adam": 2}
"""Numbers that an optimizer keeps beside each parameter."""


def training_bytes(params: int, activations: int, batch: int, optimizer: str = "sgd") -> int:
    """Bytes that a float32 training step needs: weights, gradients, state, stored activations.

    Backpropagation reads every activation of the forward pass again, for every image of the
    batch; weights, their gradients and the optimizer's state are there once.

    Args:
        params: weights and biases.
        activations: elements of all activations of one image.
        batch: images in a step.
        optimizer: a key of `OPTIMIZER_STATE`: ``sgd`` keeps nothing, ``momentum`` one number and
            ``adam`` two numbers a parameter.

    Raises:
        UnknownNameError: an optimizer that is not known.

    >>> training_bytes(100, activations=1000, batch=8, optimizer="adam")
    33600
    """
    state = lookup("optimizer", optimizer, OPTIMIZER_STATE)
    return FLOAT32_BYTES * (params * (2 + state) + batch * activations)
