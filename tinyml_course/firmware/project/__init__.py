"""What somebody takes to a board: C, start-up code, linker script, makefiles, and the image."""

from tinyml_course.firmware.project.contents import project_files
from tinyml_course.firmware.project.folder import check_replaceable, lay_down, replace_folder
from tinyml_course.firmware.project.measure import FirmwareFigures, measure, require_machine
from tinyml_course.firmware.project.program import (
    BoardProgram,
    Sample,
    board_program,
    sample_of,
)

__all__ = [
    "BoardProgram",
    "Sample",
    "board_program",
    "sample_of",
    "FirmwareFigures",
    "measure",
    "require_machine",
    "project_files",
    "lay_down",
    "check_replaceable",
    "replace_folder",
]
