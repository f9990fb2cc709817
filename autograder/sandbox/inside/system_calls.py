"""System calls that a learner's code has no use for, refused by a seccomp filter.

Memory that no process holds (nameless files, System V segments) escapes every limit but a cgroup's;
new user namespaces, tracing and rings of requests widen what of the kernel can be attacked.
"""

import ctypes
import platform
import struct

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER_MODE = 38, 22, 2
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_CLONE_NEWUSER = 0x10000000
_X32 = 0x40000000
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CLONE = {"x86_64": 56, "aarch64": 220}
_REFUSED = {
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
}
_ABSENT = {"clone3": (435, 435), "io_uring_setup": (425, 425)}
"""The C library falls back to `clone`, whose flags a filter can read."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def refuse() -> bool:
    """Refuse them from now on, in this process and all below it.

    Returns:
        Whether this machine's processor is known here.
    """
    code = program(platform.machine())
    if code is None:
        return False
    library = ctypes.CDLL(None, use_errno=True)
    filtered = _Program(len(code) // 8, code)
    for arguments in (
        (_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (_PR_SET_SECCOMP, _FILTER_MODE, ctypes.byref(filtered), 0, 0),
    ):
        if library.prctl(*arguments):
            raise OSError(ctypes.get_errno(), "the system calls cannot be filtered")
    return True


def program(machine: str) -> bytes | None:
    """The filter for a processor, in classic BPF; ``None`` for one that is not known."""
    if machine not in _ARCHITECTURES:
        return None
    column = list(_ARCHITECTURES).index(machine)
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, _ARCHITECTURES[machine], 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
        # Numbers of another way to call, which is not used.
        *_when(_step(_AT_LEAST, _X32, 0, 1), _EPERM),
    ]
    for table, error in ((_REFUSED, _EPERM), (_ABSENT, _ENOSYS)):
        for numbers in table.values():
            steps += _when(_step(_EQUAL, numbers[column], 0, 1), error)
    steps += [
        _step(_EQUAL, _CLONE[machine], 0, 3),
        _step(_LOAD, _FIRST_ARGUMENT),
        *_when(_step(_ANY_BIT, _CLONE_NEWUSER, 0, 1), _EPERM),
        _step(_RETURN, _ALLOW),
    ]
    return b"".join(steps)


def _when(condition: bytes, error: int) -> list[bytes]:
    return [condition, _step(_RETURN, _ERROR | error)]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
