"""The command line: ``tinyml deploy``, ``doctor``, ``check``, ``release``, ``grade``."""

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from tinyml_course.errors import DoesNotFitError, TinyMLError

if TYPE_CHECKING:
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
    except KeyboardInterrupt:
        print("\nStopped. Nothing half-written was left behind.", file=sys.stderr)
        sys.exit(INTERRUPTED)


@app.command()
def deploy(
    data: Annotated[str, typer.Option(help="Data set: digits or fashion_mnist.")] = "digits",
    board: Annotated[str, typer.Option(help="Board name, or a JSON file.")] = "stm32f746",
    policy: Annotated[str, typer.Option(help="Memory planner.")] = "tinyengine",
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

    deployment = run(Options(data, target, policy, width, resolution, epochs, seed))
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
            table.add_row(f.what, f"[{style[f.state]}]{f.state}[/]", f.found, f.mend)
        Console().print(table)
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(BAD_INPUT)


def _print_deployment(deployment: "Deployment", board: "Board", files: list[Path]) -> None:
    from tinyml_course.mcu.report import cost_table

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
        console.print(f"[bold red]error:[/] {error}", highlight=False)
        return
    console.print(f"[bold red]does not fit:[/] {error.memory} of {error.board}", highlight=False)
    table = Table(show_header=False)
    table.add_row("operator", f"{error.operator} (step {error.step})")
    table.add_row("needed", f"{error.needed_bytes:,} B")
    table.add_row("there is", f"{error.available_bytes:,} B")
    table.add_row("missing", f"[bold]{error.missing_bytes:,} B[/]")
    table.add_row("what helps", "\n".join(error.remedies) or "nothing that was tried")
    console.print(table)


if __name__ == "__main__":
    main()
