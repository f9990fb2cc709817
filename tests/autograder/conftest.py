"""What tests with gradebooks share."""

from collections.abc import Iterator
from functools import cache

import pytest
from nbgrader import api


@pytest.fixture(scope="session", autouse=True)
def _the_gradebooks_version_is_asked_for_once() -> Iterator[None]:
    """For each new gradebook nbgrader starts a program, for seconds, that says the same again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "get_alembic_version", cache(api.get_alembic_version))
        yield
