"""The positive pointwise mutual information of window counts, and its product with a dense matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["fill_ppmi", "sparse_product"]


@njit(cache=True, nogil=True)
def fill_ppmi(
    starts: Any, outside: Any, weights: Any, logs: Any, log_pairs: Any, rows: Any, columns: Any, values: Any, stops: Any
) -> None:
    """For the ``rows`` from the first to the last: log n(c, o) N / (n_c n_o) where that is above zero.

    A row's values begin where its counts do, and end at ``stops``; ``logs`` are log n_c.
    """
    for i in range(rows[0], rows[1]):
        place = starts[i]
        for k in range(starts[i], starts[i + 1]):
            value = np.log(weights[k]) + log_pairs - logs[i] - logs[outside[k]]
            if value > 0:
                columns[place] = outside[k]
                values[place] = value
                place += 1
        stops[i] = place


@njit(cache=True, nogil=True)
def sparse_product(starts: Any, stops: Any, columns: Any, values: Any, rows: Any, X: Any, out: Any) -> None:
    """out[i] = Σ_k values[k] X[columns[k]] over the entries k of row i, for the ``rows`` from the first to the last."""
    width = X.shape[1]
    for i in range(rows[0], rows[1]):
        row = out[i]
        for j in range(width):
            row[j] = 0
        for k in range(starts[i], stops[i]):
            value = values[k]
            other = X[columns[k]]
            for j in range(width):
                row[j] += value * other[j]
