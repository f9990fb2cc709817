"""The IDX reader: it undoes a writer, and refuses everything else by path."""

import gzip
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyml_course.data.idx import read_idx
from tinyml_course.errors import DataError


def to_idx(array: np.ndarray) -> bytes:
    """The format as its publisher describes it."""
    header = bytes([0, 0, 8, array.ndim])
    return header + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.booleans(), st.integers(0, 99))
def test_reading_undoes_writing(
    tmp_path_factory: Any, shape: list[int], zipped: bool, seed: int
) -> None:
    array = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    path = tmp_path_factory.mktemp("idx") / ("a.gz" if zipped else "a")
    raw = to_idx(array)
    path.write_bytes(gzip.compress(raw) if zipped else raw)
    for sha256 in (None, hashlib.sha256(raw).hexdigest()):
        again = read_idx(path, sha256)
        assert again.dtype == np.uint8
        assert np.array_equal(again, array)


ARRAY = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@pytest.mark.parametrize("zipped", [False, True])
def test_every_truncation_is_refused_by_path(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / ("images.gz" if zipped else "images")
    whole = gzip.compress(to_idx(ARRAY)) if zipped else to_idx(ARRAY)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match="images"):
            read_idx(path)


def test_bytes_too_many_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "images"
    path.write_bytes(to_idx(ARRAY) + b"\0")
    with pytest.raises(DataError, match=r"declares \(2, 3, 4\) but holds 25 bytes"):
        read_idx(path)


def test_sizes_whose_product_overflows_are_refused(tmp_path: Path) -> None:
    """Four times 65,536: the product is 0 in 64 bits, and the file holds 0 bytes."""
    path = tmp_path / "images"
    path.write_bytes(bytes([0, 0, 8, 4]) + (1 << 16).to_bytes(4, "big") * 4)
    with pytest.raises(DataError, match="but holds 0 bytes"):
        read_idx(path)


@pytest.mark.parametrize("head", [b"\0\0\x09\1", b"\0\1\x08\1", b"PK\3\4", b"", b"\0\0\x08"])
def test_other_formats_are_refused(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "images"
    path.write_bytes(head + bytes(20) if len(head) == 4 else head)
    with pytest.raises(DataError, match="images is not an IDX file of unsigned bytes"):
        read_idx(path)


def test_a_damaged_archive_is_refused_with_a_way_out(tmp_path: Path) -> None:
    path = tmp_path / "images.gz"
    whole = bytearray(gzip.compress(to_idx(np.arange(200, dtype=np.uint8).repeat(9))))
    for place in range(10, len(whole), 7):  # behind the archive's own time stamp and name
        broken = bytearray(whole)
        broken[place] ^= 0xFF
        path.write_bytes(broken)
        with pytest.raises(DataError, match="images"):
            read_idx(path)
    path.write_bytes(b"not gzip")
    with pytest.raises(DataError, match="delete it and fetch it again"):
        read_idx(path)


def test_other_content_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "images"
    path.write_bytes(to_idx(ARRAY))
    with pytest.raises(DataError, match=r"images has the wrong content .*expected 0000.*delete it"):
        read_idx(path, "0" * 64)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing"):
        read_idx(tmp_path / "nothing")
