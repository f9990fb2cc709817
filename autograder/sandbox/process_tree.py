"""All processes below one, as the system lists them: how many, how large, and their end."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class ProcessTree:
    """A process and all that it has started.

    Inside of a namespace the tree is complete: its first process adopts orphans, and the end of
    that process is the end of all. Without one, a process whose ancestors have ended could get
    away; whoever was seen once is remembered and ended as well.

    Args:
        root: number of the first process.
    """

    def __init__(self, root: int) -> None:
        self.root = root
        self._seen: dict[int, str] = {}

    def members(self) -> list[int]:
        """Numbers of the processes that run now, the first included."""
        found = list(_below(self.root))
        self._seen |= {pid: _started(pid) for pid in found if pid not in self._seen}
        return found

    def largest_bytes(self) -> int:
        """Memory of the process that holds the most."""
        return max(map(_rss_bytes, self.members()))

    def rss_bytes(self, shared_bytes: int = 0) -> int:
        """Memory that all hold together.

        Args:
            shared_bytes: what forked processes share; it is counted once.
        """
        own = (max(0, _rss_bytes(pid) - shared_bytes) for pid in self.members())
        return shared_bytes + sum(own)

    def threads(self) -> int:
        """Number of threads of all of them."""
        return sum(map(_threads, self.members()))

    def kill(self) -> None:
        """End all of them."""
        members = self.members()
        strays = [pid for pid, since in self._seen.items() if since and _started(pid) == since]
        for pid in dict.fromkeys([self.root, *members, *strays]):
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):  # gone; or the number is another's now
                continue


def _below(pid: int) -> Iterator[int]:
    yield pid
    try:
        threads = [entry.name for entry in Path(f"/proc/{pid}/task").iterdir()]
        texts = [Path(f"/proc/{pid}/task/{thread}/children").read_text() for thread in threads]
    except OSError:  # it has ended meanwhile
        return
    for text in texts:
        for child in text.split():
            yield from _below(int(child))


def _rss_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


def _threads(pid: int) -> int:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return 0


def _started(pid: int) -> str:
    """When a process was started; with its number it names one process and no later one."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
