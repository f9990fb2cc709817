"""Renew constraints.txt: install every extra into a fresh environment and note what was chosen.

Run with `make lock`. Versions only: no index addresses and no local build tags, so that the same
file serves a CPU wheel here and another platform's wheel elsewhere.
"""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = "labs,instructor,cluster,firmware,dev"
HEADER = """\
# Tested versions, used by `make` and CI. Renewed by `make lock`; the ranges are in pyproject.toml.
"""


def main() -> None:
    """Resolve, freeze, write."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        install = [python, "-m", "pip", "install", "--quiet", f"{ROOT}[{EXTRAS}]"]
        subprocess.run(install, check=True)
        frozen = subprocess.run(
            [python, "-m", "pip", "freeze", "--exclude", "tinyml-course"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    lines = sorted(
        (line.split("+")[0] for line in frozen.splitlines() if "==" in line), key=str.lower
    )
    target = ROOT / "constraints.txt"
    temporary = target.with_suffix(".tmp")
    temporary.write_text(HEADER + "\n".join(lines) + "\n")
    temporary.replace(target)
    print(f"{len(lines)} versions written to {target.name}", file=sys.stderr)


if __name__ == "__main__":
    main()
