"""Talking to a worker in the sandbox: one order, one reply, within limits, whatever it sends."""

import json
import secrets
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from autograder.errors import GradingError
from autograder.judging.limits import Limits
from autograder.sandbox import Sandbox
from autograder.sandbox.held import Held
from autograder.sandbox.inside import wire

End = Literal["timeout", "memory", "processes", "crashed", "tampered"]
_WATCH_S = 0.05
_START_S = 60
_REPORT_S = 3
_MOST_REPORT_BYTES = 10_000
_NEARLY_ALL = 0.8
_SIGXCPU = 24
_OURS = 4
"""bubblewrap outside and inside, the warm process, and the worker itself."""


class Ended(Exception):
    """A worker that gives no more answers.

    Attributes:
        why: its status.
    """

    def __init__(self, why: End) -> None:
        super().__init__(why)
        self.why: End = why


@dataclass
class Workers:
    """The workers of one submission: a warm process in a sandbox, forked for each question.

    A question that ends badly, or leaves a process or a file behind, ends the whole sandbox; the
    next question gets a fresh one. Use it in a ``with``.

    Attributes:
        sandbox: how they are held.
        limits: that they obey.
        staged: the library without what the lab asks for.
        preload: import statements that are run before the first question.
        quiet: their standard error goes nowhere.
        peak_rss_bytes: the most memory that one question took so far.
        warm_bytes: what the warm process holds, and each worker shares with it.
    """

    sandbox: Sandbox
    limits: Limits
    staged: Path
    preload: Sequence[str]
    quiet: bool = True
    peak_rss_bytes: int | None = None
    warm_bytes: int = 0
    _held: Held | None = None

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    def drop(self) -> None:
        """End everything that runs."""
        if self._held is not None:
            self._held.kill()
            self._held = None

    def open(self, seconds: float) -> "Conversation":
        """A fresh worker, for one question.

        Args:
            seconds: that it has, from now on.

        Raises:
            GradingError: the sandbox does not start.
        """
        try:
            ours = self._connect()
        except OSError:  # something killed the warm process between two questions
            self.drop()
            ours = self._connect()
        assert self._held is not None
        return Conversation(self, self._held, ours, time.monotonic() + seconds)

    def _connect(self) -> socket.socket:
        held = self._held or self._start()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            try:
                socket.send_fds(held.control, [b"q"], [theirs.fileno()])
            except OSError:
                ours.close()
                raise
        return ours

    def _start(self) -> Held:
        try:
            held = Held(self.sandbox, self.limits, self.staged, self.preload, self.quiet)
        except OSError as error:
            raise self._trouble(error) from error
        self._held = held
        try:
            ready = receive(held.control, time.monotonic() + _START_S, _MOST_REPORT_BYTES)
        except (Ended, OSError) as error:
            self.drop()
            raise self._trouble(error) from error
        if ready != {"ready": True}:
            self.drop()
            raise self._trouble(ready)
        self.warm_bytes = held.tree.largest_bytes()
        return held

    def _trouble(self, why: object) -> GradingError:
        return GradingError(
            f"the sandbox ({self.sandbox.kind}) does not start: {why}; try it with "
            "`python -m autograder.sandbox`"
        )


@dataclass
class Conversation:
    """One question's worker. Use it in a ``with``.

    Attributes:
        workers: what it belongs to.
        held: its sandbox.
        connection: to it.
        deadline_s: when its time is over, of the monotonic clock.
        ended: why it gives no more answers.
    """

    workers: Workers
    held: Held
    connection: socket.socket
    deadline_s: float
    ended: End | None = field(default=None)

    def __enter__(self) -> "Conversation":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        report = None if self.ended else self._report()
        if report is None or not report["clean"]:
            self.workers.drop()

    def ask(self, order: dict[str, Any]) -> dict[str, Any]:
        """One order; its reply.

        Raises:
            Ended: there is none. No more orders are taken then.
        """
        if self.ended is not None:
            raise Ended(self.ended)
        try:
            return self._ask(order)
        except Ended as end:
            self.ended = self._cause() if end.why == "crashed" else end.why
            raise Ended(self.ended) from end

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        if _readable(self.connection, 0):
            # It speaks before it was asked; or it has hung up.
            raise Ended("tampered" if _peek(self.connection) else "crashed")
        token = secrets.token_hex(8)
        try:
            self.connection.settimeout(max(0.01, self.deadline_s - time.monotonic()))
            self.connection.sendall(wire.frame(order | {"token": token}))
        except TimeoutError as error:
            raise Ended("timeout") from error
        except OSError as error:
            raise Ended("crashed") from error
        reply = receive(
            self.connection, self.deadline_s, self.workers.limits.answer_bytes, self._watch
        )
        if reply.pop("token", None) != token:
            raise Ended("tampered")
        return reply

    def _watch(self) -> None:
        limits, tree = self.workers.limits, self.held.tree
        if tree.threads() > limits.processes + _OURS:
            raise Ended("processes")
        if tree.rss_bytes(self.workers.warm_bytes) > limits.memory_bytes:
            raise Ended("memory")

    def _cause(self) -> End:
        """Why a worker has hung up."""
        report = self._report()
        if report is None:
            return "crashed"
        if report["peak_rss_bytes"] > _NEARLY_ALL * self.workers.limits.memory_bytes:
            return "memory"
        return "timeout" if report["signal"] == _SIGXCPU else "crashed"

    def _report(self) -> dict[str, Any] | None:
        """What the warm process says about the worker that has ended; ``None`` if it is gone."""
        try:
            report = receive(self.held.control, time.monotonic() + _REPORT_S, _MOST_REPORT_BYTES)
        except (Ended, OSError):
            return None
        kinds = {"signal": int, "code": int, "peak_rss_bytes": int, "clean": bool}
        if {key: type(value) for key, value in report.items()} != kinds:
            return None
        peak = max(report["peak_rss_bytes"], self.workers.peak_rss_bytes or 0)
        self.workers.peak_rss_bytes = peak
        return report


def receive(
    connection: socket.socket, deadline_s: float, most_bytes: int, watch: Any = lambda: None
) -> dict[str, Any]:
    """One message. Nothing of it is believed but its form.

    Args:
        connection: to read from.
        deadline_s: of the monotonic clock.
        most_bytes: that it may have.
        watch: is called all the while; it may raise `Ended`.

    Raises:
        Ended: ``timeout``; ``crashed``, the other end has hung up; ``tampered``, no message.
    """
    read = _Reader(connection, deadline_s, watch)
    (size,) = wire.HEADER.unpack(read.exactly(wire.HEADER.size))
    if size > most_bytes:
        raise Ended("tampered")
    try:
        message = json.loads(read.exactly(size))
    except (ValueError, RecursionError) as error:
        raise Ended("tampered") from error
    if not isinstance(message, dict):
        raise Ended("tampered")
    return message


@dataclass
class _Reader:
    connection: socket.socket
    deadline_s: float
    watch: Any
    watched_s: float = field(default_factory=time.monotonic)

    def exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            now = time.monotonic()
            if now > self.deadline_s:
                raise Ended("timeout")
            if now > self.watched_s + _WATCH_S:
                self.watch()
                self.watched_s = time.monotonic()
            if _readable(self.connection, _WATCH_S):
                parts += self._some(size - len(parts))
        return bytes(parts)

    def _some(self, most: int) -> bytes:
        try:
            found = self.connection.recv(min(most, 1 << 20))
        except OSError as error:
            raise Ended("crashed") from error
        if not found:
            raise Ended("crashed")
        return found


def _readable(connection: socket.socket, seconds: float) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(1000 * seconds))


def _peek(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1, socket.MSG_PEEK)
    except OSError:
        return b""
