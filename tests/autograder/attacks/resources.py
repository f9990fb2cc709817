"""Attacks on time, memory, processes, disk and output, and on the processes of the judge."""

from attack import Attack

RIGHT = "return (__import__('math').prod(shape) * bits + 7) // 8"


def q5(body: str, before: str = "") -> dict[str, str]:
    """An answer to q5 that does ``body`` and then is right."""
    lines = "\n".join(f"    {line}" for line in [*body.splitlines(), RIGHT])
    return {"q5": f"{before}\ndef activation_bytes(shape, bits=8):\n{lines}\n"}


_FILL = """
import os
for number in range(10_000):
    try:
        with open(f"/tmp/{number}", "wb") as file:
            file.write(bytes(1 << 20))
    except OSError:
        break
"""

RESOURCES = [
    Attack("infinite loop", q5("while True: pass"), status="timeout", lost={"q5": "timeout"}),
    Attack(
        "infinite loop at the top of a cell",
        {"q5": "while True: pass"},
        status="timeout",
        lost={"q5": "timeout"},
    ),
    Attack(
        "sleep",
        q5("__import__('time').sleep(1000)"),
        status="timeout",
        lost={"q5": "timeout"},
        everywhere=True,
    ),
    Attack(
        "fork bomb",
        q5("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"),
        status="processes",
        lost={"q5": "processes"},
    ),
    Attack(
        "fork bomb that stops at the limit",
        q5("import os\nwhile True: os.fork()"),
        status="processes",
        lost={"q5": "processes"},
    ),
    Attack(
        "threads",
        q5(
            "import threading, time\n"
            "for _ in range(100): threading.Thread(target=time.sleep, args=(99,)).start()\n"
            "time.sleep(99)"
        ),
        status="processes",
        lost={"q5": "processes"},
    ),
    Attack(
        "a process that stays behind",
        q5(
            "import os, time\n"
            "if not begun and os.fork() == 0:\n"
            "    os.setsid()\n"
            "    if os.fork() == 0:\n"
            "        while True: time.sleep(0.01)\n"
            "    os._exit(0)\n"
            "begun.append(1)",
            "begun = []",
        ),
    ),
    Attack(
        "a fork that comes back",
        q5("import os\nif not begun: begun.append(os.fork())", "begun = []"),
    ),
    Attack(
        "memory",
        q5("held = []\nwhile True: held.append(bytes(1 << 24))"),
        status="memory",
        lost={"q5": "memory"},
        everywhere=True,
    ),
    Attack(
        "memory in several processes",
        q5(
            "import os, time\n"
            "for _ in range(5):\n"
            "    if os.fork() == 0:\n"
            "        held = b'x' * (130 << 20)\n"
            "        time.sleep(99)\n"
            "time.sleep(99)"
        ),
        status="memory",
        lost={"q5": "memory"},
    ),
    Attack(
        "memory in files without a name",
        q5("__import__('os').memfd_create('x')"),
        lost={"q5": "raised"},
        said="PermissionError",
    ),
    Attack(
        "memory in shared segments, and more rights in a namespace of its own",
        q5(
            "import ctypes, os\n"
            "library = ctypes.CDLL(None)\n"
            "assert library.shmget(0, 1 << 20, 0o1600) == -1\n"
            "assert library.unshare(0x10000000) == -1\n"
            "assert library.syscall(56, 0x10000011, 0, 0, 0, 0) == -1"
        ),
    ),
    Attack("disk", q5(_FILL)),
    Attack(
        "one large file",
        q5("with open('/tmp/x', 'wb') as file:\n    while True: file.write(bytes(1 << 20))"),
        lost={"q5": "raised"},
    ),
    Attack(
        "what one question writes, the next does not see",
        q5("open('/tmp/note', 'w').write('x'); open('/dev/shm/note', 'w').write('x')")
        | {
            "q6": "import os\n"
            "def peak_chain(sizes):\n"
            "    assert not os.listdir('/tmp') and not os.listdir('/dev/shm')\n"
            "    return max(map(sum, zip(sizes, sizes[1:])))"
        },
    ),
    Attack(
        "output",
        q5(
            "import os, sys, warnings\n"
            "print('x' * (4 << 20))\n"
            "sys.stderr.write('y' * (4 << 20))\n"
            "os.write(1, b'z' * (4 << 20))\n"
            "warnings.warn('slow')"
        ),
    ),
    Attack(
        "output without end",
        q5("while True: print('x' * 10_000)"),
        status="timeout",
        lost={"q5": "timeout"},
    ),
    Attack("recursion", q5("return activation_bytes(shape, bits)"), lost={"q5": "raised"}),
    Attack(
        "segmentation fault",
        q5("__import__('ctypes').string_at(0)"),
        status="crashed",
        lost={"q5": "crashed"},
        everywhere=True,
    ),
    Attack(
        "os._exit",
        q5("__import__('os')._exit(0)"),
        status="crashed",
        lost={"q5": "crashed"},
        everywhere=True,
    ),
    Attack(
        "os._exit at the top of a cell",
        {"q5": "import os; os._exit(0)"},
        status="crashed",
        lost={"q5": "crashed"},
    ),
    Attack("sys.exit", q5("raise SystemExit(0)"), lost={"q5": "raised"}, everywhere=True),
    Attack(
        "kill the parent",
        q5("import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(99)"),
        status="crashed",
        lost={"q5": "crashed"},
    ),
    Attack(
        "kill everything",
        q5("import os, time\nos.kill(-1, 9)\ntime.sleep(99)"),
        status="crashed",
        lost={"q5": "crashed"},
    ),
    Attack("stop the parent", q5("import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)")),
    Attack(
        "take over the parent",
        q5(
            "import ctypes, os\n"
            "parent = os.getppid()\n"
            "for name in ('mem', 'environ', 'fd/3', 'root'):\n"
            "    try: open(f'/proc/{parent}/{name}', 'r+b')\n"
            "    except OSError: continue\n"
            "    raise ValueError\n"
            "assert ctypes.CDLL(None).ptrace(16, parent, 0, 0) == -1"
        ),
    ),
    Attack(
        "all the time of a submission",
        {
            name: f"import time; time.sleep(99)\ndef {function}(*a, **k): pass"
            for name, function in (("q1", "conv_output_size"), ("q2", "conv_params"))
        },
        status="timeout",
        lost={"q1": "timeout", "q2": "timeout"},
        slow=True,
    ),
]
