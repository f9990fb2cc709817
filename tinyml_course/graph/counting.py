"""How large and how much work a layer is: the formulas, each in one place.

The graph's operators count with them, and they are what a learner writes in Lab 0. A multiply-
accumulate (MAC) of a padded tap counts, as in the papers: kernels on a microcontroller skip none
of them in the middle of a map, and published MAC counts include them.
"""

import math
from collections.abc import Sequence


def conv_output_size(size: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """Rows (or columns) that a convolution gives.

    Args:
        size: rows of the input.
        kernel: rows of the kernel.
        stride: step between two output rows, in input rows.
        padding: rows added in all, above and below together.

    Raises:
        ValueError: the kernel is larger than the padded input.

    >>> conv_output_size(224, kernel=3, stride=2, padding=2)
    112
    """
    if min(size, kernel, stride) < 1 or padding < 0:
        raise ValueError(
            f"size, kernel and stride must be at least 1 and padding at least 0, got size={size}, "
            f"kernel={kernel}, stride={stride}, padding={padding}"
        )
    if kernel > size + padding:
        raise ValueError(f"kernel {kernel} is larger than the padded input {size + padding}")
    return (size + padding - kernel) // stride + 1


def conv_params(
    c_in: int, c_out: int, kernel: tuple[int, int], groups: int = 1, bias: bool = True
) -> int:
    """Weights and biases of a convolution; ``groups == c_in`` is a depthwise one.

    Raises:
        ValueError: the channels are not divisible by the groups.
    """
    if groups < 1 or c_in % groups or c_out % groups:
        raise ValueError(f"{c_in} input and {c_out} output channels do not split into {groups}")
    return c_out * (c_in // groups) * kernel[0] * kernel[1] + (c_out if bias else 0)


def conv_macs(
    output_size: tuple[int, int], c_in: int, c_out: int, kernel: tuple[int, int], groups: int = 1
) -> int:
    """Multiply-accumulates of a convolution: every output element reads one kernel.

    Args:
        output_size: ``(H_out, W_out)``.
        c_in: input channels.
        c_out: output channels.
        kernel: ``(K_h, K_w)``.
        groups: 1 for a dense convolution, ``c_in`` for a depthwise one.
    """
    return output_size[0] * output_size[1] * conv_params(c_in, c_out, kernel, groups, bias=False)


def linear_macs(features_in: int, features_out: int) -> int:
    """Multiply-accumulates of a fully connected layer."""
    return features_in * features_out


def activation_bytes(shape: Sequence[int], bits: int = 8) -> int:
    """Bytes of an activation at ``bits`` bits an element, rounded up to whole bytes."""
    return math.ceil(math.prod(shape) * bits / 8)
