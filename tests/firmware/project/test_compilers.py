"""The options of both compilers, from one place."""

import pytest

from tinyml_course.errors import ToolchainError
from tinyml_course.firmware import cores, toolchain
from tinyml_course.firmware.project.compilers import GCC_CORES, compiler_values
from tinyml_course.mcu import BOARDS, board


def test_gcc_knows_every_core_that_firmware_is_built_for() -> None:
    assert set(GCC_CORES) == set(cores.CPUS)


@pytest.mark.parametrize("name", BOARDS)
def test_zig_gets_the_options_of_the_image(name: str) -> None:
    values = compiler_values(board(name))
    flags = f"{values['ZIG_FLAGS']} -Wall".split()
    assert sorted(flags) == sorted([*toolchain.COMMON, *toolchain.BARE])
    assert str(values["ZIG_MACHINE"]).split() == [*toolchain.machine_flags(board(name))]


def test_both_compilers_leave_floating_point_alone() -> None:
    for flags in ("ZIG_FLAGS", "GCC_FLAGS"):
        assert "-ffp-contract=off" in str(compiler_values(board("stm32f746"))[flags])


def test_a_core_that_may_lack_dsp_instructions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(cores.CPUS, "cortex-m4")
    with pytest.raises(ToolchainError, match="needs a core with the DSP extension"):
        compiler_values(board("nrf52840"))
