"""The errors a user meets. Each names the value, the bound, and the way out."""

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


class TinyMLError(Exception):
    """Base of every error this package raises on purpose."""


class UnknownNameError(TinyMLError, ValueError):
    """A board, data set, policy, question or key that does not exist."""


class GraphError(TinyMLError, ValueError):
    """A graph that breaks a rule of the int8 specification or of its own structure."""


class UnsupportedOperatorError(GraphError):
    """A network holds an operator that this package has no int8 form for."""


class ScheduleError(TinyMLError, ValueError):
    """A stage that cannot run part by part, or a budget that no schedule meets."""


class CalibrationError(TinyMLError, ValueError):
    """Calibration data from which no range can be taken."""


class CompressionError(TinyMLError, ValueError):
    """A layer that cannot be made smaller in the way that was asked for."""


class DataError(TinyMLError):
    """A data set that is missing, incomplete or corrupted."""


class FirmwareError(TinyMLError):
    """Firmware that cannot be built, or that failed on the emulated core."""


class ToolchainError(FirmwareError):
    """No compiler, or C that it does not take."""


class ImageTooLargeError(ToolchainError):
    """An image that needs more memory than a board has.

    Attributes:
        memory: ``"SRAM"`` or ``"flash"``.
        missing_bytes: by which the board is too small.
    """

    def __init__(self, memory: str, missing_bytes: int, board: str) -> None:
        self.memory = memory
        self.missing_bytes = missing_bytes
        help_text = (
            "a smaller arena, fewer variables or a smaller stack"
            if memory == "SRAM"
            else "fewer weights or less code"
        )
        super().__init__(
            f"the image needs {missing_bytes:,} B more {memory} than {board} has; what helps: "
            f"{help_text}, or a larger board"
        )


class DoesNotFitError(TinyMLError):
    """A network that needs more memory than a board has.

    Attributes:
        memory: ``"SRAM"`` or ``"flash"``.
        operator: name of the operator that needs the most (for flash: the largest constants).
        step: index of that operator in execution order.
        needed_bytes: what the plan asks for.
        available_bytes: what the board has.
        remedies: what would help, each found by trying it.
    """

    def __init__(
        self,
        memory: str,
        operator: str,
        step: int,
        needed_bytes: int,
        available_bytes: int,
        board: str,
        remedies: Sequence[str] = (),
    ) -> None:
        self.memory = memory
        self.operator = operator
        self.step = step
        self.needed_bytes = needed_bytes
        self.available_bytes = available_bytes
        self.board = board
        self.remedies = tuple(remedies)
        help_text = "; ".join(self.remedies) or "nothing tried here makes it fit"
        super().__init__(
            f"{operator} (step {step}) brings the network to {needed_bytes:,} B of {memory}, "
            f"{self.missing_bytes:,} B more than the {available_bytes:,} B of {board}; "
            f"what helps: {help_text}"
        )

    def with_remedies(self, remedies: Sequence[str]) -> "DoesNotFitError":
        """The same error with further remedies, the more specific ones first."""
        return DoesNotFitError(
            self.memory,
            self.operator,
            self.step,
            self.needed_bytes,
            self.available_bytes,
            self.board,
            [*remedies, *self.remedies],
        )

    @property
    def missing_bytes(self) -> int:
        """Bytes by which the board is too small."""
        return self.needed_bytes - self.available_bytes


def check_bits(
    what: str, bits: object, least: int, most: int, error: type[TinyMLError] = CompressionError
) -> None:
    """Raise unless ``bits`` is a whole number in ``least`` to ``most``.

    Args:
        what: begins the message: ``"a codebook has"``.
        bits: what was asked for.
        least: fewest bits.
        most: most bits.
        error: what is raised; its message tells the nearest that can be.
    """
    if bits in range(least, most + 1):
        return
    known = isinstance(bits, int | float) and math.isfinite(bits)
    nearest = f"; the nearest is {min(max(round(bits), least), most)}" if known else ""  # type: ignore[call-overload]
    raise error(f"{what} {least} to {most} bits, got {bits}{nearest}")


def lookup(kind: str, name: str, table: Mapping[str, T]) -> T:
    """Find ``name`` in ``table``, or say which names there are.

    Args:
        kind: what is looked up, for the message: ``"board"``.
        name: the name that was asked for.
        table: the known names.

    Raises:
        UnknownNameError: ``name`` is not in ``table``; the message lists what is.
    """
    if isinstance(name, str) and name in table:
        return table[name]
    raise UnknownNameError(_unknown(kind, str(name), table))


def reject_unknown_keys(kind: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise if ``given`` holds a key that is not in ``known``.

    A misspelt constraint that is silently skipped is a search without a bound.

    Raises:
        UnknownNameError: naming the first unknown key and all the known ones.
    """
    known = list(known)
    for key in given:
        if key not in known:
            raise UnknownNameError(_unknown(f"{kind} key", key, known))


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return f"unknown {kind} {name!r}{hint} Known: {', '.join(names)}"
