"""What can go wrong on the instructor's side."""

from tinyml_course.errors import TinyMLError


class ReleaseError(TinyMLError):
    """A lab that must not be released: wrong metadata, a leak, or a notebook that has drifted."""


class GradingError(TinyMLError):
    """Grading that cannot start; a single broken submission is a row of the result instead."""
