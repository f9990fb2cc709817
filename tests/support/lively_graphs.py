"""Random graphs whose outputs are spread over all bytes: what is wrong inside shows at the end."""

import numpy as np
from random_graphs import RandomGraph


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

    def scales(self, c_out: int) -> np.ndarray:
        """One a channel, all alike."""
        return 10 ** self.rng.uniform(-2, -1.7, c_out)

    def spread(self) -> float:
        """A little less than typical, so that all numbers occur: inputs are smaller, too."""
        return 0.9

    def biases(self, taps: int, c_out: int) -> np.ndarray:
        """int32, small."""
        return self.rng.integers(-1000, 1001, c_out).astype(np.int32)
