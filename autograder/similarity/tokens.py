"""Answers as tokens: what is left of a program when layout, comments and names do not count."""

import re

from pygments.lexers.python import PythonLexer
from pygments.token import Token

_NEEDLESS = (Token.Text, Token.Comment, Token.String.Doc)
_SUBSTITUTES = ((Token.String, "TEXT"), (Token.Number, "NUMBER"))
_NAMES = (Token.Name.Builtin, Token.Name.Exception)


def tokens(source: str, names: bool = False) -> list[str]:
    """The tokens of a program, or of a part of one; also if it is no valid program.

    Args:
        source: Python.
        names: whether a name that the student chose counts; otherwise all are alike.
    """
    found = []
    for kind, text in PythonLexer().get_tokens(source):
        if text.strip() and not any(kind in each for each in _NEEDLESS):
            found.append(_token(kind, text.strip(), names))
    return found


def _token(kind: object, text: str, names: bool) -> str:
    for family, substitute in _SUBSTITUTES:
        if kind in family:
            return substitute
    if not names and kind in Token.Name and kind not in _NAMES:
        return "NAME"
    return re.sub(r"\s+", " ", text)


def runs(source: str, given: str, length: int, names: bool = False) -> list[str]:
    """Every run of ``length`` tokens that is the student's own.

    Args:
        source: of an answer's cell.
        given: what the lab gave there: signature, contract, stub. Its runs do not count, also
            where the student has renamed the arguments.
        length: of a run.
        names: as for `tokens`.
    """
    known = set(_runs(tokens(given, names), length))
    return [run for run in _runs(tokens(source, names), length) if run not in known]


def _runs(found: list[str], length: int) -> list[str]:
    return [" ".join(found[i : i + length]) for i in range(len(found) - length + 1)]
