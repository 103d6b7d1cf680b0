"""The training loop of one thread: pieces of the corpus, blocks of tokens, changes added to the tables.

A piece is kept small, so that its index arrays stay in the cache. Threads train different pieces on the same tables
without locks: with one thread every run gives the same bytes, with several the order of additions is left to chance.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from lexigrad.kernels.blocks import Block, Means, Panels, cbow_block, hash_byte, skipgram_block
from lexigrad.kernels.rows import TILE, add_rows
from lexigrad.kernels.simd import LANES
from lexigrad.kernels.tokens import Piece, count_windows, draw_negatives, keep_piece

__all__ = ["PIECE", "Settings", "aligned", "block_stop", "buffers", "drawn_and_weight", "train_piece", "train_span"]

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
    drawn: Any  # negatives drawn for a block, a multiple of 16
    weight: Any  # float32: negatives / drawn
    historic: Any  # CBOW's update as in word2vec.c


@njit(cache=True, nogil=True)
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
    panels: Any,
    means: Any,
) -> None:
    """Train on ``ids[start:stop]``, the learning rate going in a straight line from one to the other.

    ``means`` are CBOW's buffers, None for skip-gram: Numba leaves out the branch not taken.
    """
    slope = (stop_rate - start_rate) / max(1, stop - start)
    for begin in range(start, stop, PIECE):
        end = min(stop, begin + PIECE)
        places = keep_piece(ids, begin, end, settings.window, settings.dynamic, len(shape) * LANES, draws, piece)
        rates = start_rate + slope * (begin - start), start_rate + slope * (end - start)
        for band in range(settings.bands.size - 1):
            train_piece(shape, begin, band, V, U, V, U, draws, settings, rates, piece, places, panels, means)


@njit(cache=True, nogil=True)
def train_piece(
    shape: Any,
    begin: int,
    band: int,
    V: Any,
    U: Any,
    new_V: Any,
    new_U: Any,
    draws: Any,
    settings: Any,
    rates: Any,
    piece: Any,
    places: Any,
    panels: Any,
    means: Any,
) -> None:
    """Compute the changes of one block of a piece after the other at V and U, and add them to the new tables.

    Only the pairs at the distances of the band take part, and each band draws its own negatives.

    In training the new tables are V and U; where kernels are checked they are others, so that V and U stand still.
    """
    first, last, end = places
    bands, row_floats, drawn, weight = settings.bands, len(shape) * LANES, settings.drawn, settings.weight
    near, far = bands[band], bands[band + 1] - 1
    count_windows(piece, end, near, far)
    begin = begin * (bands.size - 1) + band * (last - first)
    draw_negatives(draws, begin, row_floats, panels.next_negatives, drawn)
    start = first
    while start < last:
        stop = block_stop(piece.rows, start, last, settings.block, settings.repeats, panels.counters)
        block = _block(start, stop, places, near, far, settings.block)
        for k in range(drawn):
            panels.negatives[k] = panels.next_negatives[k]
        draw_negatives(draws, begin + stop - first, row_floats, panels.next_negatives, drawn)
        rate = np.float32(rates[0] + (rates[1] - rates[0]) * (start - first) / (last - first))
        if means is None:
            skipgram_block(shape, settings.dim, V, U, piece, block, drawn, rate, weight, panels)
        else:
            historic = settings.historic
            cbow_block(shape, settings.dim, V, U, piece, block, drawn, rate, weight, panels, means, historic)
        _add_changes(shape, new_V, new_U, piece, block, drawn, panels)
        start = stop


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def _block(start: int, stop: int, places: Any, near: int, far: int, tokens: int) -> Any:
    """The block of these places, and about which ones come next."""
    _, last, end = places
    next_stop = min(last, stop + tokens)
    return Block(
        start, stop, max(0, start - far), min(end, stop + far), near, far, next_stop, min(end, next_stop + far)
    )


@njit(cache=True, nogil=True)
def _add_changes(shape: Any, V: Any, U: Any, piece: Any, block: Any, drawn: int, panels: Any) -> None:
    """Add a block's changes to the tables."""
    add_rows(shape, V, piece.rows[block.low :], block.high - block.low, panels.d_V)
    add_rows(shape, U, piece.rows[block.start :], block.stop - block.start, panels.d_U)
    add_rows(shape, U, panels.negatives, drawn, panels.d_N)


def drawn_and_weight(negatives: int) -> tuple[int, np.float32]:
    """How many negatives a block draws, a multiple of 16, and the weight of each: negatives / drawn."""
    drawn = -(-negatives // LANES) * LANES
    return drawn, np.float32(negatives / drawn)


def buffers(settings: Settings, row_floats: int, cbow: bool) -> tuple[Piece, Panels, Means | None]:
    """The buffers of one thread; their size follows from the window, the block and the row, not from the corpus."""
    tokens, drawn, bands = settings.block, settings.drawn, settings.bands
    reach = int(bands[-1]) - 1
    places = PIECE + 2 * reach + TILE + 1
    pairs = tokens * (1 if cbow else 2 * int(np.diff(bands).max())) + LANES
    around = tokens + 2 * reach + TILE
    piece = Piece(aligned(places, np.int64), *(aligned(places, np.int32) for _ in range(3)))
    panels = Panels(
        negatives=aligned(drawn, np.int64),
        next_negatives=aligned(drawn, np.int64),
        turned=aligned(drawn * row_floats),
        weights=aligned(tokens),
        g=aligned(tokens * drawn),
        hits=aligned(tokens * drawn, np.int32),
        filters=aligned(4, np.uint64),
        counters=aligned(256, np.uint8),
        found=aligned(2 * around * drawn, np.int32),
        products=aligned(pairs * LANES),
        positive_g=aligned(pairs),
        d_V=aligned(around * row_floats),
        d_U=aligned(tokens * row_floats),
        d_N=aligned(drawn * row_floats),
    )
    if not cbow:
        return piece, panels, None
    rows = aligned(tokens, np.int64)
    rows[:] = np.arange(tokens) * row_floats
    return piece, panels, Means(aligned(tokens * row_floats), aligned(tokens * row_floats), rows)


def aligned(count: int, kind: Any = np.float32) -> Any:
    """Zeros that begin on a cache line."""
    size = np.dtype(kind).itemsize
    memory = np.zeros(count * size + 64, np.uint8)
    begin = -memory.ctypes.data % 64
    return memory[begin : begin + count * size].view(kind)
