"""Where independent pieces of work run, as `concurrent.futures` executors.

The kernels and CP-SAT let go of Python's lock, so threads of this process use its cores without
copying a problem.
"""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor


def open_executor(workers: int) -> Executor:
    """An executor of `workers` threads; close it with `with`."""
    return ThreadPoolExecutor(workers, thread_name_prefix="solver")
