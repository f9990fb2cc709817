"""Questions 8 to 10: the board's verdict, training memory, and the laws of scaling."""

# ruff: noqa: ARG005 - a planted mistake leaves out what it should use

from collections.abc import Mapping

from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.memory_gap.fitting import KIB, fits
from tinyml_course.memory_gap.scaling import scaled
from tinyml_course.memory_gap.training import OPTIMIZER_STATE, training_bytes

Board = Mapping[str, int]
Network = Mapping[str, int]
Verdict = dict[str, bool | int]


def _verdict(sram: int, flash: int, *, strict: bool = False) -> Verdict:
    enough = (sram < 0 and flash < 0) if strict else (sram <= 0 and flash <= 0)
    return {
        "fits": enough,
        "sram_missing_bytes": max(0, sram),
        "flash_missing_bytes": max(0, flash),
    }


def _gaps(network: Network, board: Board, kib: int = KIB) -> tuple[int, int]:
    flash = network["weight_bytes"] + network["code_bytes"]
    return network["peak_bytes"] - kib * board["sram_kib"], flash - kib * board["flash_kib"]


def _thousand(network: Network, board: Board) -> Verdict:
    return _verdict(*_gaps(network, board, kib=1000))


def _strict(network: Network, board: Board) -> Verdict:
    return _verdict(*_gaps(network, board), strict=True)


def _negative(network: Network, board: Board) -> Verdict:
    sram, flash = _gaps(network, board)
    return _verdict(sram, flash) | {"sram_missing_bytes": sram, "flash_missing_bytes": flash}


def _without_code(network: Network, board: Board) -> Verdict:
    sram, flash = _gaps(network, board)
    return _verdict(sram, flash - network["code_bytes"])


def _code_in_sram(network: Network, board: Board) -> Verdict:
    sram, flash = _gaps(network, board)
    return _verdict(sram + network["code_bytes"], flash - network["code_bytes"])


def _swapped(network: Network, board: Board) -> Verdict:
    flash = network["weight_bytes"] + network["code_bytes"]
    return _verdict(
        flash - KIB * board["sram_kib"], network["peak_bytes"] - KIB * board["flash_kib"]
    )


def _either(network: Network, board: Board) -> Verdict:
    sram, flash = _gaps(network, board)
    return _verdict(sram, flash) | {"fits": sram <= 0 or flash <= 0}


_BOARD = {"sram_kib": 320, "flash_kib": 1024}


def _network(peak: int, weights: int, code: int) -> dict[str, int]:
    return {"peak_bytes": peak, "weight_bytes": weights, "code_bytes": code}


FITS = Question(
    name="q8",
    title="does it fit?",
    points=5,
    reference=fits,
    cases=(
        case(_network(300_000, 800_000, 60_000), _BOARD),
        case(_network(400_000, 800_000, 60_000), _BOARD),
        case(_network(200_000, 1_040_000, 60_000), _BOARD),
        case(_network(320 * KIB, 1000 * KIB, 24 * KIB), _BOARD),
        case(_network(300_000, 2_000_000, 50_000), {"sram_kib": 256, "flash_kib": 1024}),
    ),
    mistakes=(
        Mistake("A KiB has 1024 bytes, not 1000.", _thousand),
        Mistake("A memory that is just full still suffices.", _strict),
        Mistake("Where there is room to spare, the missing bytes are 0, not negative.", _negative),
        Mistake("The code is missing: it lies in flash beside the weights.", _without_code),
        Mistake("The code lies in flash, not in SRAM.", _code_in_sram),
        Mistake(
            "The memories are swapped: activations lie in SRAM, weights and code in flash.",
            _swapped,
        ),
        Mistake("Both memories must suffice, not just one of them.", _either),
    ),
)


TRAINING = Question(
    name="q9",
    title="training memory",
    points=8,
    reference=training_bytes,
    cases=(
        case(100, 1000, 1),
        case(100, 1000, 8),
        case(100, 1000, 8, "momentum"),
        case(100, 1000, 8, "adam"),
        case(5000, 300, 2, "adam"),
    ),
    mistakes=(
        Mistake(
            "These are numbers, not bytes. A float32 takes 4 bytes.",
            lambda params, activations, batch, optimizer="sgd": (
                params * (2 + OPTIMIZER_STATE[optimizer]) + batch * activations
            ),
        ),
        Mistake(
            "The batch multiplies everything. Weights, gradients and state are there once; only "
            "activations are stored for each image.",
            lambda params, activations, batch, optimizer="sgd": (
                4 * batch * (params * (2 + OPTIMIZER_STATE[optimizer]) + activations)
            ),
        ),
        Mistake(
            "The batch is not used. Each image of the batch has activations of its own.",
            lambda params, activations, batch, optimizer="sgd": (
                4 * (params * (2 + OPTIMIZER_STATE[optimizer]) + activations)
            ),
        ),
        Mistake(
            "One number a parameter is missing: both the weight and its gradient are held.",
            lambda params, activations, batch, optimizer="sgd": (
                4 * (params * (1 + OPTIMIZER_STATE[optimizer]) + batch * activations)
            ),
        ),
        Mistake(
            "Adam keeps two numbers for each parameter: the mean of the gradient and of its "
            "square.",
            lambda params, activations, batch, optimizer="sgd": (
                4 * (params * (2 + (optimizer != "sgd")) + batch * activations)
            ),
        ),
        Mistake(
            "The optimizer's state is missing.",
            lambda params, activations, batch, optimizer="sgd": (
                4 * (params * 2 + batch * activations)
            ),
        ),
        Mistake(
            "The stored activations are missing. Backpropagation reads them all again.",
            lambda params, activations, batch, optimizer="sgd": (
                4 * params * (2 + OPTIMIZER_STATE[optimizer])
            ),
        ),
        Mistake(
            "Plain SGD keeps no state of its own beside weight and gradient.",
            lambda params, activations, batch, optimizer="sgd": (
                4 * (params * (2 + max(1, OPTIMIZER_STATE[optimizer])) + batch * activations)
            ),
        ),
    ),
)


def _exponents(
    message: str,
    params: tuple[int, int] = (2, 0),
    macs: tuple[int, int] = (2, 2),
    peak: tuple[int, int] = (1, 2),
) -> Mistake:
    """A mistake in the exponents of width and resolution."""

    def wrong(costs: Mapping[str, float], width: float, resolution: float) -> dict[str, float]:
        exponents = {"params": params, "macs": macs, "peak_bytes": peak}
        return {key: costs[key] * width**w * resolution**r for key, (w, r) in exponents.items()}

    return Mistake(message, wrong)


_COSTS = {"params": 3_000_000, "macs": 300_000_000, "peak_bytes": 1_500_000}

SCALED = Question(
    name="q10",
    title="laws of scaling",
    points=5,
    reference=scaled,
    cases=(
        case(_COSTS, 0.5, 1.0),
        case(_COSTS, 1.0, 0.5),
        case(_COSTS, 0.25, 2.0),
        case({"params": 10, "macs": 100, "peak_bytes": 7}, 3.0, 1.5),
    ),
    mistakes=(
        _exponents(
            "MACs follow the square of the width: both input and output channels shrink.",
            macs=(1, 2),
        ),
        _exponents(
            "Parameters follow the square of the width: both input and output channels shrink.",
            params=(1, 0),
        ),
        _exponents(
            "An activation has one channel axis, so the peak follows the width itself, not its "
            "square.",
            peak=(2, 2),
        ),
        _exponents(
            "The resolution is a side. Rows and columns both follow it: use its square.",
            macs=(2, 1),
            peak=(1, 1),
        ),
        _exponents(
            "Weights do not know the resolution: a kernel is the same on any image.",
            params=(2, 2),
        ),
        _exponents(
            "Width acts like a side here. Parameters and MACs follow its square, through input "
            "and output channels.",
            params=(1, 0),
            macs=(1, 2),
        ),
        _exponents("The peak follows the width too: a map has H x W x C elements.", peak=(0, 2)),
    ),
    tolerance=1e-9,
)

QUESTIONS = (FITS, TRAINING, SCALED)
