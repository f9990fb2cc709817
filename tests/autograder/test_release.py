"""Release: nothing leaks, metadata is right, and what is committed is what the sources make."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from autograder import files, notebook
from autograder import labs as labs_module
from autograder.errors import ReleaseError
from autograder.labs import Lab, find_lab, labs
from autograder.leaks import check_folder, check_leaks, hidden_lines
from autograder.release import build, release
from tinyml_course.errors import UnknownNameError

LABS = list(labs().values())


@pytest.fixture(params=LABS, ids=lambda lab: lab.short)
def lab(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, NotebookNode]:
    folder = tmp_path_factory.mktemp("course")
    return {lab.name: build(lab, folder) for lab in LABS}


def test_labs_are_found_by_both_names() -> None:
    assert find_lab("lab0") == find_lab("lab0_memory_gap")
    with pytest.raises(UnknownNameError, match="lab0"):
        find_lab("lab0_memory")


def test_every_lab_has_questions_hidden_inputs_and_alternatives(lab: Lab) -> None:
    names = {question.name for question in lab.questions.questions}
    assert lab.questions.name == lab.name
    assert set(lab.hidden) == names
    assert (lab.source.parent / "alternatives.py").is_file()


@pytest.mark.slow
def test_committed_notebooks_are_what_the_sources_make() -> None:
    release(check=True)


def test_releasing_twice_gives_the_same(lab: Lab, built: Any, tmp_path: Path) -> None:
    again = build(lab, tmp_path)
    assert files.as_text(again) == files.as_text(built[lab.name])


def test_metadata(lab: Lab, built: Any) -> None:
    student = built[lab.name]
    nbformat.validate(student)
    graded = [c for c in student.cells if c.metadata.get("nbgrader", {}).get("grade")]
    assert sum(cell.metadata.nbgrader.points for cell in graded) == 100
    assert student.metadata.kernelspec.name == "python3"
    assert set(student.metadata) == {"kernelspec", "language_info"}
    ids = [cell.id for cell in student.cells]
    assert len(set(ids)) == len(ids)
    assert not any(cell.get("outputs") for cell in student.cells)


def test_stubs_name_the_question(lab: Lab, built: Any) -> None:
    cells = {notebook.grade_id(cell): cell.source for cell in built[lab.name].cells}
    for question in lab.questions.questions:
        source = cells[question.name]
        stub = f'raise NotImplementedError("{lab.short} {question.name}: {question.function_name}'
        assert stub in source
        assert f"def {question.function_name}(" in source
        assert '"""' in source


def test_nothing_hidden_is_released(lab: Lab, built: Any) -> None:
    instructor = notebook.instructor_notebook(lab)
    text = files.as_text(built[lab.name])
    assert "judge" not in text
    assert "autograder" not in text
    assert "Rubric" not in text
    secret = [line for line, _ in hidden_lines(instructor) if len(line) > 30]
    assert len(secret) > 20
    for line in secret:
        assert line not in text


def test_size(lab: Lab, built: Any) -> None:
    assert len(files.as_text(built[lab.name]).encode()) < 200_000


def _student(instructor: NotebookNode) -> NotebookNode:
    """The instructor's notebook without what is hidden, as a release makes it."""
    region = re.compile(r" *### BEGIN (SOLUTION|HIDDEN TESTS)\n.*?### END \1", re.DOTALL)
    student = nbformat.from_dict(instructor)  # type: ignore[no-untyped-call]
    for cell in student.cells:
        cell.source = region.sub("    pass", cell.source)
    return student


@pytest.mark.parametrize(
    ("leak", "says"),
    [
        ("    return (size + padding - kernel) // stride + 1", "'q1'"),
        ("# return (size + padding - kernel) // stride + 1", "'q1'"),
        ('judge("q3", conv_macs)', "'q3-test'"),
        ("Hint: ### BEGIN SOLUTION", "BEGIN SOLUTION"),
    ],
)
def test_a_planted_leak_is_found(leak: str, says: str) -> None:
    instructor = notebook.instructor_notebook(find_lab("lab0"))
    student = _student(instructor)
    check_leaks(instructor, student)
    student.cells[3].source += f"\n{leak}"
    with pytest.raises(ReleaseError, match=re.escape(says)):
        check_leaks(instructor, student)


@pytest.mark.parametrize(
    "where",
    ["metadata", "attachments", "tags", "notebook", "id", "in the middle", "in a string"],
)
def test_a_leak_is_found_wherever_it_stands(where: str) -> None:
    instructor = notebook.instructor_notebook(find_lab("lab0"))
    student = _student(instructor)
    line = "return (size + padding - kernel) // stride + 1"
    cell = student.cells[3]
    match where:
        case "metadata":
            cell.metadata["note"] = {"deep": [line]}
        case "attachments":
            cell["attachments"] = {line: {"text/plain": "x"}}
        case "tags":
            cell.metadata["tags"] = ["x", line]
        case "notebook":
            student.metadata["solution"] = line
        case "id":
            cell["id"] = line
        case "in the middle":
            cell.source += f"\nThe answer is {line}, of course."
        case _:
            cell.source += f'\nanswer = "{line}"'
    with pytest.raises(ReleaseError, match="'q1'"):
        check_leaks(instructor, student)


@pytest.mark.parametrize("name", [".ipynb_checkpoints/lab-checkpoint.ipynb", "notes.txt", "a.py"])
def test_a_leak_beside_the_notebook_is_found(name: str, tmp_path: Path) -> None:
    lab = find_lab("lab0")
    instructor = notebook.instructor_notebook(lab)
    folder = tmp_path / lab.name
    files.write(files.read(lab.notebook), folder / f"{lab.name}.ipynb")
    check_folder(instructor, folder)
    solved = notebook.instructor_notebook(lab)
    for cell in solved.cells:  # somebody has taken the marks away
        cell.source = re.sub(r" *#+ (BEGIN|END) (SOLUTION|HIDDEN TESTS)\n?", "", cell.source)
    text = files.as_text(solved)
    (folder / name).parent.mkdir(exist_ok=True)
    answer = next(cell.source for cell in solved.cells if notebook.grade_id(cell) == "q7")
    (folder / name).write_text(text if name.endswith("ipynb") else answer)
    with pytest.raises(ReleaseError, match=re.escape(name)):
        check_folder(instructor, folder)


@pytest.mark.slow
def test_the_wheel_holds_no_solution_and_no_hidden_test(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    copy = tmp_path / "copy"
    for name in ("tinyml_course", "autograder"):
        shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("course.db"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, copy / name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q"]
    subprocess.run([*command, "-w", str(tmp_path / "out"), str(copy)], check=True, timeout=300)
    [wheel] = (tmp_path / "out").glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        text = {name: content.read(name).decode("utf-8", "replace") for name in content.namelist()}
    assert "autograder/judging/submission.py" in text
    assert "autograder/limits.toml" in text
    assert not [
        name for name in text if name.startswith(("autograder/source", "autograder/course"))
    ]
    assert not [name for name in text if name.endswith((".ipynb", ".db", ".jsonl"))]
    for lab in LABS:
        written = next(
            cell.source
            for cell in notebook.instructor_notebook(lab).cells
            if notebook.grade_id(cell) == "written"
        )
        hidden = (lab.source.parent / "hidden.py").read_text()
        lines = [line.strip() for line in f"{hidden}\n{written}".splitlines()]
        for name, content_text in text.items():
            for line in lines:
                if len(line) > 45 and not line.startswith(("from ", "import ")):
                    assert line not in content_text, name


def test_outputs_are_a_leak() -> None:
    instructor = notebook.instructor_notebook(find_lab("lab0"))
    student = _student(instructor)
    code = next(cell for cell in student.cells if cell.cell_type == "code")
    code.outputs = [nbformat.v4.new_output("stream", text="6.0")]  # type: ignore[no-untyped-call]
    with pytest.raises(ReleaseError, match="outputs"):
        check_leaks(instructor, student)


@pytest.fixture
def changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lab 0 with a changed source, in a folder of its own."""

    def change(old: str, new: str) -> Lab:
        lab = find_lab("lab0")
        text = lab.source.read_text()
        assert old in text
        folder = tmp_path / "source" / lab.name
        folder.mkdir(parents=True)
        (folder / f"{lab.name}.py").write_text(text.replace(old, new, 1))
        monkeypatch.setattr(labs_module, "ROOT", tmp_path)
        return lab

    return change


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"grade_id": "q2", "solution"', '"grade_id": "q1", "solution"', "grade_id"),
        ('"locked": true, "points": 6}', '"locked": true, "points": 7}', "101 points"),
        ('"grade_id": "q2-test"', '"grade_id": "q2-tests"', "q2-test"),
        ('"grade_id": "q1", "solution"', '"grade_id": "q1", "soluton"', "soluton"),
        ("    ### END SOLUTION", "    ### END SOLUTIO", "SOLUTION"),
        ("    ### BEGIN SOLUTION\n", "", "SOLUTION"),
    ],
)
def test_wrong_metadata_is_refused(changed: Any, old: str, new: str, says: str) -> None:
    with pytest.raises(ReleaseError, match=says):
        notebook.instructor_notebook(changed(old, new))


def test_points_must_be_those_of_the_question(changed: Any) -> None:
    lab = changed('"grade_id": "q1-test", "grade": true, "locked": true, "points": 6}', "@@")
    source = lab.source.read_text()
    source = source.replace("@@", '"grade_id": "q1-test", "grade": true, "points": 5}')
    source = source.replace('"points": 8}', '"points": 9}', 1)
    lab.source.write_text(source)
    with pytest.raises(ReleaseError, match="'q1-test' has 5 points"):
        notebook.instructor_notebook(lab)


@pytest.mark.slow
def test_drift_is_noticed_and_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labs_module, "REPOSITORY", tmp_path)
    lab = find_lab("lab0")
    with pytest.raises(ReleaseError, match="tinyml release --all"):
        release(["lab0"], check=True)
    assert not lab.notebook.exists(), "a check writes nothing"
    assert release(["lab0"], course_dir=tmp_path / "course") == [lab.notebook]
    release(["lab0"], check=True)
    lab.notebook.write_text(lab.notebook.read_text().replace("Set-up", "Setup"))
    with pytest.raises(ReleaseError, match="lab0_memory_gap"):
        release(["lab0"], check=True)


def test_a_write_that_fails_leaves_the_old_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lab.ipynb"
    path.write_text("old")

    def full_disk(_: NotebookNode) -> str:
        raise OSError("no space left")

    monkeypatch.setattr(files, "as_text", full_disk)
    with pytest.raises(OSError, match="no space"):
        files.write(NotebookNode(), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
