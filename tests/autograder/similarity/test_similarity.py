"""Similarity: copies are found through disguises, work of one's own is not mistaken for copies."""

import importlib
import inspect
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder import files
from autograder.errors import GradingError
from autograder.labs import find_lab
from autograder.notebook import grade_id, instructor_notebook
from autograder.similarity.compare import compare
from autograder.similarity.report import CAVEAT, picture, similarity, write_report
from autograder.similarity.tokens import runs, tokens

LOOP = """
def peak(sizes):
    best = 0
    for left, right in zip(sizes, sizes[1:]):
        if left + right > best:
            best = left + right
    return best
"""
DISGUISED = """
def peak(sizes):  # my own work!
    '''Written by me.'''
    most = 0

    for a, b in zip( sizes , sizes[ 1: ] ):
        # compare
        if a + b > most: most = a + b
    return most
"""
OTHER = """
def peak(sizes):
    sums = [sizes[i] + sizes[i + 1] for i in range(len(sizes) - 1)]
    sums.sort(reverse=True)
    return sums.pop(0) if len(sums) > 1 else max(sums, default=None)
"""


def test_layout_comments_docstrings_and_names_do_not_count() -> None:
    assert tokens(LOOP) == tokens(DISGUISED)
    assert tokens(LOOP, names=True) != tokens(DISGUISED, names=True)
    assert tokens("x = 'a' + \"b\" * 3.5") == tokens("y = 'q' + 'r' * 7")
    assert tokens("a < b") != tokens("a > b")
    assert tokens("max(a)") != tokens("min(a)")


@pytest.mark.parametrize("source", ["def f(:\n  x =", "'unclosed", "\x00\x01", "日本 = ¤", ""])
def test_what_is_no_python_has_tokens_all_the_same(source: str) -> None:
    assert isinstance(tokens(source), list)


def test_what_the_lab_gave_does_not_count_also_if_arguments_are_renamed() -> None:
    given = "def peak(sizes):\n    '''Contract.'''\n    raise NotImplementedError('lab0 q6')"
    assert runs(given, given, 4) == []
    assert runs(given.replace("sizes", "all_of_them"), given, 4) == []
    own = "def peak(sizes):\n    return max(sizes) + 1"
    assert runs(own, given, 4)[-1] == "NAME ) + NUMBER"
    assert "def NAME ( NAME" not in runs(own, given, 4)
    assert runs("a = b", "", 5) == []


def test_a_disguised_copy_is_the_most_similar_pair() -> None:
    answers = {
        "ada": {"q1": LOOP},
        "bob": {"q1": DISGUISED},
        "cyd": {"q1": OTHER},
        "dan": {"q1": "x = 1"},
    }
    found = compare("lab0", answers, {})
    assert found.students == ("ada", "bob", "cyd")
    assert found.left_out == ("dan",)
    assert (found.pairs[0].first, found.pairs[0].second) == ("ada", "bob")
    assert found.pairs[0].structure == pytest.approx(1.0)
    assert found.pairs[0].wording < 0.9
    assert max(pair.structure for pair in found.pairs[1:]) < 0.3
    assert found.matrix == pytest.approx(found.matrix.T)
    assert np.diag(found.matrix) == pytest.approx(np.ones(3))


def test_nobody_to_compare_with() -> None:
    with pytest.raises(GradingError, match="at least 2"):
        compare("lab0", {"ada": {"q1": LOOP}, "bob": {"q1": ""}}, {})


@pytest.fixture
def class_of_twelve(tmp_path: Path) -> Path:
    """Right answers in random mixtures of three ways to write each; one copies with other names."""
    lab = find_lab("lab0")
    ways = importlib.import_module(f"autograder.source.{lab.name}.alternatives").ALTERNATIVES
    solved = {grade_id(cell): cell.source for cell in instructor_notebook(lab).cells}
    rng = random.Random(0)
    for number in range(12):
        notebook = files.read(lab.notebook)
        for cell in notebook.cells:
            name = grade_id(cell)
            if name in ways:
                texts = [solved[name], *map(inspect.getsource, ways[name])]
                cell.source = rng.choice(texts)
                if number % 4 == 3:
                    cell.source += f"\n\nprint({rng.randrange(9)})"
        hand_in(tmp_path, lab.name, f"s{number:02}", notebook)
    return tmp_path


def hand_in(course: Path, lab: str, student: str, notebook: Any) -> None:
    path = course / "submitted" / student / lab / f"{lab}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(notebook if isinstance(notebook, str) else files.as_text(notebook))


def test_in_a_class_a_renamed_copy_stands_out(class_of_twelve: Path) -> None:
    lab = find_lab("lab0").name
    original = files.read(class_of_twelve / "submitted" / "s05" / lab / f"{lab}.ipynb")
    for cell in original.cells:
        if grade_id(cell) in {q.name for q in find_lab("lab0").questions.questions}:
            for old, new in (("total", "acc"), ("layer", "item"), ("size", "n"), ("kernel", "k")):
                cell.source = cell.source.replace(old, new)
            cell.source = f"# all my own\n{cell.source}"
    hand_in(class_of_twelve, lab, "thief", original)
    hand_in(class_of_twelve, lab, "broken", "{nothing")
    hand_in(class_of_twelve, lab, "unsolved", files.read(find_lab("lab0").notebook))
    found = similarity("lab0", class_of_twelve)
    assert {found.pairs[0].first, found.pairs[0].second} == {"s05", "thief"}
    print(found.pairs[:3])
    assert found.pairs[0].structure > 0.85
    assert found.pairs[0].structure > found.pairs[1].structure + 0.05
    assert "unsolved" in found.left_out
    assert "broken" not in found.students


def test_the_report_has_a_picture_in_words_and_the_caveat(
    class_of_twelve: Path, tmp_path: Path
) -> None:
    lab = find_lab("lab0").name
    name = "<b>$x_1$"
    notebook = files.read(class_of_twelve / "submitted" / "s01" / lab / f"{lab}.ipynb")
    hand_in(class_of_twelve, lab, name, notebook)
    found = similarity("lab0", class_of_twelve)
    drawn = picture(found)
    assert f"{name} and s01 1.00" in drawn.alt or f"s01 and {name} 1.00" in drawn.alt
    assert "13 submissions" in drawn.alt
    page, table = write_report(found, tmp_path / "out")
    text = page.read_text()
    assert CAVEAT in text
    assert 'src="data:image/png;base64,' in text
    assert 'alt="Map of the similarity' in text
    assert "<b>$x" not in text
    assert len(table.read_text().splitlines()) == 1 + 13 * 12 // 2
    with pytest.raises(GradingError, match="another --out"):
        write_report(found, page / "below a file")
