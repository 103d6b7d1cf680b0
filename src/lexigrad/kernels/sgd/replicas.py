"""The changes that replicas exchange, as int8 with a scale a row, and how they are merged: added, damped, applied.

Every sum is taken in one order, on any worker: number after number of a row, replica after replica, row after row.
So the loops go over columns inside, where each column has a sum of its own, and no product is left to a library whose
sums depend on how its operands are cut. The equation is `lexigrad.reference.merged_row`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numba import njit

from lexigrad.kernels.compiler.compile import compiled, internal
from lexigrad.kernels.compiler.rowshape import CHUNK, LANES, part_floats

if TYPE_CHECKING:
    from lexigrad.kernels.arraytypes import Doubles, Floats, Int8s, Int32s, Int64s

__all__ = [
    "MOST_CODE",
    "Changes",
    "Layout",
    "add_changes",
    "apply_changes",
    "damp",
    "find_changes",
    "layout_of",
    "moments",
    "settle",
]

MOST_CODE: Final = 127
"""A change's largest number, as int8."""

LEAST: Final = 1e-30
"""A row whose largest change is less is taken not to move."""

HALVINGS: Final = 10
"""An exponential is the 2^10th power of another, near 1, which four terms give to 1e-11."""


class Layout(NamedTuple):
    """Where the numbers of a row stand in a table of the kernels (`lexigrad.kernels.sgd.tables`)."""

    parts: Int64s  # (parts, 3): the first column of each, how many columns, and floats from the row to them
    stride: int  # floats between two rows
    chunk: int  # floats between two chunks of rows


class Changes(NamedTuple):
    """Changes of some rows: about ``scales[i] * codes[i]`` of row ``rows[i]``."""

    rows: Int32s  # (n,), ascending
    scales: Floats  # (n,)
    codes: Int8s  # (n, dim)


def layout_of(shape: tuple[tuple[int, ...], ...], dim: int) -> Layout:
    """The layout of rows of these parts, as `row_parts` gives them.

    Example:
        >>> layout_of(((0, 0), (0,)), 40).parts.tolist()
        [[0, 32, 0], [32, 8, 2048]]
    """
    stride = part_floats([len(part) for part in shape])
    rows, first = [], 0
    for number, part in enumerate(shape):
        columns = min(dim - first, LANES * len(part))
        rows.append((first, columns, number * CHUNK * stride))
        first += columns
    return Layout(np.array(rows, np.int64), stride, len(shape) * CHUNK * stride)


@njit(inline="always")
def _row_at(layout: Layout, word_id: int) -> int:
    """Where a word's row begins."""
    place: int = (word_id // CHUNK) * layout.chunk + (word_id % CHUNK) * layout.stride
    return place


@compiled
def find_changes(
    layout: Layout, table: Floats, base: Floats, first: int, last: int, change: Floats, found: Changes
) -> int:
    """List the rows ``first`` to ``last`` in which a table differs from its base, with the changes as int8.

    ``change`` is room for a row. Returns how many rows were listed, or −1 if a number is not finite.
    """
    rows, scales, codes = found
    count = 0
    for word_id in range(first, last):
        place = _row_at(layout, word_id)
        most = np.float32(0)
        for part in range(layout.parts.shape[0]):
            column, columns, offset = layout.parts[part, 0], layout.parts[part, 1], layout.parts[part, 2]
            start = place + offset
            differ(table[start : start + columns], base[start : start + columns], change[column : column + columns])
        most = largest(change)
        if most == 0:
            continue
        if not most < np.inf:
            return -1
        rows[count] = word_id
        scales[count] = code(change, most, codes[count])
        count += 1
    return count


@internal
def differ(after: Floats, before: Floats, change: Floats) -> None:
    """Change = after − before."""
    for column in range(change.size):
        change[column] = after[column] - before[column]


@internal
def largest(change: Floats) -> np.float32:
    """The largest absolute value; not a number where one is not."""
    most = np.float32(0)
    total = np.float32(0)
    for column in range(change.size):
        value = abs(change[column])
        most = value if value > most else most
        total += value * np.float32(0)
    return most + total


@internal
def code(change: Floats, most: np.float32, codes: Int8s) -> np.float32:
    """Write a row's change as int8; returns the scale."""
    if most < LEAST:
        codes[:] = 0
        return np.float32(0)
    inverse = np.float32(MOST_CODE) / most
    for column in range(change.size):
        codes[column] = np.int8(np.rint(change[column] * inverse))
    return most / np.float32(MOST_CODE)


@compiled
def apply_changes(layout: Layout, changes: Changes, base: Floats, table: Floats) -> None:
    """Add merged changes to the base, and let the table be as the base is in these rows."""
    rows, scales, codes = changes
    for i in range(rows.size):
        place = _row_at(layout, np.int64(rows[i]))
        for part in range(layout.parts.shape[0]):
            column, columns, offset = layout.parts[part, 0], layout.parts[part, 1], layout.parts[part, 2]
            start = place + offset
            old, new = base[start : start + columns], table[start : start + columns]
            add_coded(scales[i], codes[i, column : column + columns], old)
            for j in range(columns):
                new[j] = old[j]


@internal
def add_coded(scale: np.float32, codes: Int8s, row: Floats) -> None:
    """Row += scale · codes."""
    for column in range(row.size):
        row[column] += scale * np.float32(codes[column])


@compiled
def add_changes(changes: Changes, first: int, sums: Floats, touching: Int64s) -> None:
    """Add one replica's changes to the sums of rows from ``first`` on, and count the replicas that touched each."""
    rows, scales, codes = changes
    for i in range(rows.size):
        row = np.int64(rows[i]) - first
        touching[row] += 1
        add_coded(scales[i], codes[i], sums[row])


@compiled
def damp(
    basis: Floats, turned: Floats, slopes: Doubles, updates: Doubles, touching: Int64s, sums: Floats, room: Doubles
) -> None:
    """sums[w] ← Qᵀ diag(s) Q sums[w], where more than one replica touched the row: a step of ``merged_row``.

    ``basis`` are the directions, (n, dim), ``turned`` the same, (dim, n); ``slopes`` are y for a single update: of
    each direction, and last of all that is at right angles to them. ``room`` is float64 (2, n + 1) and more.
    """
    directions = basis.shape[0]
    fall, share = room[0], room[1]
    parts = room[2]
    known = -1.0
    for row in range(sums.shape[0]):
        if touching[row] < 2:
            continue
        if updates[row] != known:  # rare words are many, and their counts few
            known = updates[row]
            for i in range(directions + 1):
                fall[i] = falling(slopes[i] * known)
        shares(fall, touching[row], share, room[3])
        rotate(basis, turned, share, sums[row], parts)


@internal
def falling(y: float) -> float:
    """e^−y by operations that every processor rounds alike."""
    z = min(y, 50.0) / 2.0**HALVINGS
    power = 1.0 - z * (1.0 - z / 2.0 * (1.0 - z / 3.0 * (1.0 - z / 4.0 * (1.0 - z / 5.0))))
    for _ in range(HALVINGS):
        power *= power
    return power


@internal
def shares(fall: Doubles, replicas: int, share: Doubles, power: Doubles) -> None:
    """(1 − e^(−c·y)) / (c (1 − e^−y)) = (1 + e^−y + … + e^(−(c − 1) y)) / c."""
    for i in range(share.size):
        share[i] = 1.0
        power[i] = 1.0
    for _ in range(1, replicas):
        for i in range(share.size):
            power[i] *= fall[i]
            share[i] += power[i]
    for i in range(share.size):
        share[i] /= replicas


@internal
def rotate(basis: Floats, turned: Floats, share: Doubles, row: Floats, parts: Doubles) -> None:
    """Row ← rest · row + Σ_i (share_i − rest) q_i (q_i · row); ``rest`` is the last share."""
    directions, dim = basis.shape
    rest = share[directions]
    for i in range(directions):
        parts[i] = 0.0
    for column in range(dim):
        value = np.float64(row[column])
        for i in range(directions):
            parts[i] += value * turned[column, i]
    for i in range(directions):
        parts[i] *= share[i] - rest
    for column in range(dim):
        row[column] *= rest
    for i in range(directions):
        part = np.float32(parts[i])
        for column in range(dim):
            row[column] += part * basis[i, column]


@compiled
def settle(first: int, touching: Int64s, sums: Floats, base: Floats, found: Changes) -> int:
    """Write the merged changes as int8, for all replicas, and add just these to the base; returns how many rows."""
    rows, scales, codes = found
    count = 0
    for row in range(sums.shape[0]):
        if touching[row] == 0:
            continue
        rows[count] = first + row
        scales[count] = code(sums[row], largest(sums[row]), codes[count])
        add_coded(scales[count], codes[count], base[row])
        count += 1
    return count


@compiled
def moments(table: Floats, weights: Doubles, sums: Doubles) -> None:
    """Add Σ_w weights[w] · table[w] table[w]ᵀ to ``sums``, float64 (dim, dim), above and on the diagonal."""
    dim = sums.shape[0]
    for row in range(table.shape[0]):
        vector = table[row]
        for i in range(dim):
            value = weights[row] * np.float64(vector[i])
            line, rest = sums[i, i:], vector[i:]
            for j in range(line.size):
                line[j] += value * np.float64(rest[j])
