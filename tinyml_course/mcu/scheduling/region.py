"""A rectangle of a map."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Region:
    """A rectangle of a map.

    Attributes:
        rows: ``(first, behind the last)``.
        columns: ``(first, behind the last)``.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]

    @property
    def pixels(self) -> int:
        """How many there are."""
        return (self.rows[1] - self.rows[0]) * (self.columns[1] - self.columns[0])
