"""The IDX format of MNIST and its successors, gzipped or not."""

import gzip
import hashlib
import math
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import DataError


def read_idx(path: Path, sha256: str | None = None) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes.

    Args:
        path: a ``.gz`` or plain file.
        sha256: of the uncompressed content; ``None`` skips the check.

    Raises:
        DataError: the file is damaged, cut short, or of another content than expected.
    """
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read ({error}); delete it and fetch it again") from error
    except Exception as error:  # zlib.error has no common base with the others
        raise DataError(f"{path} is damaged ({error}); delete it and fetch it again") from error
    if sha256 is not None:
        found = hashlib.sha256(raw).hexdigest()
        if found != sha256:
            raise DataError(
                f"{path} has the wrong content (sha256 {found[:16]}..., expected {sha256[:16]}...);"
                " delete it and fetch it again"
            )
    if len(raw) < 4 or raw[:3] != b"\0\0\x08":
        raise DataError(f"{path} is not an IDX file of unsigned bytes")
    dimensions = raw[3]
    header = 4 + 4 * dimensions
    if len(raw) < header:
        raise DataError(f"{path} ends within its header; delete it and fetch it again")
    shape = struct.unpack_from(f">{dimensions}I", raw, 4)
    if len(raw) != header + math.prod(shape):
        raise DataError(f"{path} declares {shape} but holds {len(raw) - header:,} bytes")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)
