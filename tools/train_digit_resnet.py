"""Train the network that Lab 1 prunes and write its checkpoint; tells the accuracies it reaches.

    python tools/train_digit_resnet.py [--check]

With ``--check`` nothing is written: the accuracies of the checkpoint are told.
"""

import sys

from safetensors.torch import save

from tinyml_course.data import DataSet, load
from tinyml_course.models.digit_resnet import CHECKPOINT, digit_resnet, trained_digit_resnet
from tinyml_course.models.fit import accuracy, fit, predict
from tinyml_course.whole_file import write_whole

EPOCHS = 30
SEED = 0
LEARNING_RATE = 0.05
WEIGHT_DECAY = 1e-3


def train(data: DataSet) -> None:
    """Learn from the training split and write the weights."""
    network = digit_resnet(SEED)
    fit(
        network,
        data,
        epochs=EPOCHS,
        seed=SEED,
        learning_rate=LEARNING_RATE,
        weight_decay=WEIGHT_DECAY,
    )
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    write_whole(CHECKPOINT, save(state))


def tell(data: DataSet) -> None:
    """Print what the checkpoint reaches."""
    network = trained_digit_resnet()
    weights = sum(value.numel() for value in network.parameters())
    print(f"{CHECKPOINT.name}: {weights:,} parameters, {CHECKPOINT.stat().st_size:,} B")
    for name in ("train", "validation", "test"):
        split = getattr(data, name)
        print(f"{name:10} {accuracy(predict(network, split), split.labels):.2%}")


if __name__ == "__main__":
    digits = load("digits")
    if "--check" not in sys.argv[1:]:
        train(digits)
    tell(digits)
