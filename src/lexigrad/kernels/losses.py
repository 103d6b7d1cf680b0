"""The loss on a sample of a text's windows, in double precision; the sample itself.

A window is a word and the words around it as training draws them (`lexigrad.kernels.tokens`). Under skip-gram each word
around is a center from which the word is predicted, under CBOW their mean is. Sums run over eight explicit parts in a
fixed order, so they give the same bits wherever compiled.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from lexigrad.kernels.compiling import kernel
from lexigrad.kernels.tokens import HALF, draw_negatives, hash_draw, is_kept, keep_piece

__all__ = ["Windows", "draw_windows", "fill_negatives", "sum_inputs", "sum_negative_sampling", "sum_scores"]

ZERO, ONE, TWO, THREE, FOUR, FIVE, SIX, SEVEN, EIGHT = (np.uintp(i) for i in range(9))


class Windows(NamedTuple):
    """Some windows, and what is predicted in them."""

    outside: Any  # int32 (windows,): the word of each window, a row of U
    starts: Any  # int64 (windows + 1,): where its words around it begin
    around: Any  # int32 (words around,): rows of V
    negatives: Any  # int64 (windows, K): rows of U


@kernel
def draw_windows(
    ids: Any, places: int, key: Any, window: int, dynamic: bool, draws: Any, piece: Any, windows: Any
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
def fill_negatives(draws: Any, negatives: Any) -> None:
    """Draw each window's negatives."""
    for i in range(negatives.shape[0]):
        draw_negatives((), draws, i, negatives[i], negatives.shape[1])


@kernel
def sum_negative_sampling(V: Any, U: Any, windows: Any, first: int, stop: int, cbow: bool, rows: Any) -> float:
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
def sum_inputs(V: Any, around: Any, starts: Any, X: Any) -> None:
    """X[i] = the mean of the rows ``around[starts[i]:starts[i + 1]]`` of V."""
    for i in range(X.shape[0]):
        _mean_row(V, around, starts[i], starts[i + 1], X[i])


@kernel
def sum_scores(X: Any, rows: Any, U: Any, outside: Any, u: Any) -> float:
    """Σ_j u_outside[j]·X[rows[j]]; ``u`` is room for one row."""
    total = 0.0
    for j in range(rows.size):
        _copy_row(U, outside[j], u)
        total += _dot(X[rows[j]], u)
    return total


@kernel
def _copy_row(table: Any, word: Any, row: Any) -> None:
    for i in range(row.size):
        row[i] = np.float64(table[word, i])


@kernel
def _mean_row(table: Any, words: Any, begin: int, end: int, row: Any) -> None:
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
def _dot(x: Any, u: Any) -> float:
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
