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

from lexigrad.kernels.tokens import HALF, draw_negatives, hash_draw, is_kept, keep_piece

__all__ = ["Windows", "draw_windows", "fill_negatives", "sum_inputs", "sum_negative_sampling", "sum_scores"]


class Windows(NamedTuple):
    """Some windows, and what is predicted in them."""

    outside: Any  # int32 (windows,): the word of each window, a row of U
    starts: Any  # int64 (windows + 1,): where its words around it begin
    around: Any  # int32 (words around,): rows of V
    negatives: Any  # int64 (predictions, K): rows of U; a prediction is a word around, or for CBOW a window


@njit(cache=True, nogil=True)
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
        place, _, _ = keep_piece(ids, position, position + 1, window, dynamic, 1, draws, piece)
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


@njit(cache=True, nogil=True)
def fill_negatives(draws: Any, negatives: Any) -> None:
    """Draw each prediction's negatives."""
    for i in range(negatives.shape[0]):
        draw_negatives(draws, i, 1, negatives[i], negatives.shape[1])


@njit(cache=True, nogil=True)
def sum_negative_sampling(V: Any, U: Any, windows: Any, first: int, stop: int, cbow: bool, x: Any) -> float:
    """Sum `lexigrad.reference.negative_sampling` over the predictions of ``windows[first:stop]``.

    softplus(−u_o·x) + Σ_k softplus(u_k·x), where a negative that is the word o counts as any other. The logarithms of
    1 + exp(−|s|) are taken together, as that of the product: of at most 65 factors up to 2.

    ``x`` is room for one row in double precision.
    """
    total = 0.0
    for i in range(first, stop):
        begin, end = windows.starts[i], windows.starts[i + 1]
        for j in range(begin, begin + 1 if cbow else end):
            _mean_row(V, windows.around, j, end if cbow else j + 1, x)
            negatives = windows.negatives[i if cbow else j]
            score = -_dot(x, U, windows.outside[i])
            linear, product = max(score, 0.0), 1.0 + math.exp(-abs(score))
            for k in range(negatives.size):
                score = _dot(x, U, negatives[k])
                linear += max(score, 0.0)
                product *= 1.0 + math.exp(-abs(score))
            total += linear + math.log(product)
    return total


@njit(cache=True, nogil=True)
def sum_inputs(V: Any, around: Any, starts: Any, X: Any) -> None:
    """X[i] = the mean of the rows ``around[starts[i]:starts[i + 1]]`` of V."""
    for i in range(X.shape[0]):
        _mean_row(V, around, starts[i], starts[i + 1], X[i])


@njit(cache=True, nogil=True)
def sum_scores(X: Any, rows: Any, U: Any, outside: Any) -> float:
    """Σ_j u_outside[j]·X[rows[j]]."""
    total = 0.0
    for j in range(rows.size):
        total += _dot(X[rows[j]], U, outside[j])
    return total


@njit(cache=True, nogil=True)
def _mean_row(V: Any, words: Any, begin: int, end: int, x: Any) -> None:
    """X = the mean of the rows ``words[begin:end]`` of V."""
    for i in range(x.size):
        x[i] = 0.0
    for j in range(begin, end):
        row = words[j]
        for i in range(x.size):
            x[i] += np.float64(V[row, i])
    if end - begin > 1:
        for i in range(x.size):
            x[i] /= end - begin


@njit(cache=True, nogil=True)
def _dot(x: Any, U: Any, word: Any) -> float:
    """u_word·x in eight parts."""
    a = b = c = d = e = f = g = h = 0.0
    whole = x.size - x.size % 8
    for i in range(0, whole, 8):
        a += x[i] * np.float64(U[word, i])
        b += x[i + 1] * np.float64(U[word, i + 1])
        c += x[i + 2] * np.float64(U[word, i + 2])
        d += x[i + 3] * np.float64(U[word, i + 3])
        e += x[i + 4] * np.float64(U[word, i + 4])
        f += x[i + 5] * np.float64(U[word, i + 5])
        g += x[i + 6] * np.float64(U[word, i + 6])
        h += x[i + 7] * np.float64(U[word, i + 7])
    for i in range(whole, x.size):
        a += x[i] * np.float64(U[word, i])
    return ((a + b) + (c + d)) + ((e + f) + (g + h))
