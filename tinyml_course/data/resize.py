"""The same images at another resolution."""

from dataclasses import replace

import numpy as np

from tinyml_course.data.dataset import DataSet, Split
from tinyml_course.errors import DataError


def resize(dataset: DataSet, resolution: int) -> DataSet:
    """Every split resized bilinearly, with antialiasing, to ``resolution`` rows and columns.

    Raises:
        DataError: the resolution is below 1.
    """
    if resolution < 1:
        raise DataError(f"resolution must be at least 1, got {resolution}")
    return replace(
        dataset,
        train=_resize(dataset.train, resolution),
        validation=_resize(dataset.validation, resolution),
        test=_resize(dataset.test, resolution),
    )


def _resize(split: Split, resolution: int) -> Split:
    import torch
    from torch.nn.functional import interpolate

    if split.images.shape[2:] == (resolution, resolution):
        return split
    parts = [
        interpolate(
            torch.from_numpy(np.ascontiguousarray(part)),
            (resolution, resolution),
            mode="bilinear",
            antialias=True,
        ).numpy()
        for part in split.batches(1024)
    ]
    return Split(np.concatenate(parts), split.labels)
