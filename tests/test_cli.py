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


def test_packed_weights_are_in_the_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    arguments = ["deploy", "--epochs", "1", "--weight-bits", "4", "--out", str(tmp_path)]
    code, out, _ = call(arguments, monkeypatch, capsys)
    assert code == 0
    table = [line for line in out.splitlines() if not line.startswith("wrote ")]
    assert max(map(len, table)) <= 80
    (row,) = [line for line in table if " packed " in line]
    assert "16" in row
    assert "unpacked in SRAM" in row
    assert json.loads((tmp_path / "report.json").read_text())["packed"] == 16


def test_firmware_is_in_the_table_and_in_the_folder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("ziglang", reason="needs the extra 'firmware'")
    pytest.importorskip("unicorn", reason="needs the extra 'firmware'")
    monkeypatch.setenv("COLUMNS", "80")
    arguments = ["deploy", "--epochs", "1", "--firmware", "--out", str(tmp_path)]
    code, out, err = call(arguments, monkeypatch, capsys)
    assert code == 0
    table = [line for line in out.splitlines() if not line.startswith("wrote ")]
    assert max(map(len, table)) <= 80
    for words in ("image, built", "self-test", "50/50", "instructions", "of 4,096 B", "passed"):
        assert words in out
    assert "emulated core" in err  # the bar
    record = json.loads((tmp_path / "report.json").read_text())
    size = (tmp_path / "firmware/image/network.bin").stat().st_size
    assert f"{size:,} B" in out
    assert record["flash_used_bytes"] == size


def test_an_image_that_is_too_large_does_not_fit_either(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("ziglang", reason="needs the extra 'firmware'")
    board_file = tmp_path / "small.json"
    small = {"name": "small", "sram_bytes": 5120, "flash_bytes": 1 << 20, "core": "cortex-m4"}
    board_file.write_text(json.dumps({**small, "clock_hz": 1_000_000}))
    arguments = ["deploy", "--board", str(board_file), "--firmware", "--out", str(tmp_path / "out")]
    code, out, err = call(arguments, monkeypatch, capsys)
    assert code == cli.DOES_NOT_FIT
    assert not out
    assert "B more SRAM than SMALL" in err.replace("\n", " ")
    code, out, _ = call([*arguments, "--json"], monkeypatch, capsys)
    record = json.loads(out)
    assert (code, record["memory"]) == (cli.DOES_NOT_FIT, "SRAM")
    assert record["missing_bytes"] > 0
    assert not (tmp_path / "out").exists()


def test_the_default_stack_is_the_toolchains() -> None:
    from tinyml_course.firmware.toolchain import DEFAULT_STACK_BYTES

    assert inspect.signature(cli.deploy).parameters["stack"].default == DEFAULT_STACK_BYTES


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
    for command in ("deploy", "doctor", "check", "release", "grade", "similarity"):
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


@pytest.mark.parametrize(("status", "code"), [("ok", 0), ("timeout", cli.NEEDS_ATTENTION)])
def test_grading_prints_a_table_and_writes_a_csv(
    status: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    from autograder.grading.report import GradeRow, Report
    from autograder.grading.run import Options
    from autograder.grading.spread import Crew

    rows = (
        GradeRow("ada", "ok", 63.5, 100.0, 1.2, {"q1": 6.0, "written": None}, waits=True),
        GradeRow("bob", status, 0.0, 100.0, 60.0, {"q1": 0.0}, "[bold]not\x1b a notebook"),
    )
    asked = []

    def grade(*arguments: object) -> Report:
        asked.append(arguments)
        return Report("lab0", rows, ("a note",), ())

    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr("autograder.grading.run.grade", grade)
    target = tmp_path / "scores.csv"
    arguments = ["grade", "lab0", "--students", "ada,bob", "--students", "cyd", "--workers", "2"]
    arguments += ["--seed", "5", "--force", "--insist-sandbox", "--csv", str(target)]
    found, out, _ = call(arguments, monkeypatch, capsys)
    assert found == code
    options = Options(["ada", "bob", "cyd"], seed=5, force=True)
    assert asked == [("lab0", options, Crew(2, None, insist_sandbox=True))]
    for words in ("63.5 / 100", "(to be read)", "[bold]not", "a note", "1 wait for a person"):
        assert words in out
    assert "\x1b a notebook" not in out
    with target.open() as file:
        table = list(csv.DictReader(file))
    assert [row["score"] for row in table] == ["63.5", "0.0"]
    assert table[0]["q1"] == "6.0"
    assert table[0]["written"] == table[1]["written"] == ""
    assert [p.name for p in tmp_path.iterdir()] == ["scores.csv"]


def test_grading_says_what_was_not_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from autograder.grading.report import GradeRow, Report

    row = GradeRow("ada", "ok", 90.0, 100.0)
    report = Report("lab0", (row,), (), ("gradebook.db was locked; the journal keeps the scores",))
    monkeypatch.setattr("autograder.grading.run.grade", lambda *_: report)
    monkeypatch.setenv("COLUMNS", "120")
    code, out, _ = call(["grade", "lab0"], monkeypatch, capsys)
    assert code == cli.NEEDS_ATTENTION
    assert "the journal keeps the scores" in out


def test_check_shows_what_is_lacking(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from autograder.judging.outcome import Group, Outcome, QuestionOutcome
    from autograder.self_check import Finding, SelfCheck

    group = Group("depthwise", 0, 3, "0 of 3 right; your function gave 8, expected 2")
    wrong = QuestionOutcome("q2", 3.6, 6, "partly right", "", (Group("dense", 5, 5), group))
    findings = (
        Finding("parameters", wrong, "The groups are not used."),
        Finding("MACs", QuestionOutcome("q3", 0, 8, "unsolved", "not written yet")),
    )
    outcome = Outcome("ok", (wrong, findings[1].outcome), "", 2.0)
    asked = []

    def self_check(*arguments: object) -> SelfCheck:
        asked.append(arguments)
        return SelfCheck(Path("mine.ipynb"), findings, outcome, 10)

    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("autograder.self_check.self_check", self_check)
    code, out, _ = call(["check", "lab0", "mine.ipynb", "--seed", "9"], monkeypatch, capsys)
    assert code == 0
    assert asked == [("lab0", Path("mine.ipynb"), 9)]
    for words in (
        "3.6 of 6",
        "partly right",
        "q2 depthwise: 0 of 3 right; your function gave 8, expected 2",
        "q2 likely cause: The groups are not used.",
        "3.6 of 14 points, 10 more",
    ):
        assert words in out
    assert "dense" not in out


def test_similarity_prints_the_caveat(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from autograder.similarity.compare import compare
    from autograder.similarity.report import CAVEAT

    text = "def f(a):\n    " + "\n    ".join(f"a = a * {i} + max(a, {i})" for i in range(9))
    found = compare("lab0", {"ada": {"q1": text}, "[b]": {"q1": text}}, {})
    monkeypatch.setattr("autograder.similarity.report.similarity", lambda *_: found)
    code, out, _ = call(["similarity", "lab0", "--out", str(tmp_path)], monkeypatch, capsys)
    assert code == 0
    assert "[b]" in out
    assert "1.00" in out
    assert CAVEAT in out
    assert {path.name for path in tmp_path.iterdir()} == {"similarity.html", "similarity.csv"}
