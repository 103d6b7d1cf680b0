"""How the kernels of training are compiled."""

from __future__ import annotations

from typing import Any, Final

from numba import njit
from numba.core.options import DefaultOptions

__all__ = ["compiled"]

WITHOUT_REFERENCE_COUNTS: Final[dict[str, Any]] = {"_nrt": False} if hasattr(DefaultOptions, "_nrt") else {}
"""Numba counts references to arrays, and each slice of one counts up and down, atomically: two threads that slice the
same array wait for each other (docs/decisions/reference-counts.md). Kernels hold no array longer than their callers."""

compiled = njit(cache=True, nogil=True, **WITHOUT_REFERENCE_COUNTS)
"""Compiles a function that neither keeps nor makes arrays; what it is given stays alive with the caller."""
