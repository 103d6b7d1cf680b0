"""Training by several threads that gives the same bytes as by one: nothing depends on who does what, or when.

The corpus is trained in rounds of a few pieces. A round's pieces are made ready, each by one thread. Then the blocks of
each piece follow in supersteps of up to eight. First the threads share out the blocks of a superstep: each block's
changes are computed at the tables as they stood when the superstep began, and written to a slot that belongs to the
block. When all are there, the threads share out the rows of the tables: who owns a row adds the changes of all blocks
to it, in the blocks' order. So every sum is taken in the order of the text, whoever takes it.

Where a superstep ends depends on the text and the settings, never on the threads. It ends early rather than hold one
word too often: its changes are computed at the same tables, as are those of a block, and the same care is due
(docs/decisions/step-size.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from lexigrad.kernels.blocks import Changes
from lexigrad.kernels.meeting import meet
from lexigrad.kernels.rows import add_listed_rows
from lexigrad.kernels.simd import LANES
from lexigrad.kernels.tokens import hash_byte
from lexigrad.kernels.training import (
    PIECE,
    aligned,
    block_at,
    block_changes,
    new_changes,
    new_cuts,
    new_piece,
    ready_band,
    ready_piece,
)

if TYPE_CHECKING:
    from lexigrad.kernels.training import Settings

__all__ = ["ROUND", "Share", "Shared", "new_share", "new_shared", "train_together"]

PIECES = 8
"""Pieces in a round: so many threads can make them ready."""

ROUND = PIECES * PIECE
"""Tokens of the corpus in a round."""

MOST_ROOM = 1000.0
"""A learning rate of zero is taken for this part of that at the start."""

COUNTERS = 4096
"""Counters of the words in a superstep; words that share one are counted together."""


class Shared(NamedTuple):
    """What all threads read and write, each in its turn."""

    pieces: Any  # a Piece for each of a round
    cuts: Any  # its Cuts
    places: Any  # int64 (PIECES, 4): what `ready_piece` returned
    steps: Any  # int64 (PIECES, PIECE + 2): each superstep's first block, the number of blocks; last, of supersteps
    changes: Any  # the Changes of all blocks of a superstep, one after the other


class Share(NamedTuple):
    """One thread's part, and its notes."""

    thread: Any
    threads: Any
    looks: Any  # how long to wait before giving the core away
    counters: Any  # uint16 (2, COUNTERS): occurrences and draws of words in a superstep
    rows: Any  # int64 (3, n): offsets of rows that the thread owns, for d_V, d_U and d_N
    sources: Any  # int64 (3, n): offsets of the changes to add to them
    listed: Any  # int64 (3,): how many there are


@njit(cache=True, nogil=True)
def train_together(
    shape: Any,
    ids: Any,
    start: int,
    stop: int,
    V: Any,
    U: Any,
    new_V: Any,
    new_U: Any,
    draws: Any,
    settings: Any,
    start_rate: float,
    stop_rate: float,
    gate: Any,
    shared: Any,
    share: Any,
    panels: Any,
    means: Any,
) -> bool:
    """Do one thread's part of training on ``ids[start:stop]``; False if it was told to stop before the end.

    All threads call it with the same arguments, but for ``share``, ``panels`` and ``means``, which are their own. The
    new tables are V and U but where kernels are checked. ``means`` are CBOW's buffers, None for skip-gram.
    """
    slope = (stop_rate - start_rate) / max(1, stop - start)
    for begin in range(start, stop, ROUND):
        end = min(stop, begin + ROUND)
        pieces = (end - begin + PIECE - 1) // PIECE
        for band in range(settings.bands.size - 1):
            for number in range(share.thread, pieces, share.threads):
                low = begin + number * PIECE
                rate = start_rate + slope * (low - start)
                _ready(shape, ids, low, end, number, band, draws, settings, rate, shared, share)
            if not meet(gate, share.threads, share.looks):
                return False
            for number in range(pieces):
                low, high = begin + number * PIECE, min(end, begin + (number + 1) * PIECE)
                rates = start_rate + slope * (low - start), start_rate + slope * (high - start)
                for step in range(shared.steps[number, PIECE + 1]):
                    _compute(shape, number, step, band, V, U, settings, rates, shared, share, panels, means)
                    _list(shape, number, step, band, settings, shared, share)
                    if not meet(gate, share.threads, share.looks):
                        return False
                    _add(shape, new_V, new_U, shared, share)
                    if not meet(gate, share.threads, share.looks):
                        return False
    return True


@njit(cache=True, nogil=True)
def _ready(
    shape: Any,
    ids: Any,
    begin: int,
    end: int,
    number: int,
    band: int,
    draws: Any,
    settings: Any,
    rate: float,
    shared: Any,
    share: Any,
) -> None:
    """Make a piece ready for a band, and cut it into supersteps."""
    piece, cuts, places = shared.pieces[number], shared.cuts[number], shared.places[number]
    if band == 0:
        found = ready_piece(shape, ids, begin, min(end, begin + PIECE), draws, settings, piece, cuts)
        for i in range(4):
            places[i] = found[i]
    ready_band(shape, begin, band, draws, settings, piece, cuts, _four(places))
    room = settings.first_rate / max(rate, settings.first_rate / MOST_ROOM)
    _cut_steps(piece, cuts, places[3], settings, room, share.counters, shared.steps[number])


@njit(inline="always")
def _four(places: Any) -> tuple[int, int, int, int]:
    return places[0], places[1], places[2], places[3]


@njit(cache=True, nogil=True)
def _cut_steps(piece: Any, cuts: Any, blocks: int, settings: Any, room: float, counters: Any, steps: Any) -> None:
    """Write each superstep's first block, and behind the last one the number of blocks; how many go to the end.

    What is computed at the same tables may be more where the learning rate is less: ``room`` is 1 at the start.
    """
    most = min(settings.slots, settings.step_blocks * np.int64(room))  # a multiple shares out evenly
    tallies = counters[0], counters[1]
    count = 0
    words = draws = (0, 0, 0)
    for number in range(blocks):
        for fresh in (False, True):
            words = _tally(piece.rows, cuts.starts[number], cuts.starts[number + 1], words, tallies[0])
            draws = _tally(cuts.negatives, number * settings.drawn, (number + 1) * settings.drawn, draws, tallies[1])
            full = count == 0 or number - steps[count - 1] == most
            too_much = _exceeds(words, settings.step_repeats) or _exceeds(draws, settings.step_draws)
            if fresh or not (full or too_much):
                break
            steps[count] = number
            count += 1
            counters[:] = 0
            words = draws = (0, 0, 0)
    steps[count] = blocks
    steps[PIECE + 1] = count


@njit(cache=True, nogil=True)
def _tally(rows: Any, start: int, stop: int, found: Any, counters: Any) -> tuple[int, int, int]:
    """Count words: how many, the sum of the squares of their occurrences, the most occurrences of one."""
    squares, most = found[1], found[2]
    for i in range(start, stop):
        counter = _counter(rows[i])
        occurrences = np.int64(counters[counter]) + 1
        counters[counter] = occurrences
        squares += 2 * occurrences - 1
        most = max(most, occurrences)
    return found[0] + stop - start, squares, most


@njit(inline="always")
def _exceeds(found: Any, limit: float) -> bool:
    """Whether the mean word stands beside too many of its kind, or one has far too many."""
    return bool(found[1] > limit * found[0] or found[2] > 2 * limit)


@njit(inline="always")
def _counter(row: Any) -> Any:
    """Twelve bits for a row's offset."""
    return (np.uint64(row) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(52)


@njit(cache=True, nogil=True)
def _compute(
    shape: Any,
    number: int,
    step: int,
    band: int,
    V: Any,
    U: Any,
    settings: Any,
    rates: Any,
    shared: Any,
    share: Any,
    panels: Any,
    means: Any,
) -> None:
    """Write the changes of this thread's blocks of a superstep into their slots."""
    piece, cuts, places = shared.pieces[number], shared.cuts[number], _four(shared.places[number])
    first, stop = shared.steps[number, step], shared.steps[number, step + 1]
    blocks = places[3]
    for i in range(first + share.thread, stop, share.threads):
        next_block = i + share.threads
        if next_block >= stop:
            next_block = min(blocks - 1, stop + share.thread)
        block = block_at(i, next_block, band, settings, piece, cuts, places)
        changes = _slot(i - first, settings, shared.changes)
        block_changes(shape, V, U, settings, rates, piece, block, places, panels, changes, means)


@njit(cache=True, nogil=True)
def _slot(slot: int, settings: Any, changes: Any) -> Changes:
    """Where a block's changes are written."""
    sizes = _sizes(settings, changes)
    return Changes(changes.d_V[slot * sizes[0] :], changes.d_U[slot * sizes[1] :], changes.d_N[slot * sizes[2] :])


@njit(inline="always")
def _sizes(settings: Any, changes: Any) -> tuple[int, int, int]:
    """Floats in a slot of each kind."""
    slots = settings.slots
    return changes.d_V.size // slots, changes.d_U.size // slots, changes.d_N.size // slots


@njit(cache=True, nogil=True)
def _list(shape: Any, number: int, step: int, band: int, settings: Any, shared: Any, share: Any) -> None:
    """List which changes of a superstep go to rows that this thread owns, in the order of the text."""
    piece, cuts, places = shared.pieces[number], shared.cuts[number], shared.places[number]
    first, stop = shared.steps[number, step], shared.steps[number, step + 1]
    far, drawn = settings.bands[band + 1] - 1, settings.drawn
    sizes = _sizes(settings, shared.changes)
    share.listed[:] = 0
    for i in range(first, stop):
        slot, start, end = i - first, cuts.starts[i], cuts.starts[i + 1]
        low, high = max(0, start - far), min(places[2], end + far)
        _list_mine(shape, piece.rows, low, high, slot * sizes[0], share, 0)
        _list_mine(shape, piece.rows, start, end, slot * sizes[1], share, 1)
        _list_mine(shape, cuts.negatives, i * drawn, (i + 1) * drawn, slot * sizes[2], share, 2)


@njit(cache=True, nogil=True)
def _list_mine(shape: Any, rows: Any, start: int, stop: int, source: int, share: Any, kind: int) -> None:
    """Append those of ``rows[start:stop]`` that this thread owns to its list of that kind."""
    thread, threads = np.uint64(share.thread), np.uint64(share.threads)
    targets, sources, listed = share.rows[kind], share.sources[kind], share.listed[kind]
    for i in range(start, stop):
        targets[listed] = rows[i]
        sources[listed] = source
        source += len(shape) * LANES
        listed += (hash_byte(rows[i]) * threads) >> np.uint64(8) == thread  # no branch: it would be a coin's toss
    share.listed[kind] = listed


@njit(cache=True, nogil=True)
def _add(shape: Any, V: Any, U: Any, shared: Any, share: Any) -> None:
    """Add what is listed."""
    changes, rows, sources, listed = shared.changes, share.rows, share.sources, share.listed
    add_listed_rows(shape, V, rows[0], sources[0], listed[0], changes.d_V)
    add_listed_rows(shape, U, rows[1], sources[1], listed[1], changes.d_U)
    add_listed_rows(shape, U, rows[2], sources[2], listed[2], changes.d_N)


def new_shared(settings: Settings, row_floats: int) -> Shared:
    """Room for what the threads share."""
    one = new_changes(settings, row_floats)
    return Shared(
        tuple(new_piece(settings) for _ in range(PIECES)),
        tuple(new_cuts(settings) for _ in range(PIECES)),
        np.zeros((PIECES, 4), np.int64),
        np.zeros((PIECES, PIECE + 2), np.int64),
        Changes(*(aligned(settings.slots * part.size) for part in one)),
    )


def new_share(settings: Settings, row_floats: int, thread: int, threads: int, looks: int) -> Share:
    """One thread's part."""
    largest = max(part.size for part in new_changes(settings, row_floats)) // row_floats
    places = settings.slots * largest + 1
    rows, sources = np.zeros((3, places), np.int64), np.zeros((3, places), np.int64)
    counters = np.zeros((2, COUNTERS), np.uint16)
    return Share(thread, threads, looks, counters, rows, sources, np.zeros(3, np.int64))
