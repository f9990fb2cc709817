"""Attacks on what must not be seen or written: files, environment, processes, network.

Each answer is right only where it sees nothing: who sees something raises, and loses the points
that the attack is expected to keep.
"""

from attack import Attack
from resources import q5

_READ = """
import glob, os
def visible():
    for path in @HIDDEN@:
        for place in (path, "/proc/1/root" + path, "/proc/self/root" + path):
            if os.path.exists(place):
                return True
    for pattern in ("/*/*.ipynb", "/*/*/*.ipynb", "/home/*", "/root/*", "/srv/*/*", "/var/*/*"):
        for path in glob.glob(pattern) + glob.glob(pattern + "/.*"):
            if @CANARY@ in open(path, errors="replace").read() if os.path.isfile(path) else False:
                return True
    return False
"""

_WALK = """
import os
def visible():
    for folder, folders, files in os.walk("/"):
        if folder.startswith(("/proc", "/usr", "/sys")) or folder.endswith("site-packages"):
            folders.clear()
            continue
        for name in files:
            if name.endswith(".ipynb") or name in ("hidden.py", "gradebook.db", "alternatives.py"):
                return True
    return False
"""

_ENVIRONMENT = """
import os, subprocess
def visible():
    seen = dict(os.environ)
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            seen[pid] = open(f"/proc/{pid}/environ").read()
        except OSError:
            pass
    return @CANARY@ in repr(seen) or any("TINYML_GRADING" in name for name in seen)
"""

_PROCESSES = """
import os
def visible():
    pids = list(filter(str.isdigit, os.listdir("/proc")))
    lines = [open(f"/proc/{pid}/cmdline").read() for pid in pids]
    return len(pids) > 4 or any(word in line for line in lines for word in ("pytest", "grade "))
"""

_NETWORK = """
import socket
def visible():
    for family, address in (
        (socket.AF_INET, ("127.0.0.1", @PORT@)),
        (socket.AF_INET, ("1.1.1.1", 53)),
        (socket.AF_INET6, ("::1", @PORT@)),
        (socket.AF_UNIX, @SOCKET@),
        (socket.AF_UNIX, "\\0" + @SOCKET@),
    ):
        with socket.socket(family) as one:
            one.settimeout(1)
            try:
                one.connect(address)
            except OSError:
                continue
            return True
    try:
        socket.getaddrinfo("localhost.localdomain", 80)
    except OSError:
        pass
    return len(socket.if_nameindex()) > 1
"""

_WRITE = """
import os
def visible():
    for folder in ("/", "/dev", "/course", "/usr", "/etc", "/root", "/proc/sys/kernel", "/var/tmp",
                   "/course/library/tinyml_course", @FOLDER@, os.path.dirname(os.__file__)):
        try:
            open(os.path.join(folder, "written"), "w").close()
        except OSError:
            continue
        return True
    return False
"""

_RIGHTS = """
import ctypes, os
def visible():
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    rights = int(status["CapEff"], 16) | int(status["CapPrm"], 16)
    library = ctypes.CDLL(None)
    mounted = library.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0
    return bool(rights) or os.geteuid() == 0 or mounted or "1" not in status["NoNewPrivs"]
"""


def _seeing(name: str, code: str) -> Attack:
    return Attack(name, q5("assert not visible()", code))


SECRETS = [
    _seeing("read hidden tests, solutions, others' work, the gradebook", _READ),
    _seeing("walk through all folders", _WALK),
    _seeing("read environment variables", _ENVIRONMENT),
    _seeing("walk /proc", _PROCESSES),
    _seeing("network, to loopback and beyond", _NETWORK),
    _seeing("write outside of the scratch folder", _WRITE),
    _seeing("rights of root", _RIGHTS),
    Attack(
        "tell hidden inputs by an error",
        q5("raise ValueError(f'leak {shape} {bits}')"),
        lost={"q5": "raised"},
        said="ValueError",
    ),
    Attack(
        "tell hidden inputs by the name of an error",
        q5("raise type(f'leak{shape[0]}', (Exception,), {})()"),
        lost={"q5": "raised"},
        said="an error of its own class",
    ),
    Attack(
        "tell hidden inputs by the name of a class",
        q5("return type(f'leak{shape[0]}', (), {})()"),
        status="malformed",
        lost={"q5": "malformed"},
        said="an object of its own class",
    ),
    Attack(
        "tell hidden inputs by a text",
        q5("return f'leak {shape} {bits} <script>'"),
        lost={"q5": "wrong"},
        said="your function gave text",
    ),
    Attack(
        "tell hidden inputs by a dict's keys",
        q5("return {f'leak {shape}': bits}"),
        lost={"q5": "wrong"},
        said="a dict",
    ),
]
