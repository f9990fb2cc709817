"""What `check` gives back: a card in a notebook, plain text anywhere else."""

from dataclasses import dataclass
from typing import Literal

from tinyml_course.course import card

Status = Literal["right", "wrong", "unsolved", "note"]


@dataclass(frozen=True)
class Row:
    """One visible case, as text.

    Attributes:
        call: the call that was made.
        got: the answer, or why there is none.
        expected: the reference's answer.
        right: whether they agree.
    """

    call: str
    got: str
    expected: str
    right: bool


@dataclass(frozen=True)
class Check:
    """The outcome of one check. It is shown by being the last expression of a cell.

    Attributes:
        name: of the question.
        title: of the card.
        status: ``right``, ``wrong``, ``unsolved``, or ``note`` where nothing is right or wrong.
        rows: the visible cases.
        lines: what else the learner is told; the likely cause comes first.
        columns: heads of the table.
    """

    name: str
    title: str
    status: Status
    rows: tuple[Row, ...] = ()
    lines: tuple[str, ...] = ()
    columns: tuple[str, str, str] = ("call", "got", "expected")

    @property
    def passed(self) -> bool:
        """Whether every visible case is right."""
        return self.status == "right"

    def __repr__(self) -> str:
        return card.as_text(self.status, self.title, self._table(), self.lines, self.columns)

    def _repr_html_(self) -> str:
        return card.as_html(self.status, self.title, self._table(), self.lines, self.columns)

    def _table(self) -> card.Table:
        return [(row.call, row.got, row.expected, row.right) for row in self.rows]
