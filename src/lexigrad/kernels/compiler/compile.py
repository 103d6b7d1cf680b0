"""How kernels are compiled."""

from __future__ import annotations

import warnings
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from numba import njit
from numba.core.options import DefaultOptions

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
        try:
            _keep(dispatcher, function)
        except (AttributeError, ImportError, TypeError) as error:
            _warn(str(error))
            with suppress(RuntimeError):  # no folder can be written
                return njit(nogil=True, cache=True, **options)(function)
        return dispatcher

    return compile_and_keep


def _keep(dispatcher: Any, function: Callable[..., Any]) -> None:
    """Give a kernel its cache, as ``cache=True`` does with another class.

    Raises:
        AttributeError, ImportError, TypeError: Numba lacks a name that the cache is made from, or has changed it.
    """
    from lexigrad.kernels.compiler.cache import cache_of

    if not hasattr(dispatcher, "_cache"):
        raise AttributeError("a dispatcher has no '_cache'")
    dispatcher._cache = cache_of(function)


@cache
def _warn(why: str) -> None:
    """Warn once: there are dozens of kernels."""
    warnings.warn(
        f"Numba {version('numba')} lacks a part of the cache of compiled kernels ({why}), so its own cache is used, "
        "which may keep old kernels; empty NUMBA_CACHE_DIR after each upgrade of lexigrad, or install an older Numba",
        stacklevel=2,
    )


kernel = kernel_with()
"""Compiles a function, and keeps it for the runs to come."""

compiled = kernel_with(**WITHOUT_REFERENCE_COUNTS)
"""Does the same to a function that makes no arrays and keeps none: its arguments must stay alive with the caller."""

internal = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, **WITHOUT_REFERENCE_COUNTS)
"""Does the same to a function that only compiled ones call, which is compiled together with them: in half the time."""
