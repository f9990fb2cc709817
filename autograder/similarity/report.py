"""The report: a picture, a table, and what they cannot prove. It is made on request only."""

import csv
import html
import io
from pathlib import Path

from autograder.errors import GradingError
from autograder.grading.submissions import find_submissions
from autograder.judging.cells import match, read_release
from autograder.judging.limits import Limits
from autograder.judging.reading import TooLargeError, UnreadableError, read_cells
from autograder.labs import COURSE_DIR, Lab, find_lab
from autograder.similarity.compare import Comparison, compare
from tinyml_course.plots.show import Picture, as_html
from tinyml_course.whole_file import write_whole

CAVEAT = (
    "Similar is not copied. A short question has few right answers, and people who learned "
    "together write alike; a copy that was rewritten can look like work of its own. Nothing here "
    "says who wrote first. Read both notebooks and talk to both people before you conclude "
    "anything, and take no points for a number on this page."
)
_ROWS = 200


def similarity(lab: str, course_dir: Path | None = None) -> Comparison:
    """Compare the submissions of a lab: solution cells only, without what the lab gave.

    Args:
        lab: ``"lab0"`` or ``"lab0_memory_gap"``.
        course_dir: nbgrader's folder; by default ``autograder/course``.

    Raises:
        UnknownNameError: there is no such lab.
        GradingError: fewer than two submissions have answers.
    """
    found = find_lab(lab)
    release = read_release(found)
    questions = [question.name for question in found.questions.questions]
    given = {name: release.named[name].source for name in questions}
    answers = {}
    for each in find_submissions(found, course_dir or COURSE_DIR):
        cells = _answers(found, each.path)
        if cells is not None:
            answers[each.student] = cells
    return compare(found.name, answers, given)


def _answers(lab: Lab, path: Path | None) -> dict[str, str] | None:
    """Question to the cell that the judge takes as its answer."""
    if path is None:
        return None
    try:
        submission = match(read_cells(path, Limits()), read_release(lab))
    except (UnreadableError, TooLargeError):
        return None
    questions = [question.name for question in lab.questions.questions]
    places = {name: submission.answers[name].number for name in questions}
    code = submission.code
    return {name: code[place] for name, place in places.items() if place < len(code)}


def picture(found: Comparison) -> Picture:
    """The similarities as a map; the most similar pairs are named in its text."""
    from matplotlib.figure import Figure

    count = len(found.students)
    side = min(3.0 + 0.22 * count, 16.0)
    figure = Figure(figsize=(side + 1.0, side), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(found.matrix, vmin=0.0, vmax=1.0, cmap="cividis")
    axes.set_title(f"{found.lab}: similarity of structure")
    if count <= 60:
        axes.set_xticks(range(count), found.students, rotation=90, fontsize=7, parse_math=False)
        axes.set_yticks(range(count), found.students, fontsize=7, parse_math=False)
    figure.colorbar(image, ax=axes, label="0: nothing in common, 1: the same")
    top = "; ".join(f"{p.first} and {p.second} {p.structure:.2f}" for p in found.pairs[:5])
    middle = sorted(pair.structure for pair in found.pairs)[len(found.pairs) // 2]
    alt = (
        f"Map of the similarity of {count} submissions of {found.lab}, each with each. Half of the "
        f"pairs are below {middle:.2f}. The most similar: {top}."
    )
    return Picture(figure, alt)


def write_report(found: Comparison, folder: Path) -> list[Path]:
    """Write ``similarity.html`` (picture, table, caveat) and ``similarity.csv`` (every pair).

    Raises:
        GradingError: the folder cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["first", "second", "structure", "wording"])
    for pair in found.pairs:
        writer.writerow([pair.first, pair.second, f"{pair.structure:.3f}", f"{pair.wording:.3f}"])
    files = {
        folder / "similarity.html": _page(found).encode(),
        folder / "similarity.csv": text.getvalue().encode(),
    }
    try:
        for path, content in files.items():
            write_whole(path, content)
    except OSError as error:
        raise GradingError(f"cannot write to {folder}: {error}; choose another --out") from error
    return list(files)


def _page(found: Comparison) -> str:
    look_at = "bright cells beside the diagonal, and whether they are brighter than the others."
    rows = "".join(
        f"<tr><td>{html.escape(pair.first)}</td><td>{html.escape(pair.second)}</td>"
        f"<td>{pair.structure:.2f}</td><td>{pair.wording:.2f}</td></tr>"
        for pair in found.pairs[:_ROWS]
    )
    left_out = ", ".join(map(html.escape, found.left_out)) or "nobody"
    return (
        '<!DOCTYPE html><html lang="en"><meta charset="utf-8">'
        f"<title>{html.escape(found.lab)}: similarity</title>"
        "<style>body{font-family:sans-serif;max-width:60em;margin:2em auto}"
        "td,th{padding:.2em 1em;text-align:left}</style>"
        f"<h1>{html.escape(found.lab)}: similarity of submissions</h1>"
        f"<p><strong>{CAVEAT}</strong></p>"
        f"{as_html(picture(found), look_at=look_at)}"
        "<p>Structure: all names that students choose count as alike. Wording: they count. "
        f"What everybody writes weighs little. Too little written to compare: {left_out}.</p>"
        "<table><tr><th>first</th><th>second</th><th>structure</th><th>wording</th></tr>"
        f"{rows}</table></html>"
    )
