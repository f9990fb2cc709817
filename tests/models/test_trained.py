"""Networks that come with their weights."""

from pathlib import Path

import pytest
import torch

from tinyml_course.errors import DataError, UnknownNameError
from tinyml_course.models import trained


@pytest.mark.parametrize("name", trained.TRAINED)
def test_it_loads_the_same_weights_each_time(name: str) -> None:
    first, second = trained.load_trained(name), trained.load_trained(name)
    assert not first.training
    for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert trained.weights_file(name).stat().st_size < 500_000


def test_unknown_and_damaged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="digit_resnet"):
        trained.load_trained("digit")
    monkeypatch.setattr(trained, "_FOLDER", tmp_path)
    with pytest.raises(DataError, match="train_models"):
        trained.load_trained("digit_resnet")
    (tmp_path / "digit_resnet.safetensors").write_bytes(b"no weights")
    with pytest.raises(DataError, match="train_models"):
        trained.load_trained("digit_resnet")
