"""The statements an answer needs: no more than these, and the same values as a whole run."""

from typing import Any

import pytest

from autograder.sandbox.inside import slicing

NOTEBOOK = [
    "import math\nimport json as j\nfrom os import path\nSCALE = 4",
    "log = []\nlog.append('started')\nlog[0] = log[0] + '!'\nlog.sort()",
    "def helper(x):\n    return inner(x) * SCALE\n",
    "def inner(x):\n    global count\n    count = x\n    return math.floor(x)\n",
    "unused = log.append('plotted')\nfor i in range(3):\n    table = {}\n    table[i] = i\n",
    "SCALE = 5\nclass Box:\n    size: int = SCALE\n    def grow(self):\n        return helper(2.5)",
    "print(helper(1)); train = [helper(n) for n in range(3)]",
    "try:\n    fast = 1 / 0\nexcept ZeroDivisionError as error:\n    fast = None\n",
    "match SCALE:\n    case 5 as five:\n        pass\n",
    "total = (seen := 3) + sum(n for n in [1])",
]


def ran(names: list[str]) -> dict[str, Any]:
    namespace: dict[str, Any] = {}
    parsed = slicing.parsed(list(enumerate(NOTEBOOK)))
    slicing.run(slicing.needed(names, parsed), namespace)
    return namespace


def whole() -> dict[str, Any]:
    namespace: dict[str, Any] = {}
    for source in NOTEBOOK:
        exec(source, namespace)
    return namespace


@pytest.mark.parametrize(
    "name", ["SCALE", "table", "train", "fast", "five", "total", "seen", "j", "path", "i", "log"]
)
def test_a_slice_gives_the_value_of_a_whole_run(name: str) -> None:
    if name != "log":  # what another statement's value does to it on the way is not seen
        assert ran([name])[name] == whole()[name]
    else:
        assert ran([name])[name] == ["started!"]


def test_functions_find_what_they_need_when_they_are_called() -> None:
    namespace = ran(["Box"])
    assert namespace["Box"]().grow() == whole()["Box"]().grow() == 10
    assert namespace["count"] == 2.5


def test_nothing_else_is_run() -> None:
    assert {"train", "table", "log", "Box", "fast"}.isdisjoint(ran(["helper"]))
    assert set(ran(["path"])) == {"path", "__builtins__"}
    assert set(ran(["len"])) == {"__builtins__"} or not ran(["len"])


def test_local_names_are_no_needs() -> None:
    source = "def f(size, bits=8):\n    total = size * bits\n    return [x for x in [total]]\n"
    (one,) = slicing.statements(0, source)
    assert one.uses == frozenset()
    assert one.binds == {"f"}


def test_names_found_elsewhere_come_last_in_the_list() -> None:
    before = slicing.parsed([(0, "a = 1")])
    later, released = slicing.parsed([(5, "b = a + 1")]), slicing.parsed([(9, "c = b\na = 7")])
    found = slicing.needed(["c"], before, [later, released])
    assert [one.cell for one in found] == [0, 5, 9]
    assert [one.binds for one in found] == [{"a"}, {"b"}, {"c"}]


def test_a_statement_that_raises_costs_only_itself() -> None:
    namespace: dict[str, Any] = {}
    slicing.run(slicing.statements(0, "a = 1\nb = 1 / 0\nc = 3"), namespace)
    assert (namespace["a"], namespace["c"], "b" in namespace) == (1, 3, False)


def test_cells_that_are_no_python_are_left_out() -> None:
    cells = [(0, "a = 1"), (1, "def ("), (2, "(" * 9999), (3, "x = 1\0"), (4, "b = 2")]
    assert [one.cell for one in slicing.parsed(cells)] == [0, 4]


@pytest.mark.parametrize(
    ("source", "python"),
    [
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("!ls\nx = 1", "pass\nx = 1"),
        ("if True:\n    %time\nx = 1", "if True:\n    pass\nx = 1"),
        ("x?\ny = 1", "pass\ny = 1"),
        ("%%time\nx = 1", "\nx = 1"),
        ("%%bash\nrm -rf /", ""),
        ("y = (5\n  % 3)", "y = (5\n  % 3)"),
        ('s = """\n%d\n!\n"""', 's = """\n%d\n!\n"""'),
    ],
)
def test_magics_are_left_out(source: str, python: str) -> None:
    assert slicing.python_of(source) == python


def test_an_import_of_everything_may_give_any_name() -> None:
    assert ran_of("from math import *\nx = floor(2.5)", "x") == 2


def ran_of(source: str, name: str) -> Any:
    namespace: dict[str, Any] = {}
    slicing.run(slicing.needed([name], slicing.statements(0, source)), namespace)
    return namespace[name]
