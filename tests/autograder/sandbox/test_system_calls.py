"""The filter of system calls: what it refuses, checked on the filter itself and in a process."""

import platform
import struct
import subprocess
import sys

import pytest

from autograder.sandbox.inside import system_calls

ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000
ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
READ = {"x86_64": 0, "aarch64": 63}
CLONE = {"x86_64": 56, "aarch64": 220}


def answer(machine: str, number: int, argument: int = 0, architecture: int | None = None) -> int:
    """What a filter says to a call: the program run by hand, step by step."""
    code = system_calls.program(machine)
    assert code is not None
    steps = list(struct.iter_unpack("=HBBI", code))
    known = ARCHITECTURE[machine] if architecture is None else architecture
    words = {0: number, 4: known, 16: argument}
    held = at = 0
    while True:
        kind, if_true, if_false, value = steps[at]
        at += 1
        if kind == 0x20:
            held = words[value]
        elif kind == 0x06:
            return int(value)
        else:
            met = {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[kind]
            at += if_true if met else if_false


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_what_is_refused_and_what_is_not(machine: str) -> None:
    column = list(ARCHITECTURE).index(machine)
    for numbers in system_calls._REFUSED.values():
        assert answer(machine, numbers[column]) == ERROR | 1
    for numbers in system_calls._ABSENT.values():
        assert answer(machine, numbers[column]) == ERROR | 38
    assert answer(machine, READ[machine]) == ALLOW
    assert answer(machine, CLONE[machine], 0x11) == ALLOW
    assert answer(machine, CLONE[machine], 0x10000011) == ERROR | 1
    assert answer(machine, 0x40000000 + READ[machine]) == ERROR | 1
    assert answer(machine, READ[machine], architecture=0x40000003) == KILL


def test_other_processors_have_no_filter() -> None:
    assert system_calls.program("riscv64") is None


@pytest.mark.skipif(platform.machine() not in ARCHITECTURE, reason="no filter for this processor")
def test_a_process_keeps_its_threads_and_children_and_loses_the_rest() -> None:
    program = """
import os, subprocess, sys, threading
from autograder.sandbox.inside import system_calls
assert system_calls.refuse()
thread = threading.Thread(target=print)
thread.start()
thread.join()
assert subprocess.run([sys.executable, "-S", "-c", "pass"]).returncode == 0
try:
    os.memfd_create("x")
except PermissionError:
    raise SystemExit(7)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 7, done.stderr
