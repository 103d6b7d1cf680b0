"""One step of SGD for a block of tokens, by `lexigrad.reference.skipgram` or `cbow`: changes out, tables untouched.

The block is at most 64 consecutive words kept. Its changes are computed from the tables as they stand and written to
panels, one row for each position, so that a word that occurs twice gets both changes. The callers decide when and in
which order they are added: `lexigrad.kernels.sgd.span` for one thread, `lexigrad.kernels.sgd.superstep` for several.

A step has two halves: the scores of all predictions, and the changes that follow from them. Both can be computed for
some columns of the tables only. Scores are sums over parts of a row, kept apart until the second half: threads that
share out the columns have to exchange these, and nothing else (`lexigrad.kernels.sgd.superstep`).

A long window or many negatives would make this step too large for one: then a piece is trained several times, each
time with the pairs of one band of distances (`lexigrad.training.sgd.negative_sampling`).

Negatives are drawn once for a block (Ji et al. 2016 share them over a window), a multiple of 16 of them, each term
weighted by negatives / drawn. The expectation is the same as with separate draws, and a negative that is the true word
is left out, as there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from lexigrad.kernels.compiler.compile import internal
from lexigrad.kernels.compiler.rowshape import LANES
from lexigrad.kernels.compiler.simd import row_floats
from lexigrad.kernels.sgd.piece import left_run, right_run
from lexigrad.kernels.sgd.products import (
    TILE,
    PartScores,
    Rows,
    negative_d_inputs,
    negative_d_outside,
    negative_g,
    negative_scores,
    turn_rows,
    zero_rows,
)
from lexigrad.kernels.sgd.truepairs import (
    Row,
    Run,
    add_to_run,
    positive_g,
    run_deltas,
    run_products,
    sum_of_run,
    sum_products,
)

if TYPE_CHECKING:
    from lexigrad.kernels.arraytypes import Floats, Int32s, Int64s, Shape
    from lexigrad.kernels.sgd.piece import Piece

__all__ = [
    "Block",
    "Buffers",
    "Changes",
    "Means",
    "Panels",
    "Scores",
    "Step",
    "Tables",
    "cbow_changes",
    "cbow_scores",
    "skipgram_changes",
    "skipgram_scores",
]


class Tables(NamedTuple):
    """The tables, laid out by `lexigrad.kernels.sgd.tables`; threads with some of the columns begin them at these."""

    V: Floats  # where steps are computed: center vectors
    U: Floats  # and outside vectors
    new_V: Floats  # where changes are added: V and U themselves, unless kernels are checked
    new_U: Floats


class Scores(NamedTuple):
    """Scores of a block by parts of the row; a kernel for some columns takes them from its first part on."""

    negative: Floats  # (parts, tokens · drawn)
    positive: Floats  # (parts, pairs)


class Panels(NamedTuple):
    """Buffers of one thread."""

    turned: Floats  # (drawn · row): the negatives' vectors, turned over
    weights: Floats  # (tokens,)
    g: Floats  # (tokens · drawn): multipliers of the negatives
    products: Floats  # (parts, pairs · 16)
    positive_g: Floats  # (pairs,)


class Changes(NamedTuple):
    """The changes that a block's step adds to the tables."""

    d_V: Floats  # ((tokens + 2 windows) · row): to the rows of all places that the windows reach
    d_U: Floats  # (tokens · row): to the rows of its tokens
    d_N: Floats  # (drawn · row): to the rows of its negatives


class Buffers(NamedTuple):
    """The memory that one thread writes when it computes a block."""

    panels: Panels
    scores: Scores
    changes: Changes


class Means(NamedTuple):
    """Further buffers for CBOW: the contexts' means."""

    vectors: Floats  # a table of at most 64 rows
    changes: Floats  # (tokens · row)
    rows: Int64s  # (tokens,): the offsets of the vectors, one after the other


class Block(NamedTuple):
    """The places that a block covers, and the rows of the thread's next block, which are fetched ahead."""

    start: int  # the first of its tokens
    stop: int  # the place after the last of them
    low: int  # the first place that their windows reach
    high: int  # the place after the last that their windows reach
    near: int  # the least distance of this band
    far: int  # the largest distance of this band
    negatives: Int64s  # (drawn,): offsets of their rows
    double_cells: Int32s  # cells of g where a negative is a true word
    double_shares: Floats  # for each of these cells the share of its weight that is left
    next_negatives: Int64s  # (drawn,): the next block's negatives
    next_rows_V: Int64s  # rows of V that the next block reads and this one does not
    next_rows_U: Int64s  # rows of U that the next block reads


class Step(NamedTuple):
    """The factors of a block's changes."""

    rate: np.float32  # the learning rate
    weight: np.float32  # of a negative's term: negatives / drawn
    historic: bool  # whether CBOW's update is that of word2vec.c


@internal
def skipgram_scores(shape: Shape, dim: int, tables: Tables, piece: Piece, block: Block, buffers: Buffers) -> None:
    """The scores of `lexigrad.reference.skipgram`: u_k·v_c for all tokens and negatives, u_o·v_c for the windows."""
    inputs = Rows(tables.V, piece.rows[block.start :], _tiled(block))
    _score_negatives(shape, dim, inputs, tables.U, block, buffers.panels.turned, buffers.scores.negative)
    pairs, products = 0, _part_rows(buffers.panels.products)
    for o in range(block.start, block.stop):
        u = Row(tables.U, piece.rows[o])
        start, stop = left_run(piece, o, block.near, block.far)
        run_products(shape, u, Run(tables.V, piece.rows, start, stop), products, pairs)
        pairs += stop - start
        start, stop = right_run(piece, o, block.near, block.far)
        run_products(shape, u, Run(tables.V, piece.rows, start, stop), products, pairs)
        pairs += stop - start
    sum_products(shape, products, pairs, _parts(buffers.scores.positive))


@internal
def skipgram_changes(shape: Shape, tables: Tables, piece: Piece, block: Block, step: Step, buffers: Buffers) -> None:
    """−rate times the gradient of skip-gram with negative sampling: one step of `lexigrad.reference.skipgram`.

    J = Σ_o Σ_{c in the window of o} −log σ(u_o·v_c) − weight Σ_c Σ_{o: c in its window} Σ_{k≠o} log σ(−u_k·v_c)

    with o over the block's tokens in the first sum and c in the second. The width drawn is that of the outside word's
    window, as in word2vec.c: a center word then takes part in nearly the same number of pairs each time, where its own
    width would give it 2 to 10. The pairs expected are the same, the vectors better
    (docs/decisions/shared-negatives.md).
    """
    tokens, tiled = block.stop - block.start, _tiled(block)
    before, weights = block.start - block.low, buffers.panels.weights
    for i in range(tiled):
        weights[i] = -step.rate * step.weight * np.float32(piece.windows[block.start + i] if i < tokens else 0)
    # The block's own rows of d_V are written by the negatives' product; only those beside them begin at zero.
    d_V = buffers.changes.d_V
    zero_rows(shape, d_V, 0, before)
    zero_rows(shape, d_V, before + tiled, block.high - block.low)
    inputs = Rows(tables.V, piece.rows[block.start :], tiled)
    _weigh_negatives(shape, tiled, block, buffers)
    _negative_changes(shape, inputs, tables, block, buffers, d_V[_offset(shape, before) :])
    _positive_changes(shape, tables, piece, block, step.rate, buffers)


@internal
def cbow_scores(
    shape: Shape, dim: int, tables: Tables, piece: Piece, block: Block, buffers: Buffers, means: Means
) -> None:
    """The scores of `lexigrad.reference.cbow`: of the negatives and of the true word for each context's mean v̂."""
    tokens = block.stop - block.start
    for c in range(block.start, block.stop):
        window = Run(tables.V, piece.rows, c - piece.left[c], c + 1 + piece.right[c])
        sum_of_run(shape, window, c, _share(piece, c), Row(means.vectors, means.rows[c - block.start]))
    inputs = Rows(means.vectors, means.rows, _tiled(block))
    _score_negatives(shape, dim, inputs, tables.U, block, buffers.panels.turned, buffers.scores.negative)
    rows, products = piece.rows[block.start :], _part_rows(buffers.panels.products)
    for i in range(tokens):
        run_products(shape, Row(means.vectors, means.rows[i]), Run(tables.U, rows, i, i + 1), products, i)
    sum_products(shape, products, tokens, _parts(buffers.scores.positive))


@internal
def cbow_changes(
    shape: Shape, tables: Tables, piece: Piece, block: Block, step: Step, buffers: Buffers, means: Means
) -> None:
    """−rate times the gradient of CBOW with negative sampling: one step of `lexigrad.reference.cbow`, the mean taken.

    J = Σ_c −log σ(u_c·v̂_c) − weight Σ_{k≠c} log σ(−u_k·v̂_c),  v̂_c the mean over the window of c

    Each context word gets ∂J/∂v̂ divided by the window's size; the historic update of word2vec.c and gensim leaves
    that division out.
    """
    tokens, tiled = block.stop - block.start, _tiled(block)
    panels, changes = buffers.panels, buffers.changes
    zero_rows(shape, changes.d_V, 0, block.high - block.low)
    zero_rows(shape, changes.d_U, 0, tokens)
    for i in range(tiled):
        panels.weights[i] = -step.rate * step.weight if i < tokens else np.float32(0)
    _weigh_negatives(shape, tiled, block, buffers)
    _negative_changes(shape, Rows(means.vectors, means.rows, tiled), tables, block, buffers, means.changes)
    positive_g(shape, _parts(buffers.scores.positive), tokens, step.rate, panels.positive_g)
    rows = piece.rows[block.start :]
    for i in range(tokens):
        x, d_x = Row(means.vectors, means.rows[i]), Row(means.changes, _offset(shape, i))
        run_deltas(shape, x, Run(tables.U, rows, i, i + 1), panels.positive_g, i, d_x, changes.d_U)
    # The means' changes are complete before the first of them is handed to the words of its context.
    for c in range(block.start, block.stop):
        d_x, place = Row(means.changes, _offset(shape, c - block.start)), c - block.low
        left, right = place - piece.left[c], place + 1 + piece.right[c]
        scale = np.float32(1) if step.historic else _share(piece, c)
        add_to_run(shape, changes.d_V, left, place, right, scale, d_x)


@njit(inline="always")
def _tiled(block: Block) -> int:
    """The tokens of a block, filled up to whole tiles."""
    return (block.stop - block.start + TILE - 1) // TILE * TILE


@njit(inline="always")
def _offset(shape: Shape, row: int) -> int:
    """Where a row begins in a panel."""
    offset: int = row * row_floats(shape)
    return offset


@njit(inline="always")
def _share(piece: Piece, place: int) -> np.float32:
    """1 / the number of words in a window; an empty window has nothing to share."""
    return np.float32(1) / np.float32(max(1, piece.left[place] + piece.right[place]))


@njit(inline="always")
def _parts(scores: Floats) -> PartScores:
    """Scores of shape (parts, stride) as emitting functions take them."""
    return PartScores(scores, scores.shape[1], scores.shape[0])


@njit(inline="always")
def _part_rows(products: Floats) -> PartScores:
    """Products of shape (parts, stride · 16), of which each takes a vector, as emitting functions take them."""
    return PartScores(products, products.shape[1] // LANES, products.shape[0])


@internal
def _score_negatives(
    shape: Shape, dim: int, inputs: Rows, U: Floats, block: Block, turned: Floats, scores: Floats
) -> None:
    """X Nᵀ, while the next block's negatives are fetched."""
    drawn = block.negatives.size
    turn_rows(shape, Rows(U, block.negatives, drawn), turned)
    negative_scores(shape, inputs, turned, drawn, dim, _parts(scores), Rows(U, block.next_negatives, drawn))


@internal
def _weigh_negatives(shape: Shape, tiled: int, block: Block, buffers: Buffers) -> None:
    """G = weights · σ(X Nᵀ), the true words among the negatives left out."""
    panels = buffers.panels
    negative_g(shape, _parts(buffers.scores.negative), tiled, block.negatives.size, panels.weights, panels.g)
    for i in range(block.double_cells.size):
        panels.g[block.double_cells[i]] *= block.double_shares[i]


@internal
def _negative_changes(
    shape: Shape, inputs: Rows, tables: Tables, block: Block, buffers: Buffers, d_inputs: Floats
) -> None:
    """d_X = g N and d_N = gᵀ X, while the rows of the next block are fetched."""
    g, d_N, drawn = buffers.panels.g, buffers.changes.d_N, block.negatives.size
    next_V, next_U = block.next_rows_V, block.next_rows_U
    outside = Rows(tables.U, block.negatives, drawn)
    negative_d_inputs(shape, outside, g, inputs.count, d_inputs, Rows(tables.V, next_V, next_V.size))
    zero_rows(shape, d_N, 0, drawn)
    negative_d_outside(shape, inputs, g, drawn, d_N, Rows(tables.U, next_U, next_U.size))


@internal
def _positive_changes(
    shape: Shape, tables: Tables, piece: Piece, block: Block, rate: np.float32, buffers: Buffers
) -> None:
    """d_u_o = Σ g v_c and d_v_c += g u_o for the pairs of the block's outside words o."""
    g, d_U, d_V = buffers.panels.positive_g, buffers.changes.d_U, buffers.changes.d_V
    pairs = 0
    for o in range(block.start, block.stop):
        start, stop = left_run(piece, o, block.near, block.far)
        pairs += stop - start
        start, stop = right_run(piece, o, block.near, block.far)
        pairs += stop - start
    positive_g(shape, _parts(buffers.scores.positive), pairs, rate, g)
    zero_rows(shape, d_U, 0, block.stop - block.start)
    low, rows = block.low, piece.rows[block.low :]
    pairs = 0  # the pairs come in the order in which they were scored
    for o in range(block.start, block.stop):
        u, d_u = Row(tables.U, piece.rows[o]), Row(d_U, _offset(shape, o - block.start))
        start, stop = left_run(piece, o, block.near, block.far)
        run_deltas(shape, u, Run(tables.V, rows, start - low, stop - low), g, pairs, d_u, d_V)
        pairs += stop - start
        start, stop = right_run(piece, o, block.near, block.far)
        run_deltas(shape, u, Run(tables.V, rows, start - low, stop - low), g, pairs, d_u, d_V)
        pairs += stop - start
