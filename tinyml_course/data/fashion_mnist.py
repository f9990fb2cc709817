"""Fashion-MNIST, from a folder that holds it or, once, from its publisher."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyml_course.data.dataset import Card, DataSet, Split
from tinyml_course.data.folder import data_folder
from tinyml_course.data.idx import read_idx
from tinyml_course.errors import DataError

CARD = Card(
    title="Fashion-MNIST",
    source="H. Xiao, K. Rasul, R. Vollgraf, Zalando SE, 2017 (arXiv:1708.07747)",
    licence="MIT",
    description="70,000 grey 28x28 pictures of clothes in 10 classes. The published 10,000 test "
    "pictures are the test split; the last 10,000 of the 60,000 training pictures are validation.",
)
CLASS_NAMES = (
    "T-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
RAW = Path("FashionMNIST") / "raw"
VALIDATION = 10_000

# sha256 of the uncompressed files, so that a copy that was compressed anew is accepted too.
CONTENT = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


def load_fashion_mnist(folder: str | Path | None = None, download: bool = True) -> DataSet:
    """The data set, checked against its checksums.

    Args:
        folder: that holds ``FashionMNIST/raw``; by default see `data_folder`.
        download: fetch it if it is not there.

    Raises:
        DataError: it is not there and cannot be fetched, or a file is damaged.
    """
    root = data_folder(folder)
    if missing_files(root):
        if not download:
            raise _not_found(root, "and downloading was not asked for")
        _download(root)
    parts = {name: read_idx(_find(root, name), sha256) for name, sha256 in CONTENT.items()}
    train = _split(parts["train-images-idx3-ubyte"], parts["train-labels-idx1-ubyte"])
    test = _split(parts["t10k-images-idx3-ubyte"], parts["t10k-labels-idx1-ubyte"])
    cut = len(train) - VALIDATION
    return DataSet(
        "fashion_mnist",
        Split(train.images[:cut], train.labels[:cut]),
        Split(train.images[cut:], train.labels[cut:]),
        test,
        CLASS_NAMES,
        CARD,
    )


def _split(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Split:
    scaled = images[:, None].astype(np.float32) / np.float32(255)
    return Split(scaled, labels.astype(np.int64))


def _find(root: Path, name: str) -> Path:
    plain = root / RAW / name
    return plain if plain.is_file() else plain.with_name(f"{name}.gz")


def missing_files(root: Path) -> list[str]:
    """The files that ``root`` lacks, by name."""
    return [name for name in CONTENT if not _find(root, name).is_file()]


def _not_found(root: Path, why: str) -> DataError:
    lacking = ", ".join(missing_files(root))
    return DataError(
        f"Fashion-MNIST: looked in {(root / RAW).absolute()} for {lacking}: not there, {why}. "
        "Put the four files there, or set TINYML_DATA to a folder that holds FashionMNIST/raw, or "
        "use the data set 'digits', which needs neither folder nor network"
    )


def _download(root: Path) -> None:
    """Fetch into a folder of its own beside the target; what arrives broken never gets there."""
    from tinyml_course.torchvision_repair import import_torchvision

    import_torchvision()
    from torchvision.datasets import FashionMNIST

    try:
        root.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".fashion-mnist-", dir=root))
    except OSError as error:
        raise _not_found(root, f"and nothing can be written there ({error})") from error
    try:
        FashionMNIST(str(staging), download=True)
        for name, sha256 in CONTENT.items():
            read_idx(_find(staging, name), sha256)
        (root / RAW).mkdir(parents=True, exist_ok=True)
        for name in CONTENT:
            source = _find(staging, name)
            source.replace(root / RAW / source.name)
    except Exception as error:  # urllib, http, gzip, zlib and torchvision each have their own
        raise _not_found(root, f"and the download failed ({error})") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
