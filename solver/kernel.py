"""How kernels are compiled: the loops that a plan's quality hangs on, in machine code.

Compiled once and kept beside the source; they let go of Python's lock, so threads run them
side by side. A kernel takes arrays and tuples of arrays; tuples are handed over by value, so
an innermost loop takes what it needs out of them first.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function at its first call."""
    compiled: Callable[P, R] = njit(nogil=True, cache=True)(function)
    return compiled
