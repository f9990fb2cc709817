"""The figures of the README and of the scenes' card, from the benchmark results that are committed.

python tools/figures.py            # writes them
python tools/figures.py --check    # fails if something else is said there
"""

import argparse
import sys
from typing import Any

import scenes_card
from compression_figures import compression_rows
from results import ROOT, Rows, result

README = ROOT / "README.md"
BEGIN, END = "<!-- figures: tools/figures.py -->", "<!-- end of figures -->"


def rows() -> Rows:
    """Claim, figure, command."""
    runs = result("fresh_clone")["runs"]
    demo, test = (
        [r["seconds"] for r in runs if r["command"] == f"make {n}"] for n in ("demo", "test")
    )
    digits = result("deploy_digits")
    table, speed, fit = result("memory_table"), result("planning_speed"), result("latency_fit")
    files = result("against_tflite_micro")["files"]
    equal = sum(f["equal_bytes"] == f["output_bytes"] for f in files.values())
    large = [f["tflite_micro_ms"] / f["emulator_ms"] for f in files.values() if f["macs"] > 2e6]
    small = [f["emulator_ms"] for f in files.values() if f["macs"] <= 2e6]
    exact = [r["reference_equal"] == r["reference_images"] for r in digits["runs"]]
    peaks = [r["plan_peak_bytes"] == r["emulator_peak_bytes"] for r in digits["runs"]]
    plans = [ms for network in speed["plan_ms"].values() for ms in network.values()]
    keywords, converted = result("keywords"), [*result("from_torch")["networks"].values()]
    streaming, patching = result("streaming"), result("patching")
    bench = "python benchmarks/{}.py"
    return [
        (
            "`make demo` in a fresh clone, installation included; again",
            f"{demo[0]:.0f} s; {demo[1]:.0f} s",
            "python tools/fresh_clone.py",
        ),
        (
            "`make test` after it, installation included",
            f"{test[0] / 60:.1f} min",
            "python tools/fresh_clone.py",
        ),
        (
            f"digits, {len(digits['runs'])} seeds: float and int8 accuracy on the test split; the "
            "worst difference",
            f"{digits['mean']['float32']:.2%}, {digits['mean']['int8']:.2%}, "
            f"{100 * digits['worst_difference']:+.2f} points",
            bench.format("deploy_digits"),
        ),
        (
            "emulator's measured peak equals the plan's; 200 outputs equal the reference's",
            f"{sum(peaks)} of {len(peaks)} runs; {sum(exact)} of {len(exact)} runs",
            bench.format("deploy_digits"),
        ),
        (
            "public TF-Lite models that equal TF-Lite Micro's interpreter to the byte",
            f"{equal} of {len(files)}",
            bench.format("against_tflite_micro"),
        ),
        (
            "emulator, arena tracked, against that interpreter: above 2 MMAC; below",
            f"{min(large):.1f} to {max(large):.1f} times faster; at most {max(small):.1f} ms",
            bench.format("against_tflite_micro"),
        ),
        (
            f"keyword model on {keywords['clips']} real clips: accuracy; clips equal to that "
            "interpreter",
            f"{keywords['accuracy']:.2%}; {keywords['equal_to_tflite_micro']}",
            bench.format("keywords"),
        ),
        (
            f"`from_torch` on {len(converted)} networks, briefly trained: int8 and float give the "
            "same class; signal to noise of the logits",
            f"{min(f['agreement'] for f in converted):.1%} or more; "
            f"{min(f['snr_db'] for f in converted):.0f} dB or more",
            bench.format("from_torch"),
        ),
        (
            "SRAM of `tight` over that of TinyEngine's rule, on the eleven published networks",
            f"mean {table['tight_mean_ratio']:.2f}, worst {table['tight_worst_ratio']:.2f}",
            bench.format("memory_table"),
        ),
        *streaming_rows(streaming, bench.format("streaming")),
        *patching_rows(patching, bench.format("patching")),
        (
            "C kernels on the emulated Cortex-M7, instructions for each MAC: pointwise, depthwise "
            "3x3 in place, 3x3 stem",
            ", ".join(f"{per_mac:.2f}" for per_mac in kernel_figures()),
            bench.format("kernels"),
        ),
        *firmware_rows(result("firmware")["networks"], bench.format("firmware")),
        *c_rows(bench),
        (
            "planning a network; costs of a search's candidate",
            f"at most {max(plans):.1f} ms; {speed['batch_us_per_network']:.0f} us",
            bench.format("planning_speed"),
        ),
        (
            "latency estimate (Cortex-M7), error on networks left out",
            f"{fit['left_out_error_mean']:.1%} mean, {fit['left_out_error_worst']:.1%} worst",
            bench.format("latency_fit"),
        ),
        *compression_rows(bench),
        *lab_rows("lab0", 2, bench),
        *lab_rows("lab1", 5, bench),
        *lab_rows("lab2", 5, bench),
        *grading_rows(result("grading"), bench.format("grading")),
        (
            "`import tinyml_course`",
            f"{1e3 * result('startup')['tinyml_course']['seconds']:.0f} ms",
            bench.format("startup"),
        ),
    ]


def firmware_rows(networks: Any, command: str) -> Rows:
    """Whole networks as C: bytes, SRAM, what streaming costs."""
    runs = [run for kinds in networks.values() for run in kinds.values() if "refused" not in run]
    equal = sum(r["equal_on_core"] == r["equal_here"] == r["inputs"] for r in runs)
    planned = sum(r["arena_bytes"] == r["plan_bytes"] for r in runs)
    over = {
        way: [
            kinds[kind]["instructions"] / kinds["unfused"]["instructions"]
            for kinds in networks.values()
            for kind in given
            if kind in kinds and "refused" not in kinds[kind]
        ]
        for way, given in {"streamed": ("streamed", "row_fed"), "patched": ("patched",)}.items()
    }
    return [
        (
            f"networks as C on the emulated Cortex-M7 and here, {runs[0]['inputs']} inputs each: "
            "all bytes equal; arena used as planned",
            f"{equal} of {len(runs)} runs; {planned} of {len(runs)}",
            command,
        ),
        (
            "instructions of streamed networks over those of the same, operator by operator; of "
            "networks with a stage in patches",
            f"at most {max(over['streamed']):.2f}; {min(over['patched']):.2f} to "
            f"{max(over['patched']):.2f}",
            command,
        ),
        (
            "stack of such a network; vww1@80 on the emulated core, an inference",
            f"at most {max(run['stack_bytes'] for run in runs)} B; "
            f"{networks['vww1@80']['unfused']['emulated_seconds']:.2f} s",
            command,
        ),
    ]


def c_rows(bench: str) -> Rows:
    """The C besides its bytes: speed here, size, cycles, and how it came to be fast."""
    times = [f["times_faster"] for f in result("host_speed")["files"].values()]
    size, m7 = result("code_size"), result("cycles")["cortex-m7"]["story_simd_beside_tinyengine"]
    story = list(result("optimisation_story")["story"]["vww1@80"].values())
    first, last = story[0], story[-1]
    return [
        (
            f"C as a library of this machine, against TF-Lite Micro's interpreter, {len(times)} "
            "files",
            f"{min(times):.1f} to {max(times):.1f} times faster",
            bench.format("host_speed"),
        ),
        (
            f"flash of an image, estimated before it is built: error on {size['images']} images",
            f"{size['mean_flash_error']:.1%} mean, {size['worst_flash_error']:.0%} worst",
            bench.format("code_size"),
        ),
        (
            "cycles estimated from instructions (Cortex-M7): TinyEngine's techniques here, against "
            "its published latencies, nothing fitted",
            f"{m7['error_mean']:.1%} mean, {m7['error_worst']:.0%} worst",
            bench.format("cycles"),
        ),
        (
            "vww1@80 from an interpreter's loops to our kernels: instructions for each MAC; SRAM",
            f"{first['instructions_per_mac']:.1f} to {last['instructions_per_mac']:.1f}; "
            f"{first['sram_bytes'] / 1024:.0f} to {last['sram_bytes'] / 1024:.0f} KiB",
            bench.format("optimisation_story"),
        ),
    ]


def lab_rows(name: str, minutes: int, bench: str) -> Rows:
    """A lab: what answers are worth, what it takes beside the time that it may take."""
    found, title = result(name), f"Lab {name[-1]}"
    questions, runs = found["questions"], found["runs"]
    least = min(q["least_points_lost_by_a_mistake"] / q["points"] for q in questions)
    unsolved, solved, points = (
        sum(q[key] for q in questions) for key in ("unsolved_points", "solved_points", "points")
    )
    mistakes = sum(q["mistakes"] for q in questions)
    return [
        (
            f"{title}: points of the unsolved and of the solved notebook's {len(questions)} "
            f"functions; least share of a question that one of {mistakes} planted wrong answers "
            "loses",
            f"{unsolved:.0f} and {solved:.0f} of {points}; {least:.0%}",
            bench.format(name),
        ),
        (
            f"{title}, solved, from top to bottom, of {minutes} min; peak memory",
            f"{runs['solved_seconds']:.0f} s; {runs['solved_peak_rss_mib']} MiB",
            bench.format(name),
        ),
    ]


def grading_rows(figures: Any, command: str) -> Rows:
    """The grader: right scores, time, beside plain nbgrader."""
    right, each = figures["right_scores"], figures["seconds_each"]
    return [
        (
            f"{figures['submissions']} submissions of Lab 0, many of them wrong or broken: right "
            "scores with one worker, two, and two of a Dask cluster",
            ", ".join(str(right[k]) for k in right),
            command,
        ),
        (
            "a submission, one worker; two workers over one, two of Dask over one; over plain "
            "`nbgrader autograde`",
            f"{each['one worker']:.1f} s; {figures['two_workers_over_one']:.2f} times, "
            f"{figures['dask_over_one']:.2f} times; "
            f"{figures['nbgrader_over_one_worker']:.1f} times",
            command,
        ),
    ]


def kernel_figures() -> list[float]:
    """Instructions for each MAC of the kernels with a bound, the most of their activations."""
    kernels = result("kernels")["kernels"]
    return [
        max(run["instructions_per_mac"] for run in kernel["cortex-m7"].values())
        for kernel in (kernels[name] for name in ("pointwise", "depthwise", "stem"))
    ]


def streaming_rows(figures: Any, command: str) -> Rows:
    """What streams: SRAM, bytes that are right, time."""
    networks, over = figures["networks"], figures["over_tinyengine"]
    kinds = "streamed", "row_fed"
    right = [
        run["measured_bytes"] == run["bytes"]
        and run["equal_outputs"] == run["inputs"]
        and run["macs"] == network["macs"]
        for network in [*networks.values(), *figures["files"].values()]
        for run in (network[kind] for kind in kinds)
    ]
    fed = [
        f"{name} {networks[name]['row_fed']['measured_bytes'] / 1000:.1f} kB"
        for name in ("vww1@80", "mbv2-w0.35@144", "in3@176")
    ]
    slower = [
        n["emulation_ms"][k] / n["emulation_ms"]["tight"] for n in networks.values() for k in kinds
    ]
    searches = [n["search_s"][k]["front"] for n in networks.values() for k in kinds]
    files = {
        kind: [
            f[kind]["measured_bytes"] / f["tight"]["measured_bytes"]
            for f in figures["files"].values()
        ]
        for kind in kinds
    }
    return [
        (
            "SRAM streamed over that of TinyEngine's rule, on the eleven: image in SRAM; row-fed",
            "; ".join(f"mean {over[k]['mean']:.2f}, worst {over[k]['worst']:.2f}" for k in kinds),
            command,
        ),
        ("SRAM row-fed, nothing computed twice", ", ".join(fed), command),
        (
            f"{len(networks)} networks and {len(figures['files'])} trained files, streamed: "
            "measured peak the plan's, outputs the reference's, each MAC once",
            f"{sum(right)} of {len(right)} runs",
            command,
        ),
        (
            "trained files, SRAM streamed over that of `tight`: image in SRAM; row-fed",
            "; ".join(f"{min(ratios):.2f} to {max(ratios):.2f}" for ratios in files.values()),
            command,
        ),
        (
            "streamed in the emulator, over operator by operator; search for schedules",
            f"{min(slower):.1f} to {max(slower):.1f} times the time; at most {max(searches):.1f} s",
            command,
        ),
    ]


def patching_rows(figures: Any, command: str) -> Rows:
    """Patches: TinyEngine's, MCUNetV2's."""
    rows, mobilenet = figures["tinyengine"], figures["mobilenet_v2"]
    equal = sum(r["published_bytes"] == r["tinyengine_patched_bytes"] for r in rows)
    sizes = [
        mobilenet["tight"]["measured_bytes"],
        mobilenet["patched"]["4x4"]["measured_bytes"],
        mobilenet["streamed"]["measured_bytes"],
    ]
    before, after = figures["overheads"]["mbv2-w1@224"]["overhead"]["4x4"]
    return [
        (
            "TinyEngine's published peaks with patches that its rule gives here to the byte",
            f"{equal} of {len(rows)}",
            command,
        ),
        (
            "MobileNetV2 at 224 x 224: operator by operator; 4x4 patches; streamed (both fed)",
            ", ".join(f"{size / 1024:.0f}" for size in sizes) + " KiB",
            command,
        ),
        (
            "its overhead of 4x4 patches before and after redistribution",
            f"{before:.1%}, {after:.1%}",
            command,
        ),
    ]


def section() -> str:
    """The table as Markdown."""
    lines = ["| what | figure | command |", "| --- | --- | --- |"]
    lines += [f"| {what} | {figure} | `{command}` |" for what, figure, command in rows()]
    return "\n".join([BEGIN, *lines, END])


def renewed(text: str) -> str:
    """The README with today's figures."""
    before, rest = text.split(BEGIN)
    return before + section() + rest.split(END)[1]


TOLD = {README: renewed, scenes_card.CARD: scenes_card.renewed}
"""What tells figures, and how it is renewed."""


def main() -> None:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    for path, renew in TOLD.items():
        text = path.read_text()
        if not check:
            path.write_text(renew(text))
        elif text != renew(text):
            sys.exit(f"{path} does not say what the results say; run: python tools/figures.py")


if __name__ == "__main__":
    main()
