"""What a network may cost on a board, read from its plan."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tinyml_course.errors import reject_unknown_keys
from tinyml_course.mcu import Report
from tinyml_course.pruning.errors import PruningError

RESOURCES = {
    "macs": "macs",
    "latency_ms": "latency_ms_estimate",
    "sram_bytes": "sram_peak_bytes",
    "flash_bytes": "flash_used_bytes",
}
"""What can be limited, and which figure of the report it is."""


@dataclass(frozen=True)
class Budget:
    """Limits, each ``None`` where there is none; at least one is needed.

    Attributes:
        macs: multiply-accumulates of one inference.
        latency_ms: estimated time of one inference.
        sram_bytes: peak of the plan.
        flash_bytes: constants, descriptions of the layers and code, as the report has them.
    """

    macs: float | None = None
    latency_ms: float | None = None
    sram_bytes: float | None = None
    flash_bytes: float | None = None

    def __post_init__(self) -> None:
        if not self.limits():
            raise PruningError(f"a budget needs a limit at least: {', '.join(RESOURCES)}")
        for resource, limit in self.limits().items():
            if not (math.isfinite(limit) and limit > 0):
                raise PruningError(f"{resource} must be above 0 and finite, got {limit}")

    def limits(self) -> dict[str, float]:
        """The limits there are."""
        return {name: limit for name in RESOURCES if (limit := getattr(self, name)) is not None}

    def exceeded(self, costs: Report) -> dict[str, tuple[float, float]]:
        """What is above its limit: what it is, and the limit."""
        return {
            name: (spent, limit)
            for name, limit in self.limits().items()
            if (spent := spent_of(costs, name)) > limit
        }


def budget_from(limits: Mapping[str, float]) -> Budget:
    """A budget from plain data.

    Raises:
        UnknownNameError: a limit that does not exist; it would otherwise not bind.
    """
    reject_unknown_keys("budget", limits, RESOURCES)
    return Budget(**limits)


def spent_of(costs: Report, resource: str) -> float:
    """A figure of the report by the name of its limit."""
    return float(getattr(costs, RESOURCES[resource]))
