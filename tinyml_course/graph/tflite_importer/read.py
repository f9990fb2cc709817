"""Decoding the flatbuffer. Files come from anywhere, so every length is checked before its use.

The Python flatbuffers package has no verifier: a damaged offset shows as a struct, index or value
error somewhere inside it. Those are caught here, once, and become a `GraphError`.
"""

import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import GraphError, UnsupportedOperatorError
from tinyml_course.graph.tensor import ITEM_BYTES
from tinyml_course.graph.tflite_importer.records import FileModel, FileOperator, FileTensor

IDENTIFIER = b"TFL3"
MAX_FILE_BYTES = 256 * 2**20
"""A hundred times the flash of any board here; what is larger was meant for another machine."""
MAX_RECORDS = 20_000
"""Tensors or operators; a damaged length must not become a loop of minutes."""
MAX_OPERANDS = 64
MAX_RANK = 8

_WINDOW = ("Padding", "StrideH", "StrideW", "FusedActivationFunction")
_DILATION = ("DilationHFactor", "DilationWFactor")

OPTIONS: dict[str, tuple[str, ...]] = {
    "Conv2DOptions": (*_WINDOW, *_DILATION),
    "DepthwiseConv2DOptions": (*_WINDOW, *_DILATION),
    "Pool2DOptions": (*_WINDOW, "FilterHeight", "FilterWidth"),
    "FullyConnectedOptions": ("FusedActivationFunction", "WeightsFormat", "KeepNumDims"),
    "AddOptions": ("FusedActivationFunction",),
    "MulOptions": ("FusedActivationFunction",),
    "SoftmaxOptions": ("Beta",),
    "ConcatenationOptions": ("Axis", "FusedActivationFunction"),
    "ReducerOptions": ("KeepDims",),
    "ResizeNearestNeighborOptions": ("AlignCorners", "HalfPixelCenters"),
    "StridedSliceOptions": (
        "BeginMask",
        "EndMask",
        "EllipsisMask",
        "NewAxisMask",
        "ShrinkAxisMask",
        "Offset",
    ),
}
"""The option tables that are read, and which of their fields."""


def read_model(path: str | Path) -> FileModel:
    """Everything that matters in a .tflite file.

    Args:
        path: of the file.

    Returns:
        Plain records; constants as arrays of their own.

    Raises:
        GraphError: there is no such file, it is none of TF-Lite's, or it is damaged.
        UnsupportedOperatorError: it holds several subgraphs (control flow).
    """
    source = Path(path)
    if not source.is_file():
        raise GraphError(f"there is no file {source}")
    if source.stat().st_size > MAX_FILE_BYTES:
        raise GraphError(
            f"{source.name} has more than {MAX_FILE_BYTES >> 20} MiB, too much to read"
        )
    content = source.read_bytes()
    if content[4:8] != IDENTIFIER:
        raise GraphError(
            f"{source.name} is not a TF-Lite file: bytes 4 to 7 are {content[4:8]!r}, not "
            f"{IDENTIFIER!r}; export it with tf.lite.TFLiteConverter"
        )
    try:
        return _model(source.name, content)
    except GraphError:
        raise
    except (
        struct.error,
        IndexError,
        ValueError,
        TypeError,
        AttributeError,
        OverflowError,
        MemoryError,
    ) as error:
        raise GraphError(
            f"{source.name} is damaged or truncated ({type(error).__name__}: {error}); copy or "
            "download it again"
        ) from error


def _model(name: str, content: bytes) -> FileModel:
    import tflite

    model = tflite.Model.GetRootAs(content, 0)
    subgraphs = _length(model.SubgraphsLength(), MAX_RECORDS, "subgraphs")
    if subgraphs != 1:
        raise UnsupportedOperatorError(
            f"{name} holds {subgraphs} subgraphs; control flow has no int8 form here, export one "
            "function without branches and loops"
        )
    graph = model.Subgraphs(0)
    count = _length(graph.TensorsLength(), MAX_RECORDS, "tensors")
    tensors = tuple(_tensor(model, graph.Tensors(i)) for i in range(count))
    kinds = _kinds(model)
    operators = tuple(
        _operator(i, graph.Operators(i), kinds, count)
        for i in range(_length(graph.OperatorsLength(), MAX_RECORDS, "operators"))
    )
    return FileModel(
        tensors,
        operators,
        _indices(graph.InputsLength, graph.Inputs, count),
        _indices(graph.OutputsLength, graph.Outputs, count),
    )


def _length(length: int, limit: int, what: str) -> int:
    if length > limit:
        raise ValueError(f"{length} {what}, at most {limit} are believable")
    return length


def _indices(
    length: Callable[[], int], item: Callable[[int], int], tensors: int
) -> tuple[int, ...]:
    indices = tuple(int(item(i)) for i in range(_length(length(), MAX_OPERANDS, "operands")))
    for index in indices:
        if not -1 <= index < tensors:
            raise IndexError(f"tensor {index} of {tensors}")
    return indices


@cache
def _names(enumeration: str) -> dict[int, str]:
    """Names of a schema enumeration by number."""
    import tflite

    members = vars(getattr(tflite, enumeration))
    return {code: name for name, code in members.items() if isinstance(code, int)}


def _kinds(model: Any) -> list[str]:
    """The name of each entry in the file's table of operator codes."""
    names = _names("BuiltinOperator")
    kinds = []
    for i in range(_length(model.OperatorCodesLength(), MAX_RECORDS, "operator codes")):
        entry = model.OperatorCodes(i)
        # Codes up to 126 stand in the old 8-bit field, larger ones in the new one only.
        code = max(entry.BuiltinCode(), entry.DeprecatedBuiltinCode())
        kind = names.get(code, f"UNKNOWN {code}")
        kinds.append(f"CUSTOM {_text(entry.CustomCode())}" if kind == "CUSTOM" else kind)
    return kinds


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")


def _tensor(model: Any, tensor: Any) -> FileTensor:
    rank = _length(tensor.ShapeLength(), MAX_RANK, "dimensions")
    shape = tuple(int(tensor.Shape(i)) for i in range(rank))
    dtype = _names("TensorType").get(tensor.Type(), f"type {tensor.Type()}").lower()
    if tensor.IsVariable() or tensor.Sparsity() is not None:
        raise GraphError(f"tensor {_text(tensor.Name())} is a variable or sparse: not supported")
    scale, zero_point, axis = _quantization(tensor.Quantization())
    data = _data(model, tensor.Buffer(), dtype, shape)
    return FileTensor(_text(tensor.Name()), shape, dtype, scale, zero_point, axis, data)


def _quantization(record: Any) -> tuple[NDArray[np.float32], NDArray[np.int64], int]:
    if record is None or record.ScaleLength() == 0:
        return np.empty(0, np.float32), np.empty(0, np.int64), 0
    scale = np.array(record.ScaleAsNumpy(), np.float32)
    zero_point = np.zeros(scale.size, np.int64)
    if record.ZeroPointLength():
        zero_point[:] = record.ZeroPointAsNumpy()
    return scale, zero_point, int(record.QuantizedDimension())


def _data(model: Any, index: int, dtype: str, shape: tuple[int, ...]) -> NDArray[Any] | None:
    """The constant in a buffer; buffer 0 and empty ones belong to activations."""
    if index >= model.BuffersLength():
        raise IndexError(f"buffer {index} of {model.BuffersLength()}")
    buffer = model.Buffers(index)
    if buffer.DataLength() == 0 or dtype not in (*ITEM_BYTES, "int64"):
        return None
    raw = np.array(buffer.DataAsNumpy(), np.uint8).tobytes()
    return np.frombuffer(raw, np.dtype(dtype).newbyteorder("<")).astype(dtype).reshape(shape)


def _operator(index: int, operator: Any, kinds: list[str], tensors: int) -> FileOperator:
    return FileOperator(
        index,
        kinds[operator.OpcodeIndex()],
        _indices(operator.InputsLength, operator.Inputs, tensors),
        _indices(operator.OutputsLength, operator.Outputs, tensors),
        _options(operator),
    )


def _options(operator: Any) -> dict[str, Any]:
    import tflite

    name = _names("BuiltinOptions").get(operator.BuiltinOptionsType(), "")
    table = operator.BuiltinOptions()
    if name not in OPTIONS or table is None:
        return {}
    options = getattr(tflite, name)()
    options.Init(table.Bytes, table.Pos)
    return {field: getattr(options, field)() for field in OPTIONS[name]}
