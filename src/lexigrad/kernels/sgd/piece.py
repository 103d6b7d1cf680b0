"""A piece of the corpus made ready for training: words dropped, windows and negatives drawn, true words found.

Every draw is a hash of the position (`lexigrad.kernels.draws`), so a piece can look across its borders: the words
beside it are kept or dropped here exactly as in the piece that trains them, and no window ends where the work was cut.

A negative that is a true word has no term in the loss, so its weight is taken out. Which negatives these are follows
from the words and the draws alone, so they are found once, as a list of cells of g (`lexigrad.kernels.sgd.products`)
and of the share of their weight that is left.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from lexigrad.kernels.compiler.compile import compiled, internal
from lexigrad.kernels.compiler.simd import multiply_mix, row_offset
from lexigrad.kernels.draws import FIRST_MULTIPLIER, NEGATIVE_STREAM, SECOND_MULTIPLIER, TOKEN_STREAM, stream_key

__all__ = [
    "Draws",
    "Piece",
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


class Draws(NamedTuple):
    """What the random draws of one epoch need."""

    token_key: Any  # uint64: key of the stream that drops words and draws windows
    negative_key: Any  # uint64: key of the stream that draws negatives
    keep: Any  # uint32 (words,): the largest draw that keeps a word
    alias: Any  # uint64 (words,): alias table of the noise distribution

    @classmethod
    def of_epoch(cls, seed: int, epoch: int, keep: Any, alias: Any) -> Draws:
        """The draws of an epoch, the first one being 0."""
        token_key = np.uint64(stream_key(seed, epoch, TOKEN_STREAM))
        return cls(token_key, np.uint64(stream_key(seed, epoch, NEGATIVE_STREAM)), keep, alias)


class Piece(NamedTuple):
    """The words kept of a piece and beside it, in order; the place of a word is its number here."""

    rows: Any  # int64: offset of the word's row in the tables
    left: Any  # int32: words in its window on the left
    right: Any  # int32: words in its window on the right
    windows: Any  # int32: windows in which it stands, at the distances of one band


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
def is_kept(word_id: Any, bits: Any, keep: Any) -> Any:
    """Whether subsampling keeps this occurrence: the draw's high half decides."""
    return (bits >> HALF) <= np.uint64(keep[np.uint64(word_id)])


@compiled
def keep_piece(
    shape: Any, ids: Any, start: int, stop: int, window: int, dynamic: bool, draws: Any, piece: Any
) -> tuple[int, int, int]:
    """Keep words of ``ids[start:stop]``, and as many beside it as windows reach, and give each its window.

    Returns the piece's first place, the place after its last, and how many places there are in all.
    """
    begin = _reach(ids, start - 1, -1, window, draws) + 1
    end = stop if ids[stop - 1] < 0 else _reach(ids, stop, 1, window, draws)
    first, opens = _keep(shape, ids, begin, start, window, dynamic, draws, piece, 0, True)
    last, opens = _keep(shape, ids, start, stop, window, dynamic, draws, piece, first, opens)
    places, opens = _keep(shape, ids, stop, end, window, dynamic, draws, piece, last, opens)
    _limit_windows(piece, places)
    return first, last, places


@internal
def _reach(ids: Any, position: int, step: int, words: int, draws: Any) -> int:
    """Where one stops, going from ``position`` by ``step``: at the sentence's end, or when so many words were kept."""
    kept = 0
    while 0 <= position < ids.size and kept < words and ids[position] >= 0:
        kept += is_kept(ids[position], hash_draw(draws.token_key, position), draws.keep)
        position += step
    return position


@internal
def _keep(
    shape: Any,
    ids: Any,
    start: int,
    stop: int,
    window: int,
    dynamic: bool,
    draws: Any,
    piece: Any,
    places: int,
    opens: bool,
) -> tuple[int, bool]:
    """Append the words kept: ``left`` is 0 where one opens its sentence and 1 elsewhere, ``right`` the width drawn."""
    lowest = 1 if dynamic else window
    spread = np.uint64(window if dynamic else 0)
    for position in range(start, stop):
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
def _limit_windows(piece: Any, places: int) -> None:
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
def left_run(piece: Any, place: int, near: int, far: int) -> tuple[int, int]:
    """The words of a window on the left at distances from ``near`` to ``far``: first place, place after the last."""
    reach = min(piece.left[place], far)
    return place - reach, place - reach + max(0, reach - near + 1)


@njit(inline="always")
def right_run(piece: Any, place: int, near: int, far: int) -> tuple[int, int]:
    """The words of a window on the right at distances from ``near`` to ``far``: first place, place after the last."""
    reach = min(piece.right[place], far)
    return place + near, place + near + max(0, reach - near + 1)


@compiled
def count_windows(piece: Any, places: int, near: int, far: int) -> None:
    """Count for each word in how many windows it stands at distances from ``near`` to ``far``."""
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
def draw_negatives(shape: Any, draws: Any, position: int, rows: Any, count: int) -> None:
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


@compiled
def longest_sentence(ids: Any) -> int:
    """The number of words in the longest sentence."""
    longest = 0
    words = 0
    for word_id in ids:
        words = (words + 1) * (word_id >= 0)
        longest = max(longest, words)
    return longest


@compiled
def fill_uniform(table: Any, dim: int, key: Any, first: int = 0) -> None:
    """table[i, :dim] uniform in [−0.5, 0.5) / dim; number j of row first + i is draw (first + i) · 2048 + j."""
    scale = np.float32(1.0 / (2.0**24 * dim))
    for i in range(table.shape[0]):
        for j in range(dim):
            bits = np.int64(hash_draw(key, (first + i) * 2048 + j) >> np.uint64(40))
            table[i, j] = np.float32(bits - 8388608) * scale


@internal
def true_words(
    piece: Any,
    begin: int,
    end: int,
    places: int,
    near: int,
    far: int,
    negatives: Any,
    drawn: int,
    cuts: Any,
    count: int,
) -> int:
    """Append a block's cells in which a negative is an outside word of the center; returns how many there are now.

    A center has one cell for each negative, weighted by its pairs; the pair with this word is left out.
    """
    hits = cuts.hits
    found = _find_negatives(piece, max(0, begin - far), min(places, end + far), negatives, drawn, cuts.found)
    for counting in (True, False):
        for i in range(found):
            o, k = cuts.found[2 * i], cuts.found[2 * i + 1]
            for start, stop in (left_run(piece, o, near, far), right_run(piece, o, near, far)):
                for c in range(max(begin, start), min(end, stop)):
                    cell = (c - begin) * drawn + k
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
def true_centers(piece: Any, begin: int, end: int, negatives: Any, drawn: int, cuts: Any, count: int) -> int:
    """Append a block's cells in which a negative is the center word; returns how many there are now."""
    for i in range(_find_negatives(piece, begin, end, negatives, drawn, cuts.found)):
        cuts.cells[count] = (cuts.found[2 * i] - begin) * drawn + cuts.found[2 * i + 1]
        cuts.shares[count] = 0
        count += 1
    return count


@internal
def _find_negatives(piece: Any, start: int, stop: int, negatives: Any, drawn: int, pairs: Any) -> int:
    """Write the pairs (place, negative) that are the same word; returns how many.

    A filter of 256 bits, by a hash of the word, passes over most places without a look at the negatives.
    """
    a = b = c = d = np.uint64(0)
    for k in range(drawn):
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
            for k in range(drawn):
                if negatives[k] == piece.rows[place]:
                    pairs[2 * found] = place
                    pairs[2 * found + 1] = k
                    found += 1
    return found
