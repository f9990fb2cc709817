"""The strongest sandbox that works is taken, and a weak one is never taken silently."""

import os
import stat
import warnings
from pathlib import Path

import pytest

from autograder.sandbox import SandboxError, WeakSandboxWarning, find_sandbox
from autograder.sandbox import find as finding


def install(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "bwrap"
    program.write_text(text)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder) + os.pathsep + os.environ["PATH"])


def test_without_bubblewrap_limits_are_left_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding.shutil, "which", lambda name: None)
    with pytest.warns(WeakSandboxWarning, match="not installed.*apt install bubblewrap"):
        assert find_sandbox().kind == "rlimits"
    with pytest.raises(SandboxError, match="apt install bubblewrap"):
        find_sandbox(insist=True)


@pytest.mark.parametrize("text", ["#!/bin/sh\necho no namespaces >&2\nexit 1\n", "no program"])
def test_a_bubblewrap_that_fails_is_not_used(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, text, monkeypatch)
    with pytest.warns(WeakSandboxWarning, match="does not work here"):
        assert find_sandbox().kind == "rlimits"
    with pytest.raises(SandboxError, match="does not work here"):
        find_sandbox(insist=True)


def test_a_bubblewrap_that_works_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "#!/bin/sh\nexit 0\n", monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = find_sandbox(insist=True)
    assert (found.kind, found.program) == ("bubblewrap", str(tmp_path / "bwrap"))


def test_other_systems_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding.sys, "platform", "win32")
    with pytest.raises(SandboxError, match="Linux"):
        find_sandbox()
