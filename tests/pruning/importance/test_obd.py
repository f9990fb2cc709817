"""Second derivatives: the Gauss-Newton diagonal against torch's Hessian and by formula."""

import numpy as np
import pytest
import torch
from torch import nn

from tinyml_course.data import Split
from tinyml_course.pruning import WeightError, gauss_newton_diagonal, obd_importance

RNG = np.random.default_rng(0)


def split(count: int, *shape: int) -> Split:
    images = RNG.normal(size=(count, *shape)).astype(np.float32)
    return Split(images, RNG.integers(0, 3, count))


def test_of_a_linear_model_it_is_the_hessian() -> None:
    """Logits are linear in the weights, so the network's own second derivatives are zero."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(6, 3, bias=False)).eval()
    data = split(7, 1, 2, 3)
    x, y = torch.from_numpy(data.images).flatten(1), torch.from_numpy(data.labels)

    def loss(w: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(x @ w.T, y)

    hessian = torch.func.hessian(loss)(model[1].weight.detach())
    expected = np.array([[hessian[i, j, i, j].item() for j in range(6)] for i in range(3)])
    got = gauss_newton_diagonal(model, ["1.weight"], data, batch_size=3)["1.weight"]
    assert got == pytest.approx(expected, rel=1e-4, abs=1e-8)  # single precision


def test_of_a_network_it_is_jacobian_times_softmax_curvature() -> None:
    """``J^T (diag(p) - p p^T) J`` for each image, with torch's Jacobian of the logits."""
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)
    ).eval()
    data = split(4, 1, 4, 4)
    names = ["0.weight", "4.weight"]
    got = gauss_newton_diagonal(model, names, data)
    table = dict(model.named_parameters())
    for name in names:
        expected = np.zeros(table[name].shape)
        for image in torch.from_numpy(data.images):

            def logits(w: torch.Tensor, name: str = name, image: torch.Tensor = image) -> object:
                return torch.func.functional_call(model, {name: w}, (image[None],))[0]

            jacobian = torch.func.jacrev(logits)(table[name].detach()).detach().flatten(1).double()
            p = torch.softmax(model(image[None])[0], 0).detach().double()
            curvature = torch.diag(p) - torch.outer(p, p)
            diagonal = torch.einsum("ci,cd,di->i", jacobian, curvature, jacobian)
            expected += diagonal.numpy().reshape(expected.shape) / len(data)
        assert got[name] == pytest.approx(expected, rel=1e-3, abs=1e-8)  # single precision
        assert (got[name] >= 0).all()


def test_saliency_is_the_rise_of_a_separable_quadratic() -> None:
    w, h = RNG.normal(size=(3, 4)), RNG.uniform(0, 2, (3, 4))
    saliency = obd_importance(w, h)
    for at in np.ndindex(3, 4):
        moved = w.copy()
        moved[at] = 0
        assert saliency[at] == pytest.approx((h * (moved - w) ** 2).sum() / 2)


def test_bad_input_is_refused() -> None:
    with pytest.raises(WeightError, match="a second derivative is -1"):
        obd_importance(np.ones(2), np.array([1.0, -1.0]))
    with pytest.raises(WeightError, match="of shape"):
        obd_importance(np.ones(2), np.ones(3))
