"""Train the networks whose weights the package brings along, and write them.

``python tools/train_models.py digits`` trains on the training split; what is printed is the
accuracy on the validation split, by which the settings were chosen, and on the test split, by which
nothing was. On another machine the weights may differ in the last digits.
"""

import sys

from safetensors.torch import save

from tinyml_course import data
from tinyml_course.models.fit import accuracy, fit, predict
from tinyml_course.models.torch_network import build
from tinyml_course.models.trained import TRAINED, weights_file
from tinyml_course.whole_file import write_whole

SEED, EPOCHS = 0, 40


def train(name: str) -> None:
    """Train one network and write its weights."""
    splits, network = data.load(name), build(TRAINED[name], SEED)
    fit(network, splits, epochs=EPOCHS, seed=SEED)
    for split in ("validation", "test"):
        images = getattr(splits, split)
        right = accuracy(predict(network, images), images.labels)
        print(f"{name}: {right:.2%} of {len(images)} {split} images")
    path = weights_file(name)
    path.parent.mkdir(exist_ok=True)
    write_whole(path, save({k: v.contiguous() for k, v in network.state_dict().items()}))
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    for wanted in sys.argv[1:] or TRAINED:
        train(wanted)
