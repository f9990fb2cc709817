"""Time and memory of this run: what a lab promises at its top is kept, and shown at its end."""

import sys
import time


def peak_rss_bytes() -> int | None:
    """The most memory this process has held so far; ``None`` where the system does not say."""
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
