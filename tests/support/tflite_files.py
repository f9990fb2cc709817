"""Small .tflite files of one or a few operators, written with TF-Lite's own schema."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "float16": schema.TensorType.FLOAT16,
    "int32": schema.TensorType.INT32,
    "int64": schema.TensorType.INT64,
    "uint8": schema.TensorType.UINT8,
    "int8": schema.TensorType.INT8,
    "int16": schema.TensorType.INT16,
}


@dataclass
class TfliteFile:
    """Collects tensors and operators; `write` makes the file."""

    tensors: list[Any] = field(default_factory=list)
    buffers: list[Any] = field(default_factory=lambda: [schema.BufferT()])
    operators: list[Any] = field(default_factory=list)
    codes: list[Any] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)

    def tensor(
        self,
        shape: tuple[int, ...],
        dtype: str = "int8",
        scale: Any = None,
        zero_point: Any = 0,
        axis: int = 0,
        data: NDArray[Any] | None = None,
    ) -> int:
        """Add a tensor, a constant if there are data; returns its index."""
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.name = list(shape), TYPES[dtype], f"t{len(self.tensors)}"
        if scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = [float(s) for s in np.atleast_1d(scale)]
            zero_points = np.broadcast_to(zero_point, np.atleast_1d(scale).shape)
            tensor.quantization.zeroPoint = [int(z) for z in zero_points]
            tensor.quantization.quantizedDimension = axis
        if data is not None:
            tensor.buffer = len(self.buffers)
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self.buffers.append(buffer)
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def input(self, shape: tuple[int, ...], **keywords: Any) -> int:
        """Add an input of the graph."""
        self.inputs.append(self.tensor(shape, **keywords))
        return self.inputs[-1]

    def indices(self, *values: Any) -> int:
        """Add an int32 constant."""
        array = np.array(values, np.int32)
        return self.tensor(array.shape, "int32", data=array)

    def operator(
        self, kind: str, inputs: list[int], output: int, options: str = "", **fields: Any
    ) -> int:
        """Add an operator; ``options`` is the schema's name without ``Options``."""
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, kind)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = 1
        self.codes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self.codes) - 1
        operator.inputs, operator.outputs = inputs, [output]
        if options:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, f"{options}Options")
            operator.builtinOptions = getattr(schema, f"{options}OptionsT")()
            for name, value in fields.items():
                setattr(operator.builtinOptions, name, value)
        self.operators.append(operator)
        return output

    def write(self, path: Path, *outputs: int, subgraphs: int = 1) -> Path:
        """The file, with these outputs."""
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self.tensors, self.operators
        graph.inputs, graph.outputs = self.inputs, list(outputs)
        model = schema.ModelT()
        model.version, model.description = 3, "a test"
        model.subgraphs, model.buffers = [graph] * subgraphs, self.buffers
        model.operatorCodes = self.codes
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        path.write_bytes(builder.Output())
        return path
