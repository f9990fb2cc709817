"""Random graphs whose outputs are spread over all bytes: what is wrong inside shows at the end."""

from typing import Any

import numpy as np
from random_graphs import RandomGraph

from tinyml_course.graph.operators import Operator

_SPREAD = 60.0  # standard deviation of inputs and weights, about


class LivelyGraph(RandomGraph):
    """Nothing saturates, and no activation makes everything one number."""

    def zero_point(self) -> int:
        """Near the middle."""
        return int(self.rng.integers(-40, 41))

    def activation(self) -> str:
        """None, mostly."""
        return str(self.rng.choice(["NONE", "NONE", "RELU"]))

    def weights(self, shape: tuple[int, ...]) -> np.ndarray:
        """int8, no two alike on purpose."""
        return self.rng.integers(-127, 128, shape).astype(np.int8)

    def weighted(
        self,
        kind: type[Operator],
        name: str,
        source: str,
        weight: np.ndarray,
        axis: int,
        **attributes: Any,
    ) -> str:
        """A layer that uses its output's range."""
        c_out = weight.shape[axis]
        taps = weight.size // c_out
        scales = 10 ** self.rng.uniform(-2, -1.7, c_out)
        scale_in = float(self.builder.tensors[source].scale_and_zero_point()[0])
        typical = scale_in * float(np.median(scales)) * _SPREAD**2 * np.sqrt(taps) / 45
        bias = self.rng.integers(-1000, 1001, c_out).astype(np.int32)
        quantization = self.quantization(typical)
        return self.builder.weighted(
            kind,
            name,
            source,
            weight,
            scales.astype(np.float32),
            bias,
            quantization,
            **attributes,
        )
