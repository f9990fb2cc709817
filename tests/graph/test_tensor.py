"""A tensor cannot contradict itself."""

import numpy as np
import pytest

from tinyml_course.errors import GraphError
from tinyml_course.graph import Quantization, Tensor


@pytest.mark.parametrize(
    ("dtype", "item_bytes"), [("int8", 1), ("uint8", 1), ("int16", 2), ("int32", 4), ("float32", 4)]
)
def test_size_is_elements_times_item_bytes(dtype: str, item_bytes: int) -> None:
    tensor = Tensor("t", (1, 5, 7, 3), dtype)
    assert tensor.elements == 105
    assert tensor.size_bytes == 105 * item_bytes == np.zeros(tensor.shape, dtype).nbytes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dtype": "float64"}, "float64"),
        ({"shape": (1, 0, 2)}, r"\(1, 0, 2\)"),
        ({"shape": (1, -1)}, "at least 1"),
        ({"shape": (1, 2.0)}, "at least 1"),
        ({"data": np.zeros((2, 3), np.int8)}, r"data is int8\(2, 3\), declared int8\(1, 2\)"),
        ({"data": np.zeros((1, 2), np.int32)}, "int32"),
    ],
)
def test_contradictions_are_refused_by_name(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(GraphError, match=message) as error:
        Tensor(**{"name": "conv3", "shape": (1, 2), **arguments})
    assert "conv3" in str(error.value)


def test_constants_cannot_be_written_to() -> None:
    tensor = Tensor("w", (3,), "int8", None, np.array([1, 2, 3], np.int8))
    assert tensor.is_constant
    with pytest.raises(ValueError, match="read-only"):
        tensor.values()[0] = 7


def test_an_activation_has_no_values() -> None:
    tensor = Tensor("x", (1, 2))
    assert not tensor.is_constant
    with pytest.raises(GraphError, match="x is an activation"):
        tensor.values()


def test_scale_and_zero_point_need_one_pair() -> None:
    with pytest.raises(GraphError, match="x has no scale"):
        Tensor("x", (1, 2)).scale_and_zero_point()
    channels = Tensor("x", (1, 2), "int8", Quantization.per_channel([0.1, 0.2], 1))
    with pytest.raises(GraphError, match="per channel"):
        channels.scale_and_zero_point()
    assert Tensor("x", (1,), "int8", Quantization.per_tensor(0.5, 3)).scale_and_zero_point() == (
        np.float32(0.5),
        3,
    )
