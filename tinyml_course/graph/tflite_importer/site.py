"""One operator of the file and its surroundings, as the converters ask for them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinyml_course.errors import GraphError, UnsupportedOperatorError
from tinyml_course.graph.operators import NO_PADDING, Padding, same_padding
from tinyml_course.graph.quantization import Quantization
from tinyml_course.graph.tensor import Tensor
from tinyml_course.graph.tflite_importer.records import FileModel, FileOperator, FileTensor

ACTIVATION_NAMES = {0: "NONE", 1: "RELU", 3: "RELU6"}
"""Fused activations that have an int8 form, by the schema's number."""

FULL_INTEGER = (
    "convert with full-integer quantization (tf.lite.TFLiteConverter with optimizations, a "
    "representative dataset and supported_ops = [TFLITE_BUILTINS_INT8])"
)


@dataclass(frozen=True, eq=False)
class Site:
    """Where a converter stands.

    Attributes:
        model: the file.
        operator: the operator that is converted.
        names: graph name of every activation of the file that exists by now, by its index.
        constants: the graph's constants so far; converters add theirs.
    """

    model: FileModel
    operator: FileOperator
    names: dict[int, str]
    constants: list[Tensor]

    @property
    def name(self) -> str:
        """Name of the operator and of its output in the graph: ``conv_2d_0``."""
        return f"{self.operator.kind.lower()}_{self.operator.index}"

    def fail(self, message: str) -> GraphError:
        """An error that names the operator and its index."""
        return GraphError(f"{self.operator.place}: {message}")

    def unsupported(self, message: str) -> UnsupportedOperatorError:
        """The same for what the file may say but this package has no form for."""
        return UnsupportedOperatorError(f"{self.operator.place}: {message}")

    def option(self, name: str) -> Any:
        """A field of the operator's options.

        Raises:
            GraphError: the file has none.
        """
        if name not in self.operator.options:
            raise self.fail(f"has no option {name}; the file is damaged")
        return self.operator.options[name]

    def tensor(self, position: int) -> FileTensor:
        """The input at ``position``.

        Raises:
            GraphError: there is none.
        """
        inputs = self.operator.inputs
        if position >= len(inputs) or inputs[position] < 0:
            raise self.fail(f"has no input {position}")
        return self.model.tensors[inputs[position]]

    def output(self) -> FileTensor:
        """The only output.

        Raises:
            UnsupportedOperatorError: there are several, or none.
        """
        if len(self.operator.outputs) != 1 or self.operator.outputs[0] < 0:
            raise self.unsupported(f"writes {len(self.operator.outputs)} tensors, not one")
        return self.model.tensors[self.operator.outputs[0]]

    def source(self, position: int = 0) -> str:
        """Name of the activation at ``position``.

        Raises:
            GraphError: it is a constant, or nothing has written it.
        """
        tensor = self.tensor(position)
        index = self.operator.inputs[position]
        if index not in self.names:
            what = "a constant" if tensor.data is not None else "never written"
            raise self.fail(f"input {position} ({tensor.name!r}) is {what}")
        return self.names[index]

    def constant(self, position: int, role: str) -> str:
        """Enter the constant at ``position`` into the graph; returns its name."""
        tensor = self.tensor(position)
        if tensor.data is None:
            raise self.unsupported(
                f"{role} {tensor.name!r} ({tensor.dtype}) is not a constant of integers"
            )
        name = f"{self.name}/{role}"
        quantization = self.quantization(tensor)
        self.constants.append(Tensor(name, tensor.shape, tensor.dtype, quantization, tensor.data))
        return name

    def zeros(self, channels: int) -> str:
        """Enter a bias of zeros, for layers without one; returns its name."""
        name = f"{self.name}/bias"
        self.constants.append(
            Tensor(name, (channels,), "int32", None, np.zeros(channels, np.int32))
        )
        return name

    def integers(self, position: int) -> tuple[int, ...]:
        """The index constant at ``position``, flat: axes, paddings, a permutation."""
        tensor = self.tensor(position)
        if tensor.data is None or tensor.dtype not in ("int32", "int64"):
            raise self.unsupported(
                f"input {position} ({tensor.name!r}) must be an integer constant"
            )
        return tuple(int(n) for n in tensor.data.ravel())

    def axis(self, axis: int) -> int:
        """An axis of the first input, counted from the front."""
        rank = len(self.tensor(0).shape)
        if not -rank <= axis < rank:
            raise self.fail(f"axis {axis} of a tensor with {rank}")
        return axis % rank

    def activation(self) -> str:
        """The fused activation.

        Raises:
            UnsupportedOperatorError: it has no int8 form here.
        """
        code = self.option("FusedActivationFunction")
        if code not in ACTIVATION_NAMES:
            raise self.unsupported(
                f"fused activation {code} is none of {', '.join(ACTIVATION_NAMES.values())}; "
                "train with one of those"
            )
        return ACTIVATION_NAMES[code]

    def window(self, kernel: tuple[int, int]) -> dict[str, Any]:
        """Stride, explicit padding and activation of a convolution or pool."""
        stride = (int(self.option("StrideH")), int(self.option("StrideW")))
        dilation = [self.operator.options.get(f"Dilation{side}Factor", 1) for side in "HW"]
        shape = self.tensor(0).shape
        if len(shape) != 4 or min(*stride, *kernel) < 1:
            raise self.fail(f"stride {stride} and kernel {kernel} over an input {shape}")
        if max(dilation) > 1:
            raise self.unsupported(
                f"dilation {tuple(dilation)} has no kernel here; use a stride or a larger kernel"
            )
        padding: Padding = NO_PADDING
        if self.option("Padding") == 0:  # SAME
            padding = same_padding((shape[1], shape[2]), kernel, stride)
        return {"stride": stride, "padding": padding, "activation": self.activation()}

    def quantization(self, tensor: FileTensor) -> Quantization | None:
        """Scale and zero point of a tensor.

        Raises:
            GraphError: they are out of range.
        """
        if tensor.scale.size == 0:
            return None
        limits = np.iinfo(tensor.dtype if tensor.dtype in ("int8", "uint8") else "int32")
        if tensor.zero_point.min() < limits.min or tensor.zero_point.max() > limits.max:
            raise self.fail(f"{tensor.name!r} has a zero point that {tensor.dtype} does not hold")
        # Converters of 2019 wrote axis 3 for biases, which have only one axis.
        axis = 0 if len(tensor.shape) == 1 else tensor.axis
        if tensor.scale.size == 1:
            return Quantization(tensor.scale, tensor.zero_point.astype(np.int32))
        if not 0 <= axis < len(tensor.shape) or tensor.shape[axis] != tensor.scale.size:
            raise self.fail(f"{tensor.name!r} has {tensor.scale.size} scales along axis {axis}")
        return Quantization(tensor.scale, tensor.zero_point.astype(np.int32), axis)
