"""Losses measured, beside the matrix products that they need: over all pairs, and on a sample of a text's windows.

Over all pairs, scores s = u_w·v + b_w come in tiles: some rows (centers, or the contexts of windows) by some columns
(outside words). Of each row three sums are taken, tile by tile:

    the softmax's normalizer    log Σ_w exp(s_w), kept as a maximum m and Σ_w exp(s_w − m)
    the noise's part            Σ_w P(w) softplus(s_w) = −Σ_w P(w) log σ(−s_w)
    the true words' part        Σ n s and Σ n softplus(−s), over the row's entries (word, n)

which `lexigrad.reference.naive_softmax` and `lexigrad.reference.negative_sampling` add up to losses.

On a sample, a window is a word and the words around it as training draws them (`lexigrad.kernels.sgd.piece`). Under
skip-gram each word around is a center from which the word is predicted, under CBOW their mean is.

All sums run over explicit lanes or parts in a fixed order, and then in double precision, so they give the same bits
wherever they are compiled.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from lexigrad.kernels.compiler.compile import kernel
from lexigrad.kernels.compiler.rowshape import LANES
from lexigrad.kernels.compiler.simd import Lanes, vector_kernel
from lexigrad.kernels.sgd.piece import HALF, draw_negatives, hash_draw, is_kept, keep_piece

if TYPE_CHECKING:
    from llvmlite.ir import Value

    from lexigrad.kernels.arraytypes import Doubles, Floats, Int32s, Int64s
    from lexigrad.kernels.sgd.piece import Draws, Piece

__all__ = [
    "Entries",
    "RowSums",
    "Tile",
    "Windows",
    "draw_windows",
    "fill_negatives",
    "sum_inputs",
    "sum_negative_sampling",
    "sum_scores",
    "sum_tile",
    "take_sentences",
]

ZERO, ONE, TWO, THREE, FOUR, FIVE, SIX, SEVEN, EIGHT = (np.uintp(i) for i in range(9))


class Tile(NamedTuple):
    """Scores of some rows and some columns."""

    scores: Floats  # (rows · width,): the bias is added to them
    width: int  # columns, a multiple of 16
    first: int  # the word of the first column
    bias: Floats  # (width,): of its columns
    noise: Floats  # (width,): P of its columns


class Entries(NamedTuple):
    """The true words of rows, with how often they count."""

    cursors: Int64s  # (rows,): each row's first entry in this tile; moved to the first in the next one
    stops: Int64s  # (rows,): the place after each row's last entry
    outside: Int32s  # the word of each entry, rising within a row
    weights: Floats  # n of each entry


class RowSums(NamedTuple):
    """Sums of each row, shape (rows,)."""

    maximum: Doubles
    exponentials: Doubles  # Σ_w exp(s_w − maximum)
    noise: Doubles  # Σ_w P(w) softplus(s_w)
    true_scores: Doubles  # Σ n s
    true_softplus: Doubles  # Σ n softplus(−s)


class Windows(NamedTuple):
    """Some windows, and the words that are predicted in them."""

    outside: Int32s  # (windows,): the word of each window, a row of U
    starts: Int64s  # (windows + 1,): where its words around it begin
    around: Int32s  # (words around,): rows of V
    negatives: Int64s  # (windows, K): rows of U


@vector_kernel
def add_bias(lanes: Lanes, _: int, scores: Value, start: Value, bias: Value, width: Value, largest: Value) -> None:
    """Scores += bias; largest = the larger of itself and the scores, in each lane."""
    row = lanes.at(scores, start)

    def sixteen(i: Value, maxima: list[Value]) -> list[Value]:
        score = lanes.add(lanes.load(row, i), lanes.load(bias, i))
        lanes.store(score, row, i)
        is_larger = lanes.builder.fcmp_ordered(">", score, maxima[0])
        return [lanes.builder.select(is_larger, score, maxima[0])]

    (found,) = lanes.loop(0, width, LANES, [lanes.load(largest)], sixteen)
    lanes.store(found, largest)


@vector_kernel
def sum_row(
    lanes: Lanes, _: int, scores: Value, start: Value, noise: Value, maximum: Value, width: Value, sums: Value
) -> None:
    """Sums[:16] = exp(s − maximum), sums[16:] = noise · softplus(s), each lane's own."""
    row, shift, zero = lanes.at(scores, start), lanes.splat(maximum), lanes.constant(0.0)

    def sixteen(i: Value, so_far: list[Value]) -> list[Value]:
        score = lanes.load(row, i)
        _, softplus = lanes.sigmoid_and_softplus(score)
        exponential = lanes.exp(lanes.sub(score, shift))
        return [lanes.add(exponential, so_far[0]), lanes.fma(lanes.load(noise, i), softplus, so_far[1])]

    for number, total in enumerate(lanes.loop(0, width, LANES, [zero, zero], sixteen)):
        lanes.store(total, sums, LANES * number)


@njit(inline="always")
def _softplus(x: float) -> float:
    """The softplus, log(1 + exp(x))."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@kernel
def sum_tile(tile: Tile, entries: Entries, lanes: Floats, sums: RowSums) -> None:
    """Add a tile to the sums of its rows; ``lanes`` are 32 floats to work with."""
    width, outside, weights = tile.width, entries.outside, entries.weights
    for i in range(entries.stops.size):
        start = i * width
        lanes[:LANES] = -np.inf
        add_bias((), tile.scores, start, tile.bias, width, lanes)
        largest = np.float64(lanes[:LANES].max())
        if largest > sums.maximum[i]:  # the exponentials so far are relative to the smaller maximum
            sums.exponentials[i] *= math.exp(sums.maximum[i] - largest)
            sums.maximum[i] = largest
        sum_row((), tile.scores, start, tile.noise, np.float32(sums.maximum[i]), width, lanes)
        for lane in range(LANES):
            sums.exponentials[i] += np.float64(lanes[lane])
            sums.noise[i] += np.float64(lanes[LANES + lane])
        k = entries.cursors[i]
        while k < entries.stops[i] and outside[k] < tile.first + width:
            score = np.float64(tile.scores[start + outside[k] - tile.first])
            sums.true_scores[i] += weights[k] * score
            sums.true_softplus[i] += weights[k] * _softplus(-score)
            k += 1
        entries.cursors[i] = k


@kernel
def take_sentences(
    ids: Int32s, sentence: int, key: np.uint64, limit: Any, below: bool, taken: Int32s
) -> tuple[int, int]:
    """Copy the ids of the sentences whose number has a draw below the limit, or of the others, to ``taken``.

    ``sentence`` is the number of the sentence in which ``ids`` begin. Returns the number of the sentence in which the
    next ids begin, and how many ids were taken.
    """
    size = 0
    is_taken = (hash_draw(key, sentence) < limit) == below
    for word_id in ids:
        if is_taken:
            taken[size] = word_id
            size += 1
        if word_id < 0:
            sentence += 1
            is_taken = (hash_draw(key, sentence) < limit) == below
    return sentence, size


@kernel
def draw_windows(
    ids: Int32s, places: int, key: np.uint64, window: int, dynamic: bool, draws: Draws, piece: Piece, windows: Windows
) -> int:
    """Cut a text into ``places`` stretches, and take of each the window of one token, which a draw picks.

    A stretch gives none where the draw falls on the end of a sentence, on a word that is dropped, or on one without
    words around it. Returns how many windows there are; where there is no room for their words, only their ``starts``
    are written.
    """
    found = 0
    has_room = windows.outside.size > 0
    for i in range(places):
        begin, end = i * ids.size // places, (i + 1) * ids.size // places
        position = begin + np.int64(((hash_draw(key, i) >> HALF) * np.uint64(end - begin)) >> HALF)
        if ids[position] < 0 or not is_kept(ids[position], hash_draw(draws.token_key, position), draws.keep):
            continue
        place, _, _ = keep_piece((), ids, position, position + 1, window, dynamic, draws, piece)
        left, right = place - piece.left[place], place + piece.right[place]
        if left == right:
            continue
        target = windows.starts[found]
        windows.starts[found + 1] = target + right - left
        if has_room:
            windows.outside[found] = piece.rows[place]
            for other in range(left, right + 1):
                if other != place:
                    windows.around[target] = piece.rows[other]
                    target += 1
        found += 1
    return found


@kernel
def fill_negatives(draws: Draws, negatives: Int64s) -> None:
    """Draw each window's negatives."""
    for i in range(negatives.shape[0]):
        draw_negatives((), draws, i, negatives[i], negatives.shape[1])


@kernel
def sum_negative_sampling(
    V: Floats, U: Floats, windows: Windows, first: int, stop: int, cbow: bool, rows: Doubles
) -> float:
    """Sum `lexigrad.reference.negative_sampling` over the predictions of ``windows[first:stop]``.

    softplus(−u_o·x) + Σ_k softplus(u_k·x), where a negative that is the word o counts as any other. The logarithms of
    1 + exp(−|s|) are taken together, as that of the product: of at most 65 factors up to 2.

    ``rows`` is room for K + 2 rows in double precision: x, u_o and the negatives.
    """
    total = 0.0
    terms = rows.shape[0] - 1
    for i in range(first, stop):
        begin, end = windows.starts[i], windows.starts[i + 1]
        _copy_row(U, windows.outside[i], rows[1])
        for k in range(terms - 1):
            _copy_row(U, windows.negatives[i, k], rows[k + 2])
        for j in range(begin, begin + 1 if cbow else end):
            _mean_row(V, windows.around, j, end if cbow else j + 1, rows[0])
            linear, product = 0.0, 1.0
            for k in range(terms):
                score = _dot(rows[0], rows[k + 1])
                if k == 0:
                    score = -score
                linear += max(score, 0.0)
                product *= 1.0 + math.exp(-abs(score))
            total += linear + math.log(product)
    return total


@kernel
def sum_inputs(V: Floats, around: Int32s, starts: Int64s, X: Doubles) -> None:
    """X[i] = the mean of the rows ``around[starts[i]:starts[i + 1]]`` of V."""
    for i in range(X.shape[0]):
        _mean_row(V, around, starts[i], starts[i + 1], X[i])


@kernel
def sum_scores(X: Doubles, rows: Int64s, U: Floats, outside: Int32s, u: Doubles) -> float:
    """Σ_j u_outside[j]·X[rows[j]]; ``u`` is room for one row."""
    total = 0.0
    for j in range(rows.size):
        _copy_row(U, outside[j], u)
        total += _dot(X[rows[j]], u)
    return total


@kernel
def _copy_row(table: Floats, word: int, row: Doubles) -> None:
    for i in range(row.size):
        row[i] = np.float64(table[word, i])


@kernel
def _mean_row(table: Floats, words: Int32s, begin: int, end: int, row: Doubles) -> None:
    """The mean of the rows ``words[begin:end]``."""
    _copy_row(table, words[begin], row)
    for j in range(begin + 1, end):
        word = words[j]
        for i in range(row.size):
            row[i] += np.float64(table[word, i])
    if end - begin > 1:
        for i in range(row.size):
            row[i] /= end - begin


@njit(inline="always")
def _dot(x: Doubles, u: Doubles) -> float:
    """u·x in eight parts."""
    a = b = c = d = e = f = g = h = 0.0
    i = ZERO  # unsigned, so that no index is looked at for being negative: twice as fast
    for _ in range(x.size // 8):
        a += x[i] * u[i]
        b += x[i + ONE] * u[i + ONE]
        c += x[i + TWO] * u[i + TWO]
        d += x[i + THREE] * u[i + THREE]
        e += x[i + FOUR] * u[i + FOUR]
        f += x[i + FIVE] * u[i + FIVE]
        g += x[i + SIX] * u[i + SIX]
        h += x[i + SEVEN] * u[i + SEVEN]
        i += EIGHT
    for j in range(x.size - x.size % 8, x.size):
        a += x[j] * u[j]
    return ((a + b) + (c + d)) + ((e + f) + (g + h))
