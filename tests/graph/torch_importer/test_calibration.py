"""Ranges from values: each method's law on distributions where the answer is known."""

import numpy as np
import pytest
import torch

from tinyml_course.errors import CalibrationError
from tinyml_course.graph.quantization import dequantize, quantize, range_to_quantization
from tinyml_course.graph.torch_importer.calibration import (
    CALIBRATIONS,
    check_calibration_data,
    entropy,
    minmax,
    mse,
    percentile,
)

NORMAL = np.random.default_rng(0).normal(0, 1, 200_000).astype(np.float32)
HEAVY = np.random.default_rng(1).standard_t(3, 200_000).astype(np.float32)


def squared_error(values: np.ndarray, bounds: tuple[float, float]) -> float:
    quantization = range_to_quantization(*bounds)
    return float(((dequantize(quantize(values, quantization), quantization) - values) ** 2).mean())


@pytest.mark.parametrize("method", CALIBRATIONS.values())
@pytest.mark.parametrize("values", [NORMAL, HEAVY, np.maximum(NORMAL, 0)])
def test_no_method_goes_beyond_what_was_seen(method, values: np.ndarray) -> None:
    low, high = method(values)
    assert values.min() <= low <= 0 <= high <= values.max()


@pytest.mark.parametrize("method", CALIBRATIONS.values())
@pytest.mark.parametrize("value", [0.0, 2.5, -2.5])
def test_a_constant_activation_has_a_range(method, value: float) -> None:
    low, high = method(np.full(100, value, np.float32))
    quantization = range_to_quantization(low, high)
    step = float(quantization.scale[0])
    # Half a step either way is all that rounding may cost, whichever range was chosen.
    back = dequantize(quantize([value], quantization), quantization)
    error = abs(float(back[0]) - value)
    assert error <= step / 2 + 1e-6


def test_percentile_cuts_the_share_it_says() -> None:
    low, high = percentile(HEAVY)
    # 0.01 % at either end, of 200,000 values: 20, give or take interpolation.
    assert abs(int((low > HEAVY).sum()) - 20) <= 1
    assert abs(int((high < HEAVY).sum()) - 20) <= 1


@pytest.mark.parametrize("values", [NORMAL, HEAVY])
def test_mse_has_the_least_squared_error_of_all_methods(values: np.ndarray) -> None:
    best = squared_error(values, mse(values))
    # The search looks at histogram bins, not at values: one part in a hundred of slack.
    for method in (minmax, percentile, entropy):
        assert best <= 1.01 * squared_error(values, method(values))


def test_a_saturated_activation_keeps_its_range() -> None:
    clipped = np.clip(NORMAL * 3 + 1, 0, 6)
    for method in CALIBRATIONS.values():
        assert method(clipped) == pytest.approx((0.0, 6.0))


def test_heavy_tails_are_cut_by_every_method_but_minmax() -> None:
    widths = {name: np.subtract(*method(HEAVY)[::-1]) for name, method in CALIBRATIONS.items()}
    assert widths["minmax"] == max(widths.values())
    assert all(widths[name] < 0.95 * widths["minmax"] for name in widths if name != "minmax")


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (torch.zeros(3, 8, 8), r"must be \(N, C, H, W\)"),
        (torch.zeros(0, 1, 8, 8), "N >= 1"),
        (torch.zeros(2, 1, 8, 8, dtype=torch.uint8), "must be float"),
    ],
)
def test_what_is_no_batch_of_images_is_refused(batch: torch.Tensor, message: str) -> None:
    with pytest.raises(CalibrationError, match=message):
        check_calibration_data(batch)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_the_broken_image_is_named(bad: float) -> None:
    batch = torch.zeros(5, 1, 4, 4)
    batch[3, 0, 1, 2] = bad
    with pytest.raises(CalibrationError, match="image 3 holds NaN or infinity"):
        check_calibration_data(batch)
