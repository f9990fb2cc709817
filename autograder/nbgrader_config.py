"""nbgrader's settings for the course in ``course/``, found by `nbgrader` commands run here."""

from pathlib import Path

from autograder.nbgrader_settings import configure

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - traitlets provides it
configure(c, Path(__file__).resolve().parent / "course")
