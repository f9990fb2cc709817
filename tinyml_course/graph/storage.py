"""A graph on disk: one safetensors file, its structure as JSON in the header. No pickle."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from tinyml_course.errors import GraphError, TinyMLError, reject_unknown_keys
from tinyml_course.graph.graph import Graph
from tinyml_course.graph.operators import from_attributes
from tinyml_course.graph.quantization import Quantization
from tinyml_course.graph.tensor import Tensor
from tinyml_course.whole_file import write_whole

FORMAT = "tinyml-graph-1"
_KEYS = ("format", "name", "inputs", "outputs", "tensors", "operators")
_TENSOR_KEYS = ("name", "shape", "dtype", "constant", "quantized", "axis")
_OPERATOR_KEYS = ("kind", "name", "inputs", "outputs", "attributes")


def save(graph: Graph, path: str | Path) -> Path:
    """Write ``graph`` to ``path``. The file appears whole or not at all.

    Returns:
        The path.
    """
    target = Path(path)
    arrays: dict[str, NDArray[Any]] = {}
    tensors = []
    for index, tensor in enumerate(graph.tensors.values()):
        record: dict[str, Any] = {
            "name": tensor.name,
            "shape": tensor.shape,
            "dtype": tensor.dtype,
            "constant": tensor.is_constant,
            "quantized": tensor.quantization is not None,
        }
        if tensor.quantization is not None:
            record["axis"] = tensor.quantization.axis
            arrays[f"{index}.scale"] = tensor.quantization.scale
            arrays[f"{index}.zero_point"] = tensor.quantization.zero_point
        if tensor.data is not None:
            arrays[f"{index}.data"] = np.ascontiguousarray(tensor.data)
        tensors.append(record)
    structure = {
        "format": FORMAT,
        "name": graph.name,
        "inputs": graph.inputs,
        "outputs": graph.outputs,
        "tensors": tensors,
        "operators": [
            {
                "kind": operator.kind,
                "name": operator.name,
                "inputs": operator.inputs,
                "outputs": operator.outputs,
                "attributes": operator.attributes(),
            }
            for operator in graph.operators
        ],
    }
    write_whole(target, to_bytes(arrays, metadata={"graph": json.dumps(structure)}))
    return target


def load(path: str | Path) -> Graph:
    """Read a graph that `save` wrote.

    Raises:
        GraphError: the file is missing, is no such file, or is damaged.
        UnknownNameError: it holds a key or an operator that this version does not know.
    """
    source = Path(path)
    if not source.is_file():
        raise GraphError(f"there is no file {source}")
    try:
        with safe_open(source, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise GraphError(f"{source} is not a saved graph, or is damaged: {error}") from error
    if "graph" not in metadata:
        raise GraphError(f"{source} is a safetensors file but holds no graph")
    try:
        return _graph(json.loads(metadata["graph"]), arrays)
    except TinyMLError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        kind = type(error).__name__
        raise GraphError(f"{source} holds a damaged graph ({kind}: {error})") from error


def _graph(structure: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Graph:
    if structure.get("format") != FORMAT:
        raise GraphError(f"a saved graph has format {structure.get('format')!r}, not {FORMAT!r}")
    reject_unknown_keys("saved graph", structure, _KEYS)
    for record in structure["operators"]:
        reject_unknown_keys("saved operator", record, _OPERATOR_KEYS)
    return Graph(
        structure["name"],
        [_tensor(index, record, arrays) for index, record in enumerate(structure["tensors"])],
        [from_attributes(**record) for record in structure["operators"]],
        structure["inputs"],
        structure["outputs"],
    )


def _tensor(index: int, record: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Tensor:
    reject_unknown_keys("saved tensor", record, _TENSOR_KEYS)
    quantization = None
    if record["quantized"]:
        quantization = Quantization(
            arrays[f"{index}.scale"], arrays[f"{index}.zero_point"], record["axis"]
        )
    data = arrays[f"{index}.data"] if record["constant"] else None
    return Tensor(record["name"], tuple(record["shape"]), record["dtype"], quantization, data)
