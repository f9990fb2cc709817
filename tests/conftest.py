"""What all tests share: helper modules, hypothesis settings, the folder of real data."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).resolve().parent
sys.path.insert(0, str(TESTS / "support"))  # pytest's importlib mode leaves sys.path alone

# Derandomized: the same examples on every machine, so that a failure in CI is one at home.
settings.register_profile(
    "course",
    deadline=None,
    derandomize=True,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("course")


def _real_data_folder() -> Path:
    configured = os.environ.get("TINYML_TEST_DATA")
    return Path(configured) if configured else TESTS.parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """A folder with real data sets; the test is skipped where there is none."""
    folder = _real_data_folder()
    if not (folder / "FashionMNIST" / "raw").is_dir():
        pytest.skip(f"no FashionMNIST/raw in {folder}; set TINYML_TEST_DATA to a folder with it")
    return folder
