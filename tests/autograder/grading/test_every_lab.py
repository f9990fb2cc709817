"""Every lab there is, through the whole pipeline: unsolved has no points, solved has all."""

from pathlib import Path

import pytest
from contents import scores
from fakes import submit

from autograder import files, notebook
from autograder.grading.run import Options, grade
from autograder.grading.spread import Crew
from autograder.labs import Lab, labs


@pytest.mark.slow
@pytest.mark.parametrize("lab", list(labs().values()), ids=lambda lab: lab.short)
def test_unsolved_has_no_points_and_solved_has_all(lab: Lab, tmp_path: Path) -> None:
    submit(tmp_path, lab, "solved", notebook.instructor_notebook(lab))
    submit(tmp_path, lab, "unsolved", files.read(lab.notebook))
    report = grade(lab.short, Options(course_dir=tmp_path, progress=False), Crew(2))
    solved, unsolved = report.rows
    assert not report.needs_attention, report
    points = {name: task.points for name, task in lab.questions.tasks.items()}
    assert solved.questions == points | {"written": None}
    assert unsolved.questions == dict.fromkeys([*points, "written"], 0.0)
    assert (solved.waits, unsolved.waits) == (True, False)
    assert solved.max_score == unsolved.max_score == 100
    kept = scores(tmp_path)
    for name, most in points.items():
        assert kept["solved"][f"{name}-test"] == most
        assert kept["unsolved"][f"{name}-test"] == 0
