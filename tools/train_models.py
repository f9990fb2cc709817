"""Train the networks whose weights the package brings along, and tell what they reach.

    python tools/train_models.py [--check] [NAME ...]

trains those named, or all, on the training split and writes their weights; ``--check`` only tells
what the weights at hand reach. Settings were chosen by the validation split; by the test split,
nothing was. On another machine weights may differ in the last digits.
"""

import sys

from safetensors.torch import save

from tinyml_course import data
from tinyml_course.models.fit import accuracy, fit, predict
from tinyml_course.models.trained import TRAINED, load_trained, weights_file
from tinyml_course.whole_file import write_whole

SEED = 0


def train(name: str) -> None:
    """Learn from the training split and write the weights."""
    recipe = TRAINED[name]
    network = recipe.build(SEED)
    fit(
        network,
        data.load(recipe.data),
        epochs=recipe.epochs,
        seed=SEED,
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
    )
    path = weights_file(name)
    path.parent.mkdir(exist_ok=True)
    write_whole(path, save({k: v.contiguous() for k, v in network.state_dict().items()}))


def tell(name: str) -> None:
    """Print what the weights at hand reach."""
    network, splits, path = load_trained(name), data.load(TRAINED[name].data), weights_file(name)
    count = sum(value.numel() for value in network.parameters())
    print(f"{path.name}: {count:,} parameters, {path.stat().st_size:,} B")
    for split in ("train", "validation", "test"):
        images = getattr(splits, split)
        print(f"  {split:10} {accuracy(predict(network, images), images.labels):.2%}")


if __name__ == "__main__":
    names = [argument for argument in sys.argv[1:] if argument != "--check"] or list(TRAINED)
    for wanted in names:
        if "--check" not in sys.argv[1:]:
            train(wanted)
        tell(wanted)
