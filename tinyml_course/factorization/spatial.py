"""A square kernel as a column and a row (Jaderberg et al. 2014)."""

from torch import nn

from tinyml_course.factorization.layers import check_conv, conv_of, pair
from tinyml_course.factorization.svd import truncated_svd


def split_spatial(conv: nn.Conv2d, rank: int) -> nn.Sequential:
    """``K x 1`` to ``rank`` channels, then ``1 x K``: the best such pair, by SVD.

    Each direction keeps its own stride and padding, so a strided layer shrinks its rows first.

    Args:
        conv: ``(C_out, C_in, K_h, K_w)``.
        rank: 1 to ``min(C_in K_h, C_out K_w)``.

    Raises:
        CompressionError: a rank out of range, or a convolution with groups or dilation.
    """
    check_conv(conv, "split_spatial")
    c_out, c_in, k_h, k_w = conv.weight.shape
    unfolded = conv.weight.permute(1, 2, 0, 3).reshape(c_in * k_h, c_out * k_w)
    left, right = truncated_svd(unfolded, rank)
    column = left.reshape(c_in, k_h, rank).permute(2, 0, 1)[..., None]
    row = right.reshape(rank, c_out, k_w).permute(1, 0, 2)[:, :, None, :]
    stride, padding = pair(conv.stride), pair(conv.padding)
    return nn.Sequential(
        conv_of(column, None, (stride[0], 1), (padding[0], 0)),
        conv_of(row, conv.bias, (1, stride[1]), (0, padding[1])),
    )
