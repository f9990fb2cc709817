"""What a .tflite file says, as plain data: nothing here knows flatbuffers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class FileTensor:
    """A tensor of the file.

    Attributes:
        name: as the converter called it; may be empty or not unique.
        shape: dimensions.
        dtype: TF-Lite's name in lower case: ``int8``, ``float32``, ``bool``, ...
        scale: float32, empty for tensors that are not quantized.
        zero_point: int64, as long as ``scale``.
        axis: the channel axis of several scales.
        data: the values of a constant, ``None`` for an activation.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    axis: int
    data: NDArray[Any] | None


@dataclass(frozen=True)
class FileOperator:
    """An operator of the file.

    Attributes:
        index: its position in execution order, as viewers count it.
        kind: TF-Lite's name: ``CONV_2D``; ``CUSTOM`` and ``UNKNOWN`` name their code.
        inputs: indices of tensors, -1 where an optional one is left out.
        outputs: indices of tensors.
        options: by the schema's names: ``StrideH``, ``Padding``, ...
    """

    index: int
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any]

    @property
    def place(self) -> str:
        """What errors call it."""
        return f"operator {self.index} ({self.kind})"


@dataclass(frozen=True)
class FileModel:
    """The one subgraph of a file: tensors, operators in execution order, inputs and outputs."""

    tensors: tuple[FileTensor, ...]
    operators: tuple[FileOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
