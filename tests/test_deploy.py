"""The main job end to end, on few epochs."""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tinyml_course import deploy as module
from tinyml_course import models
from tinyml_course.data import load_persons
from tinyml_course.deploy import Checks, Deployment, Options, deploy, write
from tinyml_course.errors import (
    DoesNotFitError,
    FirmwareError,
    GraphError,
    ImageTooLargeError,
    ScheduleError,
    TinyMLError,
    ToolchainError,
)
from tinyml_course.graph import load
from tinyml_course.mcu import Board, Emulator, board, plan, reference
from tinyml_course.models.fit import cross_entropy


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


def test_fewer_bits_take_less_flash(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "fit", lambda network, *_, **__: network.eval())
    f746 = board("stm32f746")
    options = Options("digits", f746, weight_bits=4)
    few = deploy(options, progress=False)
    assert few.costs.packed == 16  # all: this board has the room
    less = deployment.costs.flash_constants_bytes - few.costs.flash_constants_bytes
    weights = [t.elements for n, t in few.graph.tensors.items() if n.endswith("/weight")]
    assert len(weights) == 16
    # Half a byte for each, but for what fills up groups of 32 and words.
    assert sum(weights) / 2 - 16 * len(weights) < less <= sum(weights) / 2 + 3 * len(weights)
    assert few.checks.emulator_peak_bytes == few.plan.peak_bytes > deployment.plan.peak_bytes
    assert few.to_dict()["schedule"]["packed"] == list(few.plan.schedule.packed)
    # With less room, fewer are packed, and a stack is left.
    streamed = deploy(Options("digits", f746), progress=False).plan.peak_bytes
    room = dataclasses.replace(f746, sram_bytes=streamed + options.stack_bytes + 100)
    some = deploy(dataclasses.replace(options, board=room), progress=False)
    assert 0 < some.costs.packed < 16
    assert some.plan.peak_bytes <= streamed + 100
    # With too little for that, it is planned all the same, and the board is the bound.
    least = dataclasses.replace(f746, sram_bytes=streamed)
    assert deploy(dataclasses.replace(options, board=least), progress=False).costs.packed > 0


def test_bits_that_cannot_be_had_fail_before_any_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "fit", lambda *_, **__: pytest.fail("trained in vain"))
    f746 = board("stm32f746")
    for bits in (1, 9):
        with pytest.raises(GraphError, match=f"2 to 8 bits, got {bits}"):
            deploy(Options("digits", f746, weight_bits=bits), progress=False)
    with pytest.raises(ScheduleError, match="policy tflm keeps each weight in a byte"):
        deploy(Options("digits", f746, "tflm", weight_bits=4), progress=False)


def test_fewer_bits_are_a_remedy_for_too_little_flash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "fit", lambda *_, **__: pytest.fail("trained in vain"))
    f746 = board("stm32f746")
    graph = models.random_graph(models.compact(8, 1, 10), seed=None)
    needed = module.plan_for(graph, Options("digits", f746)).flash_bytes
    small = dataclasses.replace(f746, flash_bytes=needed - 1)
    with pytest.raises(DoesNotFitError) as caught:
        deploy(Options("digits", small), progress=False)
    assert "--weight-bits 4" in caught.value.remedies
    with pytest.raises(DoesNotFitError) as caught:  # where even that is too much
        deploy(Options("digits", dataclasses.replace(f746, flash_bytes=20_000)), progress=False)
    assert "--weight-bits 4" not in caught.value.remedies


def test_no_resolution_is_advised_that_images_do_not_come_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = load_persons(40, train=2, validation=2, test=2, progress=False)
    monkeypatch.setattr(module.data, "load", lambda *_, **__: few)
    tiny = Board("tiny", 9_000, 1 << 20, "cortex-m4", 1_000_000)
    with pytest.raises(DoesNotFitError) as caught:
        deploy(Options("persons", tiny, "tinyengine"), progress=False)
    # Even 32 pixels, the fewest that scenes are drawn at, need more; 16 would not.
    assert not [remedy for remedy in caught.value.remedies if "--resolution" in remedy]
    at_16 = models.random_graph(models.compact(16, 3, 2), seed=None)
    assert plan(at_16, policy="tinyengine").peak_bytes < 9_000


def test_images_that_may_be_mirrored_are(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = []

    def no_training(network: torch.nn.Module, *_: object, loss: object, **__: object) -> None:
        losses.append(loss)
        network.eval()

    monkeypatch.setattr(module, "fit", no_training)
    few = load_persons(32, train=2, validation=2, test=2, progress=False)
    for card in (few.card, dataclasses.replace(few.card, mirrors=False)):
        one = dataclasses.replace(few, card=card)
        monkeypatch.setattr(module.data, "load", lambda *_, one=one, **__: one)
        deploy(Options("persons", board("stm32f746")), progress=False)
    assert [loss is cross_entropy for loss in losses] == [False, True]


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


# ---- with an image for the board


@pytest.fixture(scope="module")
def with_firmware() -> Deployment:
    pytest.importorskip("ziglang", reason="needs the extra 'firmware'")
    pytest.importorskip("unicorn", reason="needs the extra 'firmware'")
    options = Options("digits", board("stm32f746"), epochs=1, firmware=True)
    return deploy(options, progress=False)


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_the_reports_flash_is_the_images(with_firmware: Deployment, tmp_path: Path) -> None:
    *_, folder = write(with_firmware, board("stm32f746"), tmp_path)
    record = json.loads((tmp_path / "report.json").read_text())
    assert record["flash_measured"]
    size = (folder / "image/network.bin").stat().st_size
    assert record["flash_used_bytes"] == record["firmware"]["flash_bytes"] == size
    parts = ("constants", "descriptions", "code", "self_test")
    assert sum(record[f"flash_{part}_bytes"] for part in parts) == size
    assert record["flash_constants_bytes"] == with_firmware.plan.constants_bytes


def test_the_image_was_run_on_the_emulated_core(with_firmware: Deployment) -> None:
    assert with_firmware.firmware is not None
    figures = with_firmware.firmware.figures
    assert figures.images == figures.equal == module.FIRMWARE_IMAGES
    assert figures.arena_bytes == with_firmware.plan.peak_bytes
    assert figures.self_test_differences == 0
    assert 0 < figures.stack_depth_bytes < figures.stack_bytes
    assert figures.instructions > with_firmware.costs.macs


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"equal": 49}, "agree on 49 of 50 images"),
        ({"self_test_differences": 3}, "own test found 3 wrong bytes"),
        ({"arena_bytes": 1953}, "used 1,953 B of its arena, the plan says 1,952 B"),
        ({"arena_bytes": 7}, "used 7 B of its arena, the plan says"),
    ],
)
def test_an_image_that_does_something_else_is_never_reported(
    with_firmware: Deployment, change: dict[str, int], message: str
) -> None:
    assert with_firmware.firmware is not None
    figures = dataclasses.replace(with_firmware.firmware.figures, **change)
    with pytest.raises(FirmwareError, match=message):
        figures.verify()


def test_written_again_over_an_older_folder(
    with_firmware: Deployment, deployment: Deployment, tmp_path: Path
) -> None:
    f746 = board("stm32f746")
    *_, folder = write(with_firmware, f746, tmp_path)
    first = contents(folder)
    (folder / "build").mkdir()
    (folder / "build/stale.o").write_bytes(b"")
    write(with_firmware, f746, tmp_path)
    assert contents(folder) == first
    assert sorted(p.name for p in tmp_path.iterdir())[0] == "firmware"
    # Another network's firmware does not stay beside a report that is not about it.
    write(deployment, f746, tmp_path)
    assert not folder.exists()


def test_somebodys_own_program_is_not_written_over(
    with_firmware: Deployment, tmp_path: Path
) -> None:
    f746 = board("stm32f746")
    *_, folder = write(with_firmware, f746, tmp_path)
    (folder / "main.c").write_text("/* mine */")
    before = contents(tmp_path)
    with pytest.raises(TinyMLError, match=r"main\.c; move it away, or choose another --out"):
        write(with_firmware, f746, tmp_path)
    assert contents(tmp_path) == before


def test_a_full_disk_leaves_the_old_folder(
    with_firmware: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    f746 = board("stm32f746")
    write(with_firmware, f746, tmp_path)
    before = contents(tmp_path)

    def full(folder: Path, files: dict[str, bytes]) -> None:
        folder.mkdir()
        name, content = next(iter(files.items()))
        (folder / name).write_bytes(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tinyml_course.firmware.project.lay_down", full)
    with pytest.raises(TinyMLError, match=r"cannot write to .*No space left.*--out"):
        write(with_firmware, f746, tmp_path)
    assert contents(tmp_path) == before


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ziglang", reason="needs the extra 'firmware'")
    monkeypatch.setattr(module, "fit", lambda *_, **__: pytest.fail("trained in vain"))


def refused(target: Board, kind: type[TinyMLError], **options: object) -> TinyMLError:
    with pytest.raises(kind) as caught:
        deploy(Options("digits", target, firmware=True, **options), progress=False)
    return caught.value


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize("package", ["ziglang", "unicorn", "elftools"])
def test_a_missing_package_is_named_before_any_training(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [n for n in sys.modules if n.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    error = refused(board("stm32f746"), ToolchainError)
    assert package in str(error)
    assert "pip install -e '.[firmware]'" in str(error)


@pytest.mark.usefixtures("no_training")
def test_what_the_compiler_says_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "int main(void) { return no_such_thing; }\n"
    monkeypatch.setattr("tinyml_course.firmware.project.program.fill", lambda *_: text)
    error = refused(board("stm32f746"), ToolchainError)
    assert "no_such_thing" in str(error)


@pytest.mark.usefixtures("no_training")
def test_no_room_for_the_stack_is_found_before_any_training() -> None:
    f746 = board("stm32f746")
    needed = 1952 + 4096 + 16  # arena, stack, and variables with what alignment adds
    small = dataclasses.replace(f746, sram_bytes=needed - 600)
    error = refused(small, ImageTooLargeError)
    assert isinstance(error, ImageTooLargeError)
    assert (error.memory, error.missing_bytes) == ("SRAM", 600)
    assert "a smaller stack" in str(error)
    assert module._check_firmware(*definition_and(small, stack_bytes=4096 - 600)) is None


def definition_and(target: Board, **options: int) -> tuple[models.NetworkDefinition, Options]:
    return models.compact(8, 1, 10), Options("digits", target, firmware=True, **options)


@pytest.mark.usefixtures("no_training")
def test_no_room_in_flash_is_found_before_any_training(with_firmware: Deployment) -> None:
    # The estimate is near the image; a byte less than the image is for the linker to find.
    assert with_firmware.firmware is not None
    needed = with_firmware.costs.flash_used_bytes
    estimate = with_firmware.plan.flash_bytes
    f746 = board("stm32f746")
    room = max(estimate, needed - 1000)
    if room < needed:
        error = refused(dataclasses.replace(f746, flash_bytes=room), ImageTooLargeError)
        assert isinstance(error, ImageTooLargeError)
        assert error.memory == "flash"
        assert 0 < error.missing_bytes <= 1500
    refused(dataclasses.replace(f746, flash_bytes=20_000), DoesNotFitError)


@pytest.mark.usefixtures("no_training")
def test_a_plan_of_another_policy_has_no_c() -> None:
    error = refused(board("stm32f746"), FirmwareError, policy="tinyengine")
    assert "policy tight" in str(error)


@pytest.mark.usefixtures("no_training")
def test_an_operator_without_c_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from tinyml_course.firmware.kernels import plain_layer

    kinds = dict(plain_layer._MAKERS)
    del kinds[next(kind for kind in kinds if kind.__name__ == "Add")]
    monkeypatch.setattr(plain_layer, "_MAKERS", kinds)
    error = refused(board("stm32f746"), FirmwareError)
    assert "no C kernel for ADD" in str(error)


@pytest.mark.usefixtures("no_training")
def test_a_core_without_the_dsp_extension_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinyml_course.firmware.cores.CPUS", {"cortex-m4": "cortex_m4+vfp4d16sp"})
    error = refused(board("stm32f746"), ToolchainError)
    assert "needs a core with the DSP extension" in str(error)
