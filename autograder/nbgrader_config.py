"""nbgrader's settings for this course; `nbgrader` commands run in this folder find them too."""

from pathlib import Path

from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import ClearSolutions

from autograder.stubs import QuestionStubs

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - traitlets provides it

c.CourseDirectory.course_id = "tinyml-course"
c.CourseDirectory.root = str(Path(__file__).resolve().parent / "course")

# The same steps as nbgrader's own, with stubs that name the question.
c.GenerateAssignment.preprocessors = [
    QuestionStubs if step is ClearSolutions else step
    for step in GenerateAssignment.preprocessors.default_args[0]
]

# A submission whose test cell was deleted gets it back, instead of no score.
c.OverwriteCells.add_missing_cells = True
c.Execute.timeout = 90
c.LimitOutput.max_lines = 300
c.LimitOutput.max_traceback = 30
