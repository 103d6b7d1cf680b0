"""A piece of the corpus made ready for training: words dropped, windows and negatives drawn, true words marked.

Every draw is a hash of the position (`lexigrad.kernels.draws`), so a piece can look across its borders: the words
beside it are kept or dropped here exactly as in the piece that trains them, and no window ends where the work was cut.

A negative that is a true word has no term in the loss (`lexigrad.reference.negative_sampling`), so its weight is taken
out. Which ones they are follows from the words and the draws alone, so they are found once, when a piece is made ready,
as a list of cells of g (`lexigrad.kernels.sgd.products`) and of the share of their weight that is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from lexigrad.kernels.compiler.compile import compiled, internal
from lexigrad.kernels.compiler.simd import multiply_mix, row_offset
from lexigrad.kernels.draws import FIRST_MULTIPLIER, NEGATIVE_STREAM, SECOND_MULTIPLIER, TOKEN_STREAM, stream_key

if TYPE_CHECKING:
    from lexigrad.kernels.arraytypes import Bytes, Floats, Int32s, Int64s, Shape, UInt32s, UInt64s

__all__ = [
    "Cuts",
    "Draws",
    "Piece",
    "Text",
    "count_windows",
    "draw_negatives",
    "fill_uniform",
    "hash_byte",
    "keep_piece",
    "left_run",
    "longest_sentence",
    "right_run",
    "true_centers",
    "true_words",
]

HALF = np.uint64(32)
LOW = np.uint64(0xFFFFFFFF)
FIRST = np.uint64(FIRST_MULTIPLIER)
SECOND = np.uint64(SECOND_MULTIPLIER)


class Text(NamedTuple):
    """A part of the text to be trained on; windows look at the words beside it."""

    ids: Int32s  # word ids of the whole text, -1 after each sentence
    start: int  # the part's first position
    stop: int  # the position after its last


class Draws(NamedTuple):
    """The keys and tables of the random draws of one epoch."""

    token_key: np.uint64  # key of the stream that drops words and draws windows
    negative_key: np.uint64  # key of the stream that draws negatives
    keep: UInt32s  # (words,): the largest draw that keeps a word
    alias: UInt64s  # (words,): alias table of the noise distribution

    @classmethod
    def of_epoch(cls, seed: int, epoch: int, keep: UInt32s, alias: UInt64s) -> Draws:
        """The draws of an epoch, the first one being 0."""
        token_key = np.uint64(stream_key(seed, epoch, TOKEN_STREAM))
        return cls(token_key, np.uint64(stream_key(seed, epoch, NEGATIVE_STREAM)), keep, alias)


class Piece(NamedTuple):
    """The words kept of a piece and beside it, in order; the place of a word is its number here."""

    rows: Int64s  # offset of the word's row in the tables
    left: Int32s  # words in its window on the left
    right: Int32s  # words in its window on the right
    windows: Int32s  # windows in which it stands, at the distances of one band


class Cuts(NamedTuple):
    """How a piece is cut into blocks."""

    starts: Int64s  # (blocks + 1,): each block's first place, and the place after the last block
    negatives: Int64s  # (blocks · drawn,): offsets of the rows of each block's negatives
    doubles: Int64s  # (blocks + 1,): where each block's begin of the negatives that are true words, in the next two
    cells: Int32s  # the numbers of these negatives in the block's g
    shares: Floats  # the part of their weight that is left
    counters: Bytes  # (256,): how often words with that hash are in a block
    hits: Int32s  # (block · drawn,): windows in which a negative is the true word, for one block
    found: Int32s  # (place, negative) pairs of the same word in a block


class _Width(NamedTuple):
    """How wide windows are."""

    window: int  # the widest
    dynamic: bool  # whether widths are drawn


@njit(inline="always")
def hash_draw(key: Any, position: Any) -> Any:
    """`lexigrad.kernels.draws.draw`: the 64 random bits of a position."""
    state = key + np.uint64(position) * FIRST
    return multiply_mix(state, state ^ SECOND)


@njit(inline="always")
def hash_byte(row: Any) -> Any:
    """Eight bits for a row's offset."""
    return (np.uint64(row) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(56)


@njit(inline="always")
def is_kept(word_id: Any, bits: Any, keep: UInt32s) -> Any:
    """Whether subsampling keeps this occurrence: the draw's high half decides."""
    return (bits >> HALF) <= np.uint64(keep[np.uint64(word_id)])


@compiled
def keep_piece(
    shape: Shape, ids: Int32s, start: int, stop: int, window: int, dynamic: bool, draws: Draws, piece: Piece
) -> tuple[int, int, int]:
    """Keep words of ``ids[start:stop]``, and as many beside it as windows reach, and give each its window.

    Returns the piece's first place, the place after its last, and how many places there are in all.
    """
    width = _Width(window, dynamic)
    begin = _reach(ids, start - 1, -1, window, draws) + 1
    end = stop if ids[stop - 1] < 0 else _reach(ids, stop, 1, window, draws)
    first, opens = _keep(shape, Text(ids, begin, start), width, draws, piece, 0, True)
    last, opens = _keep(shape, Text(ids, start, stop), width, draws, piece, first, opens)
    places, opens = _keep(shape, Text(ids, stop, end), width, draws, piece, last, opens)
    _limit_windows(piece, places)
    return first, last, places


@internal
def _reach(ids: Int32s, position: int, step: int, words: int, draws: Draws) -> int:
    """The position where a walk from ``position`` by ``step`` ends: at a sentence's end, or with so many words kept."""
    kept = 0
    while 0 <= position < ids.size and kept < words and ids[position] >= 0:
        kept += is_kept(ids[position], hash_draw(draws.token_key, position), draws.keep)
        position += step
    return position


@internal
def _keep(
    shape: Shape, text: Text, width: _Width, draws: Draws, piece: Piece, places: int, opens: bool
) -> tuple[int, bool]:
    """Append the words kept: ``left`` is 0 where one opens its sentence and 1 elsewhere, ``right`` the width drawn."""
    ids, window, dynamic = text.ids, width.window, width.dynamic
    lowest = 1 if dynamic else window
    spread = np.uint64(window if dynamic else 0)
    for position in range(text.start, text.stop):
        word_id = ids[position]
        if word_id < 0:
            opens = True
            continue
        bits = hash_draw(draws.token_key, position)
        place = np.uint64(places)
        piece.rows[place] = row_offset(shape, word_id)
        piece.right[place] = lowest + np.int64(((bits & LOW) * spread) >> HALF)
        piece.left[place] = not opens
        kept = is_kept(word_id, bits, draws.keep)
        opens &= not kept
        places += kept  # written in any case and overwritten if dropped: a branch here would be a coin's toss
    return places, opens


@internal
def _limit_windows(piece: Piece, places: int) -> None:
    """Cut the windows at the ends of their sentences."""
    before = 0
    for place in range(places):
        before = (before + 1) * piece.left[place]
        piece.left[place] = min(before, piece.right[place])
    after = 0
    for place in range(places - 1, -1, -1):
        piece.right[place] = min(after, piece.right[place])
        # a window is never empty on the left except for a word that opens its sentence
        after = after + 1 if piece.left[place] > 0 else 0


@njit(inline="always")
def left_run(piece: Piece, place: int, near: int, far: int) -> tuple[int, int]:
    """The words of a window on the left at distances from ``near`` to ``far``: first place, place after the last."""
    reach = min(piece.left[place], far)
    return place - reach, place - reach + max(0, reach - near + 1)


@njit(inline="always")
def right_run(piece: Piece, place: int, near: int, far: int) -> tuple[int, int]:
    """The words of a window on the right at distances from ``near`` to ``far``: first place, place after the last."""
    reach = min(piece.right[place], far)
    return place + near, place + near + max(0, reach - near + 1)


@compiled
def count_windows(piece: Piece, places: int, near: int, far: int) -> None:
    """Count for each word in how many windows it stands at distances from ``near`` to ``far``.

    Each run of a window adds 1 at its first place and takes 1 away behind its last, and the sums from the left are the
    counts: two steps for each run, however long it is.
    """
    piece.windows[: places + 1] = 0
    for place in range(places):
        for start, stop in (left_run(piece, place, near, far), right_run(piece, place, near, far)):
            if start < stop:
                piece.windows[start] += 1
                piece.windows[stop] -= 1
    inside = 0
    for place in range(places):
        inside += piece.windows[place]
        piece.windows[place] = inside


@compiled
def draw_negatives(shape: Shape, draws: Draws, position: int, rows: Int64s, count: int) -> None:
    """Draw the negatives of the block at a position; writes the offsets of their rows.

    A block draws at most 64 and holds at least one position, so draw i is that of position · 64 + i.
    """
    words = np.uint64(draws.alias.size)
    for i in range(count):
        bits = hash_draw(draws.negative_key, position * 64 + i)
        cell = ((bits >> HALF) * words) >> HALF
        entry = draws.alias[cell]
        word_id = cell if (bits & LOW) <= (entry >> HALF) else entry & LOW
        rows[i] = row_offset(shape, word_id)


@internal
def true_words(
    piece: Piece, start: int, stop: int, places: int, band: tuple[int, int], negatives: Int64s, cuts: Cuts, count: int
) -> int:
    """Append a block's cells in which a negative is an outside word of the center; returns how many there are now.

    A center has one cell for each negative, weighted by its pairs; the pair with this word is left out.

    Args:
        piece: the words.
        start: the block's first place.
        stop: the place after its last.
        places: how many places the piece has.
        band: the least and the largest distance of a pair.
        negatives: the block's.
        cuts: where the cells are appended.
        count: how many cells there are so far.
    """
    hits, drawn = cuts.hits, negatives.size
    near, far = band
    found = _find_negatives(piece, max(0, start - far), min(places, stop + far), negatives, cuts.found)
    # The pairs of a cell are counted first and left out of it together, so that a cell is listed once.
    for counting in (True, False):
        for i in range(found):
            o, k = cuts.found[2 * i], cuts.found[2 * i + 1]
            for first, after in (left_run(piece, o, near, far), right_run(piece, o, near, far)):
                for c in range(max(start, first), min(stop, after)):
                    cell = (c - start) * drawn + k
                    if counting:
                        hits[cell] += 1
                    elif hits[cell] > 0:
                        pairs = piece.windows[c]
                        cuts.cells[count] = cell
                        cuts.shares[count] = np.float32(pairs - hits[cell]) / np.float32(pairs)
                        count += 1
                        hits[cell] = 0
    return count


@internal
def true_centers(piece: Piece, start: int, stop: int, negatives: Int64s, cuts: Cuts, count: int) -> int:
    """Append a block's cells in which a negative is the center word; returns how many there are now."""
    for i in range(_find_negatives(piece, start, stop, negatives, cuts.found)):
        cuts.cells[count] = (cuts.found[2 * i] - start) * negatives.size + cuts.found[2 * i + 1]
        cuts.shares[count] = 0
        count += 1
    return count


@internal
def _find_negatives(piece: Piece, start: int, stop: int, negatives: Int64s, pairs: Int32s) -> int:
    """Write the pairs (place, negative) that are the same word; returns how many.

    A filter of 256 bits, by a hash of the word, passes over most places without a look at the negatives.
    """
    a = b = c = d = np.uint64(0)  # the filter: four numbers stay in registers, where an array would lie in memory
    for k in range(negatives.size):
        bit = hash_byte(negatives[k])
        one, part = np.uint64(1) << (bit & np.uint64(63)), bit >> np.uint64(6)
        a |= one if part == 0 else np.uint64(0)
        b |= one if part == 1 else np.uint64(0)
        c |= one if part == 2 else np.uint64(0)
        d |= one if part == 3 else np.uint64(0)
    found = 0
    for place in range(start, stop):
        bit = hash_byte(piece.rows[place])
        part = bit >> np.uint64(6)
        bits = (a if part == 0 else b) if part < 2 else (c if part == 2 else d)
        if (bits >> (bit & np.uint64(63))) & np.uint64(1):
            for k in range(negatives.size):
                if negatives[k] == piece.rows[place]:
                    pairs[2 * found] = place
                    pairs[2 * found + 1] = k
                    found += 1
    return found


@compiled
def longest_sentence(ids: Int32s) -> int:
    """The number of words in the longest sentence."""
    longest = 0
    words = 0
    for word_id in ids:
        words = (words + 1) * (word_id >= 0)
        longest = max(longest, words)
    return longest


@compiled
def fill_uniform(table: Floats, dim: int, key: np.uint64, first: int = 0) -> None:
    """table[i, :dim] uniform in [−0.5, 0.5) / dim; number j of row first + i is draw (first + i) · 2048 + j."""
    scale = np.float32(1.0 / (2.0**24 * dim))
    for i in range(table.shape[0]):
        for j in range(dim):
            bits = np.int64(hash_draw(key, (first + i) * 2048 + j) >> np.uint64(40))
            table[i, j] = np.float32(bits - 8388608) * scale
