"""The command line: ``tinyml deploy``, ``doctor``, ``check``, ``release``, ``grade``."""

import csv
import dataclasses
import io
import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tinyml_course.errors import DoesNotFitError, TinyMLError
from tinyml_course.whole_file import write_whole

if TYPE_CHECKING:
    from autograder.grade import GradeRow
    from tinyml_course.deploy import Deployment
    from tinyml_course.mcu import Board

DOES_NOT_FIT = 1
BAD_INPUT = 2
INTERRUPTED = 130

app = typer.Typer(
    help="Make a neural network fit a microcontroller, and see every byte of it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def main() -> None:
    """Run the command line; errors of this package become one readable message."""
    json_wanted = "--json" in sys.argv[1:]
    try:
        app()
    except TinyMLError as error:
        _print_error(error, json_wanted)
        sys.exit(DOES_NOT_FIT if isinstance(error, DoesNotFitError) else BAD_INPUT)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:  # typer turns Ctrl-C into this, without a word
            print("\nStopped. Nothing half-written was left behind.", file=sys.stderr)
        raise


@app.command()
def deploy(
    data: Annotated[str, typer.Option(help="Data set: digits or fashion_mnist.")] = "digits",
    board: Annotated[str, typer.Option(help="Board name, or a JSON file.")] = "stm32f746",
    policy: Annotated[str, typer.Option(help="Memory planner.")] = "tight",
    schedule: Annotated[
        str | None,
        typer.Option(help="streamed (least SRAM), fastest that fits, or unfused."),
    ] = None,
    image: Annotated[str, typer.Option(help="memory, or fed row by row.")] = "memory",
    width: Annotated[float, typer.Option(help="Multiplier of the channels.")] = 1.0,
    resolution: Annotated[int | None, typer.Option(help="Resize the images to this.")] = None,
    epochs: Annotated[int, typer.Option(help="Training passes.")] = 15,
    seed: Annotated[int, typer.Option(help="Of weights and shuffling.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for the results.")] = None,
    json_output: JsonOption = False,
) -> None:
    """Train a small network, quantize it to int8, plan its memory, run it on an emulated board."""
    from tinyml_course.data import DATA_SETS
    from tinyml_course.errors import lookup
    from tinyml_course.mcu import POLICIES
    from tinyml_course.mcu import board as find_board

    # Every name is looked up before torch is imported and anything is trained.
    lookup("data set", data, DATA_SETS)
    lookup("policy", policy, POLICIES)
    target = find_board(board)

    from tinyml_course.deploy import Options, write
    from tinyml_course.deploy import deploy as run

    options = Options(data, target, policy, schedule, image, width, resolution, epochs, seed)
    deployment = run(options)
    folder = out or Path("deployed") / f"{data}-{target.name}"
    files = write(deployment, target, folder)
    if json_output:
        print(
            json.dumps({**deployment.to_dict(), "files": [str(file) for file in files]}, indent=2)
        )
        return
    _print_deployment(deployment, target, files)


@app.command()
def doctor(json_output: JsonOption = False) -> None:
    """Say what is installed, what is missing, and how to mend it."""
    from tinyml_course.doctor import examine

    findings = examine()
    if json_output:
        print(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    else:
        table = Table(title="tinyml doctor", title_justify="left")
        for title in ("what", "state", "found", "how to mend it"):
            table.add_column(title, overflow="fold")
        style = {"ok": "green", "optional": "yellow", "missing": "bold red"}
        for f in findings:
            # A command such as pip install '.[labs]' would be read as markup.
            table.add_row(
                f.what, f"[{style[f.state]}]{f.state}[/]", escape(f.found), escape(f.mend)
            )
        Console().print(table)
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(BAD_INPUT)


@app.command()
def check(
    lab: Annotated[str, typer.Argument(help="The lab, such as lab0.")],
    notebook: Annotated[Path | None, typer.Argument(help="By default labs/LAB.")] = None,
) -> None:
    """Run your notebook from top to bottom and say which questions pass their checks."""
    from autograder.progress import progress

    found = progress(lab, notebook)
    style = {"right": "green", "wrong": "bold red", "unsolved": "yellow"}
    table = Table(title=str(found.notebook), title_justify="left")
    for title in ("question", "about", "points", "state"):
        table.add_column(title, overflow="fold")
    for q in found.questions:
        state = f"[{style.get(q.status, 'default')}]{q.status}[/]"
        table.add_row(q.name, escape(q.title), f"{q.points:g}", state)
    console = Console()
    console.print(table)
    for error in found.errors:
        console.print(f"[yellow]a cell raised:[/] {escape(error)}", highlight=False)
    console.print(f"{found.passed} of {len(found.questions)} right, {found.seconds:.0f} s")


@app.command()
def release(
    labs: Annotated[list[str] | None, typer.Argument(help="Labs, such as lab0.")] = None,
    all_labs: Annotated[bool, typer.Option("--all", help="Every lab.")] = False,
    check: Annotated[bool, typer.Option(help="Write nothing; fail if one is stale.")] = False,
) -> None:
    """Instructors: make the student notebooks in labs/ from their sources."""
    _need_autograder()
    from autograder.release import release as run

    if bool(labs) == all_labs:
        raise TinyMLError("name labs to release, or give --all")
    for path in run(None if all_labs else labs, check=check):
        print(f"{'up to date' if check else 'wrote'}: {path}")


@app.command()
def grade(
    lab: Annotated[str, typer.Argument(help="The lab, such as lab0.")],
    students: Annotated[list[str] | None, typer.Option(help="Only these; repeatable.")] = None,
    course: Annotated[Path | None, typer.Option(help="nbgrader's course folder.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the hidden inputs.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write scores there.")] = None,
) -> None:
    """Instructors: grade all submissions with nbgrader. Not isolated: trusted submissions only."""
    _need_autograder()
    from autograder.grade import grade as run

    rows = run(lab, students or None, course, seed=seed)
    table = Table(title=f"{lab}: {len(rows)} submissions", title_justify="left")
    for title in ("student", "status", "score", "of", "message"):
        table.add_column(title, overflow="fold")
    for row in rows:
        score = f"{row.score:g}"
        table.add_row(row.student, row.status, score, f"{row.max_score:g}", escape(row.message))
    Console().print(table)
    if csv_file is not None:
        _write_scores(csv_file, rows)
        print(f"wrote {csv_file}")


def _need_autograder() -> None:
    """Raise where the instructor's packages are not installed.

    Raises:
        TinyMLError: naming the command that installs them.
    """
    missing = [name for name in ("nbgrader", "jupytext") if find_spec(name) is None]
    if missing:
        raise TinyMLError(
            f"{' and '.join(missing)} not installed; run: pip install -e '.[instructor]'"
        )


def _write_scores(target: Path, rows: list["GradeRow"]) -> None:
    """A row a student, a column a question; the file appears whole or not at all."""
    questions = list(dict.fromkeys(name for row in rows for name in row.questions))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["student", "status", "score", "max_score", *questions])
    for row in rows:
        points = [row.questions.get(name, "") for name in questions]
        writer.writerow([row.student, row.status, row.score, row.max_score, *points])
    try:
        write_whole(target, text.getvalue().encode())
    except OSError as error:
        raise TinyMLError(f"cannot write {target}: {error}; choose another --csv") from error


def _print_deployment(deployment: "Deployment", board: "Board", files: list[Path]) -> None:
    from tinyml_course.mcu.costs import cost_table

    table = cost_table(deployment.costs, board)
    scores, checks = deployment.accuracy, deployment.checks
    table.add_section()
    table.add_row(
        "accuracy, float", f"{scores.float32:.2%}", f"{scores.images} test images, not trained on"
    )
    table.add_row("accuracy, int8", f"{scores.int8:.2%}", "on the emulated board")
    table.add_row("same class", f"{scores.agreement:.2%}", "float and int8")
    table.add_section()
    table.add_row(
        "emulator's peak", f"{checks.emulator_peak_bytes:,} B", "measured; equals the plan's"
    )
    table.add_row(
        "reference", f"{checks.reference_equal}/{checks.reference_images}", "equal to the bit"
    )
    console = Console()
    console.print(table)
    for file in files:
        console.print(f"wrote {file}", highlight=False)


def _print_error(error: TinyMLError, as_json: bool) -> None:
    if as_json:
        record: dict[str, Any] = {"error": type(error).__name__, "message": str(error)}
        if isinstance(error, DoesNotFitError):
            record |= {
                "memory": error.memory,
                "operator": error.operator,
                "step": error.step,
                "needed_bytes": error.needed_bytes,
                "available_bytes": error.available_bytes,
                "missing_bytes": error.missing_bytes,
                "remedies": list(error.remedies),
            }
        print(json.dumps(record, indent=2))
        return
    console = Console(stderr=True)
    if not isinstance(error, DoesNotFitError):
        console.print(f"[bold red]error:[/] {escape(str(error))}", highlight=False)
        return
    console.print(f"[bold red]does not fit:[/] {error.memory} of {error.board}", highlight=False)
    table = Table(show_header=False)
    table.add_row("operator", f"{error.operator} (step {error.step})")
    table.add_row("needed", f"{error.needed_bytes:,} B")
    table.add_row("there is", f"{error.available_bytes:,} B")
    table.add_row("missing", f"[bold]{error.missing_bytes:,} B[/]")
    table.add_row("what helps", escape("\n".join(error.remedies)) or "nothing that was tried")
    console.print(table)


if __name__ == "__main__":
    main()
