"""Training by several threads that gives the same bytes as by one: nothing depends on who does what, or when.

The corpus is trained in rounds of a few pieces. A round's pieces are made ready, each by one thread. Then the blocks of
each piece follow in supersteps of up to eight, which are computed at the tables as they stood when the superstep began.
Each thread has some of the columns (`lexigrad.kernels.sgd.team`): it computes its part of the scores, and when all
parts are there, the changes in its columns, block by block in slots of their own. Where several threads have the same
columns, each computes some of the blocks, and when these are there, adds the changes of all blocks to the rows that it
owns. So every sum is taken in the order of the text and of the parts, whoever takes it.

Where a superstep ends depends on the text and the settings, never on the threads. It ends early rather than hold one
word too often: its changes are computed at the same tables, as are those of a block, and the same care is due
(docs/decisions/step-size.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from lexigrad.kernels.compiler.compile import compiled, internal
from lexigrad.kernels.compiler.simd import row_floats
from lexigrad.kernels.sgd.barrier import meet
from lexigrad.kernels.sgd.piece import Piece, hash_byte
from lexigrad.kernels.sgd.products import add_listed_rows, add_rows
from lexigrad.kernels.sgd.span import PIECE, Cuts, block_at, block_changes, block_scores, ready_band, ready_piece
from lexigrad.kernels.sgd.step import Changes, Means, Scores
from lexigrad.kernels.sgd.team import PIECES

__all__ = ["ROUND", "train_together"]

ROUND = PIECES * PIECE
"""Tokens of the corpus in a round."""

MOST_ROOM = 1000.0
"""A learning rate of zero is taken for this part of that at the start."""


@compiled
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
    columns: Any,
    share: Any,
    lists: Any,
    panels: Any,
    means: Any,
) -> bool:
    """Do one thread's part of training on ``ids[start:stop]``; False if it was told to stop before the end.

    All threads call it with the same arguments, but for those from ``columns`` on, which are their own: the parts of a
    row that they compute, as `row_parts` gives them, and their buffers. The new tables are V and U but where kernels
    are checked. ``means`` are CBOW's buffers, None for skip-gram, and ``lists`` are None where no other thread has the
    same columns: Numba leaves out the branches not taken.
    """
    slope = (stop_rate - start_rate) / max(1, stop - start)
    tables = V[share.offset :], U[share.offset :], new_V[share.offset :], new_U[share.offset :]
    turn = 0
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
                    turn = 1 - turn
                    work = number, step, band, turn
                    if not _superstep(
                        columns, work, tables, settings, rates, gate, shared, share, lists, panels, means
                    ):
                        return False
            if not meet(gate, share.threads, share.looks):  # the pieces are about to be made anew
                return False
    return True


@internal
def _superstep(
    columns: Any,
    work: Any,
    tables: Any,
    settings: Any,
    rates: Any,
    gate: Any,
    shared: Any,
    share: Any,
    lists: Any,
    panels: Any,
    means: Any,
) -> bool:
    """Take one superstep: its scores, its changes, and these added."""
    V, U, new_V, new_U = tables
    _score(columns, work, V, U, settings, shared, share, panels, means)
    if not meet(gate, share.threads, share.looks):  # to have the scores of all parts
        return False
    _change(columns, work, V, U, settings, rates, shared, share, panels, means)
    if lists is None:
        _add(columns, work, new_V, new_U, settings, shared, share)
        return True
    _list(columns, work, settings, shared, share, lists)
    if not meet(gate, share.threads, share.looks):  # to have the changes of all blocks
        return False
    _add_listed(columns, new_V, new_U, share.changes, lists)
    return bool(meet(gate, share.threads, share.looks))


@internal
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
    piece, cuts, places = _piece(shared.pieces, number), _cuts(shared.cuts, number), shared.places[number]
    if band == 0:
        found = ready_piece(shape, ids, begin, min(end, begin + PIECE), draws, settings, piece, cuts)
        for i in range(4):
            places[i] = found[i]
    ready_band(shape, begin, band, draws, settings, piece, cuts, _four(places))
    room = settings.first_rate / max(rate, settings.first_rate / MOST_ROOM)
    _cut_steps(piece, cuts, places[3], settings, room, share.counters, shared.steps[number])


@njit(inline="always")
def _piece(pieces: Any, number: int) -> Piece:
    """One of the pieces."""
    return Piece(pieces.rows[number], pieces.left[number], pieces.right[number], pieces.windows[number])


@njit(inline="always")
def _cuts(cuts: Any, number: int) -> Cuts:
    """Its cuts."""
    return Cuts(
        cuts.starts[number],
        cuts.negatives[number],
        cuts.doubles[number],
        cuts.cells[number],
        cuts.shares[number],
        cuts.counters[number],
        cuts.hits[number],
        cuts.found[number],
    )


@njit(inline="always")
def _four(places: Any) -> tuple[int, int, int, int]:
    return places[0], places[1], places[2], places[3]


@internal
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


@internal
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


@internal
def _score(
    columns: Any, work: Any, V: Any, U: Any, settings: Any, shared: Any, share: Any, panels: Any, means: Any
) -> None:
    """Write the scores of this thread's blocks of a superstep, over its columns."""
    number, step, band, turn = work
    piece, cuts, places = _piece(shared.pieces, number), _cuts(shared.cuts, number), _four(shared.places[number])
    first, stop = shared.steps[number, step], shared.steps[number, step + 1]
    for i in range(first + share.number, stop, share.sharers):
        next_block = min(places[3] - 1, i + share.sharers)
        block = block_at(i, next_block, band, settings, piece, cuts, places)
        scores = _scores(turn, i - first, share.first, shared.scores)
        own_means = _means(i - first, settings, means)
        block_scores(columns, share.dim, V, U, settings, piece, block, panels, own_means, scores)


@internal
def _change(
    columns: Any, work: Any, V: Any, U: Any, settings: Any, rates: Any, shared: Any, share: Any, panels: Any, means: Any
) -> None:
    """Write the changes of this thread's blocks of a superstep, in its columns, into their slots."""
    number, step, band, turn = work
    piece, cuts, places = _piece(shared.pieces, number), _cuts(shared.cuts, number), _four(shared.places[number])
    first, stop = shared.steps[number, step], shared.steps[number, step + 1]
    for i in range(first + share.number, stop, share.sharers):
        next_block = min(places[3] - 1, stop + i - first)  # the one at this slot in the next superstep
        block = block_at(i, next_block, band, settings, piece, cuts, places)
        scores = _scores(turn, i - first, 0, shared.scores)
        own_means, changes = _means(i - first, settings, means), _slot(i - first, settings, share.changes)
        block_changes(columns, V, U, settings, rates, piece, block, places, scores, panels, own_means, changes)


@internal
def _scores(turn: int, slot: int, part: int, scores: Any) -> Scores:
    """Where a block's scores are written, from a part of the row on."""
    return Scores(scores.negative[turn, slot, part:], scores.positive[turn, slot, part:])


@internal
def _means(slot: int, settings: Any, means: Any) -> Any:
    """Where a block's means are."""
    if means is None:
        return None
    size = means.vectors.size // settings.slots
    return Means(means.vectors[slot * size :], means.changes, means.rows)


@internal
def _slot(slot: int, settings: Any, changes: Any) -> Changes:
    """Where a block's changes are written."""
    sizes = _sizes(settings, changes)
    return Changes(changes.d_V[slot * sizes[0] :], changes.d_U[slot * sizes[1] :], changes.d_N[slot * sizes[2] :])


@njit(inline="always")
def _sizes(settings: Any, changes: Any) -> tuple[int, int, int]:
    """Floats in a slot of each kind."""
    slots = settings.slots
    return changes.d_V.size // slots, changes.d_U.size // slots, changes.d_N.size // slots


@internal
def _add(columns: Any, work: Any, V: Any, U: Any, settings: Any, shared: Any, share: Any) -> None:
    """Add all changes of a superstep, in the order of the text: first all of d_V, then of d_U, then of d_N."""
    number, step, band, _ = work
    rows, starts, negatives = shared.pieces.rows[number], shared.cuts.starts[number], shared.cuts.negatives[number]
    end = shared.places[number, 2]
    first, stop = shared.steps[number, step], shared.steps[number, step + 1]
    far, drawn = settings.bands[band + 1] - 1, settings.drawn
    for i in range(first, stop):
        low, high = max(0, starts[i] - far), min(end, starts[i + 1] + far)
        add_rows(columns, V, rows[low:], high - low, _slot(i - first, settings, share.changes).d_V)
    for i in range(first, stop):
        tokens = starts[i + 1] - starts[i]
        add_rows(columns, U, rows[starts[i] :], tokens, _slot(i - first, settings, share.changes).d_U)
    for i in range(first, stop):
        add_rows(columns, U, negatives[i * drawn :], drawn, _slot(i - first, settings, share.changes).d_N)


@internal
def _list(columns: Any, work: Any, settings: Any, shared: Any, share: Any, lists: Any) -> None:
    """List which changes of a superstep go to rows that this thread owns, in the order of the text."""
    number, step, band, _ = work
    rows, starts, negatives = shared.pieces.rows[number], shared.cuts.starts[number], shared.cuts.negatives[number]
    end = shared.places[number, 2]
    first, stop = shared.steps[number, step], shared.steps[number, step + 1]
    far, drawn = settings.bands[band + 1] - 1, settings.drawn
    sizes = _sizes(settings, share.changes)
    lists.listed[:] = 0
    owner = share.number, share.sharers
    for i in range(first, stop):
        slot, start, after = i - first, starts[i], starts[i + 1]
        low, high = max(0, start - far), min(end, after + far)
        _list_mine(columns, rows, low, high, slot * sizes[0], owner, lists, 0)
        _list_mine(columns, rows, start, after, slot * sizes[1], owner, lists, 1)
        _list_mine(columns, negatives, i * drawn, (i + 1) * drawn, slot * sizes[2], owner, lists, 2)


@internal
def _list_mine(columns: Any, rows: Any, start: int, stop: int, source: int, owner: Any, lists: Any, kind: int) -> None:
    """Append those of ``rows[start:stop]`` that this thread owns to its list of that kind."""
    number, sharers = np.uint64(owner[0]), np.uint64(owner[1])
    targets, sources, listed = lists.rows[kind], lists.sources[kind], lists.listed[kind]
    for i in range(start, stop):
        targets[listed] = rows[i]
        sources[listed] = source
        source += row_floats(columns)
        listed += (hash_byte(rows[i]) * sharers) >> np.uint64(8) == number  # no branch: it would be a coin's toss
    lists.listed[kind] = listed


@internal
def _add_listed(columns: Any, V: Any, U: Any, changes: Any, lists: Any) -> None:
    """Add what is listed."""
    rows, sources, listed = lists
    add_listed_rows(columns, V, rows[0], sources[0], listed[0], changes.d_V)
    add_listed_rows(columns, U, rows[1], sources[1], listed[1], changes.d_U)
    add_listed_rows(columns, U, rows[2], sources[2], listed[2], changes.d_N)
