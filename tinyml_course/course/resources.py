"""Time and memory of this run: what a lab promises at its top is kept, and shown at its end."""

import re
import sys
import time
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_rss_bytes() -> int | None:
    """The most memory this process has held so far; ``None`` where the system does not say.

    Linux is asked for the high-water mark of the program that runs now: ``getrusage`` also counts
    what the process held before it became this program, so a kernel that a large process has
    forked would seem to be as large as that.
    """
    if _STATUS.is_file():
        mark = re.search(r"^VmHWM:\s+(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
        if mark:
            return int(mark[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows has no such module
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class Stopwatch:
    """Seconds of computation since it was made."""

    def __init__(self) -> None:
        self.start_s = time.process_time()

    def report(self) -> str:
        """One line: seconds and peak memory."""
        line = f"Computed for {time.process_time() - self.start_s:.0f} s"
        peak = peak_rss_bytes()
        return f"{line}; peak memory {peak / 2**20:.0f} MiB." if peak else f"{line}."
