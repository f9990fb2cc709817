"""All processes below one: counted, measured, ended, those that tried to get away included."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from autograder.sandbox.process_tree import ProcessTree


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert true()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def started(program: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-S", "-c", program])


def test_members_threads_and_memory() -> None:
    program = (
        "import os, threading, time\n"
        "threading.Thread(target=time.sleep, args=(99,), daemon=True).start()\n"
        "held = b'x' * (60 << 20) if os.fork() == 0 else b''\n"
        "time.sleep(99)\n"
    )
    process = started(program)
    tree = ProcessTree(process.pid)
    wait_for(lambda: tree.largest_bytes() > 60 << 20)
    assert len(tree.members()) == 2
    assert tree.threads() == 3
    assert 60 << 20 < tree.largest_bytes() < tree.rss_bytes() < 200 << 20
    assert tree.rss_bytes(shared_bytes=8 << 20) < tree.rss_bytes()
    tree.kill()
    assert process.wait() == -signal.SIGKILL


def test_whoever_was_seen_once_is_ended() -> None:
    process = started(
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0: time.sleep(99)\n"
        "    time.sleep(99)\n"
        "time.sleep(99)\n"
    )
    tree = ProcessTree(process.pid)
    wait_for(lambda: len(tree.members()) == 3)
    members = tree.members()
    os.kill(members[1], signal.SIGKILL)  # its child has no ancestor in the tree any more
    wait_for(lambda: not alive(members[1]))
    tree.kill()
    process.wait()
    wait_for(lambda: not any(map(alive, members)))


def test_a_process_that_is_gone_is_no_trouble() -> None:
    process = started("pass")
    process.wait()
    tree = ProcessTree(process.pid)
    assert tree.threads() == tree.rss_bytes() == 0
    tree.kill()
