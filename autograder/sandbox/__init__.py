"""Where a learner's code runs: its own namespaces, no network, limits, and nothing to see.

>>> from autograder.sandbox import find_sandbox
>>> sandbox = find_sandbox()  # bubblewrap where it works, otherwise limits only, with a warning
"""

from autograder.sandbox.find import find_sandbox
from autograder.sandbox.sandbox import Sandbox, SandboxError, WeakSandboxWarning

__all__ = ["find_sandbox", "Sandbox", "SandboxError", "WeakSandboxWarning"]
