"""Lab 2: what each answer is worth, and what the solved notebook takes.

As for Lab 0: unsolved has no points, solved has all, every planted mistake loses some, over ten
seeds of hidden inputs.
"""

from functools import partial

from harness import main
from lab0 import measure

if __name__ == "__main__":
    main(__doc__, partial(measure, "lab2"))
