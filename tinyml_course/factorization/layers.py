"""What all splits share: convolutions from weights, and what they refuse."""

from torch import Tensor, nn

from tinyml_course.errors import CompressionError

Pair = tuple[int, int]


def check_rank(rank: int, largest: int, what: str) -> None:
    """Raise unless ``1 <= rank <= largest``.

    Raises:
        CompressionError: naming the largest rank that there is.
    """
    if isinstance(rank, bool) or not isinstance(rank, int) or not 1 <= rank <= largest:
        raise CompressionError(
            f"{what}: rank {rank} is out of 1..{largest}; {largest} already loses nothing"
        )


def check_finite(weight: Tensor, what: str) -> None:
    """Raise unless all weights are numbers.

    Raises:
        CompressionError: there is a NaN or an infinity.
    """
    if not bool(weight.isfinite().all()):
        raise CompressionError(f"{what}: the weights hold NaN or infinity; train them again")


def check_conv(conv: nn.Conv2d, what: str) -> None:
    """Raise unless the convolution has one group, no dilation, zero padding and finite weights.

    Raises:
        CompressionError: naming what is not so.
    """
    if conv.groups != 1:
        raise CompressionError(f"{what} has {conv.groups} groups; only full convolutions are split")
    if conv.dilation != (1, 1) or conv.padding_mode != "zeros" or isinstance(conv.padding, str):
        raise CompressionError(
            f"{what}: dilation {conv.dilation}, padding {conv.padding!r} ({conv.padding_mode}); "
            "only dilation 1 and zero padding given in pixels are split"
        )
    check_finite(conv.weight, what)


def conv_of(
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    groups: int = 1,
) -> nn.Conv2d:
    """A convolution with these weights, ``(C_out, C_in / groups, K_h, K_w)``."""
    c_out, c_in, k_h, k_w = weight.shape
    conv = nn.Conv2d(
        c_in * groups, c_out, (k_h, k_w), stride, padding, groups=groups, bias=bias is not None
    )
    conv.weight.data = weight.detach().clone().to(weight.dtype).contiguous()
    if bias is not None:
        assert conv.bias is not None
        conv.bias.data = bias.detach().clone()
    return conv


def pair(value: object) -> Pair:
    """Stride or padding of a convolution as rows and columns."""
    assert isinstance(value, tuple)
    first, second = value
    return int(first), int(second)
