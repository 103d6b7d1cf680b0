"""What measuring a loss needs besides matrix products: sums over tiles of scores, and texts cut in two.

A tile is some rows (centers, or the contexts of windows) by some columns (outside words) of the scores
s = u_w·v + b_w. Of each row three sums are taken, tile by tile:

    the softmax's normalizer    log Σ_w exp(s_w), kept as a maximum m and Σ_w exp(s_w − m)
    the noise's part            Σ_w P(w) softplus(s_w) = −Σ_w P(w) log σ(−s_w)
    the true words' part        Σ n s and Σ n softplus(−s), over the row's entries (word, n)

which `lexigrad.reference.naive_softmax` and `negative_sampling` add up to losses. Sums run over explicit lanes in a
fixed order, then in double precision, so they give the same bits wherever compiled.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from lexigrad.kernels.compiling import kernel
from lexigrad.kernels.simd import LANES, Lanes, vector_kernel
from lexigrad.kernels.tokens import hash_draw

if TYPE_CHECKING:
    from llvmlite.ir import Value

__all__ = ["RowSums", "sum_tile", "take_sentences"]


class RowSums(NamedTuple):
    """Sums of each row, float64, shape (rows,)."""

    maximum: Any
    exponentials: Any  # Σ_w exp(s_w − maximum)
    noise: Any  # Σ_w P(w) softplus(s_w)
    true_scores: Any  # Σ n s
    true_softplus: Any  # Σ n softplus(−s)


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
    """Log(1 + exp(x))."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@kernel
def sum_tile(
    scores: Any,
    width: int,
    first_column: int,
    bias: Any,
    noise: Any,
    cursors: Any,
    stops: Any,
    outside: Any,
    weights: Any,
    lanes: Any,
    sums: Any,
) -> None:
    """Add a tile to the sums of its rows.

    Args:
        scores: of ``stops.size`` rows one after another, each on ``width`` floats; the bias is added to them.
        width: columns of the tile, a multiple of 16.
        first_column: the word of its first column.
        bias: of its columns.
        noise: P of its columns.
        cursors: for each row its first entry in this tile; moved to the first in the next one.
        stops: for each row the place after its last entry.
        outside: word of each entry, rising within a row.
        weights: n of each entry.
        lanes: 32 floats to work with.
        sums: the rows' `RowSums`.
    """
    for i in range(stops.size):
        start = i * width
        lanes[:LANES] = -np.inf
        add_bias((), scores, start, bias, width, lanes)
        largest = np.float64(lanes[:LANES].max())
        if largest > sums.maximum[i]:
            sums.exponentials[i] *= math.exp(sums.maximum[i] - largest)
            sums.maximum[i] = largest
        sum_row((), scores, start, noise, np.float32(sums.maximum[i]), width, lanes)
        for lane in range(LANES):
            sums.exponentials[i] += np.float64(lanes[lane])
            sums.noise[i] += np.float64(lanes[LANES + lane])
        k = cursors[i]
        while k < stops[i] and outside[k] < first_column + width:
            score = np.float64(scores[start + outside[k] - first_column])
            sums.true_scores[i] += weights[k] * score
            sums.true_softplus[i] += weights[k] * _softplus(-score)
            k += 1
        cursors[i] = k


@kernel
def take_sentences(ids: Any, sentence: int, key: Any, limit: Any, below: bool, taken: Any) -> tuple[int, int]:
    """Copy the ids of the sentences whose number has a draw below the limit, or of the others, to ``taken``.

    ``sentence`` is the number of the one in which ``ids`` begin. Returns the number of the one in which what follows
    begins, and how many ids were taken.
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
