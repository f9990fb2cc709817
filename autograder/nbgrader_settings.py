"""nbgrader's settings for this course, wherever its folder is."""

from pathlib import Path
from typing import Any

from nbgrader.converters import GenerateAssignment, GenerateFeedback
from nbgrader.preprocessors import ClearSolutions, GetGrades

from autograder.grading.pages import HideTests, SafeOutputs, ShowRubric, safe_markdown
from autograder.stubs import QuestionStubs
from tinyml_course.whole_file import write_whole

CONFIG_FILE = "nbgrader_config.py"
COURSE_CONFIG = '''\
"""nbgrader's settings for this folder; run `nbgrader` and `jupyter lab` here. Yours to change."""

from pathlib import Path

from autograder.nbgrader_settings import configure

c = get_config()  # noqa: F821
configure(c, Path(__file__).resolve().parent)
'''


def configure(config: Any, root: Path) -> None:
    """Fill a traitlets configuration.

    Args:
        config: what ``get_config()`` gives in a configuration file.
        root: folder of ``source``, ``release``, ``submitted`` and the gradebook.
    """
    config.CourseDirectory.course_id = "tinyml-course"
    config.CourseDirectory.root = str(root)
    # nbgrader's default is a file in the current folder, wherever that is.
    config.CourseDirectory.db_url = f"sqlite:///{root / 'gradebook.db'}"

    # The same steps as nbgrader's own, with stubs that name the question.
    config.GenerateAssignment.preprocessors = [
        QuestionStubs if step is ClearSolutions else step
        for step in GenerateAssignment.preprocessors.default_args[0]
    ]
    # A submission whose test cell was deleted gets it back, instead of no score.
    config.OverwriteCells.add_missing_cells = True
    config.Execute.timeout = 90
    config.LimitOutput.max_lines = 300
    config.LimitOutput.max_traceback = 30

    # nbgrader's own feedback shows the hidden tests; and both its pages run a student's HTML.
    steps = GenerateFeedback.preprocessors.default_args[0]
    at = steps.index(GetGrades) + 1
    config.GenerateFeedback.preprocessors = [*steps[:at], HideTests, *steps[at:]]
    config.HTMLExporter.preprocessors = [SafeOutputs, ShowRubric]
    config.HTMLExporter.filters = {"markdown2html": safe_markdown}
    config.HTMLExporter.sanitize_html = True


def write_course_config(root: Path) -> None:
    """Let nbgrader's commands, run in a course folder, find the settings; an own file stays."""
    path = root / CONFIG_FILE
    if not path.exists():
        write_whole(path, COURSE_CONFIG.encode())
