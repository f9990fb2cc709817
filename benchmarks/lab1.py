"""Lab 1: what each answer is worth, and what the solved notebook takes.

Unsolved has no points, solved has all, every planted mistake loses some, over ten seeds of hidden
inputs. The solved notebook runs within two minutes, no cell over 45 seconds, in less than 1 GB.
"""

from functools import partial

from harness import main
from lab0 import measure

if __name__ == "__main__":
    main(__doc__, partial(measure, "lab1"))
