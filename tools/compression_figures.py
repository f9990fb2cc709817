"""The README's figures of what makes networks smaller, and of the scenes that ask for it."""

from typing import Any

from results import Rows, result


def compression_rows(bench: str) -> Rows:
    """Pruning, quantization, scenes."""
    told = result("compression")["summary"]
    command = bench.format("compression")
    return [
        *pruning_rows(result("pruning")["summary"], bench.format("pruning")),
        deep_compression_row(told["deep_compression"], command),
        *low_bits_rows(told["low_bits"], command),
        two_bits_row(told["two_bits"], command),
        *packed_rows(result("packed_weights")["networks"], bench.format("packed_weights")),
        *beside_torch_rows(told["against_torch"], command),
        scenes_row(result("scenes"), bench.format("scenes")),
        resolutions_row(result("scene_resolutions"), bench.format("scene_resolutions")),
    ]


def pruning_rows(summary: Any, command: str) -> Rows:
    """Pruning on Fashion-MNIST: what granularity costs, what a board gains."""
    two_thirds = {
        row["granularity"]: row["accuracy"]
        for row in summary["granularities"]
        if abs(row["sparsity"] - 7 / 9) < 1e-6
    }
    wanted = ("fine-grained", "vector", "kernel", "channel")
    dense, half = (summary["board"][key] for key in ("dense", "half"))
    return [
        (
            "Fashion-MNIST, 7 of 9 weights pruned and tuned, 3 seeds: dense; fine-grained, vector, "
            "kernel, channel",
            f"{summary['dense']:.1%}; " + ", ".join(f"{two_thirds[k]:.1%}" for k in wanted),
            command,
        ),
        (
            "channels pruned to half the MACs: SRAM, constants, latency estimate on STM32F746",
            f"{dense['sram_peak_bytes']:,.0f} to {half['sram_peak_bytes']:,.0f} B, "
            f"{dense['flash_constants_bytes']:,.0f} to {half['flash_constants_bytes']:,.0f} B, "
            f"{dense['latency_ms']:.1f} to {half['latency_ms']:.1f} ms",
            command,
        ),
    ]


def deep_compression_row(told: Any, command: str) -> tuple[str, str, str]:
    """The whole chain."""
    ratio = told["ratio"]
    return (
        "Deep Compression of LeNet-300-100 on Fashion-MNIST, 3 seeds: float32 bytes over the bytes "
        "pruned, shared, coded; most points lost on the test split",
        ", ".join(f"{ratio[stage]['mean']:.0f}x" for stage in ("pruned", "shared", "coded"))
        + f"; {100 * max(told['most_lost'], 0):.2f}",
        command,
    )


def low_bits_rows(told: Any, command: str) -> Rows:
    """Few bits, after training and in training, even and uneven."""
    by_channel = {row["bits"]: row["test"]["mean"] for row in told["uniform"] if row["per_channel"]}
    mixed = told["mixed"]
    return [
        (
            "MobileNet of 19,434 parameters on Fashion-MNIST, 3 seeds: float; int8 after training; "
            "most points that int8 loses",
            f"{told['float']['mean']:.1%}; {by_channel[8]:.1%}; {100 * told['most_lost_int8']:.2f}",
            command,
        ),
        (
            "its weights in 4 bits: after training; trained with them (straight-through, learned "
            "step); float trained as long",
            f"{by_channel[4]:.1%}; "
            + ", ".join(f"{row['mean']:.1%}" for row in told["trained"].values())
            + f"; {told['float_tuned']['mean']:.1%}",
            command,
        ),
        (
            "2, 4 or 8 bits a layer in the bytes of 4 bits for all, after training: uniform, by "
            "Hessian, by search, by search from the Hessian's; in the bytes of 3",
            "; ".join(
                ", ".join(
                    f"{mixed[bits][way]['after_training']['mean']:.1%}"
                    for way in ("uniform", "Hessian", "search", "search from the Hessian's")
                )
                for bits in ("4", "3")
            ),
            command,
        ),
    ]


def two_bits_row(told: Any, command: str) -> tuple[str, str, str]:
    """Two bits on a plain CNN."""
    books, others = told["rows"]["k-means"], ("ternary (TWN)", "linear, learned step")
    return (
        "plain CNN in 2 bits: 4 shared values a layer (k-means) before and after these learn; "
        "ternary, learned step; float",
        f"{books['before']['mean']:.1%}, {books['after']['mean']:.1%}; "
        + ", ".join(f"{told['rows'][name]['after']['mean']:.1%}" for name in others)
        + f"; {told['float']['mean']:.1%}",
        command,
    )


def packed_rows(networks: Any, command: str) -> Rows:
    """Few bits in flash: what they save there and cost."""

    def ratios(bits: str, packed: str, figure: str) -> str:
        tables = [by_bits[bits]["whole"] for by_bits in networks.values()]
        found = [table[packed][figure] / table["bytes"][figure] for table in tables]
        return f"{min(found):.2f} to {max(found):.2f}"

    def told(bits: str) -> str:
        return "; ".join(
            f"{ratios(bits, packed, 'image_flash_bytes')}, {ratios(bits, packed, 'instructions')}"
            for packed in ("free", "all")
        )

    return [
        (
            f"weights of {bits} bits packed in flash, {len(networks)} networks: image and "
            "instructions over those with a byte each; packed if it takes no more SRAM, then all",
            told(bits),
            command,
        )
        for bits in ("4", "2")
    ]


def beside_torch_rows(told: Any, command: str) -> Rows:
    """The same network and data."""
    entries = sum(row["entries"] for row in told["masks"].values())
    differ = sum(row["differ"] for row in told["masks"].values())
    return [
        (
            "entries of masks that differ from those of `torch.nn.utils.prune`, same criteria",
            f"{differ} of {entries:,}",
            command,
        ),
        (
            "int8 accuracy, 3 seeds: ours on the emulated board, ranges by least squared error, by "
            "minmax; torchao's pt2e, by least squared error; float",
            f"{told['ours, mse']['mean']:.2%}, {told['ours, minmax']['mean']:.2%}; "
            f"{told['torchao']['mean']:.2%}; {told['float']['mean']:.2%}",
            command,
        ),
    ]


def scenes_row(figures: Any, command: str) -> tuple[str, str, str]:
    """The generated scenes."""
    found = figures["test_accuracy"]
    return (
        "generated scenes at 64 pixels, a second on one core; a linear model on the pixels, at 32",
        f"{figures['images_per_second']['64']}; at most "
        f"{max(found['logistic_regression_on_pixels']):.1%}",
        command,
    )


def resolutions_row(figures: Any, command: str) -> tuple[str, str, str]:
    """What a small network sees of them."""
    summary = figures["summary"]
    return (
        f"a small network on these scenes, {figures['epochs']} epochs, 3 data sets, at "
        + ", ".join(summary)
        + " pixels",
        ", ".join(f"{row['mean']:.1%}" for row in summary.values()),
        command,
    )
