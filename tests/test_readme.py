"""The README's figures are the benchmarks' committed results."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def test_every_figure_is_a_committed_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    spec = importlib.util.spec_from_file_location("figures", ROOT / "tools" / "figures.py")
    assert spec is not None
    assert spec.loader is not None
    figures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(figures)
    assert len(figures.TOLD) == 2
    for path, renewed in figures.TOLD.items():
        text = path.read_text()
        assert text == renewed(text), "run: python tools/figures.py"


def test_every_command_in_the_readme_exists() -> None:
    text = (ROOT / "README.md").read_text()
    scripts = set(re.findall(r"python ((?:benchmarks|tools)/\w+\.py)", text))
    assert scripts
    assert all((ROOT / script).is_file() for script in scripts)
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"(?:`|^)make (\w+)", text, re.MULTILINE))
    assert {"demo", "test", "labs"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_benchmark_has_its_committed_results() -> None:
    for script in (ROOT / "benchmarks").glob("*.py"):
        if script.name != "harness.py":
            assert (ROOT / "benchmarks" / "results" / f"{script.stem}.json").is_file(), script
