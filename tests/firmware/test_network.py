"""Running a network on the emulated core: with a bar, many images, an image built elsewhere."""

import numpy as np
import pytest

pytest.importorskip("ziglang", reason="needs the extra 'firmware'")
pytest.importorskip("unicorn", reason="needs the extra 'firmware'")

from random_graphs import random_image

from tinyml_course.errors import FirmwareError
from tinyml_course.firmware import NetworkMachine, build, generate, network
from tinyml_course.mcu import board, plan, reference
from tinyml_course.mcu.boards import BOARDS
from tinyml_course.models import compact, random_graph
from tinyml_course.patching import schedule

BOARD = board("stm32f746")
GRAPH = random_graph(compact(8, 1, 10))
PLAN = plan(schedule(GRAPH))
RNG = np.random.default_rng(0)
IMAGES = [random_image(GRAPH, RNG) for _ in range(3)]


@pytest.fixture(scope="module")
def machine() -> NetworkMachine:
    return NetworkMachine(BOARD, generate(PLAN))


def test_a_bar_changes_nothing(machine: NetworkMachine, capsys: pytest.CaptureFixture[str]) -> None:
    quiet = machine.run(IMAGES[0])
    assert capsys.readouterr().err == ""
    for _ in range(2):
        shown = machine.run(IMAGES[0], progress=True)
        assert shown.execution == quiet.execution
        np.testing.assert_array_equal(shown.output, quiet.output)
    text = capsys.readouterr().err
    # The first run knows no total, the second one does and reaches it.
    assert "instr/s" in text
    assert "100%" in text


def test_the_bar_shows_what_has_been_executed(
    machine: NetworkMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars: list[object] = []

    class Bar(network.tqdm):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)
            bars.append(self)

    monkeypatch.setattr(network, "tqdm", Bar)
    executed = machine.run(IMAGES[0], progress=True).execution.instructions
    (bar,) = bars
    assert bar.n == executed


def test_a_bar_is_closed_when_the_core_faults(
    machine: NetworkMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise FirmwareError("as a fault would")

    monkeypatch.setattr(machine, "_infer", fail)
    with pytest.raises(FirmwareError, match="as a fault would"):
        machine.run(IMAGES[0], progress=True)


def test_many_images_are_run_one_by_one(
    machine: NetworkMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = machine.run_many(IMAGES)
    for image, run in zip(IMAGES, runs, strict=True):
        np.testing.assert_array_equal(run.output, reference.run(GRAPH, image))
    assert "3/3" in capsys.readouterr().err
    assert machine.run_many(IMAGES[:1], progress=False)[0].execution == runs[0].execution
    assert capsys.readouterr().err == ""


def test_no_byte_goes_unseen(machine: NetworkMachine) -> None:
    for image in IMAGES:
        assert machine.measure(image).arena_bytes == PLAN.peak_bytes


def test_an_image_may_hold_more_than_the_network() -> None:
    program = generate(PLAN)
    sources = {**program.sources, "main.c": "int main(void) { return 42; }"}
    image = build(BOARD, sources, program.headers, keep=["network_run"])
    machine = NetworkMachine(BOARD, program, image=image)
    expected = reference.run(GRAPH, IMAGES[0])
    np.testing.assert_array_equal(machine.run(IMAGES[0]).output, expected)
    assert machine.machine.run().result == 42


def test_an_image_of_another_network_is_refused() -> None:
    other = generate(plan(random_graph(compact(8, 1, 10, 0.5))))
    image = build(BOARD, {"a.c": "void network_run(void) {}"}, keep=["network_run"])
    with pytest.raises(FirmwareError, match="there is no 'network_"):
        NetworkMachine(BOARD, other, image=image)


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_starts_from_its_own_addresses(name: str) -> None:
    target = board(name)
    machine = NetworkMachine(target, generate(PLAN))
    code, text = machine.image.code
    assert target.flash_base <= code < target.flash_base + target.flash_bytes
    assert machine.image.sections[".text"] == len(text)  # also where flash begins at address 0
    arena = machine.image.symbol("network_arena").address
    assert target.sram_base <= arena < target.sram_base + target.sram_bytes
    run = machine.run(IMAGES[0])
    np.testing.assert_array_equal(run.output, reference.run(GRAPH, IMAGES[0]))
    assert run.execution.arena_bytes == PLAN.peak_bytes
