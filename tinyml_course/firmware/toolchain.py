"""C sources to an image for a board, or to a library for this machine.

The compiler is clang as the Python package ``ziglang`` brings it. What is built is kept by content,
so that building the same again costs milliseconds.
"""

import ctypes
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import metadata
from importlib.resources import files
from pathlib import Path

from tinyml_course.errors import ImageTooLargeError, ToolchainError
from tinyml_course.firmware.build_cache import cache_folder, kept, key
from tinyml_course.firmware.cores import cpu
from tinyml_course.firmware.elf import Image, read_image
from tinyml_course.firmware.linker_script import linker_script
from tinyml_course.firmware.optional import require
from tinyml_course.mcu.boards import Board

DEFAULT_STACK_BYTES = 4096
SHOWN_ERROR_LINES = 12

_RUNTIME = files("tinyml_course.firmware") / "runtime"
START_UP_FILES = ("start.c", "memory.c")  # beside the sources as "runtime/start.c"
# No fused multiply-add: here and on the core, floating-point numbers are to be the same to the bit.
COMMON = ("-std=gnu23", "-O3", "-Wall", "-fno-sanitize=all", "-ffp-contract=off")
# Not for this very CPU: a home folder may be shared by several machines.
_HOST = ("-fPIC", "-mcpu=baseline")
# The compiler keeps a frame pointer on a bare target that nobody reads.
BARE = ("-fomit-frame-pointer", "-ffunction-sections", "-fdata-sections")
# It adds -ffreestanding there, too, and with that every copy of four bytes is a call.
HOSTED = ("-fhosted",)
# In start-up code a loop must stay a loop, which would be memset calling itself otherwise; unrolled
# it is slower, as most copies are of a few bytes.
START_UP = ("-ffreestanding", "-Os")
_LOST_EMBED = re.compile(r"failed to read '.*\.d'")
_OVERFLOW = re.compile(r"will not fit in region '(\w+)': overflowed by (\d+) bytes")

Texts = Mapping[str, str]
Contents = Mapping[str, str | bytes]


def build(
    board: Board,
    sources: Texts,
    headers: Contents | None = None,
    *,
    keep: Iterable[str] = (),
    stack_bytes: int = DEFAULT_STACK_BYTES,
    flags: Sequence[str] = (),
) -> Image:
    """Compile and link an image for ``board``.

    Args:
        board: the memory map and the core.
        sources: text of each C file by its name, ``"net.c"``. ``main`` is the program; without one
            the image holds functions to be called by `Machine.call`.
        headers: files that the sources include or ``#embed``, by name.
        keep: functions that nothing calls and that stay all the same.
        stack_bytes: SRAM for the stack, a multiple of 8.
        flags: further options for the compiler, ``"-DROWS=4"``.

    Raises:
        ToolchainError: no compiler, a core that is not known, or C with errors in it.
        ImageTooLargeError: the board has too little flash or SRAM.
        FirmwareError: a function to keep is not there.
    """
    keep = tuple(keep)
    machine = machine_flags(board)
    options = (*machine, *COMMON, *BARE)
    start_up = {f"runtime/{name}": runtime_text(name) for name in START_UP_FILES}
    objects = {
        **_compile(start_up, {}, (*options, *START_UP)),
        **_compile(sources, headers or {}, (*options, *HOSTED, *flags)),
    }
    script = linker_script(board, stack_bytes, keep)

    def link() -> bytes:
        arguments = [*machine, "-O3", "-Wl,-T,board.ld", "-Wl,--gc-sections"]
        try:
            return _link([*arguments, "-Wl,--entry=Reset_Handler"], objects, {"board.ld": script})
        except ToolchainError as error:
            raise _too_large(board, str(error)) or error from None

    image = read_image(kept("images", f"{_linked(objects, [script, *machine])}.elf", link))
    for name in keep:
        image.symbol(name)
    return image


def machine_flags(board: Board) -> tuple[str, ...]:
    """The compiler's options for the core of ``board``.

    Raises:
        ToolchainError: firmware cannot be built for this core.
    """
    return "-target", "thumb-freestanding-eabihf", f"-mcpu={cpu(board)}"


def build_host_library(
    sources: Texts, headers: Contents | None = None, *, flags: Sequence[str] = ()
) -> ctypes.CDLL:
    """Compile the same C for this machine and load it.

    Args:
        sources: text of each C file by its name.
        headers: files that the sources include or ``#embed``, by name.
        flags: further options for the compiler.

    Returns:
        The library. A process that builds the same twice gets one library, with one set of
        variables.

    Raises:
        ToolchainError: no compiler, or C with errors in it.
    """
    objects = _compile(sources, headers or {}, (*COMMON, *_HOST, *flags))

    def link() -> bytes:
        return _link(["-shared", "-O3", *_HOST], objects, {})

    return ctypes.CDLL(str(kept("libraries", f"{_linked(objects, _HOST)}.so", link)))


def runtime_text(name: str) -> str:
    """A file of the run-time, ``"start.c"``, as text."""
    return (_RUNTIME / name).read_text()


@cache
def runtime_headers(bare: bool = True) -> dict[str, str]:
    """The headers of the run-time; ``bare``: for a board, where there are no others."""
    names = [f.name for f in (_RUNTIME / "include").iterdir() if f.name.endswith(".h")]
    # A machine with an operating system has a string.h of its own.
    return {name: runtime_text(f"include/{name}") for name in names if bare or name != "string.h"}


def _compile(sources: Texts, headers: Contents, options: Sequence[str]) -> dict[str, Path]:
    """The object of each source, by its name."""
    included = {**runtime_headers("-target" in options), **headers}

    def built(name: str) -> Path:
        needed = _named_in([sources[name], *options], included)
        parts = [part for header in sorted(needed) for part in (header, needed[header])]

        def make() -> bytes:
            with tempfile.TemporaryDirectory() as work:
                _lay_down(work, {**needed, name: sources[name]})
                # So that <name.h> is found as well as "name.h".
                here = ["-isystem", ".", "--embed-dir=."]
                _zig([*options, *here, "-c", name, "-o", "made.o"], work)
                return (Path(work) / "made.o").read_bytes()

        stem = key([*_compiler(), *options, name, sources[name], *parts])
        return kept("objects", f"{stem}.o", make)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(sources, pool.map(built, sources), strict=True))


def _named_in(texts: Sequence[str], headers: Contents) -> Contents:
    """The headers that are named in ``texts``, or in a header that is.

    Other weights then leave the kernels as they are. A name in a comment counts: one too many does
    no harm.
    """
    found: dict[str, str | bytes] = {}
    pending = list(texts)
    while pending:
        text = pending.pop()
        for name, content in headers.items():
            if name not in found and Path(name).name in text:
                found[name] = content
                if isinstance(content, str):
                    pending.append(content)
    return found


def _linked(objects: Mapping[str, Path], others: Iterable[str]) -> str:
    # The name of an object's file stands for what it was made from.
    return key([*_compiler(), *others, *(path.name for path in objects.values())])


def _link(arguments: Sequence[str], objects: Mapping[str, Path], others: Texts) -> bytes:
    with tempfile.TemporaryDirectory() as work:
        _lay_down(work, others)
        # Under the names of their sources, which is what an error then shows.
        names = [f"{index}-{Path(source).name}.o" for index, source in enumerate(objects)]
        for name, path in zip(names, objects.values(), strict=True):
            shutil.copyfile(path, Path(work) / name)
        _zig([*arguments, *names, "-o", "made"], work)
        return (Path(work) / "made").read_bytes()


def _lay_down(folder: str, contents: Contents) -> None:
    for name, content in contents.items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


@cache
def _compiler() -> tuple[str, ...]:
    """What compiles: version, and the machine it compiles on and by default for."""
    require("ziglang", "the C compiler")
    return metadata.version("ziglang"), sys.platform, platform.machine()


def _zig(arguments: Sequence[str], folder: str) -> None:
    """Run the compiler in ``folder``."""
    environment = dict(os.environ)
    environment.setdefault("ZIG_GLOBAL_CACHE_DIR", str(cache_folder() / "zig"))
    # The compiler keeps every object, too; once is enough.
    environment["ZIG_LOCAL_CACHE_DIR"] = str(Path(folder) / "zig")
    command = [sys.executable, "-m", "ziglang", "cc", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise ToolchainError(_explain(done))


def _explain(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    first = next((i for i, line in enumerate(lines) if "error" in line), 0)
    shown = lines[first : first + SHOWN_ERROR_LINES]
    if not shown:
        return (
            f"the C compiler ended with status {done.returncode} and without a word; try "
            f"`{sys.executable} -m ziglang version`, and reinstall ziglang if that fails too"
        )
    if _LOST_EMBED.search(shown[0]):
        # All that the compiler says then is that notes of its own are missing.
        shown.append("probably the file of an #embed is not among the headers")
    more = len(lines) - first - SHOWN_ERROR_LINES
    rest = [f"... and {more} more lines"] if more > 0 else []
    return "\n  ".join(["the C compiler refused; mend the first error first:", *shown, *rest])


def _too_large(board: Board, message: str) -> ImageTooLargeError | None:
    found = [(memory, int(over)) for memory, over in _OVERFLOW.findall(message)]
    if not found:
        return None
    memory, missing = max(found, key=lambda overflow: overflow[1])
    return ImageTooLargeError("flash" if memory == "FLASH" else memory, missing, board.title)
