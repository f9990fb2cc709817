"""The figures in the card of the generated scenes: how hard they are."""

from results import ROOT, result

CARD = ROOT / "tinyml_course" / "data" / "cards" / "persons.md"
BEGIN, END = "<!-- figures: tools/figures.py -->", "<!-- end of figures -->"


def section() -> str:
    """What cannot see shapes, and what can."""
    plain, seen = result("scenes"), result("scene_resolutions")
    seeds = ", ".join(str(seed) for seed in plain["seeds"])
    lines = [
        f"Test accuracy on data sets of seeds {seeds}, by which nothing was chosen (chance: 50 %).",
        f"What cannot see shapes, at {plain['resolution']} pixels (`benchmarks/scenes.py`):",
        "",
        "| model | test accuracy |",
        "| --- | --- |",
        *(
            f"| {name.replace('_', ' ')} | {', '.join(f'{score:.1%}' for score in scores)} |"
            for name, scores in plain["test_accuracy"].items()
        ),
        "",
        f"A network of {seen['runs'][0]['params']:,} parameters (`models.compact`) after "
        f"{seen['epochs']} epochs (`benchmarks/scene_resolutions.py`),",
        "and the share of persons that it finds, by their height over the picture's:",
        "",
        "| pixels | test accuracy | "
        + " | ".join(
            f"{a:g} to {min(b, 0.9):g}"
            for a, b in zip(seen["heights"], seen["heights"][1:], strict=False)
        )
        + " |",
        "| --- " * (2 + len(seen["heights"]) - 1) + "|",
        *(
            f"| {pixels} | "
            + ", ".join(f"{r['test']:.1%}" for r in seen["runs"] if r["resolution"] == int(pixels))
            + " | "
            + " | ".join(f"{found:.0%}" for found in row["found"])
            + " |"
            for pixels, row in seen["summary"].items()
        ),
        "",
        "Small persons are hard to find at few pixels: the smallest are 6 pixels high at 32 and 19",
        "at 96.",
    ]
    return "\n".join([BEGIN, *lines, END])


def renewed(text: str) -> str:
    """The card with today's figures."""
    before, rest = text.split(BEGIN)
    return before + section() + rest.split(END)[1]
