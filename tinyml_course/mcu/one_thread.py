"""Matrix products on one thread, whatever the machine offers."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Inside, numpy's BLAS uses the calling thread only; 8 us a time.

    A layer of a tiny network is less than a millisecond of work. Spread over threads it is no
    faster on idle cores, and 25 times slower on busy ones, where each product waits for a thread
    that has not been scheduled (`benchmarks/against_tflite_micro.py`).
    """
    with _controller().limit(limits=1):
        yield


@cache
def _controller() -> "ThreadpoolController":
    from threadpoolctl import ThreadpoolController

    # Looking for the loaded libraries takes a millisecond.
    return ThreadpoolController().select(user_api="blas")
