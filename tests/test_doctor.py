"""`tinyml doctor` on a healthy machine, and on several sick ones."""

import importlib.metadata
from pathlib import Path

import pytest

from tinyml_course import doctor
from tinyml_course.data.fashion_mnist import CONTENT


def find(what: str) -> doctor.Finding:
    return next(f for f in doctor.examine() if what in f.what)


def test_nothing_is_missing_here() -> None:
    findings = doctor.examine()
    assert [f for f in findings if f.state == "missing"] == []
    assert find("the library").state == "ok"
    assert find("digits").state == "ok"


def test_a_missing_package_is_named_with_the_command_that_mends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name == "safetensors":
            raise importlib.metadata.PackageNotFoundError(name)
        return "4.0.0" if name == "jupyterlab" else real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    library, labs = find("the library"), find("notebooks")
    assert library.state == "missing"
    assert "safetensors is missing" in library.found
    assert library.mend == "pip install -e ."
    assert labs.state == "optional"  # the library works without the notebooks
    assert "jupyterlab 4.0.0 is outside" in labs.found
    assert ".[labs]" in labs.mend


def test_without_a_compiler_the_library_works_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name in ("ziglang", "unicorn"):
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    firmware = find("firmware and the emulated core")
    assert firmware.state == "optional"
    assert firmware.found == "ziglang is missing; unicorn is missing"
    assert firmware.mend == "pip install -e '.[firmware]'"
    assert find("the library").state == "ok"


def test_a_package_that_is_not_installed_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "DISTRIBUTION", "tinyml-course-that-is-not-there")
    assert find("tinyml-course").state == "missing"


def test_a_broken_torchvision_is_a_finding_not_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr("tinyml_course.torchvision_repair.import_torchvision", broken)
    finding = find("torch")
    assert finding.state == "missing"
    assert "nms" in finding.found
    assert finding.mend


def test_data_is_looked_for_where_the_variable_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TINYML_DATA", str(tmp_path))
    finding = find("fashion_mnist")
    assert finding.state == "optional"
    assert str(tmp_path) in finding.found
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for name in CONTENT:
        (raw / f"{name}.gz").touch()
    assert find("fashion_mnist").state == "ok"


def test_a_grader_without_its_sandbox_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    (finding,) = [f for f in doctor.examine() if f.what == "sandbox of the grader"]
    assert (finding.state, "install bubblewrap" in finding.mend) == ("optional", True)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    (finding,) = [f for f in doctor.examine() if f.what == "sandbox of the grader"]
    assert (finding.state, finding.mend) == ("ok", "")
