"""Benchmark results that are committed, for those who tell them."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

Rows = list[tuple[str, str, str]]
"""Claim, figure, command."""


def result(name: str) -> Any:
    """A benchmark's committed figures."""
    return json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text())
