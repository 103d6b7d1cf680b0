"""Cells of a lower triangle as bytes, in which a shard's counts travel: added up, dealt out, and made to rows.

A cell has a place, row · (row + 1) / 2 + column with column ≤ row, and a sum in units of 2^−28. A run of cells, by
rising place, is for each the difference from the place before (the first from 0), and the sum: both as LEB128, seven
bits a byte, the lowest first, and the high bit set in all bytes but the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from lexigrad.kernels.compiler.compile import compiled, kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lexigrad.kernels.arraytypes import Bytes, Int32s, Int64s, UInt64s

__all__ = ["LONGEST_CELL", "Block", "deal", "fill_rows", "merge", "pack", "row_lengths"]

LONGEST_CELL: Final = 7 + 10
"""Bytes: places have 48 bits at most, sums 64."""

MORE: Final = np.uint8(128)
NO_CELL: Final = np.int64(1) << np.int64(62)

BLOCK_BITS: Final = 15
"""A block has 2^15 places, whose sums fit in the second cache; of 2^12 to 2^17, no other number was much faster."""
WORD_BITS: Final = np.uint64(6)
IN_WORD: Final = np.uint64(63)
NOTHING: Final = np.uint64(0)
ONE: Final = np.uint64(1)


class Block(NamedTuple):
    """Memory in which the cells of neighboring places are added up, all zero before and after."""

    sums: UInt64s  # (2^15,)
    touched: UInt64s  # (2^9,): a bit for each place that has a cell
    words: UInt64s  # (2^3,): a bit for each word of ``touched`` that is not zero

    @classmethod
    def empty(cls) -> Block:
        """A block without cells."""
        sizes = (BLOCK_BITS, BLOCK_BITS - 6, BLOCK_BITS - 12)
        return cls(*(np.zeros(1 << bits, dtype=np.uint64) for bits in sizes))


@njit(inline="always")
def _put(number: Any, out: Bytes, end: int) -> int:
    """Append a number; returns the new end."""
    number = np.uint64(number)
    while number > np.uint64(127):
        out[np.uint64(end)] = np.uint8(number & np.uint64(127)) | MORE
        end += 1
        number >>= np.uint64(7)
    out[np.uint64(end)] = np.uint8(number)
    return end + 1


@njit(inline="always")
def _take(content: Bytes, at: int) -> tuple[Any, int]:
    """The number at a position, and the position behind it."""
    number = np.uint64(0)
    shift = np.uint64(0)
    while content[np.uint64(at)] >= MORE:
        number |= np.uint64(content[np.uint64(at)] & np.uint8(127)) << shift
        shift += np.uint64(7)
        at += 1
    return number | (np.uint64(content[np.uint64(at)]) << shift), at + 1


@njit(inline="always")
def _skip(content: Bytes, at: int) -> int:
    """The position behind the number at a position."""
    while content[np.uint64(at)] >= MORE:
        at += 1
    return at + 1


@njit(inline="always")
def _size(number: Any) -> int:
    """The bytes that a number takes."""
    size = 1
    number = np.uint64(number)
    while number > np.uint64(127):
        number >>= np.uint64(7)
        size += 1
    return size


@kernel
def pack(first_row: int, lengths: Int64s, columns: Int32s, units: UInt64s, before: int, out: Bytes) -> tuple[int, int]:
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


@compiled
def merge(runs: tuple[Bytes, ...], at: Int64s, places: Int64s, block: Block, out: Bytes) -> int:
    """Add up runs, block of places by block; returns the bytes written, no more than the runs take.

    Args:
        runs: the runs, a tuple.
        at: int64 (runs,), zeros: where in each run to go on.
        places: int64 (runs,): scratch space, for the place of the cell there.
        block: memory for the sums of a block.
        out: uint8: gets the sum.
    """
    for run in range(len(runs)):
        places[run], at[run] = _next_place(runs[run], at[run], np.int64(0))
    end = 0
    before = np.int64(0)
    while True:
        least = NO_CELL
        for place in places:
            least = min(least, place)
        if least == NO_CELL:
            return end
        first = (least >> BLOCK_BITS) << BLOCK_BITS
        for run in range(len(runs)):
            if places[run] < first + (1 << BLOCK_BITS):
                places[run], at[run] = _add(runs[run], at[run], places[run], first, block)
        end, before = _put_block(first, block, before, out, end)


@njit(inline="always")
def _next_place(content: Bytes, at: int, before: int) -> tuple[Any, Any]:
    """The place of a run's next cell, NO_CELL at its end, and the position of its sum."""
    if at == content.size:
        return NO_CELL, at
    difference, at = _take(content, at)
    return before + np.int64(difference), at


@njit(inline="always")
def _add(content: Bytes, at: int, place: int, first: int, block: Block) -> tuple[Any, Any]:
    """Add a run's cells to the block that begins at place ``first``; returns where the run goes on."""
    while place < first + (1 << BLOCK_BITS):
        units, at = _take(content, at)
        cell = np.uint64(place - first)
        word = cell >> WORD_BITS
        block.sums[cell] += units
        block.touched[word] |= ONE << (cell & IN_WORD)
        block.words[word >> WORD_BITS] |= ONE << (word & IN_WORD)
        place, at = _next_place(content, at, place)
    return place, at


@njit(inline="always")
def _put_block(first: int, block: Block, before: Any, out: Bytes, end: int) -> tuple[int, Any]:
    """Append the cells of a block, which is empty then; returns the end and the last place."""
    for some in range(block.words.size):
        while block.words[some] != NOTHING:
            word = (np.uint64(some) << WORD_BITS) + _trailing_zeros(block.words[some])
            block.words[some] &= block.words[some] - ONE
            touched = block.touched[word]
            block.touched[word] = NOTHING
            while touched != NOTHING:
                cell = (word << WORD_BITS) + _trailing_zeros(touched)
                touched &= touched - ONE
                place = first + np.int64(cell)
                end = _put(place - before, out, end)
                end = _put(block.sums[cell], out, end)
                block.sums[cell] = NOTHING
                before = place
    return end, before


@intrinsic
def _trailing_zeros(_typing_context: Any, number: types.Type) -> tuple[Any, Callable[..., Any]]:
    """The place of the lowest bit of an unsigned 64-bit number that is not zero."""

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, values: Sequence[ir.Value]) -> ir.Value:
        return builder.cttz(values[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


@kernel
def deal(content: Bytes, borders: Int64s, range_of: Int64s, ends: Int64s, out: Bytes) -> None:
    """Cut a run into one for each range of rows of the symmetric matrix; a cell goes to its row's and its column's.

    Neighbors in a row whose columns are in one range go together: all their bytes but the first difference stay.

    Args:
        content: the run.
        borders: where the rows of each range begin, and where the last range ends. The first range and the last one are
            all rows that are not wanted.
        range_of: the range of each row.
        ends: where in ``out`` the run of each range that is wanted begins; afterwards, where it ends.
        out: room for these runs; empty to find out how many bytes each takes.
    """
    before = np.zeros(ends.size, dtype=np.int64)
    at = row = 0
    last = start = np.int64(0)
    while at < content.size:
        difference, begin = _take(content, at)
        place = last + np.int64(difference)
        while place > start + row:
            row += 1
            start += row
        first, second = range_of[row], range_of[place - start]
        last, at = _stretch(content, begin, place, start + min(row + 1, borders[second + 1]))
        for time in range(1 if first == second else 2):
            one = (second if time else first) - 1
            if one < 0 or one >= ends.size:
                continue
            if out.size:
                end = _put(place - before[one], out, ends[one])
                for i in range(at - begin):
                    out[np.uint64(end + i)] = content[np.uint64(begin + i)]
                ends[one] = end + at - begin
            else:
                ends[one] += _size(place - before[one]) + at - begin
            before[one] = last


@njit(inline="always")
def _stretch(content: Bytes, at: int, place: Any, stop: int) -> tuple[Any, Any]:
    """The last of the places below ``stop``, and the position behind its sum; from the sum of one of them on."""
    at = _skip(content, at)
    while at < content.size:
        difference, behind = _take(content, at)
        if place + np.int64(difference) >= stop:
            break
        place += np.int64(difference)
        at = _skip(content, behind)
    return place, at


@njit(inline="always")
def _next_cell(content: Bytes, at: int, place: Any, row: int, start: int) -> tuple[Any, Any, Any, Any, Any]:
    """The sum of a cell, the position behind it, its place, its row, and the place at which that begins."""
    difference, at = _take(content, at)
    units, at = _take(content, at)
    place += np.int64(difference)
    while place > start + row:
        row += 1
        start += row
    return units, at, place, row, start


@kernel
def row_lengths(content: Bytes, lengths: Int64s) -> None:
    """Count the entries that a run has in each row of the symmetric matrix."""
    at = row = 0
    place = start = np.int64(0)
    while at < content.size:
        _, at, place, row, start = _next_cell(content, at, place, row, start)
        lengths[row] += 1
        if place < start + row:
            lengths[place - start] += 1


@kernel
def fill_rows(content: Bytes, first: int, ends: Int64s, columns: Int32s, units: UInt64s) -> None:
    """Append the entries of a run to the rows from ``first`` on of the symmetric matrix.

    Columns rise if the runs come by rising rows: a row gets its entries left of the diagonal before the others.

    Args:
        content: the run.
        first: the first row.
        ends: where each row's entries end so far.
        columns: gets the column of each entry.
        units: gets the sum of each entry.
    """
    last = first + ends.size
    at = row = 0
    place = start = np.int64(0)
    while at < content.size:
        total, at, place, row, start = _next_cell(content, at, place, row, start)
        column = place - start
        if first <= row < last:
            columns[ends[row - first]] = column
            units[ends[row - first]] = total
            ends[row - first] += 1
        if first <= column < min(last, row):
            columns[ends[column - first]] = row
            units[ends[column - first]] = total
            ends[column - first] += 1
