"""environment.yml and constraints.txt say the same as pyproject.toml."""

import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
CONDA_NAMES = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}


def pip_entries(dependencies: list) -> list[str]:
    """What conda hands to pip."""
    return next(e["pip"] for e in dependencies if isinstance(e, dict))


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def conda() -> dict[str, SpecifierSet]:
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    lines = [e for e in entries if isinstance(e, str) and "python=" not in e]
    lines += [e for e in pip_entries(entries) if not e.startswith("-e")]
    return {r.name: r.specifier for r in map(Requirement, lines)}


def test_conda_has_what_a_learner_needs_in_the_same_ranges(
    project: dict, conda: dict[str, SpecifierSet]
) -> None:
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["labs"], *extras["firmware"]]
    expected = {CONDA_NAMES.get(r.name, r.name): r.specifier for r in map(Requirement, wanted)}
    assert conda == {**expected, "pip": SpecifierSet()}


def test_conda_brings_a_cpu_build_and_this_package() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    assert pip_entries(environment["dependencies"])[-1] == "-e ."


def test_conda_python_is_one_that_the_package_accepts(project: dict) -> None:
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    python = next(e for e in entries if isinstance(e, str) and e.startswith("python="))
    assert Version(python.removeprefix("python=")) in SpecifierSet(project["requires-python"])


def test_binder_would_build_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    buildpacks = pytest.importorskip("repo2docker.buildpacks")
    monkeypatch.chdir(ROOT)
    image = "buildpack-deps:24.04"
    pack = buildpacks.CondaBuildPack(image)
    assert pack.detect()
    assert pack.python_version == "3.11"
    assert not buildpacks.DockerBuildPack(image).detect()  # it would be preferred to conda


def test_every_constraint_lies_in_its_range(project: dict) -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    versions = {canonicalize_name(name): Version(v) for name, v in pinned.items()}
    wanted = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        wanted += extra
    for requirement in map(Requirement, wanted):
        name = canonicalize_name(requirement.name)
        assert name in versions, f"constraints.txt does not pin {name}; run `make lock`"
        assert requirement.specifier.contains(versions[name], prereleases=True), name
