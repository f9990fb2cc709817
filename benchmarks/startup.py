"""How long importing takes: the package alone, and what it must not bring along.

Each figure is the least of nine fresh interpreters, measured inside the interpreter around the
import; other work on the machine only ever adds to it.
"""

import json
import subprocess
import sys
from typing import Any

from harness import main, show

RUNS = 9
BOUND_S = 0.3
STATEMENTS = {
    "tinyml_course": "import tinyml_course",
    "graph and mcu": "import tinyml_course.graph, tinyml_course.mcu",
    "command line": "import tinyml_course.cli",
    "lab checks": "import tinyml_course.course",
}
PROBE = """
import json, sys, time
start = time.perf_counter()
{statement}
seconds = time.perf_counter() - start
heavy = [m for m in ("torch", "matplotlib", "sklearn", "scipy") if m in sys.modules]
print(json.dumps([seconds, heavy]))
"""


def measure() -> dict[str, Any]:
    rows, figures = [], {}
    for name, statement in STATEMENTS.items():
        command = [sys.executable, "-c", PROBE.format(statement=statement)]
        results = [
            json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            for _ in range(RUNS)
        ]
        least = min(seconds for seconds, _ in results)
        figures[name] = {"seconds": round(least, 4), "heavy_modules": results[0][1]}
        rows.append([name, f"{least:.3f}", ", ".join(results[0][1]) or "none"])
    show("import times", ["import", "seconds", "heavy modules loaded"], rows)
    print(f"bound for tinyml_course: {BOUND_S} s")
    return figures


if __name__ == "__main__":
    main(__doc__, measure)
