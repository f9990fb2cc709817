"""Networks that were not made for microcontrollers, or only to compare engines on them."""

from tinyml_course.errors import lookup
from tinyml_course.graph import Graph
from tinyml_course.models.int8_network import RandomLayers

# blocks in each of the four stages, and whether a block is a bottleneck (He et al. 2015, table 1)
RESNETS = {18: ((2, 2, 2, 2), False), 50: ((3, 4, 6, 3), True)}


def random_resnet(
    depth: int = 50, resolution: int = 224, classes: int = 1000, seed: int = 0
) -> Graph:
    """ResNet-18 or ResNet-50 as an int8 graph with random weights.

    The stride of a bottleneck is in its 3x3 convolution, as in torchvision.

    Raises:
        UnknownNameError: another depth.
    """
    repeats, bottleneck = lookup(
        "ResNet depth", str(depth), {str(known): value for known, value in RESNETS.items()}
    )
    net = RandomLayers(f"resnet{depth}@{resolution}", (1, resolution, resolution, 3), seed)
    x = net.conv("stem", "input", 64, 7, 2, "RELU")
    x = net.max_pool("stem.pool", x, 3, 2)
    for stage, blocks in enumerate(repeats):
        width = 64 * 2**stage
        for block in range(blocks):
            stride = 2 if stage and block == 0 else 1
            x = _block(net, f"stage{stage}.{block}", x, width, stride, bottleneck)
    return net.builder.finish(net.linear("classifier", net.global_pool("pool", x), classes))


def random_resnet50(resolution: int = 224, classes: int = 1000, seed: int = 0) -> Graph:
    """ResNet-50, see `random_resnet`."""
    return random_resnet(50, resolution, classes, seed)


def random_small_cifar(seed: int = 0) -> Graph:
    """SmallCifar: three 5x5 convolutions with max pools (MCUNet, appendix), random weights."""
    net = RandomLayers("small_cifar@32", (1, 32, 32, 3), seed)
    x = "input"
    for index, channels in enumerate((32, 32, 64)):
        x = net.conv(f"conv{index}", x, channels, 5, activation="RELU")
        x = net.max_pool(f"pool{index}", x, 2, 2, padding=0)
    return net.builder.finish(net.linear("classifier", net.flatten("flatten", x), 10))


def _block(
    net: RandomLayers, name: str, before: str, width: int, stride: int, bottleneck: bool
) -> str:
    """Two 3x3 convolutions, or 1x1, 3x3 and 1x1 to four times the width, and the shortcut."""
    if bottleneck:
        x = net.conv(f"{name}.reduce", before, width, activation="RELU")
        x = net.conv(f"{name}.conv", x, width, 3, stride, "RELU")
        x = net.conv(f"{name}.expand", x, 4 * width, activation="NONE")
    else:
        x = net.conv(f"{name}.conv1", before, width, 3, stride, "RELU")
        x = net.conv(f"{name}.conv2", x, width, 3, activation="NONE")
    if stride != 1 or net.channels(before) != net.channels(x):
        before = net.conv(f"{name}.shortcut", before, net.channels(x), 1, stride, "NONE")
    return net.add(f"{name}.add", x, before, "RELU")
