"""Fashion-MNIST: whole, or an error that says where and what to do; never half a data set."""

import gzip
import hashlib
import http.client
import urllib.error
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tinyml_course import data
from tinyml_course.data import fashion_mnist
from tinyml_course.data.fashion_mnist import CONTENT, RAW, load_fashion_mnist
from tinyml_course.errors import DataError
from tinyml_course.torchvision_repair import import_torchvision

TRAIN, TEST, VALIDATION = 50, 20, 10


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim])
    return header + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


RNG = np.random.default_rng(0)
ARRAYS = {
    "train-images-idx3-ubyte": RNG.integers(0, 256, (TRAIN, 28, 28)).astype(np.uint8),
    "train-labels-idx1-ubyte": (np.arange(TRAIN) % 10).astype(np.uint8),
    "t10k-images-idx3-ubyte": RNG.integers(0, 256, (TEST, 28, 28)).astype(np.uint8),
    "t10k-labels-idx1-ubyte": (np.arange(TEST) % 10).astype(np.uint8),
}


@pytest.fixture(autouse=True)
def small_set(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for the published files, with checksums of its own."""
    if "real_data" in request.fixturenames:
        return
    sums = {name: hashlib.sha256(idx(a)).hexdigest() for name, a in ARRAYS.items()}
    monkeypatch.setattr(fashion_mnist, "CONTENT", sums)
    monkeypatch.setattr(fashion_mnist, "VALIDATION", VALIDATION)


def write(folder: Path, zipped: bool = True) -> None:
    raw = folder / RAW
    raw.mkdir(parents=True)
    for name, array in ARRAYS.items():
        content = idx(array)
        if zipped:
            (raw / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (raw / name).write_bytes(content)


def files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


Downloader = Callable[[Path], None]


def downloader(monkeypatch: pytest.MonkeyPatch, action: Downloader) -> list[Path]:
    """Replace torchvision's reader by ``action`` on the folder; notes each call."""
    import_torchvision()
    calls: list[Path] = []

    class Fake:
        def __init__(self, root: str, download: bool = False) -> None:
            assert download
            calls.append(Path(root))
            action(Path(root))

    monkeypatch.setattr("torchvision.datasets.FashionMNIST", Fake)
    return calls


def no_network(root: Path) -> None:
    raise urllib.error.URLError("no route to host")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_folder_that_holds_the_files_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zipped: bool
) -> None:
    calls = downloader(monkeypatch, no_network)
    write(tmp_path, zipped)
    loaded = data.load("fashion_mnist", tmp_path)
    assert not calls
    train = ARRAYS["train-images-idx3-ubyte"]
    for split, images, labels in (
        (loaded.train, train[:-VALIDATION], ARRAYS["train-labels-idx1-ubyte"][:-VALIDATION]),
        (loaded.validation, train[-VALIDATION:], ARRAYS["train-labels-idx1-ubyte"][-VALIDATION:]),
        (loaded.test, ARRAYS["t10k-images-idx3-ubyte"], ARRAYS["t10k-labels-idx1-ubyte"]),
    ):
        assert np.array_equal(np.rint(split.images[:, 0] * 255), images)
        assert np.array_equal(split.labels, labels)
        assert split.images.dtype == np.float32
        assert split.images.max() <= 1
    assert loaded.image_shape == (1, 28, 28)
    assert loaded.classes == 10


def test_a_download_lands_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = downloader(monkeypatch, write)
    root = tmp_path / "new" / "folder"
    loaded = load_fashion_mnist(root)
    assert len(loaded.train) == TRAIN - VALIDATION
    assert files(root) == sorted(f"{name}.gz" for name in ARRAYS)
    assert [p.name for p in root.iterdir()] == ["FashionMNIST"]
    load_fashion_mnist(root)
    assert len(calls) == 1  # the second time it is there


def test_an_incomplete_folder_is_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    (tmp_path / RAW / "t10k-labels-idx1-ubyte.gz").unlink()
    downloader(monkeypatch, write)
    assert len(load_fashion_mnist(tmp_path).test) == TEST


def half(root: Path) -> None:
    write(root)
    path = root / RAW / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def other_content(root: Path) -> None:
    write(root)
    changed = ARRAYS["t10k-labels-idx1-ubyte"][::-1]
    (root / RAW / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(changed)))


def one_missing(root: Path) -> None:
    write(root)
    (root / RAW / "train-labels-idx1-ubyte.gz").unlink()


def broken_off(root: Path) -> None:
    write(root)
    raise http.client.IncompleteRead(b"half")


def not_found(root: Path) -> None:
    raise RuntimeError("File not found or corrupted.")


def cut_archive(root: Path) -> None:
    raise EOFError("Compressed file ended before the end-of-stream marker was reached")


FAILURES = (no_network, half, other_content, one_missing, broken_off, not_found, cut_archive)


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("held_before", [0, 3])
def test_a_failed_download_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Downloader, held_before: int
) -> None:
    if held_before:
        write(tmp_path)
        (tmp_path / RAW / "t10k-labels-idx1-ubyte.gz").unlink()
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    downloader(monkeypatch, failure)
    with pytest.raises(DataError) as caught:
        load_fashion_mnist(tmp_path)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    assert not list(tmp_path.glob(".fashion*"))
    message = str(caught.value)
    assert str((tmp_path / RAW).absolute()) in message
    assert "t10k-labels-idx1-ubyte" in message
    for way_out in ("TINYML_DATA", "'digits'"):
        assert way_out in message


def test_an_interrupted_download_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(root: Path) -> None:
        write(root)
        raise KeyboardInterrupt

    downloader(monkeypatch, interrupt)
    with pytest.raises(KeyboardInterrupt):
        load_fashion_mnist(tmp_path)
    assert not files(tmp_path)


def test_without_download_the_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = downloader(monkeypatch, write)
    with pytest.raises(DataError, match="downloading was not asked for") as caught:
        load_fashion_mnist(tmp_path, download=False)
    assert not calls
    for name in ARRAYS:
        assert name in str(caught.value)


def test_a_folder_that_cannot_be_written_to_is_a_data_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloader(monkeypatch, write)
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DataError, match="nothing can be written there"):
        load_fashion_mnist(tmp_path / "file" / "folder")


@pytest.mark.parametrize("damage", [half, other_content])
def test_a_damaged_file_in_the_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Downloader
) -> None:
    calls = downloader(monkeypatch, write)
    damage(tmp_path)
    with pytest.raises(DataError, match=r"t10k-.*\.gz .*delete it and fetch it again") as caught:
        load_fashion_mnist(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert not calls  # what is there is never overwritten


def test_the_real_files(real_data: Path) -> None:
    loaded = load_fashion_mnist(real_data, download=False)
    assert [len(s) for s in (loaded.train, loaded.validation, loaded.test)] == [
        50_000,
        10_000,
        10_000,
    ]
    assert loaded.image_shape == (1, 28, 28)
    # Published: 6,000 and 1,000 pictures of each class.
    labels = np.concatenate([loaded.train.labels, loaded.validation.labels])
    assert np.bincount(labels).tolist() == [6000] * 10
    assert np.bincount(loaded.test.labels).tolist() == [1000] * 10
    assert loaded.class_names[int(loaded.train.labels[0])] == "ankle boot"
    # The mean grey value that is published with the set for normalization, to its four digits.
    whole = np.concatenate([loaded.train.images, loaded.validation.images])
    assert float(whole.mean(dtype=np.float64)) == pytest.approx(0.2860, abs=5e-5)


def test_the_checksums_are_of_all_four_files() -> None:
    assert len(CONTENT) == 4
    assert all(len(s) == 64 for s in CONTENT.values())
