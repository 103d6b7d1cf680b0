"""Negatives that are true words: they have no term in the loss, so their weight is taken out.

Which ones they are follows from the words and the draws alone, so it is found once, when a piece is made ready, as a
list of cells of g (`lexigrad.kernels.rows`) and of the share of their weight that is left.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lexigrad.kernels.compiling import internal
from lexigrad.kernels.tokens import hash_byte, left_run, right_run

__all__ = ["true_centers", "true_words"]


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
