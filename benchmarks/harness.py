"""What every benchmark shares: `--json FILE`, a table for people, and where it was measured."""

import argparse
import json
import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


def main(description: str, measure: Callable[[], dict[str, Any]]) -> None:
    """Measure, and write the figures where ``--json`` says.

    Args:
        description: what the benchmark claims; its first line is the help text.
        measure: does the work, prints its table, returns plain figures.
    """
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    figures = {"machine": machine(), **measure()}
    if arguments.json:
        temporary = arguments.json.with_suffix(".tmp")
        temporary.write_text(json.dumps(figures, indent=2) + "\n")
        temporary.replace(arguments.json)


def machine() -> str:
    """Cores and Python, for whoever reads the figures later."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; every column but the first is right-aligned."""
    table = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left")
    for row in rows:
        table.add_row(*map(str, row))
    Console().print(table)
