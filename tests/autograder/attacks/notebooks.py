"""Attacks on the notebook itself: its cells, metadata, outputs, format, file."""

import json
from typing import Any

from attack import Attack, Notebook, as_bytes, cell_of, code_cell, named

ALL = [f"q{number}" for number in range(1, 11)]
RIGHT_Q5 = "def activation_bytes(shape, bits=8):\n    return (math.prod(shape) * bits + 7) // 8\n"
WRONG_Q5 = "def activation_bytes(shape, bits=8):\n    return 0\n"


def everything_is(status: str) -> dict[str, str]:
    return dict.fromkeys([*ALL, "final"], status)


def _stub(notebook: Notebook) -> None:
    """Unsolved, with the outputs of a solved run."""
    for name in ALL:
        cell = cell_of(notebook, name)
        cell["source"] = cell["source"].split('"""')[0] + "\n    raise NotImplementedError\n"
        card = {"text/plain": ["✓ all visible cases are right"], "text/html": "<b>6 / 6</b>"}
        cell_of(notebook, f"{name}-test")["outputs"] = [
            {"output_type": "display_data", "data": card, "metadata": {}},
            {"output_type": "execute_result", "data": {"text/plain": "6.0"}, "metadata": {}},
        ]
    final = cell_of(notebook, "final")
    final["source"] = 'design = {"width": None, "resolution": None}'
    shown = {"text/plain": "{'width': 0.4, 'resolution': 144}"}
    final["outputs"] = [{"output_type": "execute_result", "data": shown, "metadata": {}}]


def _without(notebook: Notebook, *names: str) -> None:
    notebook["cells"] = [cell for cell in notebook["cells"] if named(cell) not in names]


def _without_open_cells(notebook: Notebook) -> None:
    notebook["cells"] = [cell for cell in notebook["cells"] if named(cell)]


def _twice(notebook: Notebook) -> None:
    notebook["cells"] = [cell for cell in notebook["cells"] for _ in range(2)]


def _wrong_copy_first(notebook: Notebook) -> None:
    at = notebook["cells"].index(cell_of(notebook, "q5"))
    notebook["cells"].insert(at, dict(cell_of(notebook, "q5"), source=WRONG_Q5))


def _wrong_copy_last(notebook: Notebook) -> None:
    notebook["cells"].append(dict(cell_of(notebook, "q5"), source=WRONG_Q5))


def _reversed(notebook: Notebook) -> None:
    notebook["cells"].reverse()


def _edit_tests(notebook: Notebook) -> None:
    for name in ALL:
        cell_of(notebook, f"{name}-test")["source"] = "6.0"


def _type(name: str, kind: str) -> Any:
    def edit(notebook: Notebook) -> None:
        cell_of(notebook, name)["cell_type"] = kind

    return edit


def _metadata(**changes: Any) -> Any:
    def edit(notebook: Notebook) -> None:
        for cell in notebook["cells"]:
            if named(cell):
                cell["metadata"]["nbgrader"] |= changes

    return edit


def _no_metadata(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["metadata"] = {}


def _strange_metadata(notebook: Notebook) -> None:
    strange: list[Any] = [None, [], 7, {"nbgrader": 7}, {"nbgrader": {"grade_id": ["q1"]}}]
    for number, cell in enumerate(notebook["cells"]):
        if named(cell) not in ALL:
            cell["metadata"] = strange[number % len(strange)]


def _swap_ids(notebook: Notebook) -> None:
    a, b = cell_of(notebook, "q1"), cell_of(notebook, "q2")
    a["metadata"], b["metadata"] = b["metadata"], a["metadata"]


def _html(notebook: Notebook) -> None:
    script = "<script>fetch('http://evil')</script>"
    for cell in notebook["cells"]:
        cell["metadata"]["note"] = script
        if cell["cell_type"] == "code":
            data = {"text/html": script, "application/javascript": "alert(1)"}
            cell["outputs"] = [{"output_type": "display_data", "data": data, "metadata": {}}]


def _kernel(name: Any) -> Any:
    def edit(notebook: Notebook) -> None:
        notebook["metadata"]["kernelspec"] = {"name": name, "display_name": name, "language": name}

    return edit


def _other_lab(notebook: Notebook) -> None:
    for number, cell in enumerate(notebook["cells"]):
        cell["source"] = f"def something_else_{number}(): return {number}"


def _many_cells(notebook: Notebook) -> None:
    notebook["cells"] += [code_cell("1")] * 5000


def _large(notebook: Notebook) -> bytes:
    output = {"output_type": "stream", "name": "stdout", "text": "x" * (50 << 20)}
    notebook["cells"][-1]["outputs"] = [output]
    return as_bytes(notebook)


def _add(position: int, source: str) -> Any:
    def edit(notebook: Notebook) -> None:
        notebook["cells"].insert(position, code_cell(source))

    return edit


def _set_up_fails(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and not named(cell):
            cell["source"] = "raise SystemExit\n" + cell["source"] + "\nimport os; os._exit(0)"


def _helper_in_a_cell_of_its_own(notebook: Notebook) -> None:
    at = notebook["cells"].index(cell_of(notebook, "q5"))
    notebook["cells"].insert(at, code_cell("def half(x):\n    return -(-x // EIGHT)\nEIGHT = 8\n"))
    cell_of(notebook, "q5")["source"] = (
        "def activation_bytes(shape, bits=8):\n    return half(math.prod(shape) * bits)\n"
    )


def _answer_in_a_cell_of_its_own(notebook: Notebook) -> None:
    at = notebook["cells"].index(cell_of(notebook, "q5"))
    cell_of(notebook, "q5")["source"] = WRONG_Q5
    notebook["cells"].insert(at + 1, code_cell(RIGHT_Q5))


def _magics(notebook: Notebook) -> None:
    notebook["cells"].insert(1, code_cell("%%bash\ntouch /tmp/x"))
    cell = cell_of(notebook, "q5")
    cell["source"] = "%matplotlib inline\n!touch /tmp/x\nmath?\n" + cell["source"]


def _lines_as_list(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)


NOTEBOOKS = [
    Attack("solved", everywhere=True),
    Attack("unsolved, outputs of a solved one", edit=_stub, lost=everything_is("unsolved")),
    Attack("test cells deleted", edit=lambda n: _without(n, *[f"{q}-test" for q in ALL])),
    Attack(
        "an answer deleted",
        edit=lambda n: _without(n, "q5"),
        lost={"q5": "missing"},
        said="q5 is missing",
    ),
    Attack("set-up deleted", edit=_without_open_cells),
    Attack("every cell twice", edit=_twice, said="2 times"),
    Attack("a wrong copy before the answer", edit=_wrong_copy_first),
    Attack("a wrong copy behind it", edit=_wrong_copy_last, lost={"q5": "wrong"}),
    Attack("cells reversed", edit=_reversed, said="another order"),
    Attack("test cells edited", edit=_edit_tests, status="tampered", said="q1-test was changed"),
    Attack("a test cell made text", edit=_type("q5-test", "markdown"), status="tampered"),
    Attack(
        "an answer made text",
        edit=_type("q5", "markdown"),
        status="tampered",
        lost={"q5": "missing"},
        said="the type of cell q5 was changed",
    ),
    Attack(
        "an answer made raw", edit=_type("q5", "raw"), status="tampered", lost={"q5": "missing"}
    ),
    Attack(
        "a function renamed",
        {"q5": RIGHT_Q5.replace("activation_bytes", "bytes_of")},
        lost={"q5": "missing"},
        said="activation_bytes",
    ),
    Attack("more points", edit=_metadata(points=1000), status="tampered"),
    Attack("points that are no number", edit=_metadata(points="NaN"), status="tampered"),
    Attack("every cell locked", edit=_metadata(locked=True), status="tampered"),
    Attack("nothing graded", edit=_metadata(grade=False, solution=False), status="tampered"),
    Attack("no metadata", edit=_no_metadata, said="q1 is missing"),
    Attack("strange metadata", edit=_strange_metadata, said="q1-test is missing"),
    Attack("names of two answers swapped", edit=_swap_ids),
    Attack("HTML and script in outputs", edit=_html),
    Attack("another kernel", edit=_kernel("ir")),
    Attack("a kernel with a path", edit=_kernel("../../bin/sh")),
    Attack("a kernel that is a list", edit=_kernel(["python3"])),
    Attack(
        "another lab",
        edit=_other_lab,
        status="wrong lab",
        lost=everything_is("not judged"),
        said="none of the questions",
    ),
    Attack(
        "50 MB",
        content=_large,
        status="too large",
        lost=everything_is("not judged"),
        said="bytes",
    ),
    Attack(
        "thousands of cells",
        edit=_many_cells,
        status="too large",
        lost=everything_is("not judged"),
        said="cells",
    ),
    *[
        Attack(
            name,
            content=lambda _notebook, content=content: content,  # type: ignore[misc]
            status="unreadable",
            lost=everything_is("not judged"),
        )
        for name, content in {
            "nothing": b"",
            "no JSON": b'{"cells": [',
            "bytes": bytes(range(256)),
            "JSON, but a list": b"[]",
            "JSON, very deep": b"[" * 200_000 + b"]" * 200_000,
            "an integer of a million digits": b'{"cells": [], "nbformat": 1' + b"0" * 10**6 + b"}",
            "an old format": b'{"nbformat": 3, "worksheets": [], "cells": []}',
            "cells that are none": b'{"nbformat": 4, "cells": [1, null, "x"]}',
            "text that is none": b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": 5}]}',
        }.items()
    ],
    Attack(
        "a cell that breaks parsers",
        {"q5": "(" * 50_000 + ")" * 50_000},
        lost={"q5": "raised"},
    ),
    Attack("another cell that breaks parsers", edit=_add(2, "-" * 500_000 + "1"), slow=False),
    Attack(
        "a syntax error", {"q5": "def activation_bytes(:"}, lost={"q5": "raised"}, said="line 1"
    ),
    Attack("a null byte", {"q5": RIGHT_Q5 + "\0"}, lost={"q5": "raised"}),
    Attack("half a letter", {"q5": RIGHT_Q5 + "# \ud800"}, lost={"q5": "raised"}),
    Attack("a cell that ends everything", edit=_add(3, "import os; os._exit(0)")),
    Attack("set-up that fails around its imports", edit=_set_up_fails),
    Attack("a helper in a cell of its own", edit=_helper_in_a_cell_of_its_own),
    Attack("an answer in a cell of its own", edit=_answer_in_a_cell_of_its_own),
    Attack(
        "functions overwritten at the end", edit=_add(10**6, "\n".join(f"{q} = 0" for q in ALL))
    ),
    Attack("magics and shell lines", edit=_magics),
    Attack("text as a list of lines", edit=_lines_as_list),
    Attack("with a byte order mark", content=lambda n: b"\xef\xbb\xbf" + as_bytes(n)),
    Attack(
        "letters of other scripts", content=lambda n: json.dumps(n, ensure_ascii=False).encode()
    ),
    Attack(
        "one wrong answer that another question uses",
        {"q3": "def conv_macs(*a, **k): return 0"},
        lost={"q3": "wrong"},
    ),
    Attack(
        "a design that does not fit",
        {"final": 'design = {"width": 1.4, "resolution": 256}'},
        lost={"final": "wrong"},
    ),
    Attack(
        "a design with a class of its own",
        {"final": "class Design(dict):\n    __eq__ = lambda *a: True\ndesign = Design(width=0.4)"},
        status="malformed",
        lost={"final": "malformed"},
    ),
    Attack(
        "a design that is out of bounds",
        {"final": 'design = {"width": float("1e300"), "resolution": 10**30}'},
        lost={"final": "wrong"},
    ),
]
