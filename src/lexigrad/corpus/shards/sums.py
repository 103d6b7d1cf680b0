"""The functions by which workers count windows: a shard's sums as cells, cells added and dealt out, rows made of them.

A run of cells is bytes, as `lexigrad.kernels.counts.leb128` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lexigrad.corpus.encoding import stored_ids
from lexigrad.corpus.shards.reading import shard_text
from lexigrad.corpus.shards.words import WordCounts, words_of
from lexigrad.corpus.windows import counting
from lexigrad.engines.flow import FAN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig
    from lexigrad.corpus.shards.cut import Shard

__all__ = ["add_cells", "count_shard", "deal_cells", "finished_rows", "lengths_of", "packed"]


def count_shard(
    shard: Shard,
    config: TrainConfig,
    phrases: Any,
    words: WordCounts,
    keep: NDArray[np.float64],
    borders: NDArray[np.int64],
    memory_bytes: int,
) -> tuple[Any, ...]:
    """Count a shard; returns the report on it with the bytes of its cells, and its cells by parts.

    Args:
        shard: the shard.
        config: the options of reading and counting.
        phrases: the arrays of the phrases to join, or None.
        words: the vocabulary.
        keep: the probability that each word is kept.
        borders: where the rows of each part begin, and those of the last one end.
        memory_bytes: how much counting may use.
    """
    with shard_text(shard, config, phrases) as read:
        new_ids = _ids_in(read.table, words)
        ids = stored_ids(read.text.renumbered(new_ids))
        kept = int(np.count_nonzero(ids >= 0))
        report = read.report(kept)
    sums = counting.summed(counting.Text(ids, np.array(keep), words.counts), config, memory_bytes)
    parts = packed(sums, borders.tolist())
    return (report, sum(cells.size for cells in parts)), *parts


def _ids_in(table: Any, words: WordCounts) -> NDArray[np.int32]:
    """The id of each word of the table in the vocabulary, -1 if it has none."""
    letters = words.letters.tobytes()
    new_ids = np.full(len(table), -1, dtype=np.int32)
    found = table.find(letters) if hasattr(table, "find") else table.ids_of(words_of(letters))
    new_ids[found[found >= 0]] = np.flatnonzero(found >= 0)
    return new_ids


def packed(blocks: Iterable[counting.Sums], borders: list[int]) -> list[NDArray[np.uint8]]:
    """Rows of sums as the cells of each part."""
    packers = [_Packer() for _ in borders[1:]]
    part = 0
    for block in blocks:
        ends = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(block.lengths)])
        first, last = block.first_row, block.first_row + block.lengths.size
        while borders[part + 1] <= first < last:
            part += 1
        while first < last:
            stop = min(last, borders[part + 1])
            rows = slice(first - block.first_row, stop - block.first_row)
            cells = slice(ends[rows.start], ends[rows.stop])
            packers[part].add(first, block.lengths[rows], block.columns[cells], block.units[cells])
            first = stop
            part += first < last
    return [packer.cells() for packer in packers]


class _Packer:
    """Gathers the cells of one part."""

    def __init__(self) -> None:
        self._pieces: list[NDArray[np.uint8]] = []
        self._before = 0

    def add(
        self, first: int, lengths: NDArray[np.int64], columns: NDArray[np.int32], units: NDArray[np.uint64]
    ) -> None:
        """Append rows from ``first`` on."""
        from lexigrad.kernels.counts.leb128 import LONGEST_CELL, pack

        if columns.size:
            out = np.empty(LONGEST_CELL * columns.size, dtype=np.uint8)
            size, self._before = pack(first, lengths, columns, units, self._before, out)
            self._pieces.append(out[:size].copy())

    def cells(self) -> NDArray[np.uint8]:
        """All cells of the part; the packer gives them up."""
        pieces, self._pieces = self._pieces, []
        return np.concatenate(pieces) if pieces else np.empty(0, dtype=np.uint8)


def add_cells(*runs: NDArray[np.uint8]) -> tuple[int, NDArray[np.uint8]]:
    """The bytes of the sum of runs of cells, and the sum."""
    from lexigrad.kernels.counts.leb128 import Block, merge

    # The kernel is compiled for each number of runs anew, so it always gets FAN of them, the most usual number.
    nothing = [np.empty(0, dtype=np.uint8)] * (FAN - len(runs))
    plain = tuple(_plain(run) for run in (*runs, *nothing))
    at, places = np.zeros((2, len(plain)), dtype=np.int64)
    out = np.empty(sum(run.size for run in runs), dtype=np.uint8)
    size = merge(plain, at, places, Block.empty(), out)
    return size, out[:size].copy()


def lengths_of(run: NDArray[np.uint8], words: int) -> NDArray[np.int64]:
    """The entries that a run of cells has in each row of the symmetric matrix."""
    from lexigrad.kernels.counts.leb128 import row_lengths

    lengths = np.zeros(words, dtype=np.int64)
    row_lengths(_plain(run), lengths)
    return lengths


def deal_cells(run: NDArray[np.uint8], borders: NDArray[np.int64], words: int) -> tuple[Any, ...]:
    """The bytes of the runs of some neighboring ranges of rows, and these runs.

    Args:
        run: the cells.
        borders: where the rows of each range begin, and those of the last one end.
        words: the number of rows in all.
    """
    from lexigrad.kernels.counts.leb128 import deal

    content = _plain(run)
    ranges = borders.size - 1
    borders = np.concatenate([[0], borders, [words]])
    range_of = np.repeat(np.arange(ranges + 2, dtype=np.int32), np.diff(borders))
    sizes = np.zeros(ranges, dtype=np.int64)
    deal(content, borders, range_of, sizes, np.empty(0, dtype=np.uint8))
    ends = np.cumsum(sizes)
    out = np.empty(int(ends[-1]), dtype=np.uint8)
    deal(content, borders, range_of, ends - sizes, out)
    return (out.size, *np.split(out, ends[:-1]))


def finished_rows(
    first: int, lengths: NDArray[np.int64], keep: NDArray[np.float64], *runs: NDArray[np.uint8]
) -> tuple[tuple[NDArray[np.int64], NDArray[np.float64]], NDArray[np.int32], NDArray[np.float32]]:
    """Rows of the symmetric matrix: their lengths and sums, their columns, their weights.

    Args:
        first: the first row.
        lengths: the entries of each row.
        keep: the probability that each word is kept.
        runs: all cells in the rows and columns of these words, by rising rows.
    """
    from lexigrad.kernels.counts.leb128 import fill_rows
    from lexigrad.kernels.counts.walk import expected_rows

    lengths = np.array(lengths)
    ends = np.cumsum(lengths) - lengths
    columns = np.empty(int(lengths.sum()), dtype=np.int32)
    units = np.empty(columns.size, dtype=np.uint64)
    for run in runs:
        fill_rows(_plain(run), first, ends, columns, units)
    counted, outside, weights = expected_rows(lengths, columns, units, first, np.array(keep))
    sums = np.zeros(counted.size)
    filled = counted > 0
    if filled.any():
        sums[filled] = np.add.reduceat(weights, (np.cumsum(counted) - counted)[filled], dtype=np.float64)
    return (counted, sums), outside, weights


def _plain(run: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A run as the one kind of array that the kernels are compiled for."""
    plain = run.view()
    plain.flags.writeable = False
    return plain
