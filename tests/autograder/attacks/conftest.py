"""The attacks lie beside their tests, in modules of their own."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
