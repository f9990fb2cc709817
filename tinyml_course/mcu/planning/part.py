"""What shares a start address may shrink as time goes by: its sizes, each for a span of steps."""

from dataclasses import dataclass

from tinyml_course.graph import Lifetime


@dataclass(frozen=True)
class Part:
    """A span of steps during which a block has one size.

    Attributes:
        size_bytes: bytes from the start address on.
        lifetime: the steps.
    """

    size_bytes: int
    lifetime: Lifetime
