"""How the kernels of training are compiled."""

from __future__ import annotations

from typing import Any, Final

from numba import njit
from numba.core.options import DefaultOptions

__all__ = ["compiled", "internal"]

WITHOUT_REFERENCE_COUNTS: Final[dict[str, Any]] = {"_nrt": False} if hasattr(DefaultOptions, "_nrt") else {}
"""Numba counts references to arrays, and each slice of one counts up and down, atomically: two threads that slice the
same array wait for each other (docs/decisions/reference-counts.md)."""

compiled = njit(cache=True, nogil=True, **WITHOUT_REFERENCE_COUNTS)
"""Compiles a function that makes no arrays and keeps none: what it is given must stay alive with the caller."""

internal = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, **WITHOUT_REFERENCE_COUNTS)
"""The same for a function that is called by compiled ones alone and compiled together with them: in half the time."""
