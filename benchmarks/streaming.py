"""Networks that stream need a third of TinyEngine's SRAM, and compute nothing twice.

Every plan runs in the emulator, in an arena of exactly its size: the high-water mark is measured,
and the outputs are compared with the reference operators' bytes. MACs are counted over the parts
that the emulator executes. The columns:

- TinyEngine: the engine's own rule, as in ``memory_table.py``;
- tight: our planner, operator by operator;
- fused: an inverted bottleneck may run row by row, a ring of rows for its expanded map;
- streamed: several may, the stem too; the image lies in SRAM when the network starts;
- row-fed: the same where the image arrives row by row, as from a camera.

Others' figures are the papers', at the conditions that stand beside them; units are theirs. The
public .tflite files are not part of the repository: ``TINYML_TEST_MODELS`` names their folder, or
they lie in ``../shared/models``; without them that part is left out. One of them, vww, takes
float32 numbers, four bytes each, as its image.
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from harness import main, show
from memory_table import PUBLISHED_KIB
from numpy.typing import NDArray
from tqdm.auto import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
from tflite_micro_runs import images, models_folder

from tinyml_course.graph import Graph, count_macs, from_tflite
from tinyml_course.mcu import Emulator, Plan, plan, reference
from tinyml_course.mcu.scheduling.schedule import Image
from tinyml_course.mcu.stages.program import StageProgram
from tinyml_course.models import NetworkDefinition, definition, mobilenet_v2, random_graph
from tinyml_course.patching.search import Rung, ScheduleSearch

ELEVEN = tuple(PUBLISHED_KIB)
"""The networks of the published SRAM table; means and worst cases are over these."""
MORE = (mobilenet_v2(0.35, 144), mobilenet_v2(1.0, 224))
COLUMNS = {
    "tinyengine": "TinyEngine",
    "tight": "tight",
    "fused": "fused",
    "streamed": "streamed",
    "row_fed": "row-fed",
}
SCHEDULED: dict[str, tuple[Image, Rung]] = {
    "fused": ("memory", "fused"),
    "streamed": ("memory", "streamed"),
    "row_fed": ("fed", "streamed"),
}
FILES = ("kws_ref_model", "pretrainedResnet_quant", "person_detect", "vww", "vww_96_int8")

NETWORK_INPUTS, FILE_INPUTS = 1, 10  # random ones, beside the two extremes
RUNS = 7
SEARCHES = 3
SEARCH_LIMIT_S = 2.0
SLOWER_LIMIT = 3.0
VWW1_LIMIT_MS = 100.0


@dataclass(frozen=True)
class Work:
    """What a paper's figures stand for.

    Attributes:
        venue: where it appeared.
        unit_bytes: the unit of its figures.
        macs: executed, over those of the network; as the paper says it.
        latency: over the same engine's or TinyEngine's; as the paper says it.
        image: whether the image is counted.
        peaks: by network, in units.
    """

    venue: str
    unit_bytes: int
    macs: str
    latency: str
    image: str
    peaks: Mapping[str, float]


PUBLISHED = {
    "vMCU": Work("MLSys 2024", 1000, "1.00", "1.03", "yes", {"in3@176": 102.7}),
    "StreamNet-2D": Work(
        "NeurIPS 2023",
        1000,
        "few more",
        "-",
        "not said",
        {"mbv2-w0.35@144": 66, "vww1@80": 44, "in3@176": 208},
    ),
    "msf-CNN": Work(
        "NeurIPS 2025",
        1000,
        "to 1.10",
        "-",
        "no",
        {"mbv2-w0.35@144": 68.0, "vww1@80": 45.3, "in3@176": 217.9},
    ),
    "msf-CNN least": Work(
        "NeurIPS 2025",
        1000,
        "1.7 to 2.7",
        "2.5 to 4.4",
        "no",
        {"mbv2-w0.35@144": 8.6, "vww1@80": 15.4, "in3@176": 51.2},
    ),
    "MCUNetV2": Work("NeurIPS 2021", 1024, "1.03 to 1.10", "-", "no", {"mbv2-w1@224": 172}),
}
"""Peak RAM of later engines, as they publish it."""


def executed_macs(emulator: Emulator) -> int:
    """Multiply-accumulates of all the parts that the emulator runs."""
    graph, total = emulator.graph, 0
    for unit, step in zip(emulator.plan.schedule.units, emulator.steps, strict=True):
        if not isinstance(step, StageProgram):
            total += sum(o.macs(graph.inputs_of(o)) for o in unit.operators)
            continue
        for part in step.parts:
            if part.operator is not None:
                _, rows, columns, *_ = graph.output_of(part.operator).shape
                a_pixel = part.operator.macs(graph.inputs_of(part.operator)) // (rows * columns)
                total += a_pixel * part.output.values.shape[1] * part.output.values.shape[2]
    return total


def run_plan(
    graph: Graph, planned: Plan, inputs: Sequence[NDArray[Any]], expected: Sequence[NDArray[Any]]
) -> dict[str, Any]:
    """One plan in an arena of its own size: what was measured beside what was planned."""
    emulator = Emulator(graph, planned)
    runs = [emulator.run(x) for x in inputs]
    same = [
        run.output.tobytes() == output.tobytes() for run, output in zip(runs, expected, strict=True)
    ]
    return {
        "bytes": planned.peak_bytes,
        "measured_bytes": max(run.peak_bytes for run in runs),
        "lower_bound_bytes": planned.lower_bound_bytes,
        "macs": executed_macs(emulator),
        "binds": planned.peak_step.operator,
        "image": planned.schedule.image,
        "inputs": len(inputs),
        "equal_outputs": sum(same),
    }


def measure_network(network: NetworkDefinition) -> dict[str, Any]:
    """All five columns of one network, search and emulation times."""
    graph = random_graph(network)
    inputs = list(images(graph, NETWORK_INPUTS))
    expected = [reference.run(graph, x) for x in inputs]
    searches = {c: ScheduleSearch(graph, *how) for c, how in SCHEDULED.items()}
    plans = {policy: plan(graph, policy=policy) for policy in ("tinyengine", "tight")}
    plans |= {column: search.least_sram().plan for column, search in searches.items()}
    figures: dict[str, Any] = {"image_bytes": graph.input.size_bytes, "macs": count_macs(graph)}
    figures |= {c: run_plan(graph, planned, inputs, expected) for c, planned in plans.items()}
    figures["front"] = {
        column: [{"bytes": found.peak_bytes, "macs": found.macs} for found in search.front()]
        for column, search in searches.items()
        if column != "fused"
    }
    figures["search_s"] = {column: search_seconds(network, column) for column in figures["front"]}
    timed = ("tight", *figures["front"])
    figures["emulation_ms"] = dict(
        zip(timed, emulation_ms(graph, [plans[column] for column in timed], inputs[0]), strict=True)
    )
    return figures


def search_seconds(network: NetworkDefinition, column: str) -> dict[str, float]:
    """The least SRAM, and the whole front, of a graph that was never searched before."""
    least, front = [], []
    for _ in range(SEARCHES):
        graph = random_graph(network)
        start = time.perf_counter()
        search = ScheduleSearch(graph, *SCHEDULED[column])
        search.least_sram()
        least.append(time.perf_counter() - start)
        search.front()
        front.append(time.perf_counter() - start)
    return {"least_sram": round(min(least), 3), "front": round(min(front), 3)}


def emulation_ms(graph: Graph, plans: Sequence[Plan], x: NDArray[Any]) -> list[float]:
    """The least of several runs in turn, after a first one in which accesses are checked."""
    emulators = [Emulator(graph, planned) for planned in plans]
    for emulator in emulators:
        emulator.run(x)
    times = np.empty((RUNS, len(emulators)))
    for row in times:
        for index, emulator in enumerate(emulators):
            start = time.perf_counter()
            emulator.run(x)
            row[index] = 1e3 * (time.perf_counter() - start)
    return [round(float(ms), 2) for ms in times.min(0)]


def measure_file(path: Path) -> dict[str, Any]:
    """A trained network: operator by operator, streamed, and row-fed."""
    graph = from_tflite(path)
    inputs = list(images(graph, FILE_INPUTS))
    expected = [reference.run(graph, x) for x in inputs]
    plans = {"tight": plan(graph)}
    for column in ("streamed", "row_fed"):
        plans[column] = ScheduleSearch(graph, *SCHEDULED[column]).least_sram().plan
    figures: dict[str, Any] = {"image_bytes": graph.input.size_bytes, "macs": count_macs(graph)}
    return figures | {c: run_plan(graph, p, inputs, expected) for c, p in plans.items()}


def ratio(figures: Mapping[str, Any], column: str) -> float:
    """SRAM measured in a column over TinyEngine's."""
    return float(figures[column]["measured_bytes"] / figures["tinyengine"]["measured_bytes"])


def slower(figures: Mapping[str, Any], column: str) -> float:
    """Emulation time of a column over that of the unfused network."""
    times = figures["emulation_ms"]
    return float(times[column] / times["tight"])


def is_right(figures: Mapping[str, Any], columns: Sequence[str]) -> bool:
    """Whether plans were met to the byte, outputs equal, and no MAC executed twice."""
    return all(
        f["measured_bytes"] == f["bytes"]
        and f["equal_outputs"] == f["inputs"]
        and f["macs"] == figures["macs"]
        for f in (figures[column] for column in columns)
    )


def short(name: str) -> str:
    """``block1.expand .. project`` for ``block1.expand .. block1.project``; files' names too."""
    for long, brief in (("depthwise_conv_2d", "dw"), ("conv_2d", "conv")):
        name = name.replace(long, brief)
    first, dots, last = name.partition(" .. ")
    block = first.partition(".")[0] + "."
    return first + dots + last.removeprefix(block)


def kib(figures: Mapping[str, Any]) -> str:
    return f"{figures['measured_bytes'] / 1024:.1f}"


def show_peaks(networks: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Tables of SRAM, ratios and what binds; mean and worst ratio of each column."""
    names = list(networks)
    show(
        "SRAM in KiB, measured in an arena of the planned size",
        ["network", "image", *COLUMNS.values()],
        [
            [n, f"{f['image_bytes'] / 1024:.1f}", *(kib(f[column]) for column in COLUMNS)]
            for n, f in networks.items()
        ],
    )
    over = list(COLUMNS)[1:]
    ratios = {c: [ratio(networks[n], c) for n in ELEVEN] for c in over}
    summary = {
        c: {"mean": round(float(np.mean(r)), 4), "worst": round(float(np.max(r)), 4)}
        for c, r in ratios.items()
    }
    rows = [[n, *(f"{ratio(networks[n], c):.2f}" for c in over)] for n in names]
    for row, name in zip(rows, names, strict=True):
        f = networks[name]
        row.append(f"{max(f[c]['macs'] for c in over) / f['macs']:.2f}")
    for what in ("mean", "worst"):
        rows.append([f"{what} of the eleven", *(f"{summary[c][what]:.2f}" for c in over), ""])
    labels = [COLUMNS[column] for column in over]
    show("SRAM over TinyEngine's, and executed MACs", ["network", *labels, "MACs"], rows)
    for pair in (("tight", "fused"), ("streamed", "row_fed")):
        show(
            "What binds the peak",
            ["network", *(COLUMNS[c] for c in pair)],
            [[n, *(short(f[c]["binds"]) for c in pair)] for n, f in networks.items()],
        )
    for name, f in networks.items():
        for column in over:
            size, held = f[column]["bytes"], f[column]["lower_bound_bytes"]
            if size > held:
                print(f"{name}, {column}: the offsets need {size:,} B for {held:,} B held at once")
    return summary


def show_published(networks: Mapping[str, Any]) -> None:
    """What others publish, beside ours in their unit."""
    show(
        "The papers' figures: bytes in a KB, MACs and latency, image counted or not",
        ["work", "published", "KB", "MACs", "latency", "image"],
        [
            [name, w.venue, w.unit_bytes, w.macs, w.latency, w.image]
            for name, w in PUBLISHED.items()
        ],
    )
    rows = []
    for name in networks:
        for label, work in PUBLISHED.items():
            if name in work.peaks:
                ours = (networks[name][c]["measured_bytes"] for c in ("streamed", "row_fed"))
                sizes = (f"{size / work.unit_bytes:.1f}" for size in ours)
                rows.append([name, label, f"{work.peaks[name]:.1f}", *sizes])
    show(
        "SRAM in the papers' KB: theirs, and ours at MACs 1.00",
        ["network", "work", "the paper's", "streamed", "row-fed"],
        rows,
    )
    show(
        "Lower still, row-fed, by patches: KiB, executed MACs",
        ["network", "at MACs 1.00", "with halos computed again"],
        [
            [name, kib(f["row_fed"]), "; ".join(_points(f))]
            for name, f in networks.items()
            if len(f["front"]["row_fed"]) > 1
        ],
    )


def _points(figures: Mapping[str, Any]) -> list[str]:
    return [
        f"{point['bytes'] / 1024:.1f}, {point['macs'] / figures['macs']:.2f}"
        for point in figures["front"]["row_fed"][1:]
    ]


def show_times(networks: Mapping[str, Any]) -> None:
    """Search and emulation."""
    show(
        "Search for least SRAM/with the front, s; emulation, ms, and over tight's",
        ["network", "streamed", "row-fed", "tight", "streamed", "row-fed", "times"],
        [
            [
                name,
                *(f"{s['least_sram']:.2f}/{s['front']:.2f}" for s in f["search_s"].values()),
                *(f"{ms:.1f}" for ms in f["emulation_ms"].values()),
                f"{max(slower(f, c) for c in f['search_s']):.2f}",
            ]
            for name, f in networks.items()
        ],
    )


def show_files(files: Mapping[str, Any]) -> None:
    """The trained networks."""
    columns = ("tight", "streamed", "row_fed")

    def cells(figures: Mapping[str, Any]) -> list[str]:
        tight = figures["tight"]["measured_bytes"]
        return [
            f"{kib(figures[c])} {figures[c]['measured_bytes'] / tight:.2f}"
            if c != "row_fed" or figures[c]["image"] == "fed"
            else "not lower"
            for c in columns[1:]
        ]

    show(
        "Trained files: SRAM in KiB, and over that of tight",
        ["file", "image", "tight", "streamed", "row-fed", "equal"],
        [
            [
                name,
                f"{f['image_bytes'] / 1024:.1f}",
                kib(f["tight"]),
                *cells(f),
                f"{sum(f[c]['equal_outputs'] for c in columns)}"
                f"/{sum(f[c]['inputs'] for c in columns)}",
            ]
            for name, f in files.items()
        ],
    )
    show(
        "What binds the peak of the files",
        ["file", *(COLUMNS[c] for c in columns)],
        [[name, *(short(f[c]["binds"]) for c in columns)] for name, f in files.items()],
    )


def checked_bounds(
    networks: Mapping[str, Any], summary: Mapping[str, Any], files: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Every bound, what was measured, and whether it is met."""
    streamed, fed = summary["streamed"], summary["row_fed"]

    def fed_bytes(name: str) -> int:
        return int(networks[name]["row_fed"]["measured_bytes"])

    every = networks.values()
    searches = [s for f in every for times in f["search_s"].values() for s in times.values()]
    times = [slower(f, column) for f in every for column in f["search_s"]]
    least_ms = max(networks["vww1@80"]["emulation_ms"].values())
    at_most: list[tuple[str, float, float, Callable[[float], str]]] = [
        ("image in SRAM, over TinyEngine, mean", streamed["mean"], 0.35, "{:.3f}".format),
        ("image in SRAM, over TinyEngine, worst", streamed["worst"], 0.43, "{:.3f}".format),
        ("row-fed, over TinyEngine, mean", fed["mean"], 0.25, "{:.3f}".format),
        ("row-fed, over TinyEngine, worst", fed["worst"], 0.36, "{:.3f}".format),
        ("vww1@80 row-fed", fed_bytes("vww1@80"), 19_000, "{:,.0f} B".format),
        ("mbv2-w0.35@144 row-fed", fed_bytes("mbv2-w0.35@144"), 32_000, "{:,.0f} B".format),
        ("in3@176 row-fed", fed_bytes("in3@176"), 62_000, "{:,.0f} B".format),
        (
            "mbv2-w1@224 row-fed (MCUNetV2)",
            fed_bytes("mbv2-w1@224"),
            172 * 1024,
            "{:,.0f} B".format,
        ),
        ("slowest search", max(searches), SEARCH_LIMIT_S, "{:.2f} s".format),
        ("emulation over the unfused network's", max(times), SLOWER_LIMIT, "{:.2f}".format),
        ("vww1@80 emulated", least_ms, VWW1_LIMIT_MS, "{:.1f} ms".format),
    ]
    bounds = [
        {"claim": claim, "measured": text(value), "bound": text(limit), "met": value <= limit}
        for claim, value, limit, text in at_most
    ]
    rights = [is_right(f, list(COLUMNS)) for f in every]  # trained files follow
    rights += [is_right(f, ("tight", "streamed", "row_fed")) for f in files.values()]
    bounds.append(
        {
            "claim": "plans met, outputs equal, MACs 1.00",
            "measured": f"{sum(rights)} networks",
            "bound": f"{len(rights)}",
            "met": all(rights),
        }
    )
    return bounds


def measure() -> dict[str, Any]:
    definitions = [*(definition(name) for name in ELEVEN), *MORE]
    folder = models_folder()
    absent = [name for name in FILES if not (folder / f"{name}.tflite").is_file()]
    networks, files = {}, {}
    present = [name for name in FILES if name not in absent]
    with tqdm(total=len(definitions) + len(present), desc="streaming", unit="network") as bar:
        for network in definitions:
            networks[network.name] = measure_network(network)
            bar.update()
        for name in present:
            files[name] = measure_file(folder / f"{name}.tflite")
            bar.update()
    summary = show_peaks(networks)
    show_published(networks)
    show_times(networks)
    if files:
        show_files(files)
    if absent:
        print(f"left out, for they are not there: {', '.join(absent)};")
        print(f"TINYML_TEST_MODELS names their folder, now {folder}")
    bounds = checked_bounds(networks, summary, files)
    show(
        "Bounds",
        ["claim", "measured", "bound", ""],
        [[b["claim"], b["measured"], b["bound"], "PASS" if b["met"] else "MISS"] for b in bounds],
    )
    return {
        "networks": networks,
        "over_tinyengine": summary,
        "files": files,
        "files_left_out": absent,
        "bounds": bounds,
    }


if __name__ == "__main__":
    main(__doc__, measure)
