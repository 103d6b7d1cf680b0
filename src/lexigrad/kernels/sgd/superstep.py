"""Training by several threads that gives the same bytes as by one: nothing depends on which thread does what, or when.

Each block is one step of `lexigrad.reference.skipgram` or `cbow` under `lexigrad.reference.negative_sampling`.

The corpus is trained in rounds of a few pieces. A round's pieces are made ready, each by one thread. Then the blocks of
each piece follow in supersteps of up to eight, which are computed at the tables as they stood when the superstep began.
Each thread has some of the columns (`lexigrad.kernels.sgd.team`): it computes its part of the scores, and when all
parts are there, the changes in its columns, block by block in slots of their own. Where several threads have the same
columns, each computes some of the blocks, and when these are there, adds the changes of all blocks to the rows that it
owns. So every sum is taken in the order of the text and of the parts, whichever thread takes it.

Where a superstep ends depends on the text and the settings, never on the threads. It ends early rather than hold one
word too often: its changes are computed at the same tables, as are those of a block, and the same care is due
(docs/decisions/step-size.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from lexigrad.kernels.compiler.compile import compiled, internal
from lexigrad.kernels.compiler.simd import row_floats
from lexigrad.kernels.sgd.barrier import meet
from lexigrad.kernels.sgd.piece import Cuts, Draws, Piece, Text, hash_byte
from lexigrad.kernels.sgd.products import Rows, add_listed_rows, add_rows
from lexigrad.kernels.sgd.span import (
    PIECE,
    Places,
    Rates,
    Settings,
    block_at,
    block_changes,
    block_scores,
    ready_band,
    ready_piece,
    step_of,
)
from lexigrad.kernels.sgd.step import Buffers, Changes, Means, Scores, Tables
from lexigrad.kernels.sgd.team import PIECES, Lists, Member, Share, Shared, Team

if TYPE_CHECKING:
    from lexigrad.kernels.arraytypes import Int64s, Shape, UInt16s

__all__ = ["ROUND", "train_together"]

ROUND = PIECES * PIECE
"""Tokens of the corpus in a round."""

MOST_ROOM = 1000.0
"""A learning rate of zero is taken for this part of that at the start."""


class Work(NamedTuple):
    """A superstep."""

    number: int  # of its piece in the round
    step: int  # its number in the piece
    band: int  # the distances that are trained
    turn: int  # 0 or 1 by turns: which half of the scores it takes


@compiled
def train_together(
    shape: Shape,
    text: Text,
    tables: Tables,
    draws: Draws,
    settings: Settings,
    rates: Rates,
    team: Team,
    member: Member,
) -> bool:
    """Do one thread's part of training by steps of `lexigrad.reference.skipgram` or `cbow`, one for each block.

    All threads call this with the same arguments, except for ``member``, which is each thread's own. Returns False if
    the thread was told to stop before the end.
    """
    start, stop, share = text.start, text.stop, member.share
    slope = (rates.stop - rates.start) / max(1, stop - start)
    at = share.offset
    own = Tables(tables.V[at:], tables.U[at:], tables.new_V[at:], tables.new_U[at:])
    turn = 0
    for begin in range(start, stop, ROUND):
        end = min(stop, begin + ROUND)
        pieces = (end - begin + PIECE - 1) // PIECE
        for band in range(settings.bands.size - 1):
            for number in range(share.thread, pieces, share.threads):
                low = begin + number * PIECE
                _ready(shape, Text(text.ids, low, min(end, low + PIECE)), number, band, draws, settings, team.shared)
                _cut_steps(number, settings, rates.start + slope * (low - start), share.counters, team.shared)
            if not meet(team.gate, share.threads, share.looks):  # to have all pieces of the round
                return False
            for number in range(pieces):
                low, high = begin + number * PIECE, min(end, begin + (number + 1) * PIECE)
                piece_rates = Rates(rates.start + slope * (low - start), rates.start + slope * (high - start))
                for step in range(team.shared.steps[number, PIECE + 1]):
                    turn = 1 - turn
                    work = Work(number, step, band, turn)
                    if not _superstep(work, own, settings, piece_rates, team, member, member.lists, member.means):
                        return False
            if not meet(team.gate, share.threads, share.looks):  # the pieces are about to be made anew
                return False
    return True


@internal
def _superstep(
    work: Work,
    tables: Tables,
    settings: Settings,
    rates: Rates,
    team: Team,
    member: Member,
    lists: Lists | None,
    means: Means | None,
) -> bool:
    """Take one superstep: its scores, its changes, and these added.

    ``lists`` and ``means`` are those of the member. They are arguments of their own, as Numba leaves out a branch that
    is not taken for an argument that is None, and not for a field.
    """
    columns, share, shared = member.columns, member.share, team.shared
    _score(work, tables, settings, shared, member, means)
    # To have the scores of all parts. A thread that is ahead writes its next scores to the other half of the memory,
    # and is never ahead by two supersteps, as it waits here again.
    if not meet(team.gate, share.threads, share.looks):
        return False
    _change(work, tables, settings, rates, shared, member, means)
    if lists is None:  # no other thread reads or writes these columns, so there is nobody to wait for
        _add(columns, work, tables, settings, shared, share)
        return True
    _list(columns, work, settings, shared, share, lists)
    if not meet(team.gate, share.threads, share.looks):  # to have the changes of all blocks
        return False
    _add_listed(columns, tables, share.changes, lists)
    return bool(meet(team.gate, share.threads, share.looks))  # to have all rows, before the next scores are computed


@internal
def _ready(shape: Shape, text: Text, number: int, band: int, draws: Draws, settings: Settings, shared: Shared) -> None:
    """Make a piece ready for a band."""
    piece, cuts, places = _piece(shared.pieces, number), _cuts(shared.cuts, number), shared.places[number]
    if band == 0:
        found = ready_piece(shape, text, draws, settings, piece, cuts)
        for i in range(4):
            places[i] = found[i]
    ready_band(shape, text.start, band, draws, settings, piece, cuts, _places(shared, number))


@njit(inline="always")
def _piece(pieces: Piece, number: int) -> Piece:
    """One of the pieces."""
    return Piece(pieces.rows[number], pieces.left[number], pieces.right[number], pieces.windows[number])


@njit(inline="always")
def _cuts(cuts: Cuts, number: int) -> Cuts:
    """The cuts of one of the pieces."""
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
def _places(shared: Shared, number: int) -> Places:
    """The places of one of the pieces."""
    places = shared.places
    return Places(places[number, 0], places[number, 1], places[number, 2], places[number, 3])


@internal
def _cut_steps(number: int, settings: Settings, rate: float, counters: UInt16s, shared: Shared) -> None:
    """Write where each superstep of a piece begins: its first block; behind the last, the number of blocks.

    The number of supersteps goes to the end of the row. More may be computed at the same tables where the learning rate
    is less: ``room`` is 1 at the start.
    """
    starts, negatives = shared.cuts.starts[number], shared.cuts.negatives[number]
    rows, steps, blocks = shared.pieces.rows[number], shared.steps[number], shared.places[number, 3]
    room = settings.first_rate / max(rate, settings.first_rate / MOST_ROOM)
    most = min(settings.slots, settings.step_blocks * np.int64(room))  # a multiple shares out evenly
    tallies = counters[0], counters[1]
    count = 0
    words = draws = (0, 0, 0)
    for block in range(blocks):
        for fresh in (False, True):
            words = _tally(rows, starts[block], starts[block + 1], words, tallies[0])
            draws = _tally(negatives, block * settings.drawn, (block + 1) * settings.drawn, draws, tallies[1])
            full = count == 0 or block - steps[count - 1] == most
            too_much = _exceeds(words, settings.step_repeats) or _exceeds(draws, settings.step_draws)
            if fresh or not (full or too_much):
                break
            steps[count] = block
            count += 1
            counters[:] = 0
            words = draws = (0, 0, 0)
    steps[count] = blocks
    steps[PIECE + 1] = count


@internal
def _tally(rows: Int64s, start: int, stop: int, found: tuple[int, int, int], counters: UInt16s) -> tuple[int, int, int]:
    """Count words: how many, the sum of the squares of their occurrences, the most occurrences of one."""
    squares, most = found[1], found[2]
    for i in range(start, stop):
        counter = _counter(rows[i])
        occurrences: Any = np.int64(counters[counter]) + 1
        counters[counter] = occurrences
        squares += 2 * occurrences - 1
        most = max(most, occurrences)
    return found[0] + stop - start, squares, most


@njit(inline="always")
def _exceeds(found: tuple[int, int, int], limit: float) -> bool:
    """Whether the mean word stands beside too many of its kind, or one has far too many."""
    return bool(found[1] > limit * found[0] or found[2] > 2 * limit)


@njit(inline="always")
def _counter(row: int) -> np.uint64:
    """Twelve bits for a row's offset."""
    return (np.uint64(row) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(52)


@internal
def _score(work: Work, tables: Tables, settings: Settings, shared: Shared, member: Member, means: Means | None) -> None:
    """Write the scores of this thread's blocks of a superstep, over its columns."""
    number, share = work.number, member.share
    piece, cuts, places = _piece(shared.pieces, number), _cuts(shared.cuts, number), _places(shared, number)
    first, stop = shared.steps[number, work.step], shared.steps[number, work.step + 1]
    for i in range(first + share.number, stop, share.sharers):
        next_block = min(places.blocks - 1, i + share.sharers)
        block = block_at(i, next_block, work.band, settings, piece, cuts, places)
        slot = i - first
        scores = _scores(work.turn, slot, share.first, shared.scores)
        buffers = Buffers(member.panels, scores, share.changes)
        block_scores(member.columns, share.dim, tables, piece, block, buffers, _means(slot, settings, means))


@internal
def _change(
    work: Work,
    tables: Tables,
    settings: Settings,
    rates: Rates,
    shared: Shared,
    member: Member,
    means: Means | None,
) -> None:
    """Write the changes of this thread's blocks of a superstep, in its columns, into their slots."""
    number, share = work.number, member.share
    piece, cuts, places = _piece(shared.pieces, number), _cuts(shared.cuts, number), _places(shared, number)
    first, stop = shared.steps[number, work.step], shared.steps[number, work.step + 1]
    for i in range(first + share.number, stop, share.sharers):
        next_block = min(places.blocks - 1, stop + i - first)  # the one at this slot in the next superstep
        block = block_at(i, next_block, work.band, settings, piece, cuts, places)
        slot = i - first
        scores, changes = _scores(work.turn, slot, 0, shared.scores), _slot(slot, settings, share.changes)
        step = step_of(settings, rates, places, block.start)
        buffers = Buffers(member.panels, scores, changes)
        block_changes(member.columns, tables, piece, block, step, buffers, _means(slot, settings, means))


@internal
def _scores(turn: int, slot: int, part: int, scores: Scores) -> Scores:
    """Where a block's scores are written, from a part of the row on."""
    return Scores(scores.negative[turn, slot, part:], scores.positive[turn, slot, part:])


@internal
def _means(slot: int, settings: Settings, means: Means | None) -> Means | None:
    """Where a block's means are: they are computed with the scores and read again with the changes."""
    if means is None:
        return None
    size = means.vectors.size // settings.slots
    return Means(means.vectors[slot * size :], means.changes, means.rows)


@internal
def _slot(slot: int, settings: Settings, changes: Changes) -> Changes:
    """Where a block's changes are written."""
    sizes = _sizes(settings, changes)
    return Changes(changes.d_V[slot * sizes[0] :], changes.d_U[slot * sizes[1] :], changes.d_N[slot * sizes[2] :])


@njit(inline="always")
def _sizes(settings: Settings, changes: Changes) -> tuple[int, int, int]:
    """Floats in a slot of each kind."""
    slots = settings.slots
    return changes.d_V.size // slots, changes.d_U.size // slots, changes.d_N.size // slots


@internal
def _add(columns: Shape, work: Work, tables: Tables, settings: Settings, shared: Shared, share: Share) -> None:
    """Add all changes of a superstep, in the order of the text: first all of d_V, then of d_U, then of d_N.

    The order is that in which `_add_listed` goes through its lists, so that both give the same bytes: float sums depend
    on the order of their terms.
    """
    number = work.number
    rows, starts, negatives = shared.pieces.rows[number], shared.cuts.starts[number], shared.cuts.negatives[number]
    end = shared.places[number, 2]
    first, stop = shared.steps[number, work.step], shared.steps[number, work.step + 1]
    far, drawn = settings.bands[work.band + 1] - 1, settings.drawn
    for i in range(first, stop):
        low, high = max(0, starts[i] - far), min(end, starts[i + 1] + far)
        add_rows(columns, Rows(tables.new_V, rows[low:], high - low), _slot(i - first, settings, share.changes).d_V)
    for i in range(first, stop):
        words = Rows(tables.new_U, rows[starts[i] :], starts[i + 1] - starts[i])
        add_rows(columns, words, _slot(i - first, settings, share.changes).d_U)
    for i in range(first, stop):
        drawn_rows = Rows(tables.new_U, negatives[i * drawn :], drawn)
        add_rows(columns, drawn_rows, _slot(i - first, settings, share.changes).d_N)


@internal
def _list(columns: Shape, work: Work, settings: Settings, shared: Shared, share: Share, lists: Lists) -> None:
    """List which changes of a superstep go to rows that this thread owns, in the order of the text."""
    number = work.number
    rows, starts, negatives = shared.pieces.rows[number], shared.cuts.starts[number], shared.cuts.negatives[number]
    end = shared.places[number, 2]
    first, stop = shared.steps[number, work.step], shared.steps[number, work.step + 1]
    far, drawn = settings.bands[work.band + 1] - 1, settings.drawn
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
def _list_mine(
    columns: Shape, rows: Int64s, start: int, stop: int, source: int, owner: tuple[int, int], lists: Lists, kind: int
) -> None:
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
def _add_listed(columns: Shape, tables: Tables, changes: Changes, lists: Lists) -> None:
    """Add the listed changes."""
    rows, sources, listed = lists
    add_listed_rows(columns, Rows(tables.new_V, rows[0], listed[0]), sources[0], changes.d_V)
    add_listed_rows(columns, Rows(tables.new_U, rows[1], listed[1]), sources[1], changes.d_U)
    add_listed_rows(columns, Rows(tables.new_U, rows[2], listed[2]), sources[2], changes.d_N)
