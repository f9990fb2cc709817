"""Grading as a whole: who is judged, what is kept, and what an instructor is told."""

import csv
import dataclasses
import resource
import sqlite3
from pathlib import Path

import pytest
from contents import autograded, change, gradebook, scores
from fakes import MESSAGE, FakeJudge, submission, submit, write_answer

from autograder.errors import GradingError
from autograder.grading import run as run_module
from autograder.grading.report import GradeRow, Report, write_csv
from autograder.grading.run import Options, grade
from autograder.grading.spread import Crew
from autograder.labs import Lab
from tinyml_course.errors import UnknownNameError


@pytest.fixture
def options(course: Path) -> Options:
    return Options(course_dir=course, progress=False, seed=1, lock_wait_s=1.0)


def rows(report: Report) -> dict[str, GradeRow]:
    return {row.student: row for row in report.rows}


def tasks(lab: Lab) -> list[str]:
    return list(lab.questions.tasks)


def test_scores_reach_gradebook_and_report(
    lab: Lab, course: Path, options: Options, judge: FakeJudge
) -> None:
    first, second, *_ = tasks(lab)
    submit(course, lab, "ada", submission(lab, *tasks(lab)))
    submit(course, lab, "bob", submission(lab, second))
    submit(course, lab, "cyd", submission(lab))
    report = grade(lab.short, options, judge=judge)
    found = rows(report)
    assert [row.student for row in report.rows] == ["ada", "bob", "cyd"]
    assert {row.status for row in report.rows} == {"ok"}
    assert not report.needs_attention
    everything = sum(task.points for task in lab.questions.tasks.values())
    points = lab.questions.tasks[second].points
    assert [row.score for row in report.rows] == [everything, points, 0]
    assert {row.max_score for row in report.rows} == {100}
    kept = scores(course)
    assert kept["bob"][f"{second}-test"] == points
    assert kept["bob"][f"{first}-test"] == 0
    comments = {(s, c): auto for s, c, auto, _ in gradebook(course)["comments"]}
    assert MESSAGE in comments["bob", first]
    assert comments["bob", second] is None
    assert found["bob"].questions[second] == points


def test_written_answers_wait_for_a_person_unless_there_is_none(
    lab: Lab, course: Path, options: Options, judge: FakeJudge
) -> None:
    submit(course, lab, "ada", write_answer(submission(lab), "written", "Because of the maps."))
    submit(course, lab, "bob", submission(lab))
    submit(course, lab, "cyd", write_answer(submission(lab), "written", "  \n"))
    found = rows(grade(lab.short, options, judge=judge))
    assert found["ada"].questions["written"] is None
    assert found["ada"].waits
    for student in ("bob", "cyd"):
        assert found[student].questions["written"] == 0
        assert not found[student].waits
    comments = {(s, c): auto for s, c, auto, _ in gradebook(course)["comments"]}
    assert comments["bob", "written"] == "No response."
    assert comments["ada", "written"] is None


def test_what_was_judged_is_not_judged_again(
    lab: Lab, course: Path, options: Options, judge: FakeJudge
) -> None:
    for student in ("ada", "bob"):
        submit(course, lab, student, submission(lab, "q1"))
    first = grade(lab.short, options, judge=judge)
    before = (gradebook(course), autograded(course))
    again = grade(lab.short, options, judge=judge)
    assert judge.judged() == ["ada", "bob"]
    assert [row.fresh for row in again.rows] == [False, False]
    assert [row.score for row in again.rows] == [row.score for row in first.rows]
    assert (gradebook(course), autograded(course)) == before


def test_a_changed_file_seed_limit_or_lab_is_judged_again_and_so_is_what_is_forced(
    lab: Lab,
    course: Path,
    options: Options,
    judge: FakeJudge,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    submit(course, lab, "ada", submission(lab))
    submit(course, lab, "bob", submission(lab))
    grade(lab.short, options, judge=judge)
    submit(course, lab, "bob", submission(lab, "q1"))
    found = rows(grade(lab.short, options, judge=judge))
    assert judge.judged() == ["ada", "bob", "bob"]
    assert found["bob"].score == lab.questions.tasks["q1"].points
    only = dataclasses.replace(options, students=["ada"])
    grade(lab.short, dataclasses.replace(only, seed=2), judge=judge)
    assert judge.judged()[3:] == ["ada"]
    limits = tmp_path / "limits.toml"
    limits.write_text("question_s = 3\n")
    grade(lab.short, dataclasses.replace(only, seed=2, limits=limits), judge=judge)
    assert judge.judged()[4:] == ["ada"]
    grade(lab.short, dataclasses.replace(only, seed=2, limits=limits, force=True), judge=judge)
    assert judge.judged()[5:] == ["ada"]
    monkeypatch.setattr(run_module, "lab_version", lambda _: "another")
    grade(lab.short, dataclasses.replace(only, seed=2, limits=limits), judge=judge)
    assert judge.judged()[6:] == ["ada"]


def test_what_a_person_entered_stays(
    lab: Lab, course: Path, options: Options, judge: FakeJudge
) -> None:
    submit(course, lab, "ada", write_answer(submission(lab, "q1"), "written", "An answer."))
    grade(lab.short, options, judge=judge)
    for cell, manual, extra in (("q2-test", 5.5, 0.5), ("written", 8.0, None)):
        change(
            course,
            "update grade set manual_score = ?, extra_credit = ?, needs_manual_grade = 0 "
            "where cell_id = (select id from base_cell where name = ? and type = 'GradeCell')",
            manual,
            extra,
            cell,
        )
    change(course, "update comment set manual_comment = 'well done'")
    kept = gradebook(course)
    row = rows(grade(lab.short, options, judge=judge))["ada"]
    assert gradebook(course) == kept, "another run changes nothing"
    assert row.score == lab.questions.tasks["q1"].points + 6 + 8
    assert not row.waits
    forced = dataclasses.replace(options, force=True)
    row = rows(grade(lab.short, forced, judge=judge))["ada"]
    assert row.score == lab.questions.tasks["q1"].points + 6 + 8
    assert row.waits, "a new judgement beside a manual score is to be looked at, as in nbgrader"
    grades = {cell: rest for _, _, cell, *rest in gradebook(course)["grades"]}
    assert grades["q2-test"] == [0, 5.5, 0.5, 1, None]
    assert grades["written"][1] == 8
    assert {manual for *_, manual in gradebook(course)["comments"]} == {"well done"}


def test_every_kind_of_trouble_is_a_row_and_stops_nobody(
    lab: Lab, course: Path, options: Options, judge: FakeJudge
) -> None:
    submit(course, lab, "a-right", submission(lab, *tasks(lab)))
    submit(course, lab, "b-broken", "{nothing")
    (course / "submitted" / "c-empty" / lab.name).mkdir(parents=True)
    submit(course, lab, "d-two", submission(lab), "mine.ipynb")
    submit(course, lab, "d-two", submission(lab), "yours.ipynb")
    submit(course, lab, "e-renamed", submission(lab, "q1"), "lab (1).ipynb")
    submit(course, lab, "f-slow", submission(lab, "q1", note="timeout"))
    submit(course, lab, "g-bug", submission(lab, note="bug"))
    target = submit(course, lab, "h-link", submission(lab))
    target.unlink()
    target.symlink_to(course / "submitted" / "a-right" / lab.name / f"{lab.name}.ipynb")
    submit(course, lab, " i-odd", submission(lab, *tasks(lab)))
    change(course, "insert into student (id) values ('j-enrolled')")
    submit(course, lab, "k o'neil, ü <b>", submission(lab, "q1"))
    report = grade(lab.short, options, judge=judge)
    found = {row.student.strip()[0]: row for row in report.rows}
    assert {key: row.status for key, row in found.items()} == {
        "a": "ok",
        "b": "unreadable",
        "c": "missing",
        "d": "two notebooks",
        "e": "ok",
        "f": "timeout",
        "g": "not judged",
        "h": "link",
        "i": "odd name",
        "j": "missing",
        "k": "ok",
    }
    assert report.needs_attention
    assert not report.troubles
    points = lab.questions.tasks["q1"].points
    assert [found[key].score for key in "aefk"] == [90, points, points, points]
    assert all(found[key].score == 0 for key in "bcdghij")
    assert "mine.ipynb" in found["d"].message
    assert "yours.ipynb" in found["d"].message
    assert "lab (1).ipynb" in found["e"].message
    assert "the judge has a bug" in found["g"].message
    assert "g-bug" not in scores(course), "the student is not at fault: no score of 0"
    assert set(scores(course)) == {"a-right", "b-broken", "e-renamed", "f-slow", "k o'neil, ü <b>"}
    again = grade(lab.short, options, judge=judge)
    assert judge.judged().count("g-bug") == 2, "what was not judged is tried again"
    assert judge.judged().count("b-broken") == 1
    assert {r.student: r.status for r in again.rows} == {r.student: r.status for r in report.rows}


def test_students_by_name(lab: Lab, course: Path, options: Options, judge: FakeJudge) -> None:
    for student in ("ada", "bob", "cyd"):
        submit(course, lab, student, submission(lab))
    names = ["cyd", "ada", "nobody", "../../elsewhere", "ada"]
    report = grade(lab.short, dataclasses.replace(options, students=names), judge=judge)
    assert [(row.student, row.status) for row in report.rows] == [
        ("cyd", "ok"),
        ("ada", "ok"),
        ("nobody", "unknown student"),
        ("../../elsewhere", "odd name"),
    ]
    assert sorted(judge.judged()) == ["ada", "cyd"]


def test_what_cannot_be_graded_at_all_raises(
    lab: Lab, course: Path, options: Options, judge: FakeJudge, tmp_path: Path
) -> None:
    with pytest.raises(UnknownNameError, match=lab.short):
        grade("lab77", options, judge=judge)
    with pytest.raises(GradingError, match="submitted"):
        grade(lab.short, options, judge=judge)
    wrong = tmp_path / "limits.toml"
    wrong.write_text("question_seconds = 3\n")
    with pytest.raises(UnknownNameError, match="question_s"):
        grade(lab.short, dataclasses.replace(options, limits=wrong), judge=judge)
    submit(course, lab, "ada", submission(lab, note="fatal"))
    with pytest.raises(GradingError, match="limits are wrong"):
        grade(lab.short, options, judge=judge)


def test_a_locked_gradebook_is_waited_for_and_the_journal_keeps_the_scores(
    lab: Lab, course: Path, options: Options, judge: FakeJudge
) -> None:
    submit(course, lab, "ada", submission(lab, "q1"))
    submit(course, lab, "bob", submission(lab))
    other = sqlite3.connect(course / "gradebook.db", isolation_level=None)
    other.execute("begin exclusive")
    report = grade(lab.short, options, judge=judge)
    other.execute("rollback")
    other.close()
    assert len(report.troubles) == 1
    for words in ("gradebook.db was locked", "1 s", "journal keeps", "same command again"):
        assert words in report.troubles[0]
    assert [row.score for row in report.rows] == [lab.questions.tasks["q1"].points, 0]
    assert scores(course) == {}
    again = grade(lab.short, options, judge=judge)
    assert not again.needs_attention
    assert judge.judged() == ["ada", "bob"], "nothing is judged twice"
    assert scores(course)["ada"]["q1-test"] == lab.questions.tasks["q1"].points


def test_a_gradebook_that_is_locked_for_a_moment_is_waited_for(
    lab: Lab, course: Path, options: Options, judge: FakeJudge
) -> None:
    import threading

    submit(course, lab, "ada", submission(lab))
    other = sqlite3.connect(course / "gradebook.db", isolation_level=None, check_same_thread=False)
    other.execute("begin exclusive")
    threading.Timer(0.7, lambda: other.execute("rollback")).start()
    patient = dataclasses.replace(options, lock_wait_s=30.0)
    assert not grade(lab.short, patient, judge=judge).troubles
    assert set(scores(course)) == {"ada"}


@pytest.mark.parametrize("damage", ["garbage", "a page of zeros"])
def test_a_damaged_gradebook_is_left_alone_and_can_be_replaced(
    lab: Lab, course: Path, options: Options, judge: FakeJudge, damage: str, prepared: Path
) -> None:
    submit(course, lab, "ada", submission(lab, "q1"))
    path = course / "gradebook.db"
    content = bytearray(path.read_bytes())
    content[: 4096 if damage == "garbage" else 0] = b"x" * 4096 if damage == "garbage" else b""
    content[4096:] = b"\0" * (len(content) - 4096)
    path.write_bytes(content)
    report = grade(lab.short, options, judge=judge)
    assert "gradebook.db cannot be used" in report.troubles[0]
    assert "backup" in report.troubles[0]
    assert report.rows[0].score == lab.questions.tasks["q1"].points
    assert path.read_bytes() == bytes(content), "somebody may want to rescue it"
    path.write_bytes((prepared / "gradebook.db").read_bytes())
    assert not grade(lab.short, options, judge=judge).troubles
    assert judge.judged() == ["ada"]
    assert scores(course)["ada"]["q1-test"] == lab.questions.tasks["q1"].points


@pytest.mark.slow
def test_a_gradebook_that_is_gone_is_filled_from_the_journal(
    lab: Lab, course: Path, options: Options, judge: FakeJudge
) -> None:
    for student in ("ada", "bob"):
        submit(course, lab, student, submission(lab, "q1"))
    grade(lab.short, options, judge=judge)
    before = gradebook(course)
    (course / "gradebook.db").unlink()
    assert not grade(lab.short, options, judge=judge).troubles
    assert judge.judged() == ["ada", "bob"]
    assert gradebook(course) == before


def test_a_full_disk_loses_nothing_that_was_kept(
    lab: Lab, course: Path, options: Options, judge: FakeJudge
) -> None:
    """RLIMIT_FSIZE refuses to let a file grow, as a full disk does."""
    submit(course, lab, "ada", submission(lab, "q1"))
    grade(lab.short, options, judge=judge)
    journal = course / "journal" / f"{lab.name}.jsonl"
    whole = journal.read_bytes()
    submit(course, lab, "bob", submission(lab, "q1"))
    submit(course, lab, "cyd", submission(lab))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 100, before[1]))
    try:
        report = grade(lab.short, options, judge=judge)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert journal.read_bytes() == whole, "no half line stays behind"
    assert [row.score for row in report.rows][:2] == [lab.questions.tasks["q1"].points] * 2
    assert any("journal" in text and "make room" in text for text in report.troubles)
    assert report.needs_attention
    again = grade(lab.short, options, judge=judge)
    assert not again.needs_attention
    assert judge.judged() == ["ada", "bob", "cyd", "bob", "cyd"]
    assert set(scores(course)) == {"ada", "bob", "cyd"}


def test_two_graders_at_a_time_are_one_too_many(
    lab: Lab, course: Path, options: Options, judge: FakeJudge
) -> None:
    from autograder.grading.journal import open_journal

    submit(course, lab, "ada", submission(lab))
    with open_journal(course, lab.name), pytest.raises(GradingError, match="another"):
        grade(lab.short, options, judge=judge)
    assert not grade(lab.short, options, judge=judge).troubles


def test_late_days_are_nbgraders(
    lab: Lab, course: Path, options: Options, judge: FakeJudge
) -> None:
    plugin = (
        "\nfrom nbgrader.plugins import BasePlugin\n\n\n"
        "class OnePointADay(BasePlugin):\n"
        "    def late_submission_penalty(self, student_id, score, total_seconds_late):\n"
        "        return total_seconds_late / 86400\n\n\n"
        "c.AssignLatePenalties.plugin_class = OnePointADay\n"
    )
    config = course / "nbgrader_config.py"
    config.write_text(config.read_text() + plugin)
    change(course, "update assignment set duedate = '2026-01-10 00:00:00.000000'")
    for student, day in (("ada", "12"), ("bob", "09")):
        path = submit(course, lab, student, submission(lab, "q1"))
        (path.parent / "timestamp.txt").write_text(f"2026-01-{day} 00:00:00 UTC\n")
    path = submit(course, lab, "cyd", submission(lab, "q1"))
    (path.parent / "timestamp.txt").write_text("no time at all")
    found = rows(grade(lab.short, options, judge=judge))
    assert [found[name].late_penalty for name in ("ada", "bob", "cyd")] == [2, 0, 0]
    change(course, "update submitted_assignment set extension = '1970-01-02 00:00:00.000000'")
    found = rows(grade(lab.short, dataclasses.replace(options, force=True), judge=judge))
    assert found["ada"].late_penalty == 1, "an extension of a day counts"


def test_csv(lab: Lab, course: Path, options: Options, judge: FakeJudge, tmp_path: Path) -> None:
    submit(course, lab, "ada", write_answer(submission(lab, "q1", note="tell"), "written", "Yes."))
    submit(course, lab, "bob, jr", "{nothing")
    report = grade(lab.short, options, judge=judge)
    target = tmp_path / "scores.csv"
    write_csv(target, report.rows)
    with target.open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["student"] for row in table] == ["ada", "bob, jr"]
    assert [row["status"] for row in table] == ["ok", "unreadable"]
    assert table[0]["written"] == ""
    assert table[0]["waits"] == "yes"
    assert float(table[0]["q1"]) == float(table[0]["score"]) == lab.questions.tasks["q1"].points
    with pytest.raises(GradingError, match="another --csv"):
        write_csv(target / "no folder" / "x.csv", report.rows)


def test_summary_counts(lab: Lab) -> None:
    made = [("a", "ok"), ("b", "ok"), ("c", "timeout")]
    report = Report(lab.name, tuple(GradeRow(s, status, 0, 100) for s, status in made))
    assert report.summary() == "2 ok; 1 timeout"
    assert report.needs_attention
    assert not Report(lab.name, report.rows[:2]).needs_attention
    assert Report(lab.name, report.rows[:2], troubles=("x",)).needs_attention


def test_the_seed_reaches_the_judge(
    lab: Lab, course: Path, options: Options, judge: FakeJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(course, lab, "ada", submission(lab, note="tell"))
    assert "seed 1" in grade(lab.short, options, judge=judge).rows[0].message
    monkeypatch.setenv("TINYML_GRADING_SEED", "77")
    unset = dataclasses.replace(options, seed=None)
    assert "seed 77" in grade(lab.short, unset, judge=judge).rows[0].message


def test_a_weak_sandbox_can_be_refused(
    lab: Lab, course: Path, options: Options, judge: FakeJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.sandbox.find.shutil.which", lambda _: None)
    submit(course, lab, "ada", submission(lab))
    with pytest.raises(GradingError, match="bubblewrap"):
        grade(lab.short, options, Crew(insist_sandbox=True), judge=judge)
    with pytest.warns(UserWarning, match="bwrap is not installed"):
        grade(lab.short, options, judge=judge)
