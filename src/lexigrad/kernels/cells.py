"""Cells of a lower triangle as bytes: what a shard's counts are on their way, added up, dealt out, and made to rows.

A cell has a place, row · (row + 1) / 2 + column with column ≤ row, and a sum in units of 2^−28. A run of cells, by
rising place, is for each the difference from the place before (the first from 0), and the sum: both as LEB128, seven
bits a byte, the lowest first, and the high bit set in all bytes but the last.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

__all__ = ["LONGEST_CELL", "deal", "fill_rows", "merge", "pack", "row_lengths"]

LONGEST_CELL: Final = 7 + 10
"""Bytes: places have 48 bits at most, sums 64."""

MORE: Final = np.uint8(128)
NO_CELL: Final = np.int64(1) << np.int64(62)


@njit(inline="always")
def _put(number: Any, out: Any, end: int) -> int:
    """Append a number; returns the new end."""
    number = np.uint64(number)
    while number > np.uint64(127):
        out[end] = np.uint8(number & np.uint64(127)) | MORE
        end += 1
        number >>= np.uint64(7)
    out[end] = np.uint8(number)
    return end + 1


@njit(inline="always")
def _take(content: Any, at: int) -> tuple[Any, int]:
    """The number at a position, and the position behind it."""
    number = np.uint64(0)
    shift = np.uint64(0)
    while content[at] >= MORE:
        number |= np.uint64(content[at] & np.uint8(127)) << shift
        shift += np.uint64(7)
        at += 1
    return number | (np.uint64(content[at]) << shift), at + 1


@njit(inline="always")
def _size(number: Any) -> int:
    """The bytes that a number takes."""
    size = 1
    number = np.uint64(number)
    while number > np.uint64(127):
        number >>= np.uint64(7)
        size += 1
    return size


@njit(cache=True, nogil=True)
def pack(first_row: int, lengths: Any, columns: Any, units: Any, before: int, out: Any) -> tuple[int, int]:
    """Append rows of sums to a run whose last place is ``before``; returns the bytes written and the last place."""
    end = 0
    i = 0
    for row in range(first_row, first_row + lengths.size):
        start = row * (row + 1) // 2
        for _ in range(lengths[row - first_row]):
            place = start + columns[i]
            end = _put(place - before, out, end)
            end = _put(units[i], out, end)
            before = place
            i += 1
    return end, before


@njit(cache=True, nogil=True)
def merge(content: Any, begins: Any, ends: Any, out: Any) -> tuple[int, int]:
    """Add up runs that lie in ``content``; returns the bytes written, no more than they take, and the cells."""
    at = begins.copy()
    places = np.zeros(begins.size, dtype=np.int64)
    for run in range(begins.size):
        places[run] = _next_place(content, at, run, ends, np.int64(0))
    end = cells = 0
    before = np.int64(0)
    while True:
        place = NO_CELL
        for run in range(begins.size):
            place = min(place, places[run])
        if place == NO_CELL:
            return end, cells
        total = np.uint64(0)
        for run in range(begins.size):
            if places[run] == place:
                units, at[run] = _take(content, at[run])
                total += units
                places[run] = _next_place(content, at, run, ends, place)
        end = _put(place - before, out, end)
        end = _put(total, out, end)
        before = place
        cells += 1


@njit(inline="always")
def _next_place(content: Any, at: Any, run: int, ends: Any, before: Any) -> Any:
    """The place of a run's next cell, NO_CELL at its end."""
    place = NO_CELL
    if at[run] < ends[run]:
        difference, at[run] = _take(content, at[run])
        place = before + np.int64(difference)
    return place


@njit(cache=True, nogil=True)
def deal(content: Any, range_of: Any, ends: Any, out: Any) -> None:
    """Cut a run into those for ranges of rows of the symmetric matrix: a cell goes to that of its row and its column's.

    Args:
        content: The run.
        range_of: The range of each row.
        ends: Where in ``out`` each range's run begins; afterwards, where it ends.
        out: Empty to find out how many bytes each takes.
    """
    before = np.zeros(ends.size, dtype=np.int64)
    at = row = 0
    place = start = np.int64(0)
    while at < content.size:
        difference, at = _take(content, at)
        units, at = _take(content, at)
        place += np.int64(difference)
        while place > start + row:
            row += 1
            start += row
        first, second = range_of[row], range_of[place - start]
        for time in range(1 if first == second else 2):
            one = second if time else first
            if out.size:
                ends[one] = _put(units, out, _put(place - before[one], out, ends[one]))
            else:
                ends[one] += _size(place - before[one]) + _size(units)
            before[one] = place


@njit(cache=True, nogil=True)
def row_lengths(content: Any, first: int, lengths: Any) -> None:
    """Count the entries that a run has in the rows from ``first`` on of the symmetric matrix."""
    last = first + lengths.size
    at = row = 0
    place = start = np.int64(0)
    while at < content.size:
        difference, at = _take(content, at)
        _, at = _take(content, at)
        place += np.int64(difference)
        while place > start + row:
            row += 1
            start += row
        column = place - start
        if first <= row < last:
            lengths[row - first] += 1
        if first <= column < min(last, row):
            lengths[column - first] += 1


@njit(cache=True, nogil=True)
def fill_rows(content: Any, first: int, ends: Any, columns: Any, units: Any) -> None:
    """Append the entries of a run to the rows from ``first`` on of the symmetric matrix.

    Columns rise if the runs come by rising rows: a row gets what stands left of the diagonal before the rest.

    Args:
        content: The run.
        first: The first row.
        ends: Where each row's entries end so far.
        columns: Gets the column of each entry.
        units: Gets its sum.
    """
    last = first + ends.size
    at = row = 0
    place = start = np.int64(0)
    while at < content.size:
        difference, at = _take(content, at)
        total, at = _take(content, at)
        place += np.int64(difference)
        while place > start + row:
            row += 1
            start += row
        column = place - start
        if first <= row < last:
            columns[ends[row - first]] = column
            units[ends[row - first]] = total
            ends[row - first] += 1
        if first <= column < min(last, row):
            columns[ends[column - first]] = row
            units[ends[column - first]] = total
            ends[column - first] += 1
