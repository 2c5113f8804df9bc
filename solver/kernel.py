"""How kernels are compiled: the loops that a plan's quality hangs on, in machine code.

Compiled once and kept beside the source; they let go of Python's lock, so threads run them
side by side. A kernel takes arrays and tuples of arrays; tuples are handed over by value, so
an innermost loop takes what it needs out of them first.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")

_UNCOUNTED: dict[str, Any] = {"_nrt": False}
"""Without reference counts. Every call would count each array of each tuple up and down, which
took more than half of the time, and more where two threads share them."""


_WITHOUT_WRAPPERS: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function that makes no array, copies none, and returns none."""
    compiled: Callable[P, R] = njit(nogil=True, cache=True, **_UNCOUNTED)(function)
    return compiled


def inner_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a `kernel` that only kernels call, without the long way in from Python.

    Taking some hundred arrays out of tuples is most of the code of a kernel, and of the time it
    takes to compile.
    """
    compiled: Callable[P, R] = njit(nogil=True, cache=True, **_UNCOUNTED, **_WITHOUT_WRAPPERS)(
        function
    )
    return compiled


def allocating_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function that makes arrays: one that is called seldom."""
    compiled: Callable[P, R] = njit(nogil=True, cache=True)(function)
    return compiled
