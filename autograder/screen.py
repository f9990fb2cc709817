"""What the grading commands print."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.grading.report import OK, Report
from autograder.grading.words import visible

if TYPE_CHECKING:
    from autograder.progress import Progress
    from autograder.self_check import Finding, SelfCheck
    from autograder.similarity.compare import Comparison


def show_report(report: Report, console: Console) -> None:
    """A row a student, then what somebody should look at, and how it went in one line."""
    table = Table(title=f"{report.lab}: {len(report.rows)} submissions", title_justify="left")
    table.add_column("student", overflow="fold")
    table.add_column("score", justify="right")
    table.add_column("status", overflow="fold")
    table.add_column("seconds", justify="right")
    table.add_column("message", overflow="fold")
    for row in report.rows:
        style = "green" if row.status == OK else "bold red"
        waits = " [yellow](to be read)[/]" if row.waits else ""
        penalty = f" -{row.late_penalty:g} late" if row.late_penalty else ""
        table.add_row(
            escape(visible(row.student) or ascii(row.student)),
            f"{row.score:g}{penalty} / {row.max_score:g}",
            f"[{style}]{escape(row.status)}[/]{waits}",
            f"{row.seconds:.1f}" if row.seconds else "",
            escape(visible(row.message)[:300]),
        )
    console.print(table)
    console.print(report.summary(), highlight=False)
    for note in report.notes:
        console.print(f"[yellow]note:[/] {escape(note)}", highlight=False)
    for trouble in report.troubles:
        console.print(f"[bold red]not kept everywhere:[/] {escape(trouble)}", highlight=False)


_STATES = {"right": "green", "partly right": "yellow", "unsolved": "yellow", "note": "yellow"}


def show_self_check(found: "SelfCheck", console: Console) -> None:
    """A row a question, and what each that is not right lacks."""
    table = Table(title=str(found.notebook), title_justify="left")
    table.add_column("question", overflow="fold")
    table.add_column("about", overflow="fold")
    table.add_column("points", justify="right")
    table.add_column("state", overflow="fold")
    for finding in found.findings:
        outcome = finding.outcome
        state = f"[{_STATES.get(outcome.status, 'bold red')}]{outcome.status}[/]"
        points = f"{outcome.points:g} of {outcome.max_points:g}"
        table.add_row(outcome.name, escape(finding.title), points, state)
    console.print(table)
    for finding in found.findings:
        for line in _lacks(finding):
            console.print(f"[bold]{finding.outcome.name}[/] {escape(line)}", highlight=False)
    if found.outcome.message:
        console.print(f"[yellow]note:[/] {escape(visible(found.outcome.message))}", highlight=False)
    console.print(
        f"{found.outcome.points:g} of {found.outcome.max_points:g} points, "
        f"{found.written_points:g} more for what a person reads; {found.outcome.seconds:.0f} s",
        highlight=False,
    )


def _lacks(finding: "Finding") -> list[str]:
    outcome = finding.outcome
    if outcome.status in ("right", "unsolved"):
        return []
    groups = [f"{g.name}: {visible(g.message)}" for g in outcome.groups if not g.passed]
    hint = [f"likely cause: {finding.hint}"] if finding.hint else []
    return [*([visible(outcome.message)] if outcome.message else []), *groups, *hint]


def show_progress(found: "Progress", console: Console) -> None:
    """A row a question, as `check` sees it, and the cells that raised."""
    table = Table(title=str(found.notebook), title_justify="left")
    for title in ("question", "about", "points", "state"):
        table.add_column(title, overflow="fold")
    for question in found.questions:
        state = f"[{_STATES.get(question.status, 'bold red')}]{question.status}[/]"
        table.add_row(question.name, escape(question.title), f"{question.points:g}", state)
    console.print(table)
    for error in found.errors:
        console.print(f"[yellow]a cell raised:[/] {escape(error)}", highlight=False)
    console.print(f"{found.passed} of {len(found.questions)} right, {found.seconds:.0f} s")


def show_similarity(found: "Comparison", console: Console, most: int = 15) -> None:
    """The most similar pairs."""
    table = Table(title=f"{found.lab}: the most similar pairs", title_justify="left")
    for title in ("first", "second"):
        table.add_column(title, overflow="fold")
    for title in ("structure", "wording"):
        table.add_column(title, justify="right")
    for pair in found.pairs[:most]:
        names = (escape(visible(pair.first)), escape(visible(pair.second)))
        table.add_row(*names, f"{pair.structure:.2f}", f"{pair.wording:.2f}")
    console.print(table)
