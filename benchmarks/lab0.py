"""A lab, Lab 0 if none is named: what each answer is worth, and what the solved notebook takes.

Unsolved has no points, solved has all, every planted mistake loses some, over ten seeds of hidden
inputs. The solved notebook runs within two minutes, no cell over 45 seconds, in less than 1 GB.
"""

from typing import Any

from harness import main, show

from autograder import files, notebook
from autograder.execute import execute
from autograder.judge import judge, judge_with
from autograder.labs import Lab, find_lab
from autograder.solutions import solutions
from tinyml_course.course.answering import LocalAnswerer

SEEDS = range(10)


def unsolved(*_args: Any, **_kwargs: Any) -> None:
    raise NotImplementedError("not written yet")


def questions(lab: Lab) -> list[dict[str, Any]]:
    solved = solutions(lab)
    rows = []
    for question in lab.questions.questions:
        worst = [
            max(
                judge_with(lab.short, question.name, LocalAnswerer(mistake.wrong), seed=seed)
                for seed in SEEDS
            )
            for mistake in question.mistakes
        ]
        rows.append(
            {
                "question": question.name,
                "function": question.function_name,
                "points": question.points,
                "unsolved_points": judge(lab.short, question.name, unsolved),
                "solved_points": min(
                    judge(lab.short, question.name, solved[question.name], seed=seed)
                    for seed in SEEDS
                ),
                "mistakes": len(question.mistakes),
                "least_points_lost_by_a_mistake": round(question.points - max(worst), 2),
            }
        )
    return rows


def runs(lab: Lab) -> dict[str, Any]:
    solved = execute(notebook.instructor_notebook(lab))
    student = execute(files.read(lab.notebook))
    return {
        "solved_seconds": round(solved.seconds, 1),
        "solved_slowest_cell_seconds": round(solved.slowest_cell_s, 1),
        "solved_peak_rss_mib": round(solved.peak_rss_bytes / 2**20),
        "solved_errors": list(solved.errors),
        "unsolved_seconds": round(student.seconds, 1),
        "unsolved_errors": list(student.errors),
        "student_notebook_bytes": len(files.as_text(files.read(lab.notebook)).encode()),
    }


def measure(name: str = "lab0") -> dict[str, Any]:
    lab = find_lab(name)
    rows, taken = questions(lab), runs(lab)
    columns = ("points", "unsolved_points", "solved_points", "mistakes")
    show(
        f"{lab.questions.title}, question by question",
        ("question", "points", "unsolved", "solved", "mistakes", "least points lost"),
        [
            (
                f"{row['question']} {row['function']}",
                *(f"{row[column]:g}" for column in columns),
                f"{row['least_points_lost_by_a_mistake']:g}",
            )
            for row in rows
        ],
    )
    show("The notebooks", ("what", "measured"), [(k, v) for k, v in taken.items()])
    return {"seeds": len(SEEDS), "questions": rows, "runs": taken}


if __name__ == "__main__":
    main(__doc__, measure)
