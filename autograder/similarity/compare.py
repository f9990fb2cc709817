"""Every pair of submissions compared, by what is rare in the class.

Submissions become vectors of token runs, weighted by tf-idf (scikit-learn), so that what everybody
writes weighs little; the similarity of two is their cosine, from 0 to 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from autograder.errors import GradingError
from autograder.similarity.tokens import runs

RUN = 5
"""Tokens in a run: shorter ones are alike by chance, longer ones break at the first change."""
LEAST_RUNS = 20
"""Who wrote less than this cannot be compared with anybody."""


@dataclass(frozen=True)
class Pair:
    """Two submissions.

    Attributes:
        first: a student.
        second: another one.
        structure: similarity if all names that students choose are alike, 0 to 1.
        wording: similarity with their names.
    """

    first: str
    second: str
    structure: float
    wording: float


@dataclass(frozen=True)
class Comparison:
    """All pairs of a lab.

    Attributes:
        lab: name.
        students: who was compared, in the order of ``matrix``.
        matrix: structure of each pair, float64, shape (students, students).
        pairs: the most similar first.
        left_out: who wrote too little to be compared.
    """

    lab: str
    students: tuple[str, ...]
    matrix: np.ndarray
    pairs: tuple[Pair, ...]
    left_out: tuple[str, ...]


def compare(
    lab: str, answers: Mapping[str, Mapping[str, str]], given: Mapping[str, str]
) -> Comparison:
    """Compare the answers of every two students.

    Args:
        lab: name.
        answers: student to question to the text of the answer's cell.
        given: question to the text that the lab gave.

    Raises:
        GradingError: fewer than two students wrote enough.
    """
    documents = {
        names: {
            student: [
                run
                for question, source in sorted(cells.items())
                for run in runs(source, given.get(question, ""), RUN, names)
            ]
            for student, cells in sorted(answers.items())
        }
        for names in (False, True)
    }
    students = tuple(s for s, found in documents[False].items() if len(found) >= LEAST_RUNS)
    if len(students) < 2:
        raise GradingError(
            f"{lab}: {len(students)} submissions have answers to compare, at least 2 are needed"
        )
    structure, wording = (
        _cosines([documents[names][student] for student in students]) for names in (False, True)
    )
    pairs = [
        Pair(students[i], students[j], float(structure[i, j]), float(wording[i, j]))
        for i, j in combinations(range(len(students)), 2)
    ]
    pairs.sort(key=lambda pair: (-pair.structure, -pair.wording, pair.first, pair.second))
    left_out = tuple(student for student in sorted(answers) if student not in students)
    return Comparison(lab, students, structure, tuple(pairs), left_out)


def _cosines(documents: list[list[str]]) -> np.ndarray:
    vectorizer = TfidfVectorizer(analyzer=list, sublinear_tf=True)
    vectors = vectorizer.fit_transform(documents)
    cosines: np.ndarray = np.clip((vectors @ vectors.T).toarray(), 0.0, 1.0)
    return cosines
