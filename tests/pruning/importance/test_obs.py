"""Optimal Brain Surgeon: its compensation is the least-squares optimum, its choice the cheapest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyml_course.pruning import SparsityError, WeightError, layer_hessian, obs_prune
from tinyml_course.pruning.counts import Floats, Mask


def layer(seed: int, rows: int = 3, columns: int = 8) -> tuple[Floats, Floats]:
    """Weights and correlated inputs."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(columns, columns))
    return rng.normal(size=(rows, columns)), rng.normal(size=(60, columns)) @ mixing


def optimum(w: Floats, x: Floats, mask: Mask) -> Floats:
    """Row by row the weights that give the outputs back best, by numpy's least squares."""
    best = np.zeros_like(w)
    for row, kept in enumerate(mask):
        if kept.any():
            best[row, kept] = np.linalg.lstsq(x[:, kept], x @ w[row], rcond=None)[0]
    return best


@given(st.integers(0, 99), st.floats(0, 1))
def test_the_others_move_to_the_least_squares_optimum(seed: int, sparsity: float) -> None:
    w, x = layer(seed)
    done = obs_prune(w, layer_hessian(x, damping=0), sparsity)
    assert (~done.mask).sum() == round(sparsity * w.size)
    assert not done.weight[~done.mask].any()
    # A chain of eliminations against one solution; the inputs' condition is up to some thousands.
    assert done.weight == pytest.approx(optimum(w, x, done.mask), rel=1e-5, abs=1e-6)


@given(st.integers(0, 99))
def test_the_first_to_go_is_the_cheapest(seed: int) -> None:
    w, x = layer(seed)
    errors = {}
    for at in np.ndindex(*w.shape):
        mask = np.ones(w.shape, bool)
        mask[at] = False
        errors[at] = ((x @ (optimum(w, x, mask) - w).T) ** 2).sum()
    done = obs_prune(w, layer_hessian(x, damping=0), 1 / w.size)
    gone = tuple(int(i) for i in np.argwhere(~done.mask)[0])
    assert errors[gone] == pytest.approx(min(errors.values()))


def test_it_beats_magnitude_on_correlated_inputs() -> None:
    for seed in range(5):
        w, x = layer(seed, 6, 16)
        done = obs_prune(w, layer_hessian(x), 0.5)
        by_size = np.abs(w) >= np.median(np.abs(w))
        assert ((x @ (done.weight - w).T) ** 2).sum() < ((x @ (w * by_size - w).T) ** 2).sum()
        # damping shifts the optimum by a hundredth of the inputs' power
        error = ((x @ (done.weight - w).T) ** 2).sum()
        assert error < 1.2 * ((x @ (optimum(w, x, done.mask) - w).T) ** 2).sum()


def test_independent_inputs_leave_nothing_to_make_up() -> None:
    w = np.array([[3.0, -1.0, 2.0]])
    done = obs_prune(w, np.eye(3), 1 / 3)
    assert done.weight.tolist() == [[3.0, 0.0, 2.0]]


def test_the_hessian_is_that_of_the_output_error() -> None:
    _, x = layer(0)
    assert layer_hessian(x, damping=0) == pytest.approx(2 * x.T @ x / len(x))
    damped = layer_hessian(x, damping=0.5)
    extra = 0.5 * np.diagonal(2 * x.T @ x / len(x)).mean()
    assert damped == pytest.approx(2 * x.T @ x / len(x) + extra * np.eye(8))
    assert np.array_equal(layer_hessian(np.zeros((4, 3))), np.eye(3))


def test_bad_input_is_refused() -> None:
    w, x = layer(0)
    with pytest.raises(WeightError, match=r"not positive definite.*damping above 0"):
        obs_prune(w, layer_hessian(x[:4], damping=0), 0.5)
    with pytest.raises(WeightError, match="Hessian of shape"):
        obs_prune(w[:, :5], layer_hessian(x), 0.5)
    with pytest.raises(WeightError, match="1025 weights a row; OBS is for small layers"):
        layer_hessian(np.ones((2, 1025)))
    with pytest.raises(WeightError, match="damping must be at least 0"):
        layer_hessian(x, damping=-1)
    with pytest.raises(SparsityError):
        obs_prune(w, layer_hessian(x), 1.2)
