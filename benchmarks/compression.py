"""Compression on Fashion-MNIST, three seeds: Deep Compression, few bits, and torch beside us.

Everything is chosen on the training and validation splits; what is told is of test images by which
nothing was chosen. The parts lie in `benchmarks/compressing`, each with how it is done. Accuracy
against sparsity, by granularity and criterion, and channels on a board are in
`benchmarks/pruning.py`. ``TINYML_TEST_DATA`` names the folder with Fashion-MNIST, by default
``../shared/data``.
"""

import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import torch
from compressing import against_torch, deep_compression, low_bits, two_bits
from compressing.fashion import percent, summary
from harness import main, show

SEEDS = (0, 1, 2)
WORKERS = 2

Runs = Sequence[Mapping[str, Any]]


def measure_network(seed: int) -> dict[str, Any]:
    """Few bits, and beside torch: the same trained network."""
    torch.set_num_threads(1)
    net = low_bits.Trained(seed)
    return {"against_torch": against_torch.measure(net), "low_bits": low_bits.measure(net)}


def measure() -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
        networks = [pool.submit(measure_network, seed) for seed in SEEDS]
        plain = [pool.submit(two_bits.measure, seed) for seed in SEEDS]
        chains = [pool.submit(deep_compression.measure, seed) for seed in SEEDS]
        runs = {
            "deep_compression": [job.result() for job in chains],
            "low_bits": [job.result()["low_bits"] for job in networks],
            "two_bits": [job.result() for job in plain],
            "against_torch": [job.result()["against_torch"] for job in networks],
        }
    told = {
        "deep_compression": deep(runs["deep_compression"]),
        "low_bits": few(runs["low_bits"]),
        "two_bits": two(runs["two_bits"]),
        "against_torch": beside(runs["against_torch"]),
    }
    return {"seeds": list(SEEDS), "summary": told, **runs}


def deep(runs: Runs) -> dict[str, Any]:
    """The chain, stage by stage."""
    dense, chosen = [run["dense"] for run in runs], [run["chosen"] for run in runs]
    ratios = {
        stage: [d["bytes"] / c["bytes"][stage] for d, c in zip(dense, chosen, strict=True)]
        for stage in ("pruned", "shared", "coded")
    }
    lost = [d["test"] - c["test"] for d, c in zip(dense, chosen, strict=True)]
    show(
        f"Deep Compression of LeNet-300-100, {dense[0]['bytes']:,} B, test {_mean(dense, 'test')}",
        ["seed", "sparsity", "bits", "pruned", "shared", "coded", "B", "points lost"],
        [
            [
                seed,
                chosen[i]["sparsity"],
                chosen[i]["bits"],
                *(f"{ratios[stage][i]:.1f}x" for stage in ratios),
                f"{chosen[i]['bytes']['coded']:,}",
                f"{100 * lost[i]:.2f}",
            ]
            for i, seed in enumerate(SEEDS)
        ],
    )
    return {
        "dense_bytes": dense[0]["bytes"],
        "dense_test": summary([d["test"] for d in dense]),
        "test": summary([c["test"] for c in chosen]),
        "ratio": {stage: summary(values) for stage, values in ratios.items()},
        "least_ratio": min(ratios["coded"]),
        "most_lost": max(lost),
    }


def few(runs: Runs) -> dict[str, Any]:
    """Few bits: after training, in training, mixed."""
    told: dict[str, Any] = {
        "float": summary([run["float"] for run in runs]),
        "float_tuned": summary([run["float_tuned"] for run in runs]),
        "most_lost_int8": max(run["float"] - run["uniform"][0]["accuracy"] for run in runs),
        "uniform": [
            {
                **{key: row[0][key] for key in ("bits", "per_channel", "weight_bytes")},
                "test": summary([r["accuracy"] for r in row]),
            }
            for row in zip(*(run["uniform"] for run in runs), strict=True)
        ],
        "four_bits": _by_name(run["four_bits"] for run in runs),
        "trained": _by_name(run["trained"] for run in runs),
        "mixed": {bits: _mixed([run["mixed"][bits] for run in runs]) for bits in runs[0]["mixed"]},
    }
    title = (
        f"test accuracy, float {percent(told['float'])}, trained on {percent(told['float_tuned'])}"
    )
    show(
        f"Without training; {title}",
        ["bits", "scales", "weights, B", "test accuracy"],
        [
            [
                row["bits"],
                "channels" if row["per_channel"] else "tensor",
                f"{row['weight_bytes']:,}",
                percent(row["test"]),
            ]
            for row in told["uniform"]
        ]
        + [[4, name, "", percent(row)] for name, row in told["four_bits"].items()],
    )
    show(
        "4 bits, trained with them",
        ["how", "test accuracy"],
        [[name, percent(row)] for name, row in told["trained"].items()],
    )
    show(
        "2, 4 or 8 bits a layer in the bytes of as many for all",
        ["bytes of", "how", "B", "after training", "in training"],
        [
            [
                f"{bits} bits",
                name,
                f"{row['weight_bytes']['mean']:,.0f}",
                percent(row["after_training"]),
                percent(row["in_training"]),
            ]
            for bits, rows in told["mixed"].items()
            for name, row in rows.items()
        ],
    )
    return told


def two(runs: Runs) -> dict[str, Any]:
    """Two bits on the plain CNN."""
    told = {
        name: {
            key: summary([run["rows"][name][key] for run in runs]) for key in ("before", "after")
        }
        for name in runs[0]["rows"]
    }
    dense = summary([run["float"] for run in runs])
    show(
        f"Plain CNN, 2 bits; float {percent(dense)}",
        ["weights", "before tuning", "after"],
        [[name, percent(row["before"]), percent(row["after"])] for name, row in told.items()],
    )
    return {"float": dense, "rows": told}


def beside(runs: Runs) -> dict[str, Any]:
    """Our masks and integers, and torch's."""
    masks = {
        name: {key: sum(run["masks"][name][key] for run in runs) for key in ("entries", "differ")}
        for name in runs[0]["masks"]
    }
    told = {name: summary([run[name] for run in runs]) for name in runs[0] if name != "masks"}
    show(
        "Masks beside torch.nn.utils.prune",
        ["criterion", "entries", "differ"],
        [[name, f"{row['entries']:,}", row["differ"]] for name, row in masks.items()],
    )
    show(
        "int8 beside torchao",
        ["seed", *told],
        [
            [seed, *(f"{run[name]:.2%}" for name in told)]
            for seed, run in zip(SEEDS, runs, strict=True)
        ],
    )
    return {"masks": masks, **told}


def _by_name(rows: Any) -> dict[str, Any]:
    listed = list(rows)
    return {name: summary([row[name] for row in listed]) for name in listed[0]}


def _mixed(runs: Runs) -> dict[str, Any]:
    figures = ("weight_bytes", "after_training", "in_training")
    return {
        name: {figure: summary([run["rows"][name][figure] for run in runs]) for figure in figures}
        for name in runs[0]["rows"]
    }


def _mean(rows: Runs, figure: str) -> str:
    return percent(summary([row[figure] for row in rows]))


if __name__ == "__main__":
    main(__doc__, measure)
