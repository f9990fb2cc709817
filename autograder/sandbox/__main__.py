"""``python -m autograder.sandbox``: which sandbox this machine has, and whether it starts."""

import time
import warnings

from autograder.judging.conversation import Workers
from autograder.judging.submission import preload
from autograder.labs import labs
from autograder.sandbox.find import find_sandbox
from autograder.sandbox.limits import load_limits
from autograder.sandbox.sandbox import WeakSandboxWarning
from autograder.sandbox.staging import stage


def main() -> None:
    """Start a worker for each lab, and say how long that took."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", WeakSandboxWarning)
        sandbox = find_sandbox()
    print(f"sandbox: {sandbox.kind} {sandbox.program}")
    for warning in caught:
        print(f"warning: {warning.message}")
    for lab in labs().values():
        staging = stage(lab.questions)
        workers = Workers(sandbox, load_limits(), staging.folder, preload(lab), quiet=False)
        start_s = time.monotonic()
        with workers, workers.open(10):
            print(f"{lab.name}: a worker starts in {time.monotonic() - start_s:.2f} s")


if __name__ == "__main__":
    main()
