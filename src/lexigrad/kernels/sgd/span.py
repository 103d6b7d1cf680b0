"""From a piece of the corpus to steps: blocks of tokens, and their changes added to the tables.

A piece is kept small, so that its index arrays stay in the cache. It is made ready (`ready_piece`, and `ready_band` for
each band of distances), and then its blocks are computed one after the other. `train_span` adds each block's changes at
once: threads that train different spans race on the same tables, and only with one thread does every run give the same
bytes. `lexigrad.kernels.sgd.superstep` does without races.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lexigrad.kernels.compiler.compile import compiled, internal
from lexigrad.kernels.compiler.simd import CHUNK, LANES, part_floats
from lexigrad.kernels.sgd.piece import (
    Piece,
    count_windows,
    draw_negatives,
    hash_byte,
    keep_piece,
    true_centers,
    true_words,
)
from lexigrad.kernels.sgd.products import TILE, add_rows
from lexigrad.kernels.sgd.step import (
    Block,
    Changes,
    Means,
    Panels,
    Scores,
    cbow_changes,
    cbow_scores,
    skipgram_changes,
    skipgram_scores,
)
from lexigrad.kernels.sgd.tables import aligned

__all__ = [
    "PIECE",
    "Cuts",
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
    "new_scores",
    "reach",
    "ready_band",
    "ready_piece",
    "train_span",
]

PIECE = 8192
"""Tokens of the corpus made ready at a time."""


class Settings(NamedTuple):
    """What stays the same during a training run."""

    dim: Any
    window: Any
    dynamic: Any
    bands: Any  # int64: the pairs at distances from bands[i] to bands[i + 1] − 1 are trained together
    block: Any  # most tokens in a block, a multiple of 8
    repeats: Any  # most occurrences of a word in a block
    first_rate: Any  # the learning rate at which supersteps are limited to
    step_blocks: Any  # so many blocks,
    step_repeats: Any  # so many occurrences of the mean word
    step_draws: Any  # and so many draws of the mean negative
    slots: Any  # most blocks in a superstep at any rate
    drawn: Any  # negatives drawn for a block, a multiple of 16
    weight: Any  # float32: negatives / drawn
    cbow: Any  # whether the model is CBOW,
    historic: Any  # and its update that of word2vec.c


class Cuts(NamedTuple):
    """How a piece is cut into blocks."""

    starts: Any  # int64 (blocks + 1,): each block's first place, and the place after the last block
    negatives: Any  # int64 (blocks · drawn,): offsets of the rows of each block's negatives
    doubles: Any  # int64 (blocks + 1,): where each block's begin of the negatives that are true words:
    cells: Any  # int32: their numbers in the block's g,
    shares: Any  # float32: and what part of their weight is left
    counters: Any  # uint8 (256,): how often words with that hash are in a block
    hits: Any  # int32 (block · drawn,): windows in which a negative is the true word, for one block
    found: Any  # int32: (place, negative) pairs of the same word in it


@compiled
def train_span(
    shape: Any,
    ids: Any,
    start: int,
    stop: int,
    V: Any,
    U: Any,
    draws: Any,
    settings: Any,
    start_rate: float,
    stop_rate: float,
    piece: Any,
    cuts: Any,
    panels: Any,
    means: Any,
    scores: Any,
    changes: Any,
) -> None:
    """Train on ``ids[start:stop]``, the learning rate going in a straight line from one to the other.

    ``means`` are CBOW's buffers, None for skip-gram: Numba leaves out the branch not taken.
    """
    slope = (stop_rate - start_rate) / max(1, stop - start)
    for begin in range(start, stop, PIECE):
        end = min(stop, begin + PIECE)
        places = ready_piece(shape, ids, begin, end, draws, settings, piece, cuts)
        rates = start_rate + slope * (begin - start), start_rate + slope * (end - start)
        for band in range(settings.bands.size - 1):
            ready_band(shape, begin, band, draws, settings, piece, cuts, places)
            _train_piece(shape, band, V, U, settings, rates, piece, cuts, places, panels, means, scores, changes)


@internal
def _train_piece(
    shape: Any,
    band: int,
    V: Any,
    U: Any,
    settings: Any,
    rates: Any,
    piece: Any,
    cuts: Any,
    places: Any,
    panels: Any,
    means: Any,
    scores: Any,
    changes: Any,
) -> None:
    """Take one block of a piece after the other: compute its changes and add them."""
    blocks = places[3]
    for number in range(blocks):
        block = block_at(number, min(number + 1, blocks - 1), band, settings, piece, cuts, places)
        block_scores(shape, settings.dim, V, U, settings, piece, block, panels, means, scores)
        block_changes(shape, V, U, settings, rates, piece, block, places, scores, panels, means, changes)
        add_rows(shape, V, piece.rows[block.low :], block.high - block.low, changes.d_V)
        add_rows(shape, U, piece.rows[block.start :], block.stop - block.start, changes.d_U)
        add_rows(shape, U, block.negatives, settings.drawn, changes.d_N)


@compiled
def ready_piece(
    shape: Any, ids: Any, begin: int, end: int, draws: Any, settings: Any, piece: Any, cuts: Any
) -> tuple[int, int, int, int]:
    """Keep the words of ``ids[begin:end]`` and cut them into blocks.

    Returns the piece's first place, the place after its last, how many places there are in all, and how many blocks.
    """
    window, dynamic = settings.window, settings.dynamic
    first, last, places = keep_piece(shape, ids, begin, end, window, dynamic, draws, piece)
    blocks, start = 0, first
    while start < last:
        cuts.starts[blocks] = start
        start = block_stop(piece.rows, start, last, settings.block, settings.repeats, cuts.counters)
        blocks += 1
    cuts.starts[blocks] = last
    return first, last, places, blocks


@internal
def block_stop(rows: Any, start: int, last: int, tokens: int, repeats: int, counters: Any) -> int:
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
    shape: Any, begin: int, band: int, draws: Any, settings: Any, piece: Any, cuts: Any, places: Any
) -> None:
    """Count the windows at the distances of a band, draw its negatives, and find the true words among them."""
    first, last, end, blocks = places
    bands, drawn = settings.bands, settings.drawn
    near, far = bands[band], bands[band + 1] - 1
    count_windows(piece, end, near, far)
    position = begin * (bands.size - 1) + band * (last - first) - first
    count = 0
    for number in range(blocks):
        start, stop, negatives = cuts.starts[number], cuts.starts[number + 1], cuts.negatives[number * drawn :]
        draw_negatives(shape, draws, position + start, negatives, drawn)
        cuts.doubles[number] = count
        if settings.cbow:
            count = true_centers(piece, start, stop, negatives, drawn, cuts, count)
        else:
            count = true_words(piece, start, stop, end, near, far, negatives, drawn, cuts, count)
    cuts.doubles[blocks] = count


@internal
def block_at(number: int, next_number: int, band: int, settings: Any, piece: Any, cuts: Any, places: Any) -> Any:
    """The block of that number, and what to fetch for the one that its thread computes next."""
    _, _, end, _ = places
    starts, drawn = cuts.starts, settings.drawn
    near, far = settings.bands[band], settings.bands[band + 1] - 1
    start, stop, next_start, next_stop = (
        starts[number],
        starts[number + 1],
        starts[next_number],
        starts[next_number + 1],
    )
    high = min(end, stop + far)
    next_low, next_high = max(high, next_start - far), min(end, next_stop + far)
    return Block(
        start,
        stop,
        max(0, start - far),
        high,
        near,
        far,
        cuts.negatives[number * drawn :],
        cuts.cells[cuts.doubles[number] : cuts.doubles[number + 1]],
        cuts.shares[cuts.doubles[number] : cuts.doubles[number + 1]],
        cuts.negatives[next_number * drawn :],
        piece.rows[next_low:],
        max(1, next_high - next_low),
        piece.rows[next_start:],
        next_stop - next_start,
    )


@internal
def block_scores(
    shape: Any,
    dim: int,
    V: Any,
    U: Any,
    settings: Any,
    piece: Any,
    block: Any,
    panels: Any,
    means: Any,
    scores: Any,
) -> None:
    """Compute the scores of a block's predictions."""
    if means is None:
        skipgram_scores(shape, dim, V, U, piece, block, settings.drawn, panels, scores)
    else:
        cbow_scores(shape, dim, V, U, piece, block, settings.drawn, panels, means, scores)


@internal
def block_changes(
    shape: Any,
    V: Any,
    U: Any,
    settings: Any,
    rates: Any,
    piece: Any,
    block: Any,
    places: Any,
    scores: Any,
    panels: Any,
    means: Any,
    changes: Any,
) -> None:
    """Compute what a block's step adds, given its scores; the rate goes in a straight line over the piece."""
    first, last, _, _ = places
    drawn, weight = settings.drawn, settings.weight
    rate = np.float32(rates[0] + (rates[1] - rates[0]) * (block.start - first) / (last - first))
    if means is None:
        skipgram_changes(shape, V, U, piece, block, drawn, rate, weight, scores, panels, changes)
    else:
        historic = settings.historic
        cbow_changes(shape, V, U, piece, block, drawn, rate, weight, scores, panels, means, changes, historic)


def drawn_and_weight(negatives: int) -> tuple[int, np.float32]:
    """How many negatives a block draws, a multiple of 16, and the weight of each: negatives / drawn."""
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


def _rows(count: int, kind: Any, outer: tuple[int, ...]) -> Any:
    """Zeros, so many in each row; each row begins on a cache line."""
    width = -(-count // 64) * 64
    return aligned(int(np.prod(outer)) * width, kind).reshape(*outer, width)


def new_panels(settings: Settings, columns: Any, cbow: bool, blocks: int = 1) -> tuple[Panels, Means | None]:
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


def floats_of(columns: Any) -> int:
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


def new_changes(settings: Settings, columns: Any) -> Changes:
    """Room for what one block adds in these parts of the rows."""
    rows = places_around(settings), settings.block, settings.drawn
    return Changes(*(aligned(count * floats_of(columns)) for count in rows))


def places_around(settings: Settings) -> int:
    """The places that the windows of a block reach, at most."""
    return int(settings.block) + 2 * reach(settings) + TILE
