"""Patches: TinyEngine's peaks to the byte, MCUNetV2's MobileNetV2, overhead, and what streams.

- TinyEngine's rows are the peaks that the engine's code generator prints; ours follow its rule
  (``tinyengine_patched``). It does not count the image. Where they are worse than none, the rule
  holds the stage's whole output from the first step to the last.
- Our own plans of the same stages run in the emulator, in an arena of exactly their size: the
  high-water mark is measured, the outputs are compared with the reference operators' bytes, and
  MACs are counted over what the emulator executes. A stage that the generator ends inside of a
  branch ends here where the branch does. Fed means that each patch's part of the image arrives
  from outside, as from a decoder.
- MCUNetV2's figures are the paper's: MobileNetV2 at width 1, 224 x 224, 4 x 4 patches down to an
  eighth of the input, the image not counted, KB of 1024 B.
- Overheads are extra MACs of the whole network. For the other networks the stage ends at an
  eighth of the input too, and `redistribute` narrows it by its defaults.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from harness import main, show
from numpy.typing import NDArray
from streaming import run_plan, short
from tqdm.auto import tqdm

from tinyml_course.graph import Graph, count_macs
from tinyml_course.mcu import plan, reference
from tinyml_course.mcu.planning.tinyengine_patched import tinyengine_patched
from tinyml_course.mcu.scheduling import Patches, Schedule, cut_points
from tinyml_course.mcu.scheduling.schedule import Image
from tinyml_course.models import (
    NetworkDefinition,
    definition,
    definitions,
    mobilenet_v2,
    random_graph,
)
from tinyml_course.patching import (
    MOBILENET_V2_PATCH_BLOCKS,
    Redistributed,
    mobilenet_v2_rd,
    patch_overhead,
    redistribute,
    stage_end,
)
from tinyml_course.patching.search import ScheduleSearch

# TinyEngine's code generator (PEAK_MEM): network, split_idx, patches a side; without patches
TINYENGINE_BYTES = {
    ("vww1@80", 5, 2): 62_352,
    ("vww1@80", 5, 3): 60_384,
    ("in3@176", 5, 2): 301_186,
    ("in3@176", 9, 3): 256_808,
    ("in4@160", 9, 2): 324_578,
}
TINYENGINE_WHOLE_BYTES = {"vww1@80": 93_992, "in3@176": 266_344, "in4@160": 426_120}

# MCUNetV2: peak layer by layer and with patches, overhead before and after redistribution
PAPER_PER_LAYER, PAPER_PATCHED_KIB = "1.37 MB", 172
PAPER_OVERHEADS = 0.10, 0.03
OVERHEAD_TOLERANCES = 0.01, 0.005  # the paper rounds, and counts patches beyond the border
PATCHES = (2, 3, 4)


@dataclass(frozen=True)
class Case:
    """A graph, an image, and what it must give."""

    graph: Graph
    image: NDArray[Any]
    expected: NDArray[Any]


def case(network: NetworkDefinition) -> Case:
    graph = random_graph(network)
    image = np.random.default_rng(0).integers(-128, 128, graph.input.shape).astype(np.int8)
    return Case(graph, image, reference.run(graph, image))


def run(of: Case, schedule: Schedule | None = None, policy: str = "tight") -> dict[str, Any]:
    """One plan in the emulator."""
    planned = plan(of.graph if schedule is None else schedule, policy=policy)
    figures = run_plan(of.graph, planned, [of.image], [of.expected])
    return {
        **figures,
        "stage_bytes": planned.timeline[0].live_bytes,
        "over_macs": figures["macs"] / count_macs(of.graph),
    }


def patched(of: Case, last: str, patches: int, image: Image = "fed") -> dict[str, Any]:
    stage = Patches(of.graph.operators[0].name, last, patches, patches)
    return run(of, Schedule(of.graph, [stage], image))


def measure_tinyengine() -> list[dict[str, Any]]:
    """The engine's rows: its rule, and our planner with the same stage."""
    names = tqdm(TINYENGINE_WHOLE_BYTES, desc="references", unit="network")
    cases = {name: case(definition(name)) for name in names}
    whole = {
        name: {"tinyengine": run(of, policy="tinyengine"), "tight": run(of)}
        for name, of in cases.items()
    }
    streamed = {
        name: run(of, ScheduleSearch(of.graph, "fed").least_sram().schedule)
        for name, of in cases.items()
    }
    rows = []
    for (name, split, patches), published in tqdm(TINYENGINE_BYTES.items(), desc="patches"):
        of = cases[name]
        cut = min(point for point in cut_points(of.graph) if point >= split - 1)
        last = of.graph.operators[cut].name
        buffers = tinyengine_patched(of.graph, split, patches)
        rows.append(
            {
                "network": name,
                "split": split,
                "patches": patches,
                "published_bytes": published,
                "tinyengine_patched_bytes": max(buffer.end for buffer in buffers),
                "published_whole_bytes": TINYENGINE_WHOLE_BYTES[name],
                "tinyengine_whole": whole[name]["tinyengine"],
                "tight_whole": whole[name]["tight"],
                "stage_ends": last,
                "tight_patched": patched(of, last, patches, "memory"),
                "tight_patched_fed": patched(of, last, patches, "fed"),
                "streamed_fed": streamed[name],
            }
        )
    return rows


def measure_mobilenet() -> dict[str, Any]:
    """MobileNetV2 as MCUNetV2 measures it, before and after redistribution."""
    base, after = mobilenet_v2(), mobilenet_v2_rd()
    of, of_rd = case(base), case(after.network)
    end = stage_end(base, MOBILENET_V2_PATCH_BLOCKS)
    end_rd = stage_end(after.network, after.blocks)
    search = ScheduleSearch(of.graph, "fed")
    least, *with_patches = search.front()
    return {
        "per_layer": run(of, policy="per_layer"),
        "tinyengine": run(of, policy="tinyengine"),
        "tight": run(of),
        "patched": {f"{n}x{n}": patched(of, end, n) for n in PATCHES},
        "patched_redistributed": {f"{n}x{n}": patched(of_rd, end_rd, n) for n in PATCHES},
        "streamed": run(of, least.schedule),
        "patched_and_streamed": [run(of, found.schedule) for found in with_patches],
    }


def measure_overhead(network: NetworkDefinition, blocks: int, after: Redistributed) -> Any:
    """Overall overhead of patches before and after redistribution."""
    graphs = random_graph(network), random_graph(after.network)
    ends = stage_end(network, blocks), stage_end(after.network, after.blocks)
    overheads = {
        f"{n}x{n}": [patch_overhead(g, end, n, n) for g, end in zip(graphs, ends, strict=True)]
        for n in (2, 4)
    }
    return {
        "stage_ends": ends,
        "over_macs": count_macs(graphs[1]) / count_macs(graphs[0]),
        "overhead": {side: [round(o, 5) for o in pair] for side, pair in overheads.items()},
    }


def measure_overheads() -> dict[str, Any]:
    figures = {}
    base = mobilenet_v2()
    figures[base.name] = measure_overhead(base, MOBILENET_V2_PATCH_BLOCKS, mobilenet_v2_rd())
    for network in tqdm([mobilenet_v2(0.35, 144), *definitions().values()], desc="overhead"):
        # The stem and two blocks of stride 2 lead to an eighth.
        blocks = [i for i, block in enumerate(network.blocks) if block.stride == 2][1] + 1
        figures[network.name] = measure_overhead(network, blocks, redistribute(network, blocks))
    return figures


def kib(figures: Mapping[str, Any], key: str = "measured_bytes") -> str:
    return f"{figures[key] / 1024:.1f}"


def name_of(row: Mapping[str, Any]) -> str:
    return f"{row['network']} {row['split']}, {row['patches']}x{row['patches']}"


def show_tinyengine(rows: Sequence[Mapping[str, Any]]) -> None:
    show(
        "TinyEngine's rule in bytes: its code generator's figure/ours",
        ["network split, patches", "without patches", "with patches", "change"],
        [
            [
                name_of(r),
                f"{r['published_whole_bytes']:,}/{r['tinyengine_whole']['bytes']:,}",
                f"{r['published_bytes']:,}/{r['tinyengine_patched_bytes']:,}",
                f"{r['tinyengine_patched_bytes'] / r['tinyengine_whole']['bytes'] - 1:+.0%}",
            ]
            for r in rows
        ],
    )
    show(
        "Our planner with the same patches, KiB; streamed and fed; executed MACs",
        ["network split, patches", "none", "patches", "fed", "MACs", "streamed", "MACs"],
        [
            [
                name_of(r),
                *(kib(r[key]) for key in ("tight_whole", "tight_patched", "tight_patched_fed")),
                f"{r['tight_patched']['over_macs']:.2f}",
                kib(r["streamed_fed"]),
                f"{r['streamed_fed']['over_macs']:.2f}",
            ]
            for r in rows
        ],
    )
    show(
        "What binds our planner's peak with patches",
        ["network split, patches", "stage ends", "fed"],
        [[name_of(r), r["stage_ends"], short(r["tight_patched_fed"]["binds"])] for r in rows],
    )
    for r in rows:
        whole, now = (r[k]["measured_bytes"] for k in ("tight_whole", "tight_patched"))
        if now >= whole:
            print(f"{name_of(r)}, image in SRAM: {now - whole:,} B more than without patches")


def show_mobilenet(figures: Mapping[str, Any]) -> None:
    def row(what: str, measured: Mapping[str, Any]) -> list[str]:
        macs = f"{measured['over_macs']:.2f}"
        return [what, kib(measured), macs, short(measured["binds"])]

    name, paper_macs = mobilenet_v2().name, f"{1 + PAPER_OVERHEADS[0]:.2f}"
    show(
        f"{name}, executed MACs; whole images count, fed ones do not",
        ["what", "KiB", "MACs", "binds"],
        [
            ["layer by layer, the paper's", PAPER_PER_LAYER, "1.00", ""],
            row("layer by layer, textbook", figures["per_layer"]),
            row("layer by layer, TinyEngine's rule", figures["tinyengine"]),
            row("layer by layer, tight", figures["tight"]),
            ["4x4 patches, fed, the paper's", f"{PAPER_PATCHED_KIB} KB", paper_macs, ""],
            row("4x4 patches, fed, ours", figures["patched"]["4x4"]),
            row("streamed, fed", figures["streamed"]),
            *(row("patches, fed, then streamed", f) for f in figures["patched_and_streamed"]),
        ],
    )
    show(
        f"{name} by patches: KiB in all/of the stage, executed MACs",
        ["patches", "KiB", "MACs", "redistributed, KiB", "MACs"],
        [
            [
                side,
                *(
                    text
                    for key in ("patched", "patched_redistributed")
                    for f in (figures[key][side],)
                    for text in (f"{kib(f)}/{kib(f, 'stage_bytes')}", f"{f['over_macs']:.3f}")
                ),
            ]
            for side in figures["patched"]
        ],
    )


def show_overheads(overheads: Mapping[str, Any]) -> None:
    paper = [f"{o:.0%}" for o in PAPER_OVERHEADS]
    rows = [[f"{mobilenet_v2().name}, the paper's", "", "", *paper, ""]]
    for name, f in overheads.items():
        sides = [f"{o:.1%}" for pair in f["overhead"].values() for o in pair]
        rows.append([name, *sides, f"{f['over_macs']:.2f}"])
    show(
        "Overhead of patches, and after redistribution; MACs then and before",
        ["network", "2x2", "after", "4x4", "after", "MACs"],
        rows,
    )


def checked_bounds(
    rows: Sequence[Mapping[str, Any]], mobilenet: Mapping[str, Any], overheads: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Every claim, and whether it holds."""
    equal = [r["published_bytes"] == r["tinyengine_patched_bytes"] for r in rows]
    equal += [r["published_whole_bytes"] == r["tinyengine_whole"]["bytes"] for r in rows]
    runs = [value for r in rows for value in r.values() if isinstance(value, dict)]
    runs += [mobilenet[key] for key in ("per_layer", "tinyengine", "tight", "streamed")]
    runs += [f for key in ("patched", "patched_redistributed") for f in mobilenet[key].values()]
    runs += mobilenet["patched_and_streamed"]
    right = [f["measured_bytes"] == f["bytes"] and f["equal_outputs"] == f["inputs"] for f in runs]
    before, after = overheads[mobilenet_v2().name]["overhead"]["4x4"]
    falls = [new < old for f in overheads.values() for old, new in f["overhead"].values()]
    streamed = mobilenet["streamed"]
    best = mobilenet["patched"]["4x4"]["measured_bytes"] / 1024
    near = [
        abs(ours - paper) <= tolerance
        for ours, paper, tolerance in zip(
            (before, after), PAPER_OVERHEADS, OVERHEAD_TOLERANCES, strict=True
        )
    ]
    claims = [
        ("TinyEngine's peaks to the byte", f"{sum(equal)}", f"{len(equal)}", all(equal)),
        ("plans met, outputs equal", f"{sum(right)}", f"{len(right)}", all(right)),
        (
            "4x4 patches, KB rounded as the paper's",
            f"{best:.1f}",
            f"{PAPER_PATCHED_KIB}",
            round(best) <= PAPER_PATCHED_KIB,
        ),
        (
            "streamed, KB, MACs 1.00",
            kib(streamed),
            f"< {PAPER_PATCHED_KIB}",
            streamed["measured_bytes"] < 1024 * PAPER_PATCHED_KIB
            and streamed["macs"] == mobilenet["tight"]["macs"],
        ),
        ("MobileNetV2's overhead is the paper's", f"{before:.1%}", "about 10%", near[0]),
        ("the same, redistributed", f"{after:.1%}", "3%", near[1]),
        ("redistribution lowers the overhead", f"{sum(falls)}", f"{len(falls)}", all(falls)),
    ]
    return [
        {"claim": claim, "measured": measured, "bound": bound, "met": met}
        for claim, measured, bound, met in claims
    ]


def measure() -> dict[str, Any]:
    rows, mobilenet, overheads = measure_tinyengine(), measure_mobilenet(), measure_overheads()
    show_tinyengine(rows)
    show_mobilenet(mobilenet)
    show_overheads(overheads)
    bounds = checked_bounds(rows, mobilenet, overheads)
    show(
        "Bounds",
        ["claim", "measured", "bound", ""],
        [[b["claim"], b["measured"], b["bound"], "PASS" if b["met"] else "MISS"] for b in bounds],
    )
    return {
        "tinyengine": rows,
        "mobilenet_v2": mobilenet,
        "overheads": overheads,
        "bounds": bounds,
    }


if __name__ == "__main__":
    main(__doc__, measure)
