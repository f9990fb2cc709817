"""How long planning takes: one network by each policy, and thousands of candidates of a search.

Every figure is the least of several runs. Bounds: 20 ms for a network, 100 us for a candidate.
"""

import time
from collections.abc import Callable
from typing import Any

from harness import main, show

from tinyml_course.mcu import POLICIES, plan
from tinyml_course.models import definition, definitions, random_graph
from tinyml_course.models.batch_costs import batch_costs

RUNS = 7
CANDIDATES = 1000


def least_seconds(call: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def measure() -> dict[str, Any]:
    names = ["vww1@80", "in3@176", "in4@160"]
    figures: dict[str, Any] = {}
    for name in names:
        graph = random_graph(definition(name))
        figures[name] = {
            policy: round(1e3 * least_seconds(lambda g=graph, p=policy: plan(g, policy=p)), 2)
            for policy in POLICIES
        }
    rows = [[name, *(f"{figures[name][policy]:.1f}" for policy in POLICIES)] for name in names]
    show("milliseconds to plan a network", ["network", *POLICIES], rows)
    known = [*definitions().values()]
    candidates = [known[i % len(known)] for i in range(CANDIDATES)]
    microseconds = 1e6 * least_seconds(lambda: batch_costs(candidates)) / CANDIDATES
    print(f"MACs, parameters and peak in batches: {microseconds:.1f} us a network")
    return {"plan_ms": figures, "batch_us_per_network": round(microseconds, 2)}


if __name__ == "__main__":
    main(__doc__, measure)
