"""The command line as a person and as a script meet it."""

import csv
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tinyml_course import cli
from tinyml_course.mcu.planning import DEFAULT_POLICY


def call(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["tinyml", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


@pytest.mark.parametrize(
    ("arguments", "known"),
    [
        (["deploy", "--board", "stm32f999"], "stm32f746"),
        (["deploy", "--data", "mnist"], "fashion_mnist"),
        (["deploy", "--policy", "tihgt"], "tinyengine"),
    ],
)
def test_unknown_names_are_answered_with_the_known_ones(
    arguments: list[str],
    known: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = call(arguments, monkeypatch, capsys)
    assert code == cli.BAD_INPUT
    assert not out
    assert arguments[-1] in err
    assert known in err


def test_an_unknown_name_is_found_before_torch_is_imported() -> None:
    probe = (
        "import sys; sys.argv = ['tinyml', 'deploy', '--board', 'x']\n"
        "from tinyml_course import cli\n"
        "try:\n    cli.main()\nexcept SystemExit as stop:\n"
        "    print(stop.code, 'torch' in sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert result.stdout.split() == ["2", "False"]


def test_what_does_not_fit_says_operator_bytes_and_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ["deploy", "--resolution", "256", "--schedule", "unfused"]
    arguments += ["--out", str(tmp_path / "out")]
    code, out, err = call(arguments, monkeypatch, capsys)
    assert code == cli.DOES_NOT_FIT
    assert not out
    for words in (
        "does not fit",
        "block1.depthwise",
        "missing",
        "--resolution 164",
        "--schedule streamed",
        "--image fed",
        "what helps",
    ):
        assert words in err
    assert not (tmp_path / "out").exists()


def test_json_carries_the_same_for_machines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = call(
        ["deploy", "--resolution", "256", "--schedule", "unfused", "--json"], monkeypatch, capsys
    )
    record = json.loads(out)
    assert code == cli.DOES_NOT_FIT
    assert record["error"] == "DoesNotFitError"
    assert record["operator"] == "block1.depthwise"
    assert record["missing_bytes"] == record["needed_bytes"] - record["available_bytes"] > 0
    assert record["remedies"]


def test_deploy_prints_a_table_that_fits_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    arguments = ["deploy", "--epochs", "1", "--out", str(tmp_path)]
    code, out, err = call(arguments, monkeypatch, capsys)
    assert code == 0
    table = [line for line in out.splitlines() if not line.startswith("wrote ")]
    assert max(map(len, table)) <= 80
    for words in ("accuracy, int8", "SRAM free", "flash used", "peak at", "latency", "1,952 B"):
        assert words in out
    assert "training" in err  # progress goes to stderr, so that stdout can be piped
    assert (tmp_path / "memory.png").is_file()


def test_deploy_as_json_is_nothing_but_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ["deploy", "--epochs", "1", "--json", "--out", str(tmp_path)]
    code, out, _ = call(arguments, monkeypatch, capsys)
    record = json.loads(out)
    assert code == 0
    assert record["checks"]["emulator_peak_bytes"] == record["sram_peak_bytes"]
    assert {Path(f).name for f in record["files"]} == {
        "network.safetensors",
        "report.json",
        "memory.png",
    }


def test_ctrl_c_is_one_line_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tinyml_course.deploy.fit", interrupt)
    out_folder = tmp_path / "out"
    code, out, err = call(["deploy", "--out", str(out_folder)], monkeypatch, capsys)
    assert code == cli.INTERRUPTED
    assert not out
    assert "Traceback" not in err
    assert "Stopped. Nothing half-written" in err
    assert not out_folder.exists()


def test_the_default_policy_is_the_planners() -> None:
    policy = inspect.signature(cli.deploy).parameters["policy"].default
    assert policy == DEFAULT_POLICY


def test_help_lists_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = call(["--help"], monkeypatch, capsys)
    assert code == 0
    for command in ("deploy", "doctor", "check", "release", "grade"):
        assert command in out


def test_release_wants_to_know_what(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (["release"], ["release", "lab0", "--all"]):
        code, _, err = call(arguments, monkeypatch, capsys)
        assert code == cli.BAD_INPUT
        assert "name labs to release, or give --all" in err


def test_without_nbgrader_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "find_spec", lambda name: None)
    code, _, err = call(["release", "--all"], monkeypatch, capsys)
    assert code == cli.BAD_INPUT
    assert "pip install -e '.[instructor]'" in err


def test_doctor_shows_commands_with_brackets_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tinyml_course.doctor import Finding

    monkeypatch.setenv("COLUMNS", "160")
    findings = [Finding("notebooks", "missing", "jupyterlab is missing", "pip install '.[labs]'")]
    monkeypatch.setattr("tinyml_course.doctor.examine", lambda: findings)
    code, out, _ = call(["doctor"], monkeypatch, capsys)
    assert code == cli.BAD_INPUT
    assert "pip install '.[labs]'" in out


def test_grading_prints_a_table_and_writes_a_csv(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from autograder.grade import GradeRow

    rows = [
        GradeRow("ada", "graded", 63.5, 100.0, {"q1": 6.0, "written": None}),
        GradeRow("bob", "failed", 0.0, 100.0, {}, "not a notebook"),
    ]
    monkeypatch.setattr("autograder.grade.grade", lambda *_, **__: rows)
    target = tmp_path / "scores.csv"
    code, out, _ = call(["grade", "lab0", "--csv", str(target)], monkeypatch, capsys)
    assert code == 0
    assert "not a notebook" in out
    with target.open() as file:
        table = list(csv.DictReader(file))
    assert [row["score"] for row in table] == ["63.5", "0.0"]
    assert table[0]["q1"] == "6.0"
    assert table[0]["written"] == table[1]["q1"] == ""
    assert [p.name for p in tmp_path.iterdir()] == ["scores.csv"]
