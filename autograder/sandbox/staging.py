"""The library as the sandbox sees it: the functions that a lab asks for are not in it.

A learner's code could find a function of the library however it is hidden in a running process: in
its module, in a module that imported it, in the garbage collector's lists, in its source, in its
byte code. So the copy of the library that is visible in the sandbox holds in its place a function
that raises. The judge sends the code of those functions that a question may use, once the process
for that question has been made; that of the question itself never enters the sandbox.

A function of the library that calls a blocked one raises as well. That is meant: `network_macs` of
one layer is `conv_macs` by a side door. Functions of the same module that the blocked one is made
of are blocked with it, unless another question asks for them; so are functions of other modules
that the question names as its doors, because they give the same answer.

What a lab's table of questions holds besides is not there either: the planted wrong answers, which
earn some points, the helpers they are made of, and what evaluates the final design, which knows the
best one.
"""

import ast
import compileall
import importlib
import inspect
import py_compile
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import tinyml_course
from autograder.errors import GradingError
from autograder.sandbox.inside.wire import BLOCKED
from tinyml_course.course.question import LabQuestions, Question
from tinyml_course.firmware.build_cache import cache_folder, key

_LIBRARY = Path(tinyml_course.__file__).resolve().parent
_HERE = Path(__file__).resolve().parent / "inside"
_INSIDE = sorted(path for path in _HERE.glob("*.py") if path.stem != "__init__")
_TABLES = "tinyml_course.course"
_KEPT_S = 30 * 24 * 3600
_SUFFIXES = (".py", ".json", ".md", ".c", ".h", ".typed", ".safetensors")


@dataclass(frozen=True, order=True)
class Blocked:
    """A function of the library that is not in the sandbox.

    Attributes:
        module: where it is defined.
        name: of the function.
    """

    module: str
    name: str

    @property
    def function(self) -> FunctionType:
        """The function itself."""
        found = inspect.unwrap(vars(sys.modules[self.module])[self.name])
        assert isinstance(found, FunctionType)
        return found

    @property
    def source(self) -> str:
        """Its text."""
        return _source(self)


@cache
def _source(blocked: Blocked) -> str:
    return inspect.getsource(blocked.function)


@dataclass(frozen=True)
class Staging:
    """A library for one lab.

    Attributes:
        folder: with ``library``, for Python's path, and ``program``, what runs in the sandbox.
        by_question: what is blocked while a question is judged.
        always: what is blocked always.
    """

    folder: Path
    by_question: dict[str, frozenset[Blocked]]
    always: frozenset[Blocked] = frozenset()

    @property
    def modules(self) -> list[str]:
        """Modules that hold functions which are not in the sandbox."""
        return sorted({one.module for found in self.by_question.values() for one in found})

    def allowed(self, question: str) -> list[dict[str, str]]:
        """Functions that come back for one question, as the worker takes them."""
        everything = frozenset().union(*self.by_question.values())
        back = sorted(everything - self.by_question.get(question, frozenset()))
        return [{"module": b.module, "name": b.name, "source": b.source} for b in back]


def program_folder() -> Path:
    """A folder with the programs that run in the sandbox, and no library."""
    contents = {_place(path): path.read_bytes() for path in _INSIDE}
    parts = [part for path in sorted(contents) for part in (str(path), contents[path])]
    return _kept(key([sys.version, *parts]), contents)


def stage(questions: LabQuestions) -> Staging:
    """The library without what a lab asks for; made once and kept.

    Raises:
        GradingError: a question's reference is no plain function of a module of the library.
    """
    return _staged(questions.name)


@cache
def _staged(lab: str) -> Staging:
    from tinyml_course.course import lab_questions

    found = lab_questions(lab)
    references = frozenset(map(_blocked, found.questions))
    table = {q.name: _closed(q, references) for q in found.questions}
    evaluate = Blocked(found.final.evaluate.__module__, found.final.evaluate.__name__)
    own = evaluate.module.startswith(_TABLES)
    always = _with_parts(evaluate, references) if own else frozenset([evaluate])
    blocked = always.union(*table.values())
    contents = {_place(path): path.read_bytes() for path in (*_files(_LIBRARY), *_INSIDE)}
    for path in contents:
        if path.parent == Path("library", *_TABLES.split("."), lab) and path.suffix == ".py":
            contents[path] = without_mistakes(contents[path].decode()).encode()
    for module in {one.module for one in blocked}:
        path = _place(Path(inspect.getfile(sys.modules[module])).resolve())
        names = {one.name for one in blocked if one.module == module}
        contents[path] = without(contents[path].decode(), names).encode()
    parts = [part for path in sorted(contents) for part in (str(path), contents[path])]
    name = key([sys.version, lab, *parts])
    return Staging(_kept(name, contents), table, always)


def _blocked(question: Question) -> Blocked:
    function = question.reference
    home = sys.modules.get(getattr(function, "__module__", ""))
    plain = isinstance(function, FunctionType) and not function.__closure__
    if not plain or vars(home or ModuleType("")).get(function.__name__) is not function:
        raise GradingError(
            f"{question.name}: the reference {function!r} must be a plain function of a module of "
            "the library, so that it can be blocked while its question is judged"
        )
    return Blocked(function.__module__, function.__name__)


def _closed(question: Question, references: frozenset[Blocked]) -> frozenset[Blocked]:
    """Everything that is not there while a question is judged."""
    starts = [_blocked(question), *_doors(question)]
    return frozenset(part for one in starts for part in _with_parts(one, references))


def _doors(question: Question) -> list[Blocked]:
    found = []
    for door in question.doors:
        module, _, name = door.partition(":")
        home = importlib.import_module(module)
        function = vars(home).get(name)
        if not isinstance(function, FunctionType) or function.__module__ != module:
            raise GradingError(f"{question.name}: {door} is no function that could be blocked")
        found.append(Blocked(module, name))
    return found


def _with_parts(blocked: Blocked, references: frozenset[Blocked]) -> frozenset[Blocked]:
    found, todo = {blocked}, [blocked]
    while todo:
        home = vars(sys.modules[blocked.module])
        for name in _names(todo.pop().function.__code__):
            part = Blocked(blocked.module, name)
            function = inspect.unwrap(home[name]) if callable(home.get(name)) else None
            own = isinstance(function, FunctionType) and function.__module__ == blocked.module
            if own and part not in found | references:
                found.add(part)
                todo.append(part)
    return frozenset(found)


def _names(code: Any) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if inspect.iscode(constant):
            yield from _names(constant)


def without(source: str, names: Iterable[str]) -> str:
    """A module's text whose functions ``names`` raise; head and docstring stay.

    Raises:
        GradingError: the module defines no such function at its top level.
    """
    lines = source.splitlines(keepends=True)
    tree = ast.parse(source)
    found = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for name in sorted(names, key=lambda name: -found[name].lineno if name in found else 0):
        if name not in found:
            raise GradingError(f"there is no plain function {name} to block")
        body = found[name].body
        keep = 1 if ast.get_docstring(found[name]) is not None and len(body) > 1 else 0
        first, last = body[keep], body[-1]
        assert last.end_lineno is not None
        if not lines[first.lineno - 1][: first.col_offset].isspace():
            raise GradingError(f"the body of {name} must begin on a line of its own to be blocked")
        pad = " " * first.col_offset
        stub = f'{pad}raise NotImplementedError("{BLOCKED}{name}")\n'
        lines[first.lineno - 1 : last.end_lineno] = [stub]
    return "".join(lines)


def without_mistakes(source: str) -> str:
    """A table of questions without wrong answers, and without helpers that only they use."""
    tree = ast.parse(source)
    for call in ast.walk(tree):
        for keyword in call.keywords if isinstance(call, ast.Call) else ():
            if keyword.arg == "mistakes":
                keyword.value = ast.Tuple([], ast.Load())
    while True:
        used = Counter(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
        idle = [
            node
            for node in tree.body
            if isinstance(node, ast.FunctionDef)
            and node.name.startswith("_")
            and not used[node.name]
        ]
        if not idle:
            return ast.unparse(tree) + "\n"
        tree.body = [node for node in tree.body if node not in idle]


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (path.suffix in _SUFFIXES) and "__pycache__" not in path.parts:
            yield path


def _place(path: Path) -> Path:
    """Where a file lies below the staged folder."""
    if path in _INSIDE:
        return Path("program", "autograder", "sandbox", "inside", path.name)
    return Path("library", "tinyml_course") / path.relative_to(_LIBRARY)


def _forget(home: Path) -> None:
    """Remove staged libraries that nobody has used for long; every change makes another one."""
    for folder in home.glob("*"):
        if time.time() - folder.stat().st_mtime > _KEPT_S:
            shutil.rmtree(folder, ignore_errors=True)


def _kept(name: str, contents: dict[Path, bytes]) -> Path:
    home = cache_folder() / "staged"
    folder = home / name
    if folder.is_dir():
        folder.touch()
        return folder
    _forget(home)
    home.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".making-", dir=home))
    try:
        for path, content in contents.items():
            target = fresh / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        compileall.compile_dir(fresh, quiet=1, invalidation_mode=mode)
        for path in (fresh, *fresh.rglob("*")):  # the sandbox may run as another user
            path.chmod(0o755 if path.is_dir() else 0o644)
        try:
            fresh.rename(folder)
        except OSError:  # another process was faster
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder
