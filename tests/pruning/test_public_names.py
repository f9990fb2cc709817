"""The package is light until torch is asked for, and every public name is there."""

import json
import subprocess
import sys

import pytest

from tinyml_course import pruning

PROBE = """
import json, sys
import tinyml_course.pruning
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


def test_masks_and_storage_need_no_torch() -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, timeout=60
    )
    assert not set(json.loads(result.stdout)) & {"torch", "matplotlib", "sklearn", "torchvision"}


def test_every_public_name_exists() -> None:
    for name in pruning.__all__:
        assert getattr(pruning, name) is not None
    assert len(set(pruning.__all__)) == len(pruning.__all__)
    with pytest.raises(AttributeError, match="no attribute 'prune_everything'"):
        _ = pruning.prune_everything
    for name in ("channel_groups", "smaller_network"):
        assert getattr(pruning.coupling, name) is getattr(pruning, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = pruning.coupling.nothing
