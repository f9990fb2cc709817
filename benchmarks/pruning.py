"""Pruning on Fashion-MNIST: granularities, criteria and schedules; channels and what a board gains.

Three seeds of weights and shuffling. A small CNN (three pruned 3x3 convolutions of 36 and 72
channels, 14 x 14 pixels) and a network of inverted bottlenecks (28 x 28) learn from 6,000 training
images. Ratios, sensitivities and searches are chosen on 1,000 validation images, on which the
accuracies before tuning are told too; all others are of 5,000 test images by which nothing was
chosen. After pruning every network is fine-tuned alike: equal epochs, equal learning rate.
Sparsities are those of the three pruned layers.

How much of the weights' squares a mask keeps is told beside the accuracies. It follows from how
freely a granularity may choose: of 9 weights 4 stay in 126 ways where any may (4:9), 2:4 leaves
6^(9/4) = 56, a set of 8 patterns 8. So patterns stand below N:M here, not above it.

The groups of N:M are 9 input channels here, so that N:M and patterns have equal sparsities; 2:4 and
1:4 stand beside them. Latency is the estimate of `tinyml_course.mcu`.
``TINYML_TEST_DATA`` names the folder with Fashion-MNIST, by default ``../shared/data``.
"""

import copy
import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import torch
from compressing import fashion
from compressing.fashion import test_accuracy, trained, validation_accuracy
from harness import main, show
from torch import nn

from tinyml_course import pruning as p
from tinyml_course.data import DataSet, Split
from tinyml_course.graph import from_torch
from tinyml_course.mcu import Emulator, board, plan, report
from tinyml_course.models import compact
from tinyml_course.models.fit import accuracy, fit
from tinyml_course.models.torch_network import build
from tinyml_course.pruning.activations import patches, watched
from tinyml_course.pruning.channel_costs import ChannelCosts
from tinyml_course.pruning.masks import to_tensors

SEEDS = (0, 1, 2)
TRAINING, VALIDATION, TEST = 6_000, 1_000, 5_000
DENSE_EPOCHS, TUNING_EPOCHS, TUNING_RATE = 6, 1, 0.05
NINTHS = (4, 2, 1)
"""Weights that stay of nine: sparsities of 5/9, 7/9 and 8/9, which all granularities can have."""
QUARTERS = (2, 1)
HIGH = 8 / 9
SCHEDULED = 0.95
BOARD = "stm32f746"
EMULATED = 500
"""Test images on the emulated board."""
WORKERS = 2

Masks = dict[str, torch.Tensor]


def images(resolution: int) -> DataSet:
    """The first images of each split."""
    return fashion.images(resolution, TRAINING, VALIDATION, TEST)


def small_cnn(seed: int) -> nn.Sequential:
    """Four 3x3 convolutions and a classifier; channels that 4 and 9 divide."""

    def conv(c_in: int, c_out: int) -> list[nn.Module]:
        layer = nn.Conv2d(c_in, c_out, 3, padding=1, bias=False)
        return [layer, nn.BatchNorm2d(c_out), nn.ReLU()]

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(72, 10)]
        layers = [*conv(1, 36), nn.MaxPool2d(2), *conv(36, 36), *conv(36, 36), nn.MaxPool2d(2)]
        return nn.Sequential(*layers, *conv(36, 72), *head)


def pruned_layers(model: nn.Module) -> list[str]:
    """The 3x3 convolutions behind the first."""
    return [name for name, w in p.prunable_weights(model).items() if w.ndim == 4 and w.shape[1] > 1]


def tuned(
    model: nn.Module, masks: Masks, data: DataSet, seed: int, epochs: int = TUNING_EPOCHS
) -> nn.Module:
    """A copy, pruned and fine-tuned with the masks held."""
    copied = copy.deepcopy(model)
    p.fine_tune(
        copied,
        masks,
        data,
        epochs=epochs,
        seed=seed,
        learning_rate=TUNING_RATE,
        progress=False,
    )
    for name, mask in masks.items():
        assert not dict(copied.named_parameters())[name][~mask].any()
    return copied


def layer_masks(model: nn.Module, make: Callable[[np.ndarray], np.ndarray]) -> Masks:
    """The same kind of mask for every pruned layer."""
    weights = p.weight_arrays(model, pruned_layers(model))
    return to_tensors({name: make(w) for name, w in weights.items()})


def granularities(model: nn.Module) -> dict[str, dict[float, Masks]]:
    """Masks by granularity and sparsity, all chosen by magnitude."""

    def by_pattern(w: np.ndarray, stay: int, count: int = 8) -> np.ndarray:
        return p.pattern_mask(w, p.select_patterns(w, count, stay))

    free: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
        "fine-grained": p.fine_grained_mask,
        "vector": p.vector_mask,
        "kernel": p.kernel_mask,
        "channel": p.channel_mask,
    }
    table: dict[str, dict[float, Masks]] = {
        name: {
            1 - stay / 9: layer_masks(model, partial(make, sparsity=1 - stay / 9))
            for stay in NINTHS
        }
        for name, make in free.items()
    }
    for stay in QUARTERS:
        sparsity = 1 - stay / 4
        table["fine-grained"][sparsity] = layer_masks(
            model, partial(p.fine_grained_mask, sparsity=sparsity)
        )
    # One weight of nine: the middle one is the only pattern, so none is left to choose.
    table["pattern"] = {
        1 - stay / 9: layer_masks(model, partial(by_pattern, stay=stay)) for stay in NINTHS[:2]
    }
    table["pattern of all 56"] = {5 / 9: layer_masks(model, partial(by_pattern, stay=4, count=56))}
    table["N:M"] = {1 - n / 9: layer_masks(model, partial(p.nm_mask, n=n, m=9)) for n in NINTHS}
    for stay in QUARTERS:
        masks = layer_masks(model, partial(p.nm_mask, n=stay, m=4))
        table["N:M"][1 - stay / 4] = masks
    return table


def measure_granularities(model: nn.Module, data: DataSet, seed: int) -> list[dict[str, Any]]:
    rows = []
    for name, by_sparsity in granularities(model).items():
        for masks in by_sparsity.values():
            before = copy.deepcopy(model)
            p.apply_masks(before, masks)
            rows.append(
                {
                    "granularity": name,
                    "sparsity": p.sparsity_of(masks),
                    "retained": retained(model, masks),
                    "before_tuning": validation_accuracy(before, data),
                    "accuracy": test_accuracy(tuned(model, masks, data, seed), data),
                    "stored_share": storage(int8_weights(model, masks)),
                }
            )
    return rows


def retained(model: nn.Module, masks: Masks) -> float:
    """Share of the squares of the weights that is kept."""
    weights = p.weight_arrays(model, list(masks))
    kept = sum(float((w[masks[name].numpy()] ** 2).sum()) for name, w in weights.items())
    return kept / sum(float((w**2).sum()) for w in weights.values())


def int8_weights(model: nn.Module, masks: Masks) -> dict[str, np.ndarray]:
    """What is left as int8, one scale a layer."""
    weights = p.weight_arrays(model, list(masks))
    return {
        name: np.where(masks[name].numpy(), np.rint(w / np.abs(w).max() * 127), 0).astype(np.int8)
        for name, w in weights.items()
    }


def storage(weights: Mapping[str, np.ndarray]) -> float:
    """Bytes with relative indices of 4 bits over dense bytes, each layer as one run."""
    runs = [w.reshape(-1, 1) for w in weights.values()]
    written = [p.encode(run, index_bits=4) for run in runs]
    for run, sparse in zip(runs, written, strict=True):
        assert np.array_equal(sparse.decode(), run)
        assert len(sparse.to_bytes()) == sparse.size_bytes == p.relative_index_bytes(run, 4, 8)
    return sum(sparse.size_bytes for sparse in written) / sum(run.size for run in runs)


def obs(model: nn.Module, data: DataSet, sparsity: float) -> tuple[nn.Module, Masks]:
    """A copy with compensated weights, and its masks; layer by layer, front to back."""
    copied, masks = copy.deepcopy(model), {}
    x = torch.from_numpy(data.train.images[:256])
    modules = dict(copied.named_modules())
    for name in pruned_layers(model):
        layer = modules[name.removesuffix(".weight")]
        with watched(copied, [name.removesuffix(".weight")]) as seen, torch.no_grad():
            copied(x)
        (inputs,) = seen.inputs.values()
        columns = patches(layer, inputs).flatten(0, 1).numpy()
        w = layer.weight.detach().numpy()
        done = p.obs_prune(w.reshape(len(w), -1), p.layer_hessian(columns), sparsity)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(done.weight.reshape(w.shape)))
        masks[name] = torch.from_numpy(done.mask.reshape(w.shape))
    return copied, masks


def measure_criteria(model: nn.Module, data: DataSet, seed: int) -> list[dict[str, Any]]:
    """Which weights: by each measure, at one high sparsity, any weight of a layer."""
    names = pruned_layers(model)
    weights = p.weight_arrays(model, names)
    few = Split(data.train.images[:1024], data.train.labels[:1024])
    fewer = Split(few.images[:256], few.labels[:256])
    rng = np.random.default_rng(seed)
    curvature = p.gauss_newton_diagonal(model, names, fewer)
    importances: dict[str, Mapping[str, np.ndarray] | None] = {
        "random": {name: rng.random(w.shape) for name, w in weights.items()},
        "magnitude": None,
        "Taylor": p.mean_taylor(model, names, few),
        "OBD": {name: p.obd_importance(w, curvature[name]) for name, w in weights.items()},
    }
    found: dict[str, tuple[nn.Module, Masks]] = {
        name: (model, p.network_masks(model, p.uniform_ratios(names, HIGH), fine, importance))
        for name, importance in importances.items()
    }
    found["OBS"] = obs(model, data, HIGH)
    found["magnitude, global"] = model, to_tensors(p.global_masks(weights, HIGH))
    scan = p.sensitivity_scan(model, data.validation, SCANNED, names, progress=False)
    ratios = p.ratios_for(scan, {name: w.size for name, w in weights.items()}, HIGH)
    by_scan = p.network_masks(model, ratios, fine)
    found["magnitude, ratios of the scan"] = model, by_scan
    rows = []
    for name, (start, masks) in found.items():
        before = copy.deepcopy(start)
        p.apply_masks(before, masks)
        rows.append(
            {
                "criterion": name,
                "sparsity": p.sparsity_of(masks),
                "before_tuning": validation_accuracy(before, data),
                "accuracy": test_accuracy(tuned(start, masks, data, seed), data),
            }
        )
    return rows


SCANNED = (0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)
fine = p.fine_grained_mask


def measure_schedules(model: nn.Module, data: DataSet, seed: int) -> list[dict[str, Any]]:
    """When: three epochs each, at one sparsity; a lottery ticket needs trainings of its own."""
    names = pruned_layers(model)

    def make(net: nn.Module, sparsity: float) -> Masks:
        return to_tensors(p.global_masks(p.weight_arrays(net, names), sparsity))

    def iterative(net: nn.Module, rounds: int) -> None:
        p.prune_iteratively(
            net,
            data,
            SCHEDULED,
            rounds=rounds,
            epochs=3 // rounds,
            seed=seed,
            make_masks=make,
            learning_rate=TUNING_RATE,
            progress=False,
        )

    def gradual(net: nn.Module) -> None:
        p.prune_gradually(
            net,
            data,
            SCHEDULED,
            epochs=3,
            seed=seed,
            make_masks=make,
            learning_rate=TUNING_RATE,
            progress=False,
        )

    ways: dict[str, Callable[[nn.Module], None]] = {
        "one-shot": partial(iterative, rounds=1),
        "iterative, 3 rounds": partial(iterative, rounds=3),
        "gradual, cubic": gradual,
    }
    rows = []
    for name, way in ways.items():
        net = copy.deepcopy(model)
        way(net)
        left = p.weight_arrays(net, names)
        zeros = sum(int((w == 0).sum()) for w in left.values())
        sparsity = zeros / sum(w.size for w in left.values())
        rows.append({"schedule": name, "sparsity": sparsity, "accuracy": test_accuracy(net, data)})
    return rows


def measure_small_cnn(seed: int) -> dict[str, Any]:
    """Everything about the small CNN, of one seed."""
    torch.set_num_threads(1)
    data = images(14)
    model = trained(small_cnn(seed), data, seed, epochs=DENSE_EPOCHS)
    everything = {name: torch.ones_like(w).bool() for name, w in model.named_parameters()}
    scan = p.sensitivity_scan(model, data.validation, SCANNED, pruned_layers(model), progress=False)
    return {
        "dense": test_accuracy(model, data),
        "dense_tuned": test_accuracy(tuned(model, everything, data, seed), data),
        "granularities": measure_granularities(model, data, seed),
        "criteria": measure_criteria(model, data, seed),
        "schedules": measure_schedules(model, data, seed),
        "sensitivity": asdict(scan),
    }


def on_board(model: nn.Module, data: DataSet) -> dict[str, Any]:
    """An int8 graph on the board: what it costs and how good it is there."""
    graph = from_torch(model, torch.from_numpy(data.train.images[:256]))
    planned = plan(graph, board(BOARD))
    emulator = Emulator(graph, planned, board(BOARD))
    shown = data.test.channels_last()[:EMULATED]
    runs = [emulator.run(image) for image in shown]
    classes = np.array([run.values.argmax() for run in runs])
    costs = report(planned, board(BOARD))
    assert max(run.peak_bytes for run in runs) == costs.sram_peak_bytes
    return {
        "macs": costs.macs,
        "params": costs.params,
        "sram_peak_bytes": costs.sram_peak_bytes,
        "flash_constants_bytes": costs.flash_constants_bytes,
        "flash_used_bytes": costs.flash_used_bytes,
        "latency_ms": costs.latency_ms_estimate,
        "float_accuracy": test_accuracy(model, data),
        "int8_accuracy": accuracy(classes, data.test.labels[:EMULATED]),
    }


def half_the_macs(model: nn.Module, data: DataSet) -> tuple[list[Any], dict[str, int]]:
    """The groups, and counts at the largest share of channels with half the MACs."""
    example = torch.from_numpy(data.train.images[:8])
    groups = p.channel_groups(model, example[:1])
    graph = from_torch(model, example)
    macs = report(plan(graph), board(BOARD)).macs
    costs = ChannelCosts(graph, groups, board(BOARD), p.Budget(macs=macs / 2))
    counts = costs.largest(np.ones(len(costs.free)))
    return groups, {g.name: n for g, n in zip(costs.free, counts, strict=True)}


def measure_channels(seed: int) -> dict[str, Any]:
    """Channel pruning to half the MACs, by each criterion and by search, of one seed."""
    torch.set_num_threads(1)
    data = images(28)
    model = trained(build(compact(28, 1, 10), seed), data, seed, epochs=5)
    groups, counts = half_the_macs(model, data)
    few = Split(data.train.images[:512], data.train.labels[:512])
    rng = np.random.default_rng(seed)
    criteria = dict.fromkeys(("l1", "l2", "bn_scale", "taylor", "apoz", "reconstruction"))
    rows: list[dict[str, Any]] = []
    networks: dict[str, nn.Module] = {}
    for name in ("random", *criteria):
        if name == "random":
            ranks = {g.name: rng.random(g.size) for g in groups if g.prunable}
        else:
            ranks = p.group_importance(model, groups, name, few)
        kept = {group: p.strongest(ranks[group], count) for group, count in counts.items()}
        small = p.smaller_network(model, groups, kept)
        difference = largest_difference(small, p.masked_network(model, groups, kept), data)
        raw = validation_accuracy(small, data)
        p.reconstruct(model, small, groups, kept, few)
        p.settle_statistics(small, torch.from_numpy(few.images))
        reconstructed = validation_accuracy(small, data)
        fit(small, data, epochs=2, seed=seed, learning_rate=TUNING_RATE, progress=False)
        networks[name] = small
        rows.append(
            {
                "criterion": name,
                "before_tuning": raw,
                "reconstructed": reconstructed,
                "accuracy": test_accuracy(small, data),
                "from_masked": difference,
            }
        )
    found = p.search_channels(
        model,
        data,
        board(BOARD),
        p.Budget(latency_ms=on_board_latency(networks["l2"], data)),
        evaluations=40,
        seed=seed,
        least=4,
        progress=False,
    )
    searched = copy.deepcopy(found.network)
    fit(searched, data, epochs=2, seed=seed, learning_rate=TUNING_RATE, progress=False)
    longer = copy.deepcopy(model)
    fit(longer, data, epochs=2, seed=seed, learning_rate=TUNING_RATE, progress=False)
    return {
        "criteria": rows,
        "kept": counts,
        "dense": on_board(model, data),
        "dense_tuned": test_accuracy(longer, data),
        "half": on_board(networks["l2"], data),
        "searched": on_board(searched, data),
        "search": {
            "evaluations": len(found.history),
            "uniform_validation": found.history[0].validation_accuracy,
            "best_validation": found.best.validation_accuracy,
            "counts": found.best.counts,
        },
    }


def on_board_latency(model: nn.Module, data: DataSet) -> float:
    graph = from_torch(model, torch.from_numpy(data.train.images[:8]))
    return report(plan(graph), board(BOARD)).latency_ms_estimate


def largest_difference(a: nn.Module, b: nn.Module, data: DataSet) -> float:
    """Of two networks' logits on test images, over the largest logit."""
    x = torch.from_numpy(data.test.images[:500])
    with torch.no_grad():
        first, second = a(x), b(x)
    return float((first - second).abs().max() / second.abs().max())


def measure() -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
        cnn = [pool.submit(measure_small_cnn, seed) for seed in SEEDS]
        channels = [pool.submit(measure_channels, seed) for seed in SEEDS]
        figures = {
            "small_cnn": [job.result() for job in cnn],
            "channels": [job.result() for job in channels],
        }
    summary = summarize(figures)
    print_tables(figures, summary)
    return {"seeds": list(SEEDS), "summary": summary, **figures}


MEANS = ("before_tuning", "reconstructed", "accuracy", "retained", "stored_share")


def gathered(
    runs: Sequence[Mapping[str, Any]], part: str, keys: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows of all seeds side by side: mean, and the standard deviation over seeds."""
    result = []
    for rows in zip(*(run[part] for run in runs), strict=True):
        row = {key: rows[0][key] for key in keys}
        assert all({key: other[key] for key in keys} == row for other in rows)
        for figure in MEANS:
            if figure in rows[0]:
                values = [other[figure] for other in rows]
                row[figure] = float(np.mean(values))
                row[f"{figure}_std"] = float(np.std(values, ddof=1))
        result.append(row)
    return result


def orders(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """At each sparsity, granularities from the best down, and the expected order's exceptions."""
    expected = ("fine-grained", "pattern", "N:M", "channel")
    result = []
    for sparsity in sorted({round(row["sparsity"], 3) for row in rows}):
        here = {r["granularity"]: r for r in rows if round(r["sparsity"], 3) == sparsity}
        present = [name for name in expected if name in here]
        upside_down = [
            f"{a} {here[a]['accuracy']:.4f} < {b} {here[b]['accuracy']:.4f}"
            for at, a in enumerate(present)
            for b in present[at + 1 :]
            if here[a]["accuracy"] < here[b]["accuracy"]
        ]
        ranked = sorted(here, key=lambda name: -here[name]["accuracy"])
        result.append({"sparsity": sparsity, "order": ranked, "against_expectation": upside_down})
    return result


def summarize(figures: Mapping[str, Any]) -> dict[str, Any]:
    cnn, channels = figures["small_cnn"], figures["channels"]
    by_granularity = gathered(cnn, "granularities", ("granularity", "sparsity"))

    def mean(part: str) -> dict[str, float]:
        return {key: float(np.mean([run[part][key] for run in channels])) for key in cnn_keys}

    cnn_keys = list(channels[0]["dense"])
    return {
        "dense": float(np.mean([run["dense"] for run in cnn])),
        "dense_tuned": float(np.mean([run["dense_tuned"] for run in cnn])),
        "granularities": by_granularity,
        "orders": orders(by_granularity),
        "criteria": gathered(cnn, "criteria", ("criterion",)),
        "schedules": gathered(cnn, "schedules", ("schedule",)),
        "channel_criteria": gathered(channels, "criteria", ("criterion",)),
        "largest_from_masked": max(r["from_masked"] for run in channels for r in run["criteria"]),
        "board": {part: mean(part) for part in ("dense", "half", "searched")},
        "channels_dense_tuned": float(np.mean([run["dense_tuned"] for run in channels])),
    }


def percent(row: Mapping[str, Any], figure: str) -> str:
    return f"{row[figure]:.2%} ± {100 * row[figure + '_std']:.2f}"


def print_tables(figures: Mapping[str, Any], summary: Mapping[str, Any]) -> None:
    dense, again = summary["dense"], summary["dense_tuned"]
    show(
        f"small CNN, dense {dense:.2%}, tuned as the others {again:.2%}; test, {len(SEEDS)} seeds",
        ["granularity", "sparsity", "squares", "bytes", "before", "after tuning"],
        [
            [
                r["granularity"],
                f"{r['sparsity']:.3f}",
                f"{r['retained']:.1%}",
                f"{r['stored_share']:.1%}",
                f"{r['before_tuning']:.2%}",
                percent(r, "accuracy"),
            ]
            for r in summary["granularities"]
        ],
    )
    show(
        "order of granularities",
        ["sparsity", "from the best", "against expectation"],
        [
            [f"{r['sparsity']:.3f}", " > ".join(r["order"]), "; ".join(r["against_expectation"])]
            for r in summary["orders"]
        ],
    )
    for part, title in (("criteria", f"which weights, fine-grained, sparsity {HIGH:.3f}"),):
        show(
            title,
            ["criterion", "before tuning", "after"],
            [
                [r["criterion"], f"{r['before_tuning']:.2%}", percent(r, "accuracy")]
                for r in summary[part]
            ],
        )
    show(
        f"when, sparsity {SCHEDULED}, three epochs",
        ["schedule", "after"],
        [[r["schedule"], percent(r, "accuracy")] for r in summary["schedules"]],
    )
    show(
        "channels to half the MACs, inverted bottlenecks; dense tuned alike "
        f"{summary['channels_dense_tuned']:.2%}",
        ["criterion", "before tuning", "least squares", "after"],
        [
            [
                r["criterion"],
                f"{r['before_tuning']:.2%}",
                f"{r['reconstructed']:.2%}",
                percent(r, "accuracy"),
            ]
            for r in summary["channel_criteria"]
        ],
    )
    rows = summary["board"]
    show(
        f"on {BOARD.upper()}, int8, mean of seeds; smaller and masked differ by at most "
        f"{summary['largest_from_masked']:.1e} of the largest logit",
        ["figure", *rows],
        [[key, *(f"{rows[part][key]:,.4g}" for part in rows)] for key in rows["dense"]],
    )
    del figures


if __name__ == "__main__":
    main(__doc__, measure)
