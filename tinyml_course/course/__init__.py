"""What notebooks call: check an answer, commit to a prediction, go on when stuck.

>>> check = checker("lab0")
>>> check("q1", None).passed
False
"""

import importlib
import pkgutil
import re

from tinyml_course.course.checker import Checker
from tinyml_course.course.question import LabQuestions
from tinyml_course.errors import lookup

_CHECKERS: dict[str, Checker] = {}
_LAB = re.compile(r"lab\d+_\w+")


def lab_names() -> list[str]:
    """Every lab that has questions, ``lab0_memory_gap`` first."""
    found = [module.name for module in pkgutil.iter_modules(__path__)]
    return sorted((name for name in found if _LAB.fullmatch(name)), key=_number)


def lab_questions(name: str) -> LabQuestions:
    """What a lab asks.

    Args:
        name: ``"lab0"`` or ``"lab0_memory_gap"``.

    Raises:
        UnknownNameError: there is no such lab.
    """
    names = lab_names()
    table = {short: full for full in names for short in (full.split("_")[0], full)}
    module = importlib.import_module(f"{__name__}.{lookup('lab', name, table)}")
    lab = module.LAB
    assert isinstance(lab, LabQuestions)
    return lab


def checker(name: str) -> Checker:
    """The `check` of a lab's notebook: one a lab, so that its results are kept together.

    Raises:
        UnknownNameError: there is no such lab.
    """
    lab = lab_questions(name)
    return _CHECKERS.setdefault(lab.name, Checker(lab))


def _number(name: str) -> int:
    return int(re.findall(r"\d+", name)[0])


__all__ = ["checker", "Checker", "lab_names", "lab_questions", "LabQuestions"]
