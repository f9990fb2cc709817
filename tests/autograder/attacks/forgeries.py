"""Attacks on the answers: patched libraries, forged equality, forged messages, borrowed answers."""

from attack import Attack
from resources import q5

_PATCH_BUILTINS = """
import builtins
for name in ("all", "any", "sum", "abs", "max", "min", "sorted", "round"):
    setattr(builtins, name, lambda *a, **k: True)
"""
_BREAK_BUILTINS = """
import builtins
for name in ("isinstance", "len", "type", "callable", "getattr"):
    setattr(builtins, name, lambda *a, **k: True)
"""
_PATCH_NUMPY = """
import sys, numpy
numpy.array_equal = numpy.allclose = numpy.isclose = lambda *a, **k: True
sys.modules["torch"] = type(sys)("torch")
sys.modules["torch"].equal = lambda *a: True
"""
_PATCH_LIBRARY = """
import tinyml_course.course as course
from tinyml_course.course import answering, checker as checking, compare, plain, question
compare.same = checking.same = lambda *a, **k: True
plain.to_plain = checking.to_plain = lambda value: value
checking.evaluate_design = lambda *a: question.Evaluation(1.0, ("good",))
answering.LocalAnswerer.__call__ = lambda *a: answering.Answer(1)
for task in course.lab_questions("lab0").questions:
    object.__setattr__(task, "reference", lambda *a, **k: 0)
    object.__setattr__(task, "points", 1000)
"""
_PATCH_MODULES = """
import sys
for name in list(sys.modules):
    if name.startswith(("tinyml_course", "autograder")):
        sys.modules[name] = None
"""
_WALK_GC = """
import gc, sys
def found(shape, bits):
    frame = sys._getframe()
    while frame:
        for name in ("expected", "reference", "answer"):
            if name in frame.f_locals or name in frame.f_globals:
                return frame.f_locals.get(name, frame.f_globals.get(name))
        frame = frame.f_back
    for thing in gc.get_objects():
        if getattr(thing, "__name__", "") == "activation_bytes" and thing is not activation_bytes:
            try:
                return thing(shape, bits)
            except Exception:
                pass
    return 0
"""
_BORROW = """
import builtins, glob, importlib, inspect, marshal, sys
def borrowed(*arguments):
    ways = []
    import tinyml_course.graph.counting as counting
    import tinyml_course.memory_gap as memory_gap
    from tinyml_course.course import lab_questions
    ways.append(counting.activation_bytes)
    ways.append(memory_gap.activation_bytes)
    ways.append(importlib.reload(counting).activation_bytes)
    ways += [q.reference for q in lab_questions("lab0").questions if q.name == "q5"]
    names = {}
    exec(inspect.getsource(counting), names)
    ways.append(names["activation_bytes"])
    for path in glob.glob("/course/**/counting*.pyc", recursive=True):
        code = marshal.loads(open(path, "rb").read()[16:])
        names = {}
        exec(code, names)
        ways.append(names.get("activation_bytes"))
    for path in glob.glob("/course/**/counting.py", recursive=True):
        names = {}
        exec(open(path).read(), names)
        ways.append(names.get("activation_bytes"))
    return ways
WAYS = borrowed()
def answer(*arguments):
    for way in WAYS:
        try:
            return way(*arguments)
        except Exception:
            continue
    return -1
"""
_SOCKETS = """
import json, os, socket, struct
def sockets():
    found = []
    for number in range(3, 20):
        try:
            found.append(socket.socket(fileno=os.dup(number)))
        except OSError:
            continue
    return found[:1]
def send(message):
    body = json.dumps(message).encode()
    for one in sockets():
        one.sendall(struct.pack("!I", len(body)) + body)
"""
_TAKE_OVER = """
import sys
def answer_myself(**claims):
    frame = sys._getframe()
    while "order" not in frame.f_locals:
        frame = frame.f_back
    token = frame.f_locals["order"]["token"]
    while True:
        send({"token": token, "value": 1, **claims})
        (one,) = sockets()
        (size,) = struct.unpack("!I", one.recv(4, socket.MSG_WAITALL))
        token = json.loads(one.recv(size, socket.MSG_WAITALL))["token"]
"""
_CLASSES = """
import numpy as np
class Always:
    __eq__ = __ge__ = __le__ = lambda *a: True
    __hash__ = None
    __index__ = __int__ = lambda self: 1
    __float__ = lambda self: 1.0
    __array__ = lambda self, *a, **k: np.ones(1)
    __reduce__ = lambda self: (print, ("hello",))
class SlyInt(int):
    __eq__ = lambda *a: True
    __hash__ = int.__hash__
class SlyArray(np.ndarray):
    __eq__ = lambda *a: True
class SlyFloat(np.float64):
    __eq__ = lambda *a: True
"""


def _forged(name: str, body: str, before: str = "", status: str = "wrong") -> Attack:
    own = {"malformed": "malformed", "tampered": "tampered"}.get(status, "ok")
    return Attack(name, q5(body, before), status=own, lost={"q5": status})


FORGERIES = [
    _forged("patch builtins", "return 0", _PATCH_BUILTINS),
    Attack(
        "break builtins",
        q5("return 0", _BREAK_BUILTINS),
        status="crashed",
        lost={"q5": "crashed"},
    ),
    _forged("patch numpy and torch", "return 0", _PATCH_NUMPY),
    _forged("patch the library", "return 0", _PATCH_LIBRARY),
    _forged("patch sys.modules", "return 0", _PATCH_MODULES),
    _forged("patch check", "return 0", "check = judge = lambda *a, **k: 6"),
    _forged("walk frames and the garbage collector", "return found(shape, bits)", _WALK_GC),
    _forged("equal to everything", "return Always()", _CLASSES, "malformed"),
    _forged("a list of what is equal to everything", "return [Always()]", _CLASSES, "malformed"),
    _forged("an int equal to every other", "return SlyInt(1)", _CLASSES, "malformed"),
    _forged("a float equal to every other", "return SlyFloat(1)", _CLASSES, "malformed"),
    _forged(
        "an array equal to every other", "return np.ones(1).view(SlyArray)", _CLASSES, "malformed"
    ),
    _forged("NaN", "return float('nan')", status="malformed"),
    _forged("NaN in an array", "return np.array([np.nan])", _CLASSES, "malformed"),
    _forged("infinity", "return float('inf')", status="malformed"),
    _forged("a huge integer", "return 1 << 100_000", status="malformed"),
    _forged("a giant list", "return [0] * 2_000_000", status="malformed"),
    _forged("a giant array", "return np.zeros(50 << 20, np.uint8)", _CLASSES, "malformed"),
    _forged("a giant text", "return 'x' * (20 << 20)", status="malformed"),
    _forged("a list that holds itself", "x = []; x.append(x); return x", status="malformed"),
    _forged("complex numbers", "return np.ones(1, complex)", _CLASSES, "malformed"),
    _forged("an array of objects", "return np.array([print], object)", _CLASSES, "malformed"),
    _forged("True for 1", "return True"),
    _forged("text for a number", "return str((shape[0] * bits + 7) // 8)"),
    _forged("a lazy generator", "return (x for x in [1])", status="malformed"),
    _forged("a lazy range", "return range(10 ** 12)", status="malformed"),
    _forged("None", "return None"),
    Attack(
        "the library's function",
        {"q5": "from tinyml_course.memory_gap import activation_bytes"},
        lost={"q5": "library"},
        said="it calls the library's version",
    ),
    Attack(
        "the library's function by way of check.use",
        {"q5": "activation_bytes = check.use('q5', print)"},
        lost={"q5": "raised"},
    ),
    _forged("the library's function by every way", "return answer(shape, bits)", _BORROW),
    Attack(
        "a planted wrong answer of the course, for some points",
        {
            "q5": "from tinyml_course.course import lab_questions\n"
            "activation_bytes = lab_questions('lab0').questions[4].mistakes[0].wrong"
        },
        lost={"q5": "raised"},
        said="IndexError",
    ),
    Attack(
        "a helper of the course's wrong answers",
        {
            "q4": "from tinyml_course.course.lab0_memory_gap.layer_questions import _macs\n"
            "def network_macs(network): return sum(map(_macs, network))"
        },
        lost={"q4": "raised"},
    ),
    Attack(
        "the best design from where designs are evaluated",
        {
            "final": "from tinyml_course.course.lab0_memory_gap.design import best_on_grid\n"
            "width, resolution, _ = best_on_grid()\n"
            "design = {'width': width, 'resolution': resolution}"
        },
        lost={"final": "raised"},
        said="NotImplementedError",
    ),
    Attack(
        "a library's function that calls the one asked for",
        {
            "q3": "from tinyml_course.memory_gap import network_macs\n"
            "def conv_macs(output_size, c_in, c_out, kernel, groups=1):\n"
            "    return network_macs([dict(kind='conv', input_shape=(1, 1, c_in),\n"
            "        output_shape=(*output_size, c_out), kernel=kernel, groups=groups)])"
        },
        lost={"q3": "library"},
    ),
    Attack(
        "a library's function that the one asked for is made of",
        {
            "q7": "from tinyml_course.memory_gap import live_per_step\n"
            "def peak_live(sizes, steps):\n    return max(live_per_step(sizes, steps))"
        },
        lost={"q7": "library"},
    ),
    _forged("a forged message", "send({'value': 1})\nreturn 0", _SOCKETS, "tampered"),
    _forged(
        "right answers, and a forged message later",
        "if bits < 8: send({'value': 1})",
        _SOCKETS,
        "tampered",
    ),
    _forged(
        "a forged message that claims points",
        "send({'token': '', 'points': 5, 'passed': True, 'status': 'right'})\nreturn 0",
        _SOCKETS,
        "tampered",
    ),
    Attack(
        "messages before anything is asked",
        q5("return 0", _SOCKETS + "for _ in range(99): send({'value': 1})\n"),
        status="tampered",
        lost={"q5": "tampered"},
    ),
    _forged(
        "the connection taken over, to claim points",
        "answer_myself(passed=True, points=5)",
        _SOCKETS + _TAKE_OVER,
        "tampered",
    ),
    _forged("the connection taken over", "answer_myself()", _SOCKETS + _TAKE_OVER),
    _forged(
        "a message of four gigabytes",
        "for one in sockets(): one.sendall(b'\\xff' * 64)\nreturn 0",
        _SOCKETS,
        "tampered",
    ),
    _forged(
        "a message of brackets",
        "for one in sockets(): one.sendall(struct.pack('!I', 99_999) + b'[' * 99_999)\nreturn 0",
        _SOCKETS,
        "tampered",
    ),
    Attack(
        "half a message",
        q5(
            "import time\nfor one in sockets(): one.sendall(b'\\0\\0')\ntime.sleep(99)",
            _SOCKETS,
        ),
        status="timeout",
        lost={"q5": "timeout"},
    ),
    _forged("results on stdout", 'print(\'{"points": 5, "passed": true}\')\nreturn 0'),
]
