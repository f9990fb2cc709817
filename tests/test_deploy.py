"""The main job end to end, on few epochs."""

import json
from pathlib import Path

import numpy as np
import pytest

from tinyml_course import deploy as module
from tinyml_course.deploy import Checks, Deployment, Options, deploy, write
from tinyml_course.errors import DoesNotFitError, TinyMLError
from tinyml_course.graph import load
from tinyml_course.mcu import Board, Emulator, board, plan, reference


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    return deploy(Options("digits", board("stm32f746"), "tight", epochs=4), progress=False)


def test_int8_stays_within_one_point_of_float(deployment: Deployment) -> None:
    # Over five seeds at 15 epochs the worst difference is 0.6 points (benchmarks/deploy_digits.py);
    # one point is 3.6 of the 360 test images.
    scores = deployment.accuracy
    assert scores.images == 360
    assert scores.int8 >= scores.float32 - 0.01
    # Chance is 10 %; four epochs reach 95 % on every seed tried (0 to 4).
    assert scores.float32 > 0.9


def test_the_report_is_what_the_emulator_measured(deployment: Deployment) -> None:
    checks = deployment.checks
    assert checks.emulator_peak_bytes == checks.plan_peak_bytes == deployment.plan.peak_bytes
    assert deployment.costs.sram_peak_bytes == checks.emulator_peak_bytes
    assert checks.reference_equal == checks.reference_images == 200


def test_written_files_are_whole_and_hold_the_deployed_graph(
    deployment: Deployment, tmp_path: Path
) -> None:
    f746 = board("stm32f746")
    files = write(deployment, f746, tmp_path / "new" / "folder")
    assert [f.name for f in files] == ["network.safetensors", "report.json", "memory.png"]
    assert sorted(p.name for p in files[0].parent.iterdir()) == sorted(f.name for f in files)
    assert files[2].read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    record = json.loads(files[1].read_text())
    assert record["sram_peak_bytes"] == deployment.plan.peak_bytes
    again = load(files[0])
    image = np.random.default_rng(3).random((1, 8, 8, 1), np.float32)
    before = reference.run(deployment.graph, image)
    np.testing.assert_array_equal(
        Emulator(again, plan(again, f746), f746).run(image).output, before
    )


def test_an_interrupted_write_leaves_the_old_files(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    f746 = board("stm32f746")
    files = write(deployment, f746, tmp_path)
    before = [f.read_bytes() for f in files]

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tinyml_course.plots.memory.memory_timeline", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(deployment, f746, tmp_path)
    assert [f.read_bytes() for f in files] == before
    assert len(list(tmp_path.iterdir())) == len(files)


def test_a_folder_that_cannot_be_written_is_named(deployment: Deployment, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(TinyMLError, match=r"cannot write to .*file.*--out"):
        write(deployment, board("stm32f746"), blocked)


def test_what_does_not_fit_fails_before_any_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "fit", lambda *_, **__: pytest.fail("trained in vain"))
    tiny = Board("tiny", 4_000, 1 << 20, "cortex-m4", 1_000_000)
    with pytest.raises(DoesNotFitError) as caught:
        deploy(Options("digits", tiny, "tinyengine"), progress=False)
    error = caught.value
    assert error.operator == "block1.expand"
    assert error.missing_bytes == 4_384 - 4_000
    # Textbook planning needs no scratch: 3,584 B, which was found by trying it.
    assert "policy per_layer" in error.remedies
    assert "384 B more" in str(error)


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        (Checks(99, 100, 200, 200), "emulator used 99 B, the plan says 100 B"),
        (Checks(100, 100, 200, 199), "agree on 199 of 200"),
    ],
)
def test_disagreeing_executors_are_never_reported_as_a_result(checks: Checks, message: str) -> None:
    with pytest.raises(TinyMLError, match=message):
        checks.verify()
