"""Messages from a worker: nothing of them is believed but their form."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.errors import GradingError
from autograder.judging.conversation import Conversation, Ended, Workers, receive
from autograder.judging.questions import ask_value
from autograder.sandbox import Sandbox
from autograder.sandbox.inside import wire
from autograder.sandbox.limits import Limits
from autograder.sandbox.staging import program_folder

MOST_BYTES = 1000
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def received(pair: Pair, content: bytes, seconds: float = 5) -> object:
    pair[1].sendall(content)
    return receive(pair[0], time.monotonic() + seconds, MOST_BYTES)


def test_a_message() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert received((ours, theirs), wire.frame({"a": [1]})) == {"a": [1]}


@pytest.mark.parametrize(
    "content",
    [
        wire.HEADER.pack(MOST_BYTES + 1),
        b"\xff\xff\xff\xff",
        wire.HEADER.pack(0),
        wire.HEADER.pack(4) + b"null",
        wire.HEADER.pack(2) + b"[]",
        wire.HEADER.pack(3) + b"\xff\xfe\xfd",
        wire.HEADER.pack(900) + b"[" * 900,
        wire.HEADER.pack(990) + b'{"a": 1' + b"0" * 990,
    ],
)
def test_what_is_no_message_is_tampering(pair: Pair, content: bytes) -> None:
    with pytest.raises(Ended) as caught:
        received(pair, content)
    assert caught.value.why == "tampered"


def test_a_long_integer_is_tampering(pair: Pair) -> None:
    body = b'{"a": ' + b"1" * 5000 + b"}"
    pair[1].sendall(wire.HEADER.pack(len(body)) + body)
    with pytest.raises(Ended) as caught:
        receive(pair[0], time.monotonic() + 5, 10_000)
    assert caught.value.why == "tampered"


def test_half_a_message_is_waited_for_until_the_end(pair: Pair) -> None:
    for content in (b"", b"\0", wire.HEADER.pack(10) + b"{"):
        with pytest.raises(Ended) as caught:
            received(pair, content, seconds=0.2)
        assert caught.value.why == "timeout"


def test_drops_do_not_buy_time(pair: Pair) -> None:
    def drip() -> None:
        try:
            for _ in range(500):
                pair[1].sendall(b"\0")
                time.sleep(0.01)
        except OSError:
            return

    pair[1].sendall(wire.HEADER.pack(900))
    thread = threading.Thread(target=drip)
    thread.start()
    start_s = time.monotonic()
    with pytest.raises(Ended) as caught:
        receive(pair[0], start_s + 0.5, MOST_BYTES)
    assert caught.value.why == "timeout"
    pair[0].close()
    thread.join()


def test_hanging_up_is_a_crash(pair: Pair) -> None:
    pair[1].sendall(b"\0\0")
    pair[1].close()
    with pytest.raises(Ended) as caught:
        receive(pair[0], time.monotonic() + 5, MOST_BYTES)
    assert caught.value.why == "crashed"


def test_a_watch_may_end_the_wait(pair: Pair) -> None:
    def watch() -> None:
        raise Ended("memory")

    with pytest.raises(Ended) as caught:
        receive(pair[0], time.monotonic() + 5, MOST_BYTES, watch)
    assert caught.value.why == "memory"


@pytest.mark.parametrize(
    "break_it",
    [lambda folder: ["raise SystemExit"], lambda folder: ["import no_such_module"]],
)
def test_a_worker_that_does_not_start_is_the_instructors_trouble(
    break_it: Callable[[Path], list[str]],
) -> None:
    folder = program_folder()
    workers = Workers(Sandbox("rlimits"), Limits(), folder, break_it(folder))
    with workers, pytest.raises(GradingError, match=r"python -m autograder\.sandbox"):
        workers.open(5)


@pytest.mark.parametrize("program", ["/bin/false", "/nowhere/bwrap"])
def test_a_program_that_is_no_bubblewrap_is_the_instructors_trouble(program: str) -> None:
    workers = Workers(Sandbox("bubblewrap", program), Limits(), program_folder(), [])
    with workers, pytest.raises(GradingError, match="bubblewrap"):
        workers.open(5)


@pytest.fixture
def talk(pair: Pair) -> Conversation:
    """A conversation whose worker is the other end of the pair."""
    workers = Workers(Sandbox("rlimits"), Limits(), Path("/nowhere"), [])
    return Conversation(workers, None, pair[0], time.monotonic() + 5)  # type: ignore[arg-type]


def order_from(worker: socket.socket) -> dict[str, Any]:
    (size,) = wire.HEADER.unpack(worker.recv(4, socket.MSG_WAITALL))
    order: dict[str, Any] = json.loads(worker.recv(size, socket.MSG_WAITALL))
    return order


def reply_with(pair: Pair, **changes: Any) -> threading.Thread:
    """Answer the next order as an honest worker does, but for some changes."""

    def answer() -> None:
        order = order_from(pair[1])
        pair[1].sendall(wire.frame({"token": order["token"], "value": 7} | changes))

    thread = threading.Thread(target=answer)
    thread.start()
    return thread


def test_an_answer_to_an_order(pair: Pair, talk: Conversation) -> None:
    for _ in range(2):
        thread = reply_with(pair)
        assert talk.ask({"do": "call"}) == {"value": 7}
        thread.join()


@pytest.mark.parametrize("token", ["", "0" * 16, None, 5])
def test_an_answer_to_another_order_is_tampering(
    pair: Pair, talk: Conversation, token: object
) -> None:
    thread = reply_with(pair, token=token)
    for _ in range(2):  # and it stays that way
        with pytest.raises(Ended) as caught:
            talk.ask({"do": "call"})
        assert caught.value.why == talk.ended == "tampered"
    thread.join()


def test_an_answer_before_the_order_is_tampering(pair: Pair, talk: Conversation) -> None:
    pair[1].sendall(b"\0")
    with pytest.raises(Ended) as caught:
        talk.ask({"do": "call"})
    assert caught.value.why == "tampered"


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"value": 1, "points": 5},
        {"trouble": "right"},
        {"trouble": ["raised"]},
        {"trouble": "malformed", "text": "x", "points": 5},
        {"value": {"array": ["int8", [5], ""]}},
        {"value": {"class": "builtins.int"}},
        {"defined": True},
    ],
)
def test_replies_of_another_form_are_tampering(
    pair: Pair, talk: Conversation, reply: dict[str, Any]
) -> None:
    def answer() -> None:
        pair[1].sendall(wire.frame({"token": order_from(pair[1])["token"], **reply}))

    thread = threading.Thread(target=answer)
    thread.start()
    answered = ask_value(talk, {"do": "call"})
    assert answered.trouble == talk.ended == "tampered"
    thread.join()
