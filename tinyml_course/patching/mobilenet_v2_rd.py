"""MobileNetV2 with a redistributed receptive field, as MCUNetV2 measures it."""

from tinyml_course.models.families import mobilenet_v2
from tinyml_course.patching.redistribution import Redistributed, redistribute

# MCUNetV2, section 4.4: n = 5 with the stem, down to an eighth of the input
MOBILENET_V2_PATCH_BLOCKS = 4
_BLOCK_OF_64_CHANNELS = 7


def mobilenet_v2_rd(
    width: float = 1.0, resolution: int = 224, classes: int = 1000
) -> Redistributed:
    """MbV2-RD (MCUNetV2, section 3.2, figure 4 and table 1); arguments as for `mobilenet_v2`.

    The paper draws the network and does not list its blocks. They are inferred from table 1, which
    is at width 1, 224 x 224 and 4 x 4 patches:

    - Patches of 63 x 63 input pixels for 75 x 75, and 73 M MACs in the patch stage for 130 M. A
      1 x 1 window in the first block and no second 24-channel block give 63 and 73.7 M (75 and
      129.5 M without), counted as the paper counts, borders like the rest. Other sets of 1 x 1
      windows and missing blocks miss one of the two.
    - 301 M MACs overall for 330 M, 3 % more than without patches for 10 %. Two more blocks of 64
      channels give 300.9 M and 2.9 % (328.7 M and 9.3 % for MobileNetV2); no other number of
      repeated blocks comes to 301 M.

    The first block's 1 x 1 depthwise convolution has 0.4 M MACs. If the authors' block is the bare
    projection, the patch stage has 73.2 M, and one more block of 32 channels and one of 64 are as
    likely.

    Raises:
        GraphError: ``width`` is not positive.
    """
    base = mobilenet_v2(width, resolution, classes)
    return redistribute(
        base, MOBILENET_V2_PATCH_BLOCKS, extra_blocks=2, repeat=_BLOCK_OF_64_CHANNELS
    )
