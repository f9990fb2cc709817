"""What a learner commits to before each experiment of Lab 0."""

from tinyml_course.course.question import Prediction

PREDICTIONS = (
    Prediction(
        "p1",
        "A depthwise 3x3 and a 1x1 convolution replace a dense 3x3 convolution of 64 channels. "
        "How many times fewer MACs?",
        {"A": "about 2 times", "B": "about 8 times", "C": "about 64 times"},
        "B",
        "Per output channel the dense layer needs 9 x 64 = 576 MACs, the pair 9 + 64 = 73. This is "
        "why mobile networks are built of them.",
    ),
    Prediction(
        "p2",
        "MobileNetV2 at width 1.4 has 4.2 times fewer parameters than ResNet-50. How much SRAM do "
        "its activations need?",
        {"A": "about 4 times less", "B": "about 2 times less", "C": "about the same"},
        "C",
        "Parameters and peak activation are different quantities: the expanded maps near the image "
        "are as large as ResNet-50's widest ones.",
    ),
    Prediction(
        "p3",
        "Which part of MobileNetV2 decides how much SRAM it needs?",
        {
            "A": "the first third of its layers",
            "B": "the middle third",
            "C": "the last third, where it has the most channels",
        },
        "A",
        "Each stride of 2 takes three quarters of the positions, and the channels grow more "
        "slowly. The maps near the image are the largest.",
    ),
    Prediction(
        "p4",
        "MobileNetV2 at width 0.35 and resolution 144 needs 304 KiB of SRAM for int8 inference. "
        "How much for training it in float32 with 8 images a step?",
        {"A": "about 4 times as much", "B": "about 20 times", "C": "about 150 times"},
        "C",
        "Three factors multiply: 4 bytes instead of 1, all activations instead of the two or three "
        "that live at once, and 8 images.",
    ),
    Prediction(
        "p5",
        "The SRAM is too small by half. Which helps more: half the width or half the resolution?",
        {"A": "half the resolution", "B": "half the width", "C": "both the same"},
        "A",
        "A map has two axes of space and one of channels: half the resolution leaves a quarter of "
        "its bytes, half the width leaves half of them.",
    ),
)
