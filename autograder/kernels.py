"""How notebooks' kernels are talked to: through files of the user, not through open ports."""

import sys
import tempfile
from pathlib import Path

from traitlets.config import Config


class KernelFolder:
    """A private folder for the sockets of kernels; it goes away with this object."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tinyml-kernel-")

    def settings(self) -> Config:
        """What Jupyter's kernel manager is told."""
        if sys.platform == "win32":  # no such files there
            return Config()
        # Absolute: manager and kernel run in different folders.
        address = str(Path(self._folder.name) / "kernel")
        return Config(KernelManager={"transport": "ipc", "ip": address})
