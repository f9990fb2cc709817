"""Judging a submission from outside: the notebook is read as hostile data, its code runs elsewhere.

>>> from autograder.judging import judge_submission, load_limits
>>> from autograder.labs import find_lab
>>> from autograder.sandbox import find_sandbox
>>> # judge_submission(find_lab("lab0"), path, seed=7, limits=load_limits(), sandbox=find_sandbox())
"""

from autograder.judging.limits import Limits, load_limits
from autograder.judging.outcome import Group, Outcome, QuestionOutcome
from autograder.judging.submission import judge_submission

__all__ = ["judge_submission", "Limits", "load_limits", "Outcome", "QuestionOutcome", "Group"]
