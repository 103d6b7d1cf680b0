"""The product of a sparse matrix with a dense one."""

from __future__ import annotations

from typing import Any

from numba import njit

__all__ = ["sparse_product"]


@njit(cache=True, nogil=True)
def sparse_product(starts: Any, columns: Any, values: Any, first: int, last: int, X: Any, out: Any) -> None:
    """out[i] = Σ_k values[k] X[columns[k]] over the entries k of row i, for the rows from ``first`` to ``last``."""
    width = X.shape[1]
    for i in range(first, last):
        row = out[i]
        for j in range(width):
            row[j] = 0
        for k in range(starts[i], starts[i + 1]):
            value = values[k]
            other = X[columns[k]]
            for j in range(width):
                row[j] += value * other[j]
