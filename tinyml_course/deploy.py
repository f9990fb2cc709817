"""The whole way, once: data, training, int8, plan, emulated board, report."""

import bisect
import json
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from tinyml_course import data, models
from tinyml_course.errors import DoesNotFitError, ScheduleError, TinyMLError, lookup
from tinyml_course.firmware import project
from tinyml_course.firmware.toolchain import DEFAULT_STACK_BYTES
from tinyml_course.graph import Graph, from_torch, save
from tinyml_course.mcu import (
    Board,
    Emulator,
    Plan,
    Report,
    packed_schedule,
    plan,
    reference,
    report,
)
from tinyml_course.mcu.packed_weights import BYTE_BITS
from tinyml_course.mcu.planning import DEFAULT_POLICY, SCHEDULED_POLICIES
from tinyml_course.mcu.scheduling import Schedule
from tinyml_course.mcu.scheduling.schedule import Image
from tinyml_course.models.augmentation import mirrored
from tinyml_course.models.fit import accuracy, cross_entropy, fit, predict
from tinyml_course.models.torch_network import build
from tinyml_course.patching import schedule

SCHEDULES = {
    "streamed": "the least SRAM at which nothing is computed twice",
    "fastest": "the fastest that fits the board",
    "unfused": "operator by operator",
}
IMAGES: dict[str, Image] = {"memory": "memory", "fed": "fed"}

FEWER_BITS = 4
"""Of weights, where flash is too small: fewer would ask for training with them."""

CALIBRATION_IMAGES = 256
REFERENCE_IMAGES = 200
FIRMWARE_IMAGES = 50

FIRMWARE_FOLDER = "firmware"
"""Where in a deployment's folder the firmware goes."""


@dataclass(frozen=True)
class Options:
    """What to deploy.

    Attributes:
        data: name of the data set.
        board: where to.
        policy: memory planner.
        schedule: one of `SCHEDULES`; by default ``"streamed"`` where the policy can lay stages out.
        image: whether the image lies in SRAM (``"memory"``) or arrives row by row (``"fed"``).
        weight_bits: of the weights, 2 to 8. Fewer than 8 lie packed in flash, as far as the board
            has SRAM to unpack them (and a stack beside it).
        width: multiplier of the network's channels.
        resolution: rows and columns the images are resized to; ``None`` leaves them.
        epochs: training passes.
        seed: of weights and shuffling.
        firmware: whether to build an image for the board, and to run it on an emulated core.
        stack_bytes: SRAM that the image gives to the stack, a multiple of 8.
    """

    data: str
    board: Board
    policy: str = DEFAULT_POLICY
    schedule: str | None = None
    image: str = "memory"
    weight_bits: int = 8
    width: float = 1.0
    resolution: int | None = None
    epochs: int = 15
    seed: int = 0
    firmware: bool = False
    stack_bytes: int = DEFAULT_STACK_BYTES


@dataclass(frozen=True)
class Accuracy:
    """On the test split, in 0..1.

    Attributes:
        float32: of the trained network.
        int8: of the graph, inferred on the emulated board.
        agreement: share of images to which both give the same class.
        images: how many.
    """

    float32: float
    int8: float
    agreement: float
    images: int


@dataclass(frozen=True)
class Checks:
    """What was compared, so that the report can be believed.

    Attributes:
        emulator_peak_bytes: high-water mark measured in the emulator's arena.
        plan_peak_bytes: what the plan says.
        reference_images: inputs on which the emulator was compared with the reference operators.
        reference_equal: on how many of them every output byte was equal.
    """

    emulator_peak_bytes: int
    plan_peak_bytes: int
    reference_images: int
    reference_equal: int

    def verify(self) -> None:
        """Raise if the executors disagree: the report would not describe what runs.

        Raises:
            TinyMLError: saying what differs.
        """
        if self.emulator_peak_bytes != self.plan_peak_bytes:
            raise TinyMLError(
                f"the emulator used {self.emulator_peak_bytes:,} B, the plan says "
                f"{self.plan_peak_bytes:,} B: a defect of this package, please report it"
            )
        if self.reference_equal != self.reference_images:
            raise TinyMLError(
                f"emulator and reference operators agree on {self.reference_equal} of "
                f"{self.reference_images} images: a defect of this package, please report it"
            )


@dataclass(frozen=True, eq=False)
class Firmware:
    """A network's image.

    Attributes:
        program: C and image.
        figures: measured while the image ran on an emulated core.
    """

    program: project.BoardProgram
    figures: project.FirmwareFigures


@dataclass(frozen=True, eq=False)
class Deployment:
    """A network on a board, with its figures.

    Attributes:
        graph: the int8 network.
        plan: its memory.
        costs: MACs, SRAM, flash, latency.
        accuracy: float and int8 on the test split.
        checks: what was compared.
        firmware: the image, where one was asked for.
    """

    graph: Graph
    plan: Plan
    costs: Report
    accuracy: Accuracy
    checks: Checks
    firmware: Firmware | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        record = {
            **self.costs.to_dict(),
            "schedule": self.plan.schedule.record(),
            "accuracy": asdict(self.accuracy),
            "checks": asdict(self.checks),
        }
        if self.firmware is not None:
            record["firmware"] = asdict(self.firmware.figures)
        return record


def deploy(options: Options, progress: bool = True) -> Deployment:
    """Train, quantize, plan and run a compact network on an emulated board.

    Whether it fits is decided before the training, from the shapes alone; so is whether there is a
    compiler, where firmware is asked for, and C for every operator.

    Raises:
        DoesNotFitError: naming operator, bytes missing and remedies.
        FirmwareError: no compiler, no C for an operator, a plan or a core, or an image that is
            larger than the board.
        UnknownNameError, DataError: an unknown name; data that is missing or damaged.
    """
    board = options.board
    dataset = data.load(options.data, resolution=options.resolution)
    channels, height, width = dataset.image_shape
    if height != width:
        raise TinyMLError(f"{options.data}: images are {height}x{width}, square ones are needed")

    def design(resolution: int, width: float) -> models.NetworkDefinition:
        return models.compact(resolution, channels, dataset.classes, width, options.data)

    definition = design(height, options.width)
    _check_fits(design, definition, options, dataset.card.least_resolution)
    if options.firmware:
        _check_firmware(definition, options)
    network = build(definition, options.seed)
    fit(
        network,
        dataset,
        epochs=options.epochs,
        seed=options.seed,
        loss=mirrored(options.seed) if dataset.card.mirrors else cross_entropy,
        progress=progress,
    )
    calibration = _calibration(dataset, options.seed)
    bits = options.weight_bits
    graph = from_torch(network, calibration, weight_bits=bits, name=definition.name)
    planned = plan_for(graph, options)

    outputs, peak = _emulate(graph, planned, board, dataset.test, progress)
    compared = min(REFERENCE_IMAGES, len(dataset.test))
    images = dataset.test.channels_last()[:compared]
    equal = sum(
        np.array_equal(reference.run(graph, image), output)
        for image, output in zip(
            tqdm(images, desc="checking", unit="image", disable=not progress), outputs, strict=False
        )
    )
    checks = Checks(peak, planned.peak_bytes, compared, equal)
    checks.verify()
    predicted = predict(network, dataset.test)
    int8 = outputs.reshape(len(outputs), -1).argmax(1)
    firmware = None
    if options.firmware:
        firmware = _firmware(planned, options, dataset.test, outputs, progress)
    return Deployment(
        graph,
        planned,
        report(planned, board, firmware.program.flash if firmware else None),
        Accuracy(
            accuracy(predicted, dataset.test.labels),
            accuracy(int8, dataset.test.labels),
            accuracy(int8, predicted),
            len(dataset.test),
        ),
        checks,
        firmware,
    )


def plan_for(graph: Graph, options: Options) -> Plan:
    """The plan of a graph under these options.

    Raises:
        DoesNotFitError: naming operator, bytes missing and remedies.
        ScheduleError: the fastest was asked for and none fits, or the policy has no stages, or no
            packed weights.
        UnknownNameError: there is no such schedule.
    """
    network = _scheduled(graph, options)
    if options.weight_bits < BYTE_BITS:
        network = _packed(network, options)
    return plan(network, options.board, options.policy)


def _packed(network: Graph | Schedule, options: Options) -> Schedule:
    """With as many weights packed as there is room for; none, where there is too little anyway."""
    room = options.board.sram_bytes - options.stack_bytes
    if options.policy not in SCHEDULED_POLICIES:
        able = ", ".join(SCHEDULED_POLICIES)
        raise ScheduleError(
            f"policy {options.policy} keeps each weight in a byte, so that "
            f"{options.weight_bits} bits save nothing; there are packed weights in: {able}"
        )
    try:
        return packed_schedule(network, room)
    except ScheduleError:  # the plan will say by how much
        return packed_schedule(network)


def _scheduled(graph: Graph, options: Options) -> Graph | Schedule:
    """How the network runs, before anything is packed."""
    board, policy = options.board, options.policy
    wanted = options.schedule or ("streamed" if policy in SCHEDULED_POLICIES else "unfused")
    lookup("schedule", wanted, SCHEDULES)
    image = lookup("image", options.image, IMAGES)
    if wanted == "unfused":
        if image == "fed":
            raise ScheduleError(
                "a fed image needs a stage that takes the rows as they come; choose the schedule "
                "streamed or fastest"
            )
        return graph
    limit = board.sram_bytes if wanted == "fastest" else None
    return schedule(graph, budget_bytes=limit, image=image)


def check_folder(folder: str | Path) -> None:
    """Raise where writing a deployment would replace somebody's own work.

    Raises:
        TinyMLError: naming the files.
    """
    project.check_replaceable(Path(folder) / FIRMWARE_FOLDER)


def write(deployment: Deployment, board: Board, folder: str | Path) -> list[Path]:
    """Write graph, report and memory picture into ``folder``; each file whole or not at all.

    Firmware goes into a folder of its own there, whole or not at all, too. One of an earlier
    deployment is removed in any case: it would be another network's.

    Returns:
        The files: ``network.safetensors``, ``report.json``, ``memory.png``, and the folder
        ``firmware`` if there is any.

    Raises:
        TinyMLError: the folder cannot be written, or its firmware holds somebody's own work.
    """
    from tinyml_course.plots.memory import memory_timeline

    target = Path(folder)
    check_folder(target)
    writers: dict[str, Callable[[Path], object]] = {
        "network.safetensors": lambda path: save(deployment.graph, path),
        "report.json": lambda path: path.write_text(json.dumps(deployment.to_dict(), indent=2)),
        "memory.png": lambda path: memory_timeline(deployment.plan, board).savefig(path, dpi=110),
    }
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".deploy-", dir=target) as staging:
            for name, writer in writers.items():
                writer(Path(staging) / name)
            new = None
            if deployment.firmware is not None:
                new = Path(staging) / FIRMWARE_FOLDER
                made = deployment.firmware
                project.lay_down(new, project.project_files(made.program, made.figures))
            project.replace_folder(target / FIRMWARE_FOLDER, new)
            for name in writers:
                (Path(staging) / name).replace(target / name)
    except OSError as error:
        raise TinyMLError(f"cannot write to {target}: {error}; choose another --out") from error
    written = [*writers] if deployment.firmware is None else [*writers, FIRMWARE_FOLDER]
    return [target / name for name in written]


Design = Callable[[int, float], models.NetworkDefinition]


def _check_fits(
    design: Design, definition: models.NetworkDefinition, options: Options, least_resolution: int
) -> None:
    """Plan the network with any weights; where it does not fit, try smaller ones.

    Raises:
        DoesNotFitError: with the largest resolution and width that do fit among its remedies.
    """

    def error_of(candidate: models.NetworkDefinition) -> DoesNotFitError | None:
        try:
            plan_for(_any_weights(candidate, options), options)
        except DoesNotFitError as error:
            return error
        return None

    failed = error_of(definition)
    if failed is None:
        return
    sizes = range(least_resolution, definition.resolution, 4)
    size = _largest(sizes, lambda n: error_of(design(n, options.width)) is None)
    widths = [step / 20 for step in range(1, math.ceil(options.width * 20))]
    width = _largest(widths, lambda w: error_of(design(definition.resolution, w)) is None)
    tried = [] if size is None else [f"--resolution {size}"]
    tried += [] if width is None else [f"--width {width:g}"]
    tried += [text for text, other in _otherwise(options) if _fits(definition, other)]
    raise failed.with_remedies(tried)


def _any_weights(definition: models.NetworkDefinition, options: Options) -> Graph:
    return models.random_graph(definition, seed=None, weight_bits=options.weight_bits)


def _check_firmware(definition: models.NetworkDefinition, options: Options) -> None:
    """Build an image of the network with any weights, as large as that with the trained ones.

    Raises:
        FirmwareError: there is no compiler, no C, or no room.
    """
    project.require_machine()
    graph = models.random_graph(definition, weight_bits=options.weight_bits)
    planned = plan_for(graph, options)
    blank = project.Sample(
        np.zeros(graph.input.shape, np.int8), np.zeros(graph.output.shape, np.int8), 0
    )
    project.board_program(options.board, planned, blank, options.stack_bytes)


def _firmware(
    planned: Plan,
    options: Options,
    test: data.Split,
    outputs: NDArray[np.int8],
    progress: bool,
) -> Firmware:
    """The image, run on an emulated core.

    Raises:
        FirmwareError: it cannot be built, or does something else than the emulator.
    """
    images = list(test.channels_last()[:FIRMWARE_IMAGES])
    sample = project.sample_of(planned, images[0], outputs[0], int(test.labels[0]))
    program = project.board_program(options.board, planned, sample, options.stack_bytes)
    figures = project.measure(program, images, list(outputs[: len(images)]), progress)
    figures.verify()
    return Firmware(program, figures)


def _otherwise(options: Options) -> Iterator[tuple[str, Options]]:
    """What needs less SRAM, or flash, as the command line says it."""
    if options.policy in SCHEDULED_POLICIES:
        streamed = replace(options, schedule="streamed")
        if options.schedule not in (None, "streamed"):
            yield "--schedule streamed", streamed
        if options.image == "memory":
            yield "--schedule streamed --image fed", replace(streamed, image="fed")
        if options.weight_bits > FEWER_BITS:
            yield f"--weight-bits {FEWER_BITS}", replace(options, weight_bits=FEWER_BITS)


def _fits(definition: models.NetworkDefinition, options: Options) -> bool:
    try:
        plan_for(_any_weights(definition, options), options)
    except DoesNotFitError:
        return False
    return True


Number = TypeVar("Number", int, float)


def _largest(candidates: Sequence[Number], fits: Callable[[Number], bool]) -> Number | None:
    """The largest of ascending candidates that fits, by bisection: more never needs less."""
    count = bisect.bisect_left(candidates, True, key=lambda candidate: not fits(candidate))
    return candidates[count - 1] if count else None


def _calibration(dataset: data.DataSet, seed: int) -> Any:
    """Training images for the ranges; never the test split."""
    import torch

    rng = np.random.default_rng(seed)
    count = min(CALIBRATION_IMAGES, len(dataset.train))
    chosen = rng.choice(len(dataset.train), count, replace=False)
    return torch.from_numpy(dataset.train.images[chosen])


def _emulate(
    graph: Graph, planned: Plan, board: Board, test: data.Split, progress: bool
) -> tuple[NDArray[np.int8], int]:
    """Outputs for every test image, and the highest high-water mark."""
    emulator = Emulator(graph, planned, board)
    outputs, peak = [], 0
    bar = tqdm(test.channels_last(), desc="emulating", unit="image", disable=not progress)
    for image in bar:
        run = emulator.run(image)
        outputs.append(run.output)
        peak = max(peak, run.peak_bytes)
    return np.stack(outputs), peak
