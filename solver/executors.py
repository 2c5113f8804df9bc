"""Where independent pieces of work run, as `concurrent.futures` executors.

The kernels and CP-SAT let go of Python's lock, so threads of this process use its cores without
copying a problem.
"""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from itertools import pairwise


def split(count: int, pieces: int) -> list[tuple[int, int]]:
    """Cut 0 … count - 1 into half-open ranges of about one length, `pieces` at the most."""
    edges = [count * piece // pieces for piece in range(pieces + 1)]
    return [(first, last) for first, last in pairwise(edges) if first < last]


def open_executor(workers: int) -> Executor:
    """An executor of `workers` threads; close it with `with`."""
    return ThreadPoolExecutor(workers, thread_name_prefix="solver")
