"""The limits of a submission, under the name by which graders ask for them."""

from autograder.sandbox.limits import LIMITS_FILE, Limits, load_limits

__all__ = ["Limits", "load_limits", "LIMITS_FILE"]
