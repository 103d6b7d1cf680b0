"""The positive pointwise mutual information of window counts, and its product with a dense matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lexigrad.kernels.compiler.compile import kernel

if TYPE_CHECKING:
    from lexigrad.kernels.arraytypes import Floats, Int32s, Int64s

__all__ = ["Counted", "Logs", "fill_ppmi", "sparse_product"]


class Counted(NamedTuple):
    """The window counts of some rows."""

    starts: Int64s  # (rows + 1,): where each row's entries begin
    outside: Int32s  # the outside word of each entry
    weights: Floats  # n(c, o) of each entry


class Logs(NamedTuple):
    """Logarithms of sums of the counts."""

    rows: Floats  # (rows,): log n_c
    words: Floats  # (words,): log n_o
    pairs: np.float32  # log N


@kernel
def fill_ppmi(counts: Counted, logs: Logs, ends: Int64s, columns: Int32s, values: Floats) -> None:
    """For each row: log n(c, o) N / (n_c n_o) where that is above zero.

    Row i's values lie from ``ends[i]`` to ``ends[i + 1]``.
    """
    starts, outside, weights = counts
    place = 0
    for i in range(logs.rows.size):
        for k in range(starts[i], starts[i + 1]):
            value = np.log(weights[k]) + logs.pairs - logs.rows[i] - logs.words[outside[k]]
            if value > 0:
                columns[place] = outside[k]
                values[place] = value
                place += 1
        ends[i + 1] = place


@kernel
def sparse_product(ends: Int64s, columns: Int32s, values: Floats, X: Floats, out: Floats) -> None:
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
