"""The command line: ``tinyml deploy``, ``doctor``, ``check``, ``release``, ``grade`` and more."""

import dataclasses
import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tinyml_course.errors import DoesNotFitError, ImageTooLargeError, TinyMLError

if TYPE_CHECKING:
    from tinyml_course.deploy import Deployment, Firmware
    from tinyml_course.mcu import Board

DOES_NOT_FIT = 1
NEEDS_ATTENTION = 1
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
        too_small = isinstance(error, DoesNotFitError | ImageTooLargeError)
        sys.exit(DOES_NOT_FIT if too_small else BAD_INPUT)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:  # typer turns Ctrl-C into this, without a word
            print("\nStopped. Nothing half-written was left behind.", file=sys.stderr)
        raise


@app.command()
def deploy(
    data: Annotated[
        str, typer.Option(help="Data set: digits, persons (drawn here) or fashion_mnist.")
    ] = "digits",
    board: Annotated[str, typer.Option(help="Board name, or a JSON file.")] = "stm32f746",
    policy: Annotated[str, typer.Option(help="Memory planner.")] = "tight",
    schedule: Annotated[
        str | None,
        typer.Option(help="streamed (least SRAM), fastest that fits, or unfused."),
    ] = None,
    image: Annotated[str, typer.Option(help="memory, or fed row by row.")] = "memory",
    weight_bits: Annotated[int, typer.Option(help="2 to 8; fewer than 8 lie packed in flash.")] = 8,
    width: Annotated[float, typer.Option(help="Multiplier of the channels.")] = 1.0,
    resolution: Annotated[
        int | None, typer.Option(help="Resize the images to this; persons are drawn at it.")
    ] = None,
    epochs: Annotated[int, typer.Option(help="Training passes.")] = 15,
    seed: Annotated[int, typer.Option(help="Of weights and shuffling.")] = 0,
    firmware: Annotated[
        bool, typer.Option("--firmware", help="Build C and an image for the board, and run it.")
    ] = False,
    stack: Annotated[int, typer.Option(help="Bytes of stack in that image.")] = 4096,
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

    from tinyml_course.deploy import Options, check_folder, write
    from tinyml_course.deploy import deploy as run

    options = Options(
        data,
        target,
        policy,
        schedule,
        image,
        weight_bits,
        width,
        resolution,
        epochs,
        seed,
        firmware=firmware,
        stack_bytes=stack,
    )
    folder = out or Path("deployed") / f"{data}-{target.name}"
    check_folder(folder)
    deployment = run(options)
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
    seed: Annotated[int | None, typer.Option(min=0, help="Of the hidden inputs.")] = None,
    run_all: Annotated[
        bool, typer.Option("--run-all", help="Run every cell instead, as `check` sees it.")
    ] = False,
) -> None:
    """Judge your own notebook as an instructor would; nothing is kept or sent."""
    from autograder.screen import show_progress

    if run_all or sys.platform != "linux":  # the judge's sandbox needs Linux
        from autograder.progress import progress

        show_progress(progress(lab, notebook), Console())
        return
    _need("jupytext", "nbformat")
    from autograder.screen import show_self_check
    from autograder.self_check import PRACTICE_SEED, self_check

    found = self_check(lab, notebook, PRACTICE_SEED if seed is None else seed)
    show_self_check(found, Console())


@app.command()
def release(
    labs: Annotated[list[str] | None, typer.Argument(help="Labs, such as lab0.")] = None,
    all_labs: Annotated[bool, typer.Option("--all", help="Every lab.")] = False,
    check: Annotated[bool, typer.Option(help="Write nothing; fail if one is stale.")] = False,
) -> None:
    """Instructors: make the student notebooks in labs/ from their sources."""
    _need("nbgrader", "jupytext")
    from autograder.release import release as run

    if bool(labs) == all_labs:
        raise TinyMLError("name labs to release, or give --all")
    for path in run(None if all_labs else labs, check=check):
        print(f"{'up to date' if check else 'wrote'}: {path}")


@app.command()
def grade(
    lab: Annotated[str, typer.Argument(help="The lab, such as lab0.")],
    students: Annotated[
        list[str] | None, typer.Option(help="Only these, as a,b,c; repeatable.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Submissions judged at a time.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Judge on a Dask cluster: tcp://host:8786.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Judge again what was judged.")] = False,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the hidden inputs.")] = None,
    limits: Annotated[
        Path | None, typer.Option(help="Limits of time and memory, a TOML file.")
    ] = None,
    insist_sandbox: Annotated[
        bool, typer.Option("--insist-sandbox", help="Stop where there is no full sandbox.")
    ] = False,
    course: Annotated[Path | None, typer.Option(help="nbgrader's course folder.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write scores there.")] = None,
) -> None:
    """Instructors: judge all submissions in a sandbox, scores into nbgrader's gradebook.

    What was judged is not judged again, so a run that was stopped is completed by the same
    command. The exit code is 1 if a submission or the gradebook needs looking at.
    """
    _need("nbgrader", "jupytext")
    from autograder.grading.report import write_csv
    from autograder.grading.run import Options
    from autograder.grading.run import grade as run
    from autograder.grading.spread import Crew
    from autograder.screen import show_report

    chosen = [name for each in students or () for name in each.split(",") if name]
    options = Options(chosen or None, course, seed, limits, force)
    report = run(lab, options, Crew(workers, scheduler, insist_sandbox))
    show_report(report, Console())
    if csv_file is not None:
        write_csv(csv_file, report.rows)
        print(f"wrote {csv_file}")
    if report.needs_attention:
        raise typer.Exit(NEEDS_ATTENTION)


@app.command()
def similarity(
    lab: Annotated[str, typer.Argument(help="The lab, such as lab0.")],
    course: Annotated[Path | None, typer.Option(help="nbgrader's course folder.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("similarity"),
) -> None:
    """Instructors: how alike the submissions are. A hint where to look, never a verdict."""
    _need("jupytext", "nbformat", "pygments")
    from autograder.screen import show_similarity
    from autograder.similarity.report import CAVEAT, write_report
    from autograder.similarity.report import similarity as run

    found = run(lab, course)
    show_similarity(found, Console())
    print(CAVEAT)
    for path in write_report(found, out):
        print(f"wrote {path}")


def _need(*packages: str) -> None:
    """Raise where packages of the instructor's side are not installed.

    Raises:
        TinyMLError: naming the command that installs them.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise TinyMLError(
            f"{' and '.join(missing)} not installed; run: pip install -e '.[instructor]'"
        )


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
    if deployment.firmware is not None:
        _add_firmware(table, deployment.firmware)
    console = Console()
    console.print(table)
    for file in files:
        console.print(f"wrote {file}", highlight=False)


def _add_firmware(table: Table, firmware: "Firmware") -> None:
    figures = firmware.figures
    table.add_section()
    table.add_row(
        "emulated core", f"{figures.equal}/{figures.images}", "outputs equal to the emulator's"
    )
    table.add_row("  its test", "passed", "main, from reset to its end")
    unused = figures.plan_bytes - figures.arena_bytes
    spared = f"measured; {unused:,} B of planned scratch unused"
    table.add_row(
        "  arena", f"{figures.arena_bytes:,} B", spared if unused else "measured; equals the plan's"
    )
    table.add_row(
        "  stack",
        f"{figures.stack_depth_bytes:,} B",
        f"measured, of {figures.stack_bytes:,} B in SRAM",
    )
    table.add_row("  SRAM", f"{figures.sram_bytes:,} B", "arena, stack, variables")
    table.add_row("  instructions", f"{figures.instructions:,}", "counted, for one image")


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
        if isinstance(error, ImageTooLargeError):
            record |= {"memory": error.memory, "missing_bytes": error.missing_bytes}
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
