"""Expected window counts: walks to the right from many centers at once, and their sums as fixed-point integers.

docs/concepts/window-counts.md derives the sums of a walk. A pair of words is kept once, the rarer of both as its row.
Pairs of frequent words are added to a triangle of cells; all others become records of 64 bits

    row (without its high bits, which the bucket knows) · column (COLUMN bits) · weight in units of 2^−28 (29 bits)

that lie in the pages of the bucket of their row. Sorted, records of a pair are neighbors. Sums of integers do not
depend on their order, so neither threads nor memory change a count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numba import njit

from lexigrad.kernels.compiler.compile import kernel

if TYPE_CHECKING:
    from lexigrad.kernels.arraytypes import Doubles, Int32s, Int64s, UInt32s, UInt64s

__all__ = [
    "LANES",
    "STEPS",
    "UNROLLED",
    "Pages",
    "Triangle",
    "Walk",
    "bucket_sums",
    "combine",
    "count_span",
    "expected_rows",
    "put_records",
    "take_records",
    "triangle_sums",
]

LANES: Final = 256
"""Centers that walk at once; their numbers fit in the first cache."""

STEPS: Final = 16
"""Steps that centers walk before the words that they met are added."""

UNROLLED: Final = 5
"""Numbers of kept words that `_meet` does in one loop: as many as the usual window has."""

UNIT: Final = 2.0**28
WEIGHT_BITS: Final = np.uint64(29)
LARGEST: Final = np.uint64((1 << 29) - 1)


class Walk(NamedTuple):
    """The walks from LANES neighboring centers."""

    keep: Doubles  # (words,): probability that subsampling keeps an occurrence
    shares: Doubles  # (reach,): how much a word counts behind d kept ones; reach is a multiple of UNROLLED
    whole: float  # the weight of all words to the right in a sentence without end
    tolerance: float  # a walk ends when no more than this is to come
    between: Doubles  # (1 + reach, LANES): a row of zeros; probability that exactly d words were kept so far
    to_come: Doubles  # (LANES,): expected weight of the words that a walk has not met yet; 0 behind a sentence's end
    weight: Doubles  # (LANES,): of the word that is met, if it is kept
    met: Int32s  # (STEPS, LANES): such weights, in units
    steps: Int64s  # (LANES,): steps of the current STEPS before the walk ended
    kept: Doubles  # (LANES + STEPS,): keep by position, from the first walk's next word on
    inside: Int64s  # (LANES + STEPS,): 1; 0 where a sentence ends


class Triangle(NamedTuple):
    """Sums of the pairs of frequent words, and those that wait to be added."""

    words: int  # so many of the most frequent
    cells: UInt64s  # row r begins at r (r + 1) / 2
    waiting: Int64s  # (LANES * STEPS,): cells
    weights: Int32s  # (LANES * STEPS,)


class Pages(NamedTuple):
    """Records of all other pairs, bucket by bucket in chains of pages."""

    bucket_of: Any  # uint16 or uint32 (words,): the bucket of a row
    column_bits: int
    page: int  # records in a page, a power of 2
    records: UInt64s  # (pages * page,)
    older: Int32s  # (pages,): the page before this one in its bucket, −1 for none
    newest: Int32s  # (buckets,): the bucket's last page
    place: Int64s  # (buckets,): behind the bucket's last record; a multiple of page if its last page is full
    free: Int32s  # (pages,): free pages
    free_pages: Int64s  # (1,): so many are free
    waiting: UInt64s  # (LANES * STEPS,): records that wait to be put into pages
    buckets: UInt32s  # (LANES * STEPS,): the buckets of these records


@kernel
def count_span(ids: Int32s, stop: int, at: Int64s, walk: Walk, triangle: Triangle, pages: Pages) -> bool:
    """Walk from all centers from ``at`` to ``stop``; returns False when pages are lacking, to be called again.

    Args:
        ids: the corpus.
        stop: the position behind the last center.
        at: int64 (2,): the first of the LANES centers now walking, and the steps that they have walked.
        walk: the walks.
        triangle: takes pairs of frequent words.
        pages: take all other pairs.
    """
    reserve = pages.newest.size + LANES * STEPS // pages.page + 1
    while at[0] < stop:
        lanes = min(LANES, stop - at[0])
        if at[1] == 0:
            _set_out(ids, at[0], lanes, walk)
        walking = True
        while walking:
            if pages.free_pages[0] < reserve:
                return False
            _look_ahead(ids, at[0] + at[1] + 1, walk)
            walking = _walk(walk)
            _add(ids, at[0], lanes, at[1] + 1, walk, triangle, pages)
            at[1] += STEPS
        at[0] += lanes
        at[1] = 0
    return True


@kernel
def _set_out(ids: Int32s, first: int, lanes: int, walk: Walk) -> None:
    """Put the walks at their centers, from ``first`` on."""
    walk.between[:] = 0.0
    walk.between[1] = 1.0
    walk.to_come[:] = 0.0
    for lane in range(lanes):
        if ids[first + lane] >= 0:
            walk.to_come[lane] = walk.whole


@kernel
def _look_ahead(ids: Int32s, first: int, walk: Walk) -> None:
    """Look up the words from position ``first`` on."""
    walk.kept[:] = 0.0
    walk.inside[:] = 0
    for i in range(min(LANES + STEPS, ids.size - first)):
        if ids[first + i] >= 0:
            walk.kept[i] = walk.keep[ids[first + i]]
            walk.inside[i] = 1


@kernel
def _walk(walk: Walk) -> bool:
    """Walk STEPS steps; returns whether any walk goes on."""
    walk.steps[:] = 0
    for step in range(STEPS):
        kept, inside = walk.kept[step : step + LANES], walk.inside[step : step + LANES]
        if _go_on(walk.to_come, walk.tolerance, inside, walk.steps) == 0:
            return False
        walk.weight[:] = 0.0
        for d in range(walk.shares.size - UNROLLED, -1, -UNROLLED):
            _meet(walk.between[d : d + UNROLLED + 1], walk.shares[d : d + UNROLLED], kept, walk.weight)
        _note(walk.weight, inside, kept, walk.to_come, walk.met[step])
    return True


# Loops over lanes are short functions of one-dimensional arrays: these Numba turns into vector instructions.


@kernel
def _go_on(to_come: Doubles, tolerance: float, inside: Int64s, steps: Int64s) -> int:
    """Count the step of each walk that goes on; returns how many do."""
    walking = 0
    for lane in range(LANES):
        goes_on = np.int64(to_come[lane] > tolerance) & inside[lane]
        steps[lane] += goes_on
        walking += goes_on
    return walking


@kernel
def _note(weight: Doubles, inside: Int64s, kept: Doubles, to_come: Doubles, met: Int32s) -> None:
    """Note the weights in units, and the weight to come behind the word met; it is 0 behind a sentence's end."""
    for lane in range(LANES):
        met[lane] = np.int32(weight[lane] * UNIT + 0.5)
        to_come[lane] = (to_come[lane] - kept[lane] * weight[lane]) * inside[lane]


@kernel
def _meet(between: Doubles, shares: Doubles, kept: Doubles, weight: Doubles) -> None:
    """Add the weight of the word that is met behind UNROLLED numbers of kept words, and count it where it is kept.

    weight += Σ_d between_d shares_d, then between_d ← between_d (1 − kept) + between_{d−1} kept; the first row of
    ``between`` belongs to d − 1.
    """
    before, row_0, row_1, row_2, row_3, row_4 = between[0], between[1], between[2], between[3], between[4], between[5]
    share_0, share_1, share_2, share_3, share_4 = shares[0], shares[1], shares[2], shares[3], shares[4]
    for lane in range(LANES):
        k = kept[lane]
        a, b, c, d, e = row_0[lane], row_1[lane], row_2[lane], row_3[lane], row_4[lane]
        weight[lane] += a * share_0 + b * share_1 + c * share_2 + d * share_3 + e * share_4
        row_4[lane] = e - e * k + d * k
        row_3[lane] = d - d * k + c * k
        row_2[lane] = c - c * k + b * k
        row_1[lane] = b - b * k + a * k
        row_0[lane] = a - a * k + before[lane] * k


@kernel
def _add(ids: Int32s, first: int, lanes: int, distance: int, walk: Walk, triangle: Triangle, pages: Pages) -> None:
    """Add the words met by the walks from ``first`` on, the nearest of which are at ``distance``."""
    cells = 0
    records = 0
    column_bits = np.uint64(pages.column_bits)
    for lane in range(lanes):
        center = ids[first + lane]
        for step in range(walk.steps[lane]):
            outside = ids[first + lane + distance + step]
            row = np.uint64(max(center, outside))
            column = np.uint64(min(center, outside))
            weight = walk.met[step, lane]
            is_frequent: Any = row < np.uint64(triangle.words)
            # Written in any case, and overwritten if it belongs to the other: a branch here would be a coin's toss.
            triangle.waiting[cells] = np.int64(((row * (row + np.uint64(1))) >> np.uint64(1)) + column)
            triangle.weights[cells] = weight
            cells += is_frequent
            pages.waiting[records] = (((row << column_bits) | column) << WEIGHT_BITS) | np.uint64(weight)
            pages.buckets[records] = row
            records += not is_frequent
    for i in range(cells):
        triangle.cells[np.uint64(triangle.waiting[i])] += np.uint64(triangle.weights[i])
    for i in range(records):
        _put(pages.waiting[i], pages.bucket_of[pages.buckets[i]], pages)


@njit(inline="always")
def _put(record: np.uint64, bucket: int, pages: Pages) -> None:
    """Put a record behind the others of its bucket."""
    place = pages.place[bucket]
    if place & (pages.page - 1) == 0:
        pages.free_pages[0] -= 1
        page = pages.free[pages.free_pages[0]]
        pages.older[page] = pages.newest[bucket]
        pages.newest[bucket] = page
        place = np.int64(page) * pages.page
    pages.records[np.uint64(place)] = record
    pages.place[bucket] = place + 1


@kernel
def put_records(records: UInt64s, bucket: int, pages: Pages) -> None:
    """Put records into a bucket."""
    for record in records:
        _put(record, bucket, pages)


@kernel
def take_records(bucket: int, pages: Pages) -> Any:
    """Take all records out of a bucket; its pages are free then."""
    chain = 0
    page = pages.newest[bucket]
    while page >= 0:
        chain += 1
        page = pages.older[page]
    page = pages.newest[bucket]
    in_last = pages.place[bucket] - np.int64(page) * pages.page
    records = np.empty(max(0, (chain - 1) * pages.page + in_last) if chain else 0, dtype=np.uint64)
    end = 0
    while page >= 0:
        size = in_last if end == 0 else pages.page
        start = np.int64(page) * pages.page
        records[end : end + size] = pages.records[start : start + size]
        end += size
        pages.free[pages.free_pages[0]] = page
        pages.free_pages[0] += 1
        page = pages.older[page]
    pages.newest[bucket] = -1
    pages.place[bucket] = 0
    return records


@kernel
def combine(records: UInt64s) -> int:
    """Add up sorted records of the same pair, in place; returns how many are left.

    A sum beyond a record's largest weight takes several records, never more than it was made of.
    """
    size = 0
    i = 0
    while i < records.size:
        pair = records[i] >> WEIGHT_BITS
        total = np.uint64(0)
        while i < records.size and records[i] >> WEIGHT_BITS == pair:
            total += records[i] & LARGEST
            i += 1
        while total > np.uint64(0):
            part = min(total, LARGEST)
            records[size] = (pair << WEIGHT_BITS) | part
            total -= part
            size += 1
    return size


@kernel
def bucket_sums(records: UInt64s, first_row: int, rows: int, column_bits: int) -> tuple[Any, Any, Any]:
    """Rows of the lower triangle from the sorted records of a bucket: entries of each row, columns, sums in units."""
    lengths = np.zeros(rows, dtype=np.int64)
    columns = np.empty(records.size, dtype=np.int32)
    sums = np.empty(records.size, dtype=np.uint64)
    row_bits = np.uint64(64) - WEIGHT_BITS - np.uint64(column_bits)
    dropped = (np.int64(first_row) >> row_bits) << row_bits  # the high bits of the row, the same in all the bucket
    mask = (np.uint64(1) << np.uint64(column_bits)) - np.uint64(1)
    size = 0
    i = 0
    while i < records.size:
        pair = records[i] >> WEIGHT_BITS
        total = np.uint64(0)
        while i < records.size and records[i] >> WEIGHT_BITS == pair:
            total += records[i] & LARGEST
            i += 1
        row = dropped + np.int64(pair >> np.uint64(column_bits))
        columns[size] = pair & mask
        sums[size] = total
        is_counted: Any = total > np.uint64(0)
        lengths[row - first_row] += is_counted
        size += is_counted
    return lengths, columns[:size].copy(), sums[:size].copy()


@kernel
def triangle_sums(cells: UInt64s, first_row: int, rows: int) -> tuple[Any, Any, Any]:
    """Rows of the lower triangle from their cells: entries of each row, columns, sums in units."""
    lengths = np.zeros(rows, dtype=np.int64)
    filled = np.count_nonzero(cells)
    columns = np.empty(filled, dtype=np.int32)
    sums = np.empty(filled, dtype=np.uint64)
    size = 0
    cell = 0
    for row in range(first_row, first_row + rows):
        for column in range(row + 1):
            if cells[cell] > 0:
                columns[size] = column
                sums[size] = cells[cell]
                lengths[row - first_row] += 1
                size += 1
            cell += 1
    return lengths, columns, sums


@kernel
def expected_rows(
    lengths: Int64s, columns: Int32s, sums: UInt64s, first_row: int, keep: Doubles
) -> tuple[Any, Any, Any]:
    """The expected counts of rows of sums, as such rows; a count that is too small for a float32 is left out.

    n(row, column) of a sum: both words must be kept, and a word beside itself is in the window of both.
    """
    counted = np.zeros_like(lengths)
    outside = np.empty_like(columns)
    weights = np.empty(columns.size, dtype=np.float32)
    size = 0
    i = 0
    for place in range(lengths.size):
        row = first_row + place
        for _ in range(lengths[place]):
            outside[size] = columns[i]
            both = 2.0 if row == columns[i] else 1.0
            weights[size] = np.float32(np.float64(sums[i]) / UNIT * both * (keep[row] * keep[columns[i]]))
            is_counted = weights[size] > 0
            counted[place] += is_counted
            size += is_counted
            i += 1
    return counted, outside[:size].copy(), weights[:size].copy()
