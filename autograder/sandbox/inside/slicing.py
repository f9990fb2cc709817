"""Which statements of a notebook an answer needs: a program slice by names.

Run are the answer's own cell, whole, and of the other cells the statements that bind a name which
is needed, or change what it stands for (``x[0] = ...``, ``x.y = ...``, ``x.append(...)``), and so
on for the names that these need. Training and plotting cells define nothing that an answer uses,
so they are not run.
"""

import ast
import builtins
import dis
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import CodeType
from typing import Any

_LOADS = ("LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS")
_STORES = ("STORE_NAME", "STORE_GLOBAL")
_SCOPES = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)
_BUILTINS = frozenset(dir(builtins))
_MAGIC = re.compile(r"^(\s*)(?:[%!]|\?|[\w.]+\?{1,2}\s*$)")
_CELL_MAGIC = re.compile(r"^%%(\w+)")
_TRANSPARENT = ("time", "timeit", "capture", "prun")
"""Cell magics below which there is Python that binds names in the notebook."""


@dataclass(frozen=True)
class Statement:
    """One statement of a cell.

    Attributes:
        cell: number of the cell.
        node: the statement.
        binds: names it binds in the notebook; ``*`` for an import of everything.
        changes: names whose value it changes.
    """

    cell: int
    node: ast.stmt
    binds: frozenset[str]
    changes: frozenset[str]

    @cached_property
    def uses(self) -> frozenset[str]:
        """Names it needs, also later, when a function that it defines is called."""
        return names_used([self.node])


def python_of(source: str) -> str:
    """A cell's Python: IPython's magics and shell lines become ``pass``, lines keep their number.

    Only where the cell is no Python as it stands: a line of an expression may begin with ``%``.
    """
    try:
        ast.parse(source)
    except SyntaxError:
        return _without_magics(source)
    return source


def _without_magics(source: str) -> str:
    lines = source.split("\n")
    magic = _CELL_MAGIC.match(lines[0])
    if magic:
        if magic[1] not in _TRANSPARENT:
            return ""
        lines[0] = ""
    found = [(line, _MAGIC.match(line)) for line in lines]
    return "\n".join(f"{match[1]}pass" if match else line for line, match in found)


def statements(cell: int, source: str) -> list[Statement]:
    """A cell's statements.

    Raises:
        SyntaxError: the cell is no Python. (Also ValueError, RecursionError or MemoryError, for
            text that was made to break a parser.)
    """
    tree = ast.parse(python_of(source))
    return [
        Statement(cell, node, frozenset(_bound(node)), frozenset(_changed(node)))
        for node in tree.body
    ]


def names_used(nodes: Sequence[ast.stmt]) -> frozenset[str]:
    """The names that statements need from elsewhere, by their byte code."""
    code = compile(ast.Module(list(nodes), []), "<cell>", "exec", dont_inherit=True)
    bound: set[str] = set()
    used: set[str] = set()
    for step in dis.get_instructions(code):
        if step.opname in _STORES:
            bound.add(step.argval)
        elif step.opname in _LOADS and step.argval not in bound:
            used.add(step.argval)
    for inner in _inner(code):
        used |= {step.argval for step in dis.get_instructions(inner) if step.opname in _LOADS}
    return frozenset(used)


def _inner(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _inner(constant)


def _bound(node: ast.AST) -> Iterator[str]:
    """Names below ``node`` that are bound in the notebook, not inside of a function or class."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from ((alias.asname or alias.name).split(".")[0] for alias in node.names)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest
    elif isinstance(node, _SCOPES):
        yield from (name for part in ast.walk(node) for name in _bound_from_inside(part))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        return
    for child in ast.iter_child_nodes(node):
        yield from _bound(child)


def _bound_from_inside(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Global):
        yield from node.names
    elif isinstance(node, ast.NamedExpr):
        yield node.target.id


def _changed(node: ast.AST) -> Iterator[str]:
    """Names below ``node`` whose value is changed in place, functions' bodies left out."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        return
    if isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
        yield from _root(node)
    call = node.value if isinstance(node, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
        yield from _root(call.func)
    for child in ast.iter_child_nodes(node):
        yield from _changed(child)


def _root(node: ast.expr) -> Iterator[str]:
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        yield node.id


def needed(
    wanted: Iterable[str],
    before: Sequence[Statement],
    elsewhere: Sequence[Sequence[Statement]] = (),
) -> list[Statement]:
    """The statements that give ``wanted`` its values.

    Args:
        wanted: names.
        before: what stands before the answer, in order.
        elsewhere: where a name that nothing in ``before`` binds is looked for, place by place.

    Returns:
        Statements in the order in which they are to run: first those of ``before``, then those
        from elsewhere, each in its own order.
    """
    places = [list(before), *map(list, elsewhere)]
    taken: list[set[int]] = [set() for _ in places]
    todo = list(wanted)
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        for place, chosen in zip(places, taken, strict=True):
            found = [i for i, one in enumerate(place) if {name, "*"} & one.binds]
            if not any(name in place[i].binds for i in found) and name in _BUILTINS:
                break
            changing = [i for i, one in enumerate(place) if name in one.changes]
            for i in {*found, *changing} - chosen if found else ():
                chosen.add(i)
                todo += place[i].uses
            if found:
                break
    return [place[i] for place, chosen in zip(places, taken, strict=True) for i in sorted(chosen)]


def parsed(cells: Sequence[tuple[int, str]]) -> list[Statement]:
    """The statements of cells, those left out that are no Python."""
    found: list[Statement] = []
    for number, source in cells:
        try:
            found += statements(number, source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return found


def run(chosen: Sequence[Statement], namespace: dict[str, Any]) -> None:
    """Run statements one by one; one that raises is left out, and the next one runs."""
    for one in chosen:
        module = ast.Module([one.node], [])
        try:
            exec(compile(module, f"<cell {one.cell}>", "exec", dont_inherit=True), namespace)
        except Exception:  # whoever needs what it should have bound will say so
            continue
