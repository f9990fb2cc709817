"""The look of a card: a mark, a title, a table of cases, lines of text."""

import html
import re
import textwrap
from collections.abc import Sequence

Table = Sequence[tuple[str, str, str, bool]]

# Blue and orange of the Okabe-Ito palette: told apart also without seeing red and green. The mark
# and the word say the same, so that nothing hangs on the colour.
_LOOK = {
    "right": ("✓", "#0072B2"),
    "wrong": ("✗", "#D55E00"),
    "unsolved": ("○", "#7f7f7f"),
    "note": ("→", "#7f7f7f"),
}
_CELL = "text-align:left;padding:2px 14px 2px 0;vertical-align:top;font-family:monospace"
_WIDTH = 96


def as_text(
    status: str, title: str, table: Table, lines: Sequence[str], columns: Sequence[str]
) -> str:
    """The card for a terminal, and for whoever cannot see HTML."""
    mark, _ = _LOOK[status]
    out = [f"{mark} {title}"]
    for call, got, expected, right in table:
        out.append(f"  {'✓' if right else '✗'} {call}: {columns[1]} {got}, {columns[2]} {expected}")
    for line in lines:
        out += textwrap.wrap(line, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    return "\n".join(out)


def as_html(
    status: str, title: str, table: Table, lines: Sequence[str], columns: Sequence[str]
) -> str:
    """The card for a notebook. Every text is escaped; `` `code` `` is set in code type."""
    mark, colour = _LOOK[status]
    parts = [
        f'<div role="group" aria-label="{html.escape(title)}" style="border-left:4px solid '
        f'{colour};padding:6px 12px;margin:6px 0;max-width:60em">',
        f'<div><span aria-hidden="true" style="color:{colour};font-weight:bold">{mark}</span> '
        f"<strong>{_inline(title)}</strong></div>",
    ]
    if table:
        parts.append(_table(table, columns))
    parts += [f'<div style="margin-top:4px">{_inline(line)}</div>' for line in lines]
    return "".join([*parts, "</div>"])


def _table(table: Table, columns: Sequence[str]) -> str:
    head = "".join(
        f'<th scope="col" style="{_CELL};font-family:inherit">{text}</th>'
        for text in ("", *map(html.escape, columns))
    )
    rows = []
    for call, got, expected, right in table:
        colour = _LOOK["right" if right else "wrong"][1]
        mark, word = ("✓", "right") if right else ("✗", "wrong")
        cells = [f'<span style="color:{colour}" title="{word}" aria-label="{word}">{mark}</span>']
        cells += [html.escape(text) for text in (call, got, expected)]
        rows.append("".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        '<table style="border-collapse:collapse;margin:6px 0">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def shorten(text: str, limit: int = 70) -> str:
    """``text`` on one line, its middle left out where it is too long."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    half = (limit - 5) // 2
    return f"{text[:half]} ... {text[-half:]}"
