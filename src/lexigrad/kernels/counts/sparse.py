"""Sparse matrices by rows: a lower triangle mirrored, two matrices added, a matrix from a file checked.

A matrix is three arrays: where each row begins, the columns of the entries, and their weights. Columns rise in a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lexigrad.kernels.compiler.compile import kernel

if TYPE_CHECKING:
    from lexigrad.kernels.arraytypes import Floats, Int32s, Int64s

__all__ = ["added_rows", "is_sound", "is_symmetric", "mirror", "mirrored_lengths"]


@kernel
def mirrored_lengths(starts: Int64s, columns: Int32s) -> Any:
    """Entries of each row of the whole matrix, of which the lower triangle is given."""
    lengths = np.diff(starts)
    for row in range(starts.size - 1):
        for i in range(starts[row], starts[row + 1]):
            lengths[columns[i]] += columns[i] < row
    return lengths


@kernel
def mirror(
    starts: Int64s,
    columns: Int32s,
    weights: Floats,
    first: int,
    last: int,
    whole: Int64s,
    outside: Int32s,
    mirrored: Floats,
) -> None:
    """Write rows ``first`` to ``last`` (not included) of the whole matrix, of which the lower triangle is given.

    The whole matrix has its rows at ``whole``, its columns in ``outside`` and its weights in ``mirrored``.
    """
    place = whole[first:last].copy()
    for row in range(first, starts.size - 1):
        start, stop = starts[row], starts[row + 1]
        if row < last:
            end = place[row - first] + stop - start
            outside[place[row - first] : end] = columns[start:stop]
            mirrored[place[row - first] : end] = weights[start:stop]
            place[row - first] = end
        i = start + np.searchsorted(columns[start:stop], first)
        while i < stop and columns[i] < min(last, row):
            column = columns[i] - first
            outside[place[column]] = row
            mirrored[place[column]] = weights[i]
            place[column] += 1
            i += 1


@kernel
def added_rows(
    starts: Int64s, columns: Int32s, weights: Floats, other_starts: Int64s, other_columns: Int32s, other_weights: Floats
) -> tuple[Any, Any, Any]:
    """The sum of two matrices of as many rows, of which the columns rise within a row."""
    sum_starts = np.zeros_like(starts)
    sum_columns = np.empty(columns.size + other_columns.size, dtype=np.int32)
    sum_weights = np.empty(sum_columns.size, dtype=np.float32)
    size = 0
    for row in range(starts.size - 1):
        i, last = starts[row], starts[row + 1]
        j, other_last = other_starts[row], other_starts[row + 1]
        while i < last or j < other_last:
            from_first = j == other_last or (i < last and columns[i] <= other_columns[j])
            from_other = i == last or (j < other_last and other_columns[j] <= columns[i])
            weight = np.float32(0.0)
            if from_first:
                sum_columns[size] = columns[i]
                weight += weights[i]
                i += 1
            if from_other:
                sum_columns[size] = other_columns[j]
                weight += other_weights[j]
                j += 1
            sum_weights[size] = weight
            size += 1
        sum_starts[row + 1] = size
    return sum_starts, sum_columns[:size].copy(), sum_weights[:size].copy()


@kernel
def is_sound(starts: Int64s, columns: Int32s, weights: Floats) -> bool:
    """Whether columns are in range and rise within each row, and weights are finite and above 0."""
    for row in range(starts.size - 1):
        before = np.int64(-1)
        for i in range(starts[row], starts[row + 1]):
            if not before < columns[i] < starts.size - 1 or not 0.0 < weights[i] < np.inf:
                return False
            before = np.int64(columns[i])
    return True


@kernel
def is_symmetric(starts: Int64s, columns: Int32s, weights: Floats) -> bool:
    """Whether a sound matrix equals its transpose."""
    mirrored = starts[:-1].copy()  # in each row, the first entry behind the diagonal without a partner yet
    for row in range(starts.size - 1):
        for i in range(starts[row], starts[row + 1]):
            column = columns[i]
            mirrored[row] += column <= row
            if column < row:
                j = mirrored[column]
                if j >= starts[column + 1] or columns[j] != row or weights[j] != weights[i]:
                    return False
                mirrored[column] += 1
    return bool(np.all(mirrored == starts[1:]))
