"""Random .tflite files of one operator, to be run here and in TF-Lite Micro's interpreter."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tflite_files import TfliteFile
from tflite_micro_runs import assert_same_bytes


class Draw:
    """Random scales and zero points, and a file to put them into."""

    dtype = "int8"

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.file = TfliteFile()

    def scale(self) -> float:
        return float(np.float32(10 ** self.rng.uniform(-3, 0)))

    def zero_point(self, dtype: str | None = None) -> int:
        limits = np.iinfo(dtype or self.dtype)
        return int(self.rng.choice([limits.min, limits.max, self.rng.integers(-128, 128) & 127]))

    def quantized(self, dtype: str | None = None) -> dict[str, Any]:
        dtype = dtype or self.dtype
        return {"dtype": dtype, "scale": self.scale(), "zero_point": self.zero_point(dtype)}

    def bytes(self, shape: tuple[int, ...], low: int = -127) -> np.ndarray:
        return self.rng.integers(low, 128, shape).astype(np.int8)

    def weights(self, shape: tuple[int, ...], axis: int) -> tuple[int, np.ndarray]:
        """A constant of weights, and its scales."""
        per_tensor = self.rng.random() < 0.3
        scales = np.float32(10 ** self.rng.uniform(-3, -1, 1 if per_tensor else shape[axis]))
        return self.file.tensor(shape, scale=scales, axis=axis, data=self.bytes(shape)), scales

    def weighted(
        self, kind: str, options: str, shape: tuple[int, ...], axis: int, source: int, **fields: Any
    ) -> Callable[..., int]:
        """Weight and bias for ``source``; returns what adds the operator for an output."""
        channels = shape[axis]
        scale_in = np.float32(self.file.tensors[source].quantization.scale[0])
        weight, scales = self.weights(shape, axis)
        integers = self.rng.integers(-3000, 3000, channels).astype(np.int32)
        # Converters of 2019 wrote the weight's axis for the bias too.
        bias = self.file.tensor((channels,), "int32", scale_in * scales, 0, axis, integers)
        taps = np.prod(shape) / channels
        real = float(scale_in * scales.max()) * 73**2 * taps**0.5
        output = {"scale": real / 60 * self.rng.uniform(0.3, 3), "zero_point": self.zero_point()}
        output["dtype"] = self.dtype

        def finish(output_shape: tuple[int, ...]) -> int:
            target = self.file.tensor(output_shape, **output)
            activation = int(self.rng.choice([0, 1, 3]))
            fields["fusedActivationFunction"] = activation
            return self.file.operator(kind, [source, weight, bias], target, options, **fields)

        return finish

    def softmax(self) -> int:
        """Some rows of few or many classes, flat or steep; the output's index."""
        classes = int(self.rng.choice([2, 12, 300]))
        scale = self.scale() * float(self.rng.choice([0.01, 1, 30]))
        x = self.file.input((1, 3, classes), scale=scale, zero_point=self.zero_point())
        y = self.file.tensor((1, 3, classes), scale=1 / 256, zero_point=-128)
        beta = float(self.rng.choice([1.0, 0.1, 3.0]))
        return self.file.operator("SOFTMAX", [x], y, "Softmax", beta=beta)

    def check(self, folder: Path, *outputs: int, count: int = 6) -> None:
        assert_same_bytes(self.file.write(folder / "one.tflite", *outputs), count)
