"""Flash of images against what the report estimates before they are built.

The networks of ``benchmarks/firmware.py``, each operator by operator, streamed, and row-fed. The
constants are known; the error is that of code and layer descriptions, and of all flash.
"""

from typing import Any

from firmware import networks, plans
from harness import main, show

from tinyml_course.errors import FirmwareError, ScheduleError
from tinyml_course.firmware import build, generate
from tinyml_course.firmware.network import ENTRY
from tinyml_course.mcu import board

BOARD = board("stm32f746")


def measure() -> dict[str, Any]:
    """Build all, print a table."""
    found: dict[str, dict[str, Any]] = {}
    for name, graph in networks():
        for kind, make in plans(graph):
            try:
                planned = make()
                program = generate(planned)
            except (FirmwareError, ScheduleError) as error:
                print(f"refused: {name}, {kind}: {error}")
                continue
            image = build(BOARD, program.sources, program.headers, keep=[ENTRY])
            built = image.flash_bytes - planned.constants_bytes
            estimated = planned.flash_bytes - planned.constants_bytes
            found[f"{name}, {kind}"] = {
                "flash_bytes": image.flash_bytes,
                "estimated_flash_bytes": planned.flash_bytes,
                "built_code_bytes": built,
                "estimated_code_bytes": estimated,
                "error": estimated / built - 1,
                "flash_error": planned.flash_bytes / image.flash_bytes - 1,
            }
    show(
        "Flash beside the constants, in B: built, estimated, error; error of all flash",
        ["network", "built", "estimated", "error", "of flash"],
        [
            [
                name,
                f"{f['built_code_bytes']:,}",
                f"{f['estimated_code_bytes']:,}",
                f"{f['error']:+.1%}",
                f"{f['flash_error']:+.1%}",
            ]
            for name, f in found.items()
        ],
    )
    errors = [abs(f["error"]) for f in found.values()]
    of_flash = [abs(f["flash_error"]) for f in found.values()]
    summary = {
        "images": len(found),
        "mean_error": sum(errors) / len(errors),
        "worst_error": max(errors),
        "mean_flash_error": sum(of_flash) / len(of_flash),
        "worst_flash_error": max(of_flash),
    }
    print({key: round(value, 4) for key, value in summary.items()})
    return {**summary, "networks": found}


if __name__ == "__main__":
    main(__doc__, measure)
