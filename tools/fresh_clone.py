"""The two commands of the README in a fresh clone with no environment, timed; `make demo` twice.

    python tools/fresh_clone.py --json benchmarks/results/fresh_clone.json

Takes about as long as a CI run; the clone lies in a temporary folder and is removed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = (("make", "demo"), ("make", "demo"), ("make", "test"))


def main() -> None:
    """Clone, run, time, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    # A shell of its own, as a stranger's: no activated environment, no Python path.
    hidden = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "MAKEFLAGS", "MAKELEVEL")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "tinyml-course"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        for command in COMMANDS:
            start = time.perf_counter()
            done = subprocess.run(
                command, cwd=clone, env=environment, capture_output=True, text=True
            )
            seconds = round(time.perf_counter() - start, 1)
            last = [line for line in done.stdout.splitlines() if line.strip()][-1:]
            runs.append({"command": " ".join(command), "seconds": seconds, "rc": done.returncode})
            print(f"{' '.join(command)}: {seconds} s, exit {done.returncode}: {' '.join(last)}")
            if done.returncode:
                print(done.stdout[-6000:], done.stderr[-3000:], sep="\n", file=sys.stderr)
                sys.exit(done.returncode)
    if arguments.json:
        record = {"cores": os.cpu_count(), "runs": runs}
        arguments.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
