"""How the costs of a convolutional network follow its width and its resolution."""

from collections.abc import Mapping


def scaled(costs: Mapping[str, float], width: float, resolution: float) -> dict[str, float]:
    """Costs after every channel count and the image's side are multiplied by a factor.

    A dense convolution has ``C_in C_out`` weights, so parameters and MACs follow the square of the
    width; rows and columns both follow the resolution; an activation has one channel axis. The
    law is exact but for rounding and for layers that read the image or do not see the resolution.

    Args:
        costs: ``params``, ``macs`` and ``peak_bytes`` of the network as it is.
        width: factor of every channel count.
        resolution: factor of the image's rows and of its columns.

    >>> scaled({"params": 100, "macs": 1000, "peak_bytes": 64}, width=0.5, resolution=2)
    {'params': 25.0, 'macs': 1000.0, 'peak_bytes': 128.0}
    """
    return {
        "params": costs["params"] * width**2,
        "macs": costs["macs"] * width**2 * resolution**2,
        "peak_bytes": costs["peak_bytes"] * width * resolution**2,
    }
