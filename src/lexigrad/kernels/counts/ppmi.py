"""The positive pointwise mutual information of window counts, and its product with a dense matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from lexigrad.kernels.compiler.compile import kernel

__all__ = ["fill_ppmi", "sparse_product"]


@kernel
def fill_ppmi(
    starts: Any,
    outside: Any,
    weights: Any,
    row_logs: Any,
    logs: Any,
    log_pairs: Any,
    ends: Any,
    columns: Any,
    values: Any,
) -> None:
    """For each row: log n(c, o) N / (n_c n_o) where that is above zero.

    Row i's values lie from ``ends[i]`` to ``ends[i + 1]``; ``row_logs`` are log n_c, ``logs`` log n_o.
    """
    place = 0
    for i in range(row_logs.size):
        for k in range(starts[i], starts[i + 1]):
            value = np.log(weights[k]) + log_pairs - row_logs[i] - logs[outside[k]]
            if value > 0:
                columns[place] = outside[k]
                values[place] = value
                place += 1
        ends[i + 1] = place


@kernel
def sparse_product(ends: Any, columns: Any, values: Any, X: Any, out: Any) -> None:
    """out[i] = Σ_k values[k] X[columns[k]] over the entries k of row i."""
    width = X.shape[1]
    for i in range(out.shape[0]):
        row = out[i]
        for j in range(width):
            row[j] = 0
        for k in range(ends[i], ends[i + 1]):
            value = values[k]
            other = X[columns[k]]
            for j in range(width):
                row[j] += value * other[j]
