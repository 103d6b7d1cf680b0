"""One step of SGD for a block of tokens: changes out, tables untouched.

The block is at most 64 consecutive words kept. Its changes are computed from the tables as they stand and written to
panels, one row for each position, so that a word that occurs twice gets both, and whoever calls decides when and in
which order they are added (`lexigrad.kernels.sgd.span`).

A step has two halves: the scores of all predictions, and the changes that follow from them. Both can be computed for
some columns of the tables only. Scores are sums over parts of a row, kept apart until the second half: threads that
share out the columns have to exchange these, and nothing else (`lexigrad.kernels.sgd.superstep`).

A long window or many negatives would make this step too large for one: then a piece is trained several times, each
time with the pairs of one band of distances (`lexigrad.training.sgd.negative_sampling`).

Negatives are drawn once for a block (Ji et al. 2016 share them over a window), a multiple of 16 of them, each term
weighted by negatives / drawn. The expectation is that of separate draws, and a negative that is the true word is left
out as there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from lexigrad.kernels.compiler.compile import internal
from lexigrad.kernels.compiler.simd import LANES, row_floats
from lexigrad.kernels.sgd.piece import left_run, right_run
from lexigrad.kernels.sgd.products import (
    TILE,
    negative_d_inputs,
    negative_d_outside,
    negative_g,
    negative_scores,
    turn_rows,
    zero_rows,
)
from lexigrad.kernels.sgd.truepairs import add_to_run, positive_g, run_deltas, run_products, sum_of_run, sum_products

__all__ = [
    "Block",
    "Changes",
    "Means",
    "Panels",
    "Scores",
    "cbow_changes",
    "cbow_scores",
    "skipgram_changes",
    "skipgram_scores",
]


class Scores(NamedTuple):
    """Scores of a block by parts of the row; a kernel for some columns takes them from its first part on."""

    negative: Any  # float32 (parts, tokens · drawn)
    positive: Any  # float32 (parts, pairs)


class Panels(NamedTuple):
    """Buffers of one thread."""

    turned: Any  # float32 (drawn · row): the negatives' vectors, turned over
    weights: Any  # float32 (tokens,)
    g: Any  # float32 (tokens · drawn): multipliers of the negatives
    products: Any  # float32 (parts, pairs · 16)
    positive_g: Any  # float32 (pairs,)


class Changes(NamedTuple):
    """What a block's step adds to the tables."""

    d_V: Any  # float32 ((tokens + 2 windows) · row): to the rows of all places that the windows reach
    d_U: Any  # float32 (tokens · row): to the rows of its tokens
    d_N: Any  # float32 (drawn · row): to the rows of its negatives


class Means(NamedTuple):
    """Further buffers for CBOW: the contexts' means."""

    vectors: Any  # float32: a table of at most 64 rows
    changes: Any  # float32 (tokens · row)
    rows: Any  # int64 (tokens,): the offsets of the vectors, one after the other


class Block(NamedTuple):
    """The places that a block covers, and those of the next one, whose rows are fetched ahead."""

    start: Any  # its tokens ...
    stop: Any
    low: Any  # ... and all that their windows reach
    high: Any
    near: Any  # the distances of this band
    far: Any
    negatives: Any  # int64 (drawn,): offsets of their rows
    double_cells: Any  # int32: cells of g where a negative is a true word,
    double_shares: Any  # float32: and the share of its weight that is left
    next_negatives: Any  # the next block's: negatives,
    next_rows_V: Any  # rows of V that this one does not have,
    next_count_V: Any
    next_rows_U: Any  # and rows of U
    next_count_U: Any


@internal
def skipgram_scores(
    shape: Any, dim: int, V: Any, U: Any, piece: Any, block: Any, drawn: int, panels: Any, scores: Any
) -> None:
    """The scores of skip-gram's pairs: u_k·v_c for all tokens and negatives, u_o·v_c for the windows."""
    _score_negatives(shape, dim, V, piece.rows[block.start :], _tiled(block), U, block, drawn, panels, scores.negative)
    pairs, products = 0, panels.products
    stride = products.shape[1] // LANES
    for o in range(block.start, block.stop):
        start, stop = left_run(piece, o, block.near, block.far)
        run_products(shape, U, piece.rows[o], V, piece.rows, start, stop, products, stride, pairs)
        pairs += stop - start
        start, stop = right_run(piece, o, block.near, block.far)
        run_products(shape, U, piece.rows[o], V, piece.rows, start, stop, products, stride, pairs)
        pairs += stop - start
    sum_products(shape, products, stride, pairs, scores.positive, scores.positive.shape[1])


@internal
def skipgram_changes(
    shape: Any,
    V: Any,
    U: Any,
    piece: Any,
    block: Any,
    drawn: int,
    rate: Any,
    weight: Any,
    scores: Any,
    panels: Any,
    changes: Any,
) -> None:
    """−rate times the gradient of skip-gram with negative sampling: one step of `lexigrad.reference.skipgram`.

    J = Σ_o Σ_{c in the window of o} −log σ(u_o·v_c) − weight Σ_c Σ_{o: c in its window} Σ_{k≠o} log σ(−u_k·v_c)

    with o over the block's tokens in the first sum and c in the second. The width drawn is that of the outside word's
    window, as in word2vec.c: a center word then takes part in nearly the same number of pairs each time, where its own
    width would give it 2 to 10. The pairs expected are the same, the vectors better
    (docs/decisions/shared-negatives.md).
    """
    tokens, tiled = block.stop - block.start, _tiled(block)
    before = block.start - block.low
    for i in range(tiled):
        panels.weights[i] = -rate * weight * np.float32(piece.windows[block.start + i] if i < tokens else 0)
    d_V = changes.d_V
    zero_rows(shape, d_V, 0, before)
    zero_rows(shape, d_V, before + tiled, block.high - block.low)
    rows = piece.rows[block.start :]
    _weigh_negatives(shape, tiled, block, drawn, scores.negative, panels)
    _negative_changes(shape, V, rows, tiled, V, U, block, drawn, panels, d_V[_offset(shape, before) :], changes.d_N)
    _positive_changes(shape, V, U, piece, block, rate, scores.positive, panels, changes)


@internal
def cbow_scores(
    shape: Any, dim: int, V: Any, U: Any, piece: Any, block: Any, drawn: int, panels: Any, means: Any, scores: Any
) -> None:
    """The scores of CBOW's predictions: of the negatives and of the true word for each context's mean v̂."""
    tokens = block.stop - block.start
    for c in range(block.start, block.stop):
        i, left, right = c - block.start, c - piece.left[c], c + 1 + piece.right[c]
        sum_of_run(shape, V, piece.rows, left, c, right, _share(piece, c), means.vectors, means.rows[i])
    _score_negatives(shape, dim, means.vectors, means.rows, _tiled(block), U, block, drawn, panels, scores.negative)
    rows, products = piece.rows[block.start :], panels.products
    stride = products.shape[1] // LANES
    for i in range(tokens):
        run_products(shape, means.vectors, means.rows[i], U, rows, i, i + 1, products, stride, i)
    sum_products(shape, products, stride, tokens, scores.positive, scores.positive.shape[1])


@internal
def cbow_changes(
    shape: Any,
    V: Any,
    U: Any,
    piece: Any,
    block: Any,
    drawn: int,
    rate: Any,
    weight: Any,
    scores: Any,
    panels: Any,
    means: Any,
    changes: Any,
    historic: bool,
) -> None:
    """−rate times the gradient of CBOW with negative sampling: one step of `lexigrad.reference.cbow`, the mean taken.

    J = Σ_c −log σ(u_c·v̂_c) − weight Σ_{k≠c} log σ(−u_k·v̂_c),  v̂_c the mean over the window of c

    Each context word gets ∂J/∂v̂ divided by the window's size; the ``historic`` update of word2vec.c and gensim leaves
    that division out.
    """
    tokens, tiled = block.stop - block.start, _tiled(block)
    zero_rows(shape, changes.d_V, 0, block.high - block.low)
    zero_rows(shape, changes.d_U, 0, tokens)
    for i in range(tiled):
        panels.weights[i] = -rate * weight if i < tokens else np.float32(0)
    _weigh_negatives(shape, tiled, block, drawn, scores.negative, panels)
    _negative_changes(shape, means.vectors, means.rows, tiled, V, U, block, drawn, panels, means.changes, changes.d_N)
    rows, positive = piece.rows[block.start :], scores.positive
    positive_g(shape, positive, positive.shape[1], positive.shape[0], tokens, rate, panels.positive_g)
    for i in range(tokens):
        x, d_x = means.rows[i], _offset(shape, i)
        run_deltas(shape, means.vectors, x, U, rows, i, i + 1, panels.positive_g, i, means.changes, d_x, changes.d_U)
    for c in range(block.start, block.stop):
        d_x, place = _offset(shape, c - block.start), c - block.low
        left, right = place - piece.left[c], place + 1 + piece.right[c]
        scale = np.float32(1) if historic else _share(piece, c)
        add_to_run(shape, changes.d_V, left, place, right, scale, means.changes, d_x)


@njit(inline="always")
def _tiled(block: Any) -> Any:
    """The tokens of a block, filled up to whole tiles."""
    return (block.stop - block.start + TILE - 1) // TILE * TILE


@njit(inline="always")
def _offset(shape: Any, row: Any) -> Any:
    """Where a row begins in a panel."""
    return row * row_floats(shape)


@njit(inline="always")
def _share(piece: Any, place: Any) -> Any:
    """1 / the number of words in a window; an empty one has nothing to share."""
    return np.float32(1) / np.float32(max(1, piece.left[place] + piece.right[place]))


@internal
def _score_negatives(
    shape: Any, dim: int, X: Any, rows: Any, tiled: int, U: Any, block: Any, drawn: int, panels: Any, scores: Any
) -> None:
    """X Nᵀ, while the next block's negatives are fetched."""
    ahead, stride = block.next_negatives, scores.shape[1]
    turn_rows(shape, U, block.negatives, drawn, panels.turned)
    negative_scores(shape, X, rows, tiled, panels.turned, drawn, dim, scores, stride, U, ahead, drawn)


@internal
def _weigh_negatives(shape: Any, tiled: int, block: Any, drawn: int, scores: Any, panels: Any) -> None:
    """G = weights · σ(X Nᵀ), the true words among the negatives left out."""
    negative_g(shape, scores, scores.shape[1], scores.shape[0], tiled, drawn, panels.weights, panels.g)
    for i in range(block.double_cells.size):
        panels.g[block.double_cells[i]] *= block.double_shares[i]


@internal
def _negative_changes(
    shape: Any, X: Any, rows: Any, tiled: int, V: Any, U: Any, block: Any, drawn: int, panels: Any, d_X: Any, d_N: Any
) -> None:
    """d_X = g N and d_N = gᵀ X, while the rows of the next block are fetched."""
    next_V, count_V = block.next_rows_V, block.next_count_V
    negative_d_inputs(shape, U, block.negatives, drawn, panels.g, tiled, d_X, V, next_V, count_V)
    zero_rows(shape, d_N, 0, drawn)
    negative_d_outside(shape, X, rows, tiled, panels.g, drawn, d_N, U, block.next_rows_U, block.next_count_U)


@internal
def _positive_changes(
    shape: Any, V: Any, U: Any, piece: Any, block: Any, rate: Any, scores: Any, panels: Any, changes: Any
) -> None:
    """d_u_o = Σ g v_c and d_v_c += g u_o for the pairs of the block's outside words o."""
    pairs = 0
    for o in range(block.start, block.stop):
        start, stop = left_run(piece, o, block.near, block.far)
        pairs += stop - start
        start, stop = right_run(piece, o, block.near, block.far)
        pairs += stop - start
    g, d_U, d_V = panels.positive_g, changes.d_U, changes.d_V
    positive_g(shape, scores, scores.shape[1], scores.shape[0], pairs, rate, g)
    zero_rows(shape, d_U, 0, block.stop - block.start)
    rows = piece.rows[block.low :]
    pairs = 0
    for o in range(block.start, block.stop):
        u, d_u, low = piece.rows[o], _offset(shape, o - block.start), block.low
        start, stop = left_run(piece, o, block.near, block.far)
        run_deltas(shape, U, u, V, rows, start - low, stop - low, g, pairs, d_U, d_u, d_V)
        pairs += stop - start
        start, stop = right_run(piece, o, block.near, block.far)
        run_deltas(shape, U, u, V, rows, start - low, stop - low, g, pairs, d_U, d_u, d_V)
        pairs += stop - start
