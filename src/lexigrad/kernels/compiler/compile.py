"""How kernels are compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from numba import njit
from numba.core.options import DefaultOptions

from lexigrad.kernels.compiler.cache import cache_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compiled", "internal", "kernel", "kernel_with"]

WITHOUT_REFERENCE_COUNTS: Final[dict[str, Any]] = {"_nrt": False} if hasattr(DefaultOptions, "_nrt") else {}
"""Numba counts references to arrays, and each slice of one counts up and down, atomically: two threads that slice the
same array wait for each other (docs/decisions/reference-counts.md)."""


def kernel_with(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A decorator that compiles a function with Numba's options, to run beside other threads, and keeps it on disk."""

    def compile_and_keep(function: Callable[..., Any]) -> Any:
        dispatcher = njit(nogil=True, **options)(function)
        dispatcher._cache = cache_of(function)  # as `cache=True` does, with another class
        return dispatcher

    return compile_and_keep


kernel = kernel_with()
"""Compiles a function, and keeps it for the runs to come."""

compiled = kernel_with(**WITHOUT_REFERENCE_COUNTS)
"""The same for a function that makes no arrays and keeps none: what it is given must stay alive with the caller."""

internal = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, **WITHOUT_REFERENCE_COUNTS)
"""The same for a function that is called by compiled ones alone and compiled together with them: in half the time."""
