"""Real handwritten digits that scikit-learn brings along: no network, no folder."""

import numpy as np

from tinyml_course.data.dataset import Card, DataSet, Split

CARD = Card(
    title="Optical recognition of handwritten digits",
    source="E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998; the copy in "
    "scikit-learn",
    licence="CC BY 4.0",
    description="1,797 digits of 13 writers, 8x8 pixels with 17 grey levels. Split 60/20/20 into "
    "train, validation and test, each class in proportion, by a fixed seed. The writers are not "
    "named, so one person's digits may lie in several splits.",
)
SPLIT_SEED = 20


def load_digits() -> DataSet:
    """The data set; always the same splits."""
    from sklearn.datasets import load_digits as bundled
    from sklearn.model_selection import train_test_split

    raw = bundled()
    images = (raw.images / 16).astype(np.float32)[:, None]
    labels = raw.target.astype(np.int64)
    rest, test = train_test_split(
        np.arange(len(labels)), test_size=0.2, random_state=SPLIT_SEED, stratify=labels
    )
    train, validation = train_test_split(
        rest, test_size=0.25, random_state=SPLIT_SEED, stratify=labels[rest]
    )
    return DataSet(
        "digits",
        train=Split(images[train], labels[train]),
        validation=Split(images[validation], labels[validation]),
        test=Split(images[test], labels[test]),
        class_names=tuple("0123456789"),
        card=CARD,
    )
