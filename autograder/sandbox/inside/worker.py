"""The program inside the sandbox: a warm process that forks one child for each question.

The parent imports what the lab needs and never runs a learner's code. It takes a connection over
its control socket, forks, and reports how the child ended and whether it left anything behind. The
child runs the cells and calls the learner's function, one input at a time. Whatever the child says
is untrusted: it runs in the same process as the learner's code.

Its options are JSON, the last argument of the command.
"""

import ast
import gc
import importlib
import json
import os
import resource
import socket
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from autograder.sandbox.inside import restrict, slicing, wire


def main() -> None:
    """Prepare, then fork children until the judge hangs up."""
    options = json.loads(sys.argv.pop())
    sys.path[:1] = options["library"]  # in the place of this program's own folder
    sys.path += options["site"]
    _silence(options["quiet"])
    restrict.restrict(options)
    if not options["namespaces"]:
        restrict.end_with_parent()
    restrict.adopt_orphans()
    restrict.keep_out(others=True)
    for statement in options["preload"]:
        exec(statement, {})
    gc.freeze()  # what the parent holds is not touched, so not copied, by a child's collector
    control = socket.socket(fileno=options["control"])
    control.sendall(wire.frame({"ready": True}))
    while True:
        try:
            order, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        except OSError:
            return
        if not order or not descriptors:
            return
        control.sendall(wire.frame(_question(control, descriptors[0], options)))


def _silence(quiet: bool) -> None:
    """Nothing that is printed goes anywhere."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2) if quiet else (0, 1):
        os.dup2(null, standard)
    os.close(null)


def _question(control: socket.socket, descriptor: int, options: dict[str, Any]) -> dict[str, Any]:
    child = os.fork()
    if child == 0:
        control.close()
        try:
            restrict.keep_out(others=False)  # some libraries read their own /proc
            if not options["namespaces"]:
                restrict.end_with_parent()
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (options["cpu_s"], options["cpu_s"]))
            _Answers(socket.socket(fileno=descriptor), options).serve()
        finally:
            os._exit(0)
    os.close(descriptor)
    _, status, usage = os.wait4(child, 0)
    return {
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
        "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
        "peak_rss_bytes": usage.ru_maxrss * 1024,
        "clean": _nobody_left()
        and not any(any(Path(path).iterdir()) for path in options["scratch"]),
    }


def _nobody_left() -> bool:
    try:
        # Orphans become children of this process, so a child that is alive is one left behind.
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return True
    return False


class _Answers:
    """One question's child: defines what the notebook defines, then answers."""

    def __init__(self, connection: socket.socket, options: dict[str, Any]) -> None:
        self.connection = connection
        self.most_bytes = options["answer_bytes"]
        self.pid = os.getpid()
        self.namespace: dict[str, Any] = {}
        self.orders = {"define": self.define, "call": self.call, "value": self.value}

    def serve(self) -> None:
        """Answer until the judge hangs up."""
        while True:
            order = self._receive()
            reply = self._follow(order)
            if os.getpid() != self.pid:  # a learner's fork came back as well
                os._exit(0)
            content = wire.frame(reply | {"token": order["token"]})
            if len(content) > self.most_bytes:
                trouble = {"trouble": "malformed", "text": "the answer is too large"}
                content = wire.frame(trouble | {"token": order["token"]})
            self.connection.sendall(content)

    def _receive(self) -> dict[str, Any]:
        header = self._exactly(wire.HEADER.size)
        order: dict[str, Any] = json.loads(self._exactly(wire.HEADER.unpack(header)[0]))
        return order

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = self.connection.recv(min(size - len(parts), 1 << 20))
            if not part:
                os._exit(0)
            parts += part
        return bytes(parts)

    def _follow(self, order: dict[str, Any]) -> dict[str, Any]:
        try:
            return self.orders[order["do"]](order)
        except wire.WireError as error:
            return {"trouble": "malformed", "text": str(error)}
        except NotImplementedError as error:
            return {"trouble": "library" if str(error).startswith(wire.BLOCKED) else "unsolved"}
        except MemoryError:
            return {"trouble": "memory"}
        except BlockingIOError:  # what fork says at the limit of processes
            return {"trouble": "processes"}
        except BaseException as error:
            if isinstance(error, RuntimeError) and str(error) == "can't start new thread":
                return {"trouble": "processes"}
            return {"trouble": "raised", "error": type(error).__name__[:80], "line": _line(error)}

    def define(self, order: dict[str, Any]) -> dict[str, Any]:
        """Run an answer's cell, and what it needs of the others."""
        for function in order["allowed"]:
            unblock(**function)
        module = ModuleType("__main__")
        sys.modules["__main__"] = module
        self.namespace = vars(module)
        self.namespace["display"] = lambda *_a, **_k: None
        cells = {cell["number"]: cell["source"] for cell in order["cells"]}
        answer, end, name = order["answer"], order["end"], order["name"]
        trouble, wanted, body = _parse_answer(cells.pop(answer, None))
        found = slicing.parsed(list(cells.items()))
        released = slicing.parsed([(end + 1, source) for source in order["released"]])
        chosen = slicing.needed(
            [*wanted, name],
            [one for one in found if one.cell <= end],
            [[one for one in found if one.cell > end], released],
        )
        slicing.run([one for one in chosen if one.cell < answer], self.namespace)
        slicing.run([one for one in chosen if one.cell > end], self.namespace)
        if body is not None:
            try:
                exec(body, self.namespace)
            except BaseException as error:
                trouble = {"error": type(error).__name__[:80], "line": _line(error)}
                trouble["text"] = _text(error)
        slicing.run([one for one in chosen if answer < one.cell <= end], self.namespace)
        return {"defined": name in self.namespace, **trouble}

    def call(self, order: dict[str, Any]) -> dict[str, Any]:
        """Call the learner's function with one input."""
        function = self.namespace.get(order["name"])
        if not callable(function):
            kind = type.__getattribute__(type(function), "__name__")
            return {"trouble": "malformed", "text": f"this is no function, it is a {kind}"}
        arguments = wire.decode(order["args"])
        return {"value": wire.encode(function(*arguments, **wire.decode(order["kwargs"])))}

    def value(self, order: dict[str, Any]) -> dict[str, Any]:
        """A value that the notebook has defined."""
        return {"value": wire.encode(self.namespace.get(order["name"]))}


def _parse_answer(source: str | None) -> tuple[dict[str, Any], frozenset[str], Any]:
    """The answer's cell, compiled: what is wrong with it, the names it needs, its code."""
    if source is None:
        return {}, frozenset(), None
    try:
        text = slicing.python_of(source)
        body = compile(text, "<answer>", "exec", dont_inherit=True)
        return {}, slicing.names_used(ast.parse(text).body), body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 0
        found = {"error": type(error).__name__, "line": line, "text": _text(error)}
        return found, frozenset(), None


def unblock(module: str, name: str, source: str) -> None:
    """Give a library's function its code back, in place: whoever imported it has it again.

    The files of the library hold functions that only raise; the code of those that may be used
    comes from the judge. That of the question's own function never comes here.
    """
    home = sys.modules.get(module)
    if home is None:
        home = importlib.import_module(module)
    made: dict[str, Any] = {}
    exec(compile(source, f"<{module}>", "exec", dont_inherit=True), vars(home), made)
    function = vars(home)[name]
    for part in ("__code__", "__defaults__", "__kwdefaults__"):
        setattr(function, part, getattr(made[name], part))


def _line(error: BaseException) -> int:
    """The last line of the learner's code on the way to an error."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((f.lineno or 0 for f in reversed(frames) if f.filename == "<answer>"), 0)


def _text(error: BaseException) -> str:
    try:
        return str(error)[:300]
    except Exception:
        return ""
