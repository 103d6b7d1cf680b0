"""From a piece of the corpus to steps: blocks of tokens, and their changes added to the tables.

Each block is one step of `lexigrad.reference.skipgram` or `cbow` under `lexigrad.reference.negative_sampling`.

A piece is kept small, so that its index arrays stay in the cache. It is made ready (`ready_piece`, and `ready_band` for
each band of distances), and then its blocks are computed one after the other. `train_span` adds each block's changes at
once: threads that train different spans race on the same tables, and only with one thread does every run give the same
bytes. `lexigrad.kernels.sgd.superstep` does without races.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lexigrad.kernels.compiler.compile import compiled, internal
from lexigrad.kernels.compiler.rowshape import CHUNK, LANES, part_floats
from lexigrad.kernels.sgd.piece import (
    Cuts,
    Draws,
    Piece,
    Text,
    count_windows,
    draw_negatives,
    hash_byte,
    keep_piece,
    true_centers,
    true_words,
)
from lexigrad.kernels.sgd.products import TILE, Rows, add_rows
from lexigrad.kernels.sgd.step import (
    Block,
    Buffers,
    Changes,
    Means,
    Panels,
    Scores,
    Step,
    Tables,
    cbow_changes,
    cbow_scores,
    skipgram_changes,
    skipgram_scores,
)
from lexigrad.kernels.sgd.tables import aligned

if TYPE_CHECKING:
    from lexigrad.kernels.arraytypes import Bytes, Int64s, Shape

__all__ = [
    "PIECE",
    "Places",
    "Rates",
    "Room",
    "Settings",
    "block_at",
    "block_changes",
    "block_scores",
    "drawn_and_weight",
    "floats_of",
    "new_changes",
    "new_cuts",
    "new_panels",
    "new_piece",
    "new_room",
    "new_scores",
    "reach",
    "ready_band",
    "ready_piece",
    "step_of",
    "train_span",
]

PIECE = 8192
"""Tokens of the corpus made ready at a time."""


class Settings(NamedTuple):
    """Numbers that stay the same during a training run."""

    dim: int
    window: int
    dynamic: bool
    bands: Int64s  # the pairs at distances from bands[i] to bands[i + 1] − 1 are trained together
    block: int  # most tokens in a block, a multiple of 8
    repeats: int  # most occurrences of a word in a block
    first_rate: float  # the learning rate at which supersteps have the limits of the next three
    step_blocks: int  # most blocks in a superstep
    step_repeats: float  # most occurrences of the mean word in a superstep
    step_draws: float  # most draws of the mean negative in a superstep
    slots: int  # most blocks in a superstep at any rate
    drawn: int  # negatives drawn for a block, a multiple of 16
    weight: np.float32 | float  # negatives / drawn; float32 in kernels
    cbow: bool  # whether the model is CBOW
    historic: bool  # whether CBOW's update is that of word2vec.c


class Rates(NamedTuple):
    """The learning rates at both ends of a part of the text; the rate goes in a straight line between them."""

    start: float
    stop: float


class Places(NamedTuple):
    """Where a piece is among the places made ready, of which some stand beside it."""

    first: int  # its first place
    last: int  # the place after its last
    end: int  # the number of all places
    blocks: int  # the number of its blocks


class Room(NamedTuple):
    """The memory of one thread that trains alone."""

    piece: Piece
    cuts: Cuts
    buffers: Buffers


@compiled
def train_span(
    shape: Shape,
    text: Text,
    tables: Tables,
    draws: Draws,
    settings: Settings,
    rates: Rates,
    room: Room,
    means: Means | None,
) -> None:
    """Train on a part of the text by steps of `lexigrad.reference.skipgram` or `cbow`, one for each block.

    ``means`` are CBOW's buffers, None for skip-gram. They are an argument of their own, as Numba leaves out the branch
    that is not taken for an argument that is None, and not for a field.
    """
    start, stop = text.start, text.stop
    slope = (rates.stop - rates.start) / max(1, stop - start)
    for begin in range(start, stop, PIECE):
        end = min(stop, begin + PIECE)
        places = ready_piece(shape, Text(text.ids, begin, end), draws, settings, room.piece, room.cuts)
        piece_rates = Rates(rates.start + slope * (begin - start), rates.start + slope * (end - start))
        for band in range(settings.bands.size - 1):
            ready_band(shape, begin, band, draws, settings, room.piece, room.cuts, places)
            _train_piece(shape, band, tables, settings, piece_rates, places, room, means)


@internal
def _train_piece(
    shape: Shape,
    band: int,
    tables: Tables,
    settings: Settings,
    rates: Rates,
    places: Places,
    room: Room,
    means: Means | None,
) -> None:
    """Take one block of a piece after the other: compute its changes and add them."""
    piece, changes = room.piece, room.buffers.changes
    for number in range(places.blocks):
        block = block_at(number, min(number + 1, places.blocks - 1), band, settings, piece, room.cuts, places)
        block_scores(shape, settings.dim, tables, piece, block, room.buffers, means)
        step = step_of(settings, rates, places, block.start)
        block_changes(shape, tables, piece, block, step, room.buffers, means)
        add_rows(shape, Rows(tables.new_V, piece.rows[block.low :], block.high - block.low), changes.d_V)
        add_rows(shape, Rows(tables.new_U, piece.rows[block.start :], block.stop - block.start), changes.d_U)
        add_rows(shape, Rows(tables.new_U, block.negatives, block.negatives.size), changes.d_N)


@compiled
def ready_piece(shape: Shape, text: Text, draws: Draws, settings: Settings, piece: Piece, cuts: Cuts) -> Places:
    """Keep the words of a part of the text and cut them into blocks."""
    window, dynamic = settings.window, settings.dynamic
    first, last, end = keep_piece(shape, text.ids, text.start, text.stop, window, dynamic, draws, piece)
    blocks, start = 0, first
    while start < last:
        cuts.starts[blocks] = start
        start = block_stop(piece.rows, start, last, settings.block, settings.repeats, cuts.counters)
        blocks += 1
    cuts.starts[blocks] = last
    return Places(first, last, end, blocks)


@internal
def block_stop(rows: Int64s, start: int, last: int, tokens: int, repeats: int, counters: Bytes) -> int:
    """The place after a block's last: a block ends early rather than hold one word more than ``repeats`` times.

    Its changes are all computed at the same tables and then added, so a word that comes often would go too far: on a
    list of a few words over and over, vectors would run away. Words that share one of the 256 counters are counted
    together.
    """
    counters[:] = 0
    stop = min(last, start + tokens)
    for place in range(start, stop):
        counter = hash_byte(rows[place])
        counters[counter] += 1
        if counters[counter] > repeats:
            return place
    return stop


@internal
def ready_band(
    shape: Shape, begin: int, band: int, draws: Draws, settings: Settings, piece: Piece, cuts: Cuts, places: Places
) -> None:
    """Count the windows at the distances of a band, draw its negatives, and find the true words among them."""
    first, last, end, blocks = places
    bands, drawn = settings.bands, settings.drawn
    near, far = bands[band], bands[band + 1] - 1
    count_windows(piece, end, near, far)
    # Each block of each band has a position of its own, so that no two draw the same negatives.
    position = begin * (bands.size - 1) + band * (last - first) - first
    count = 0
    for number in range(blocks):
        start, stop = cuts.starts[number], cuts.starts[number + 1]
        negatives = cuts.negatives[number * drawn : (number + 1) * drawn]
        draw_negatives(shape, draws, position + start, negatives, drawn)
        cuts.doubles[number] = count
        if settings.cbow:
            count = true_centers(piece, start, stop, negatives, cuts, count)
        else:
            count = true_words(piece, start, stop, end, (near, far), negatives, cuts, count)
    cuts.doubles[blocks] = count


@internal
def block_at(
    number: int, next_number: int, band: int, settings: Settings, piece: Piece, cuts: Cuts, places: Places
) -> Block:
    """The block of that number, and the rows to fetch for the block that its thread computes next."""
    starts, doubles, drawn = cuts.starts, cuts.doubles, settings.drawn
    near, far = settings.bands[band], settings.bands[band + 1] - 1
    start, stop, next_start, next_stop = (
        starts[number],
        starts[number + 1],
        starts[next_number],
        starts[next_number + 1],
    )
    high = min(places.end, stop + far)
    next_low, next_high = max(high, next_start - far), min(places.end, next_stop + far)
    return Block(
        start,
        stop,
        max(0, start - far),
        high,
        near,
        far,
        cuts.negatives[number * drawn : (number + 1) * drawn],
        cuts.cells[doubles[number] : doubles[number + 1]],
        cuts.shares[doubles[number] : doubles[number + 1]],
        cuts.negatives[next_number * drawn : (next_number + 1) * drawn],
        piece.rows[next_low : max(next_low + 1, next_high)],  # of the last block a row that is never used
        piece.rows[next_start:next_stop],
    )


@internal
def block_scores(
    shape: Shape, dim: int, tables: Tables, piece: Piece, block: Block, buffers: Buffers, means: Means | None
) -> None:
    """Compute the scores of a block's predictions."""
    if means is None:
        skipgram_scores(shape, dim, tables, piece, block, buffers)
    else:
        cbow_scores(shape, dim, tables, piece, block, buffers, means)


@internal
def block_changes(
    shape: Shape, tables: Tables, piece: Piece, block: Block, step: Step, buffers: Buffers, means: Means | None
) -> None:
    """Compute the changes of a block's step, given its scores."""
    if means is None:
        skipgram_changes(shape, tables, piece, block, step, buffers)
    else:
        cbow_changes(shape, tables, piece, block, step, buffers, means)


@internal
def step_of(settings: Settings, rates: Rates, places: Places, start: int) -> Step:
    """The step of the block that begins at a place; the rate goes in a straight line over the piece."""
    rate = rates.start + (rates.stop - rates.start) * (start - places.first) / (places.last - places.first)
    return Step(np.float32(rate), np.float32(settings.weight), settings.historic)


def drawn_and_weight(negatives: int) -> tuple[int, np.float32]:
    """The number of negatives that a block draws, a multiple of 16, and the weight of each: negatives / drawn."""
    drawn = -(-negatives // LANES) * LANES
    return drawn, np.float32(negatives / drawn)


def reach(settings: Settings) -> int:
    """The largest distance of a pair."""
    return int(settings.bands[-1]) - 1


def new_piece(settings: Settings, *outer: int) -> Piece:
    """Room for the words of a piece and beside it; for several, in rows."""
    places = PIECE + 2 * reach(settings) + TILE + 1
    return Piece(_rows(places, np.int64, outer), *(_rows(places, np.int32, outer) for _ in range(3)))


def new_cuts(settings: Settings, *outer: int) -> Cuts:
    """Room for the blocks of a piece, or of several; memory that is never written is never taken."""
    drawn = settings.drawn
    sizes = {
        "starts": (PIECE + 1, np.int64),
        "negatives": (PIECE * drawn, np.int64),
        "doubles": (PIECE + 1, np.int64),
        "cells": (PIECE * drawn, np.int32),
        "shares": (PIECE * drawn, np.float32),
        "counters": (256, np.uint8),
        "hits": (settings.block * drawn, np.int32),
        "found": (2 * places_around(settings) * drawn, np.int32),
    }
    return Cuts(**{name: _rows(size, kind, outer) for name, (size, kind) in sizes.items()})


def new_room(settings: Settings, columns: Shape, cbow: bool) -> tuple[Room, Means | None]:
    """The memory of one thread that trains alone in all parts of a row, and CBOW's buffers."""
    panels, means = new_panels(settings, columns, cbow)
    buffers = Buffers(panels, new_scores(settings, cbow, 1), new_changes(settings, columns))
    return Room(new_piece(settings), new_cuts(settings), buffers), means


def _rows(count: int, kind: Any, outer: tuple[int, ...]) -> Any:
    """Zeros, so many in each row; each row begins on a cache line."""
    width = -(-count // 64) * 64
    return aligned(int(np.prod(outer)) * width, kind).reshape(*outer, width)


def new_panels(settings: Settings, columns: Shape, cbow: bool, blocks: int = 1) -> tuple[Panels, Means | None]:
    """The buffers of one thread; their size follows from the window, the block and the row, not from the corpus.

    Args:
        settings: of the run.
        columns: the parts of a row that the thread computes.
        cbow: whether means are needed.
        blocks: of which the means are kept at a time.
    """
    tokens, drawn, row = settings.block, settings.drawn, floats_of(columns)
    pairs = most_pairs(settings, cbow)
    panels = Panels(
        turned=aligned(drawn * row),
        weights=aligned(tokens),
        g=aligned(tokens * drawn),
        products=aligned(len(columns) * pairs * LANES).reshape(len(columns), -1),
        positive_g=aligned(pairs),
    )
    if not cbow:
        return panels, None
    stride = part_floats(list(map(len, columns)))
    rows = aligned(tokens, np.int64)
    rows[:] = np.arange(tokens) * stride
    return panels, Means(aligned(blocks * CHUNK * stride * len(columns)), aligned(tokens * row), rows)


def floats_of(columns: Shape) -> int:
    """Floats in these parts of a row, side by side."""
    return int(LANES * sum(map(len, columns)))


def new_scores(settings: Settings, cbow: bool, *outer: int) -> Scores:
    """Room for the scores of a block, by parts of the row: the last of the ``outer`` dimensions."""
    sizes = settings.block * settings.drawn, most_pairs(settings, cbow)
    return Scores(*(_rows(size, np.float32, outer) for size in sizes))


def most_pairs(settings: Settings, cbow: bool) -> int:
    """The predictions of true words in a block, at most, in multiples of 16."""
    pairs = settings.block * (1 if cbow else 2 * int(np.diff(settings.bands).max()))
    return int(pairs // LANES + 1) * LANES


def new_changes(settings: Settings, columns: Shape) -> Changes:
    """Room for the changes of one block in these parts of the rows."""
    rows = places_around(settings), settings.block, settings.drawn
    return Changes(*(aligned(count * floats_of(columns)) for count in rows))


def places_around(settings: Settings) -> int:
    """The places that the windows of a block reach, at most."""
    return int(settings.block) + 2 * reach(settings) + TILE
