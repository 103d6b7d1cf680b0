"""Both losses of a pair, summed over all pairs: float32 scores by tiles, float64 sums, and every word as a negative.

With scores s = u_w·v_c + b_w, n_c = Σ_o n(c, o) and the noise distribution P, the losses per pair are

    negative sampling   (Σ_co n(c, o) softplus(−s_co) + K Σ_c n_c Σ_w P(w) softplus(s_cw)) / Σ_c n_c
    naive softmax       (Σ_c n_c log Σ_w exp(s_cw) − Σ_co n(c, o) s_co) / Σ_c n_c

Rows with n_c = 0 are not touched. Sums over tiles, rows and pairs are added in the order of the rows, so any number of
threads gives the same bytes; each holds a tile of 1 MB.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.engines.cores import available_cores, in_order, one_blas_thread
from lexigrad.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from lexigrad.windowcounts import WindowCounts

    Floats = NDArray[np.float32]

__all__ = ["NO_PAIRS", "TILE_ROWS", "Batch", "PairLoss", "PairScores", "finite_loss", "loss_of_counts"]

TILE_ROWS: Final = 256
TILE_COLUMNS: Final = 1024
"""A tile of this size, 1 MB, stays in a core's second cache."""

NO_CHANCE: Final = np.float32(-1e30)
"""The bias of columns that fill up the last tile: their exponentials vanish."""

NO_PAIRS: Final = "the text has no two known words within one window, so there is nothing to predict; give more text"


@dataclass(frozen=True, slots=True)
class PairLoss:
    """Both losses, a pair of words (for CBOW a window) each.

    Attributes:
        pairs: how many, in expectation over the windows' widths and the words dropped; for CBOW the windows counted.
        negative_sampling: loss per pair, in expectation over the noise.
        naive_softmax: negative log-likelihood per pair, in nats.
    """

    pairs: float
    negative_sampling: float
    naive_softmax: float

    @property
    def perplexity(self) -> float:
        """exp(naive_softmax): choosing among so many words with equal chances would be as hard."""
        return math.exp(self.naive_softmax) if self.naive_softmax < 700 else math.inf

    def to_dict(self) -> dict[str, Any]:
        """The losses as plain values that JSON can hold."""
        return {**asdict(self), "perplexity": self.perplexity}


class Batch(NamedTuple):
    """Some rows to score against all words, and the true words of each."""

    inputs: Floats  # (rows, dim): center vectors, or means of contexts
    starts: NDArray[np.int64]  # row i's entries are starts[i]:stops[i]
    stops: NDArray[np.int64]
    outside: NDArray[np.int32]
    weights: Floats
    row_weights: NDArray[np.float64]  # sums of the rows' entries


class _Totals(NamedTuple):
    """Sums over pairs, not yet divided by their number."""

    pairs: float
    negative_sampling: float
    naive_softmax: float


def loss_of_counts(
    V: Floats,
    U: Floats,
    bias: Floats | None,
    counts: WindowCounts,
    noise: NDArray[np.float64],
    negatives: int,
    *,
    threads: int | None = None,
) -> PairLoss:
    """Both losses of skip-gram on window counts: one pass, of one product of V's rows that occur with all of U.

    Args:
        V: center vectors, float32, shape ``(n, dim)``.
        U: outside vectors, of the same shape.
        bias: one number for each outside word, float32, shape ``(n,)``, or None for none.
        counts: n(c, o), of the same n words.
        noise: P, shape ``(n,)``, summing to 1.
        negatives: K.
        threads: how many share the work, all cores if None; they do not change the result.

    Returns:
        The losses per pair.

    Raises:
        InputError: the counts are empty, or a loss is not finite.
    """
    scores = PairScores(U, bias, noise, negatives)
    return scores.loss(_count_batches(V, counts), threads)


class PairScores:
    """All words as outside words, in tiles of columns, and what their scores are weighed with."""

    def __init__(self, U: Floats, bias: Floats | None, noise: NDArray[np.float64], negatives: int) -> None:
        self.negatives = negatives
        self.tiles = [_Tile.of(first, U, bias, noise) for first in range(0, len(U), TILE_COLUMNS)]

    def loss(self, batches: Iterable[Batch], threads: int | None) -> PairLoss:
        """The losses per pair of all batches, by so many threads, all cores if None.

        Raises:
            InputError: there is no pair, or a loss is not finite.
        """
        sums = [0.0, 0.0, 0.0]
        with one_blas_thread():
            for found in in_order(self._totals_of_batch, batches, threads or available_cores()):
                sums = [total + part for total, part in zip(sums, found, strict=True)]
        return _per_pair(_Totals(*sums))

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what is not finite gets an error of its own
    def _totals_of_batch(self, batch: Batch) -> _Totals:
        from lexigrad.kernels.heldout import RowSums, sum_tile
        from lexigrad.kernels.simd import LANES
        from lexigrad.kernels.tables import aligned

        rows = len(batch.inputs)
        sums = RowSums(np.full(rows, -np.inf), *(np.zeros(rows) for _ in range(4)))
        scores, lanes = aligned(rows * TILE_COLUMNS), aligned(2 * LANES)
        cursors = batch.starts.copy()
        for tile in self.tiles:
            width = len(tile.U)
            np.dot(batch.inputs, tile.U.T, out=scores[: rows * width].reshape(rows, width))
            entries = cursors, batch.stops, batch.outside, batch.weights
            sum_tile(scores, width, tile.first, tile.bias, tile.noise, *entries, lanes, sums)
        normalizers = sums.maximum + np.log(sums.exponentials)
        noise_part = self.negatives * batch.row_weights * sums.noise
        return _Totals(
            float(batch.row_weights.sum()),
            float((noise_part + sums.true_softplus).sum()),
            float((batch.row_weights * normalizers - sums.true_scores).sum()),
        )


class _Tile(NamedTuple):
    """Outside words from ``first`` on, filled up to a multiple of 16 with words that have no chance."""

    first: int
    U: Floats
    bias: Floats
    noise: Floats

    @classmethod
    def of(cls, first: int, U: Floats, bias: Floats | None, noise: NDArray[np.float64]) -> _Tile:
        """The tile of these columns."""
        from lexigrad.kernels.simd import padded
        from lexigrad.kernels.tables import aligned

        rows = U[first : first + TILE_COLUMNS]
        words, width = len(rows), padded(len(rows))
        tile_bias, tile_noise = aligned(width), aligned(width)
        tile_bias[words:] = NO_CHANCE
        tile_noise[:words] = noise[first : first + words]
        if bias is not None:
            tile_bias[:words] = bias[first : first + words]
        if width > words:
            rows = np.concatenate([rows, np.zeros((width - words, rows.shape[1]), np.float32)])
        return cls(first, rows, tile_bias, tile_noise)


def _count_batches(V: Floats, counts: WindowCounts) -> Iterator[Batch]:
    """The rows of V that occur as centers, a tile's rows at a time."""
    starts, stops, row_weights = counts.starts[:-1], counts.starts[1:], counts.center_weights
    centers = np.flatnonzero(stops > starts)
    for begin in range(0, centers.size, TILE_ROWS):
        rows = centers[begin : begin + TILE_ROWS]
        yield Batch(V[rows], starts[rows], stops[rows], counts.outside, counts.weights, row_weights[rows])


def _per_pair(totals: _Totals) -> PairLoss:
    """The losses of one pair."""
    if not totals.pairs > 0:
        raise InputError(NO_PAIRS)
    losses = totals.negative_sampling / totals.pairs, totals.naive_softmax / totals.pairs
    return PairLoss(totals.pairs, *map(finite_loss, losses))


def finite_loss(loss: float) -> float:
    """The loss, if it is a number."""
    if not math.isfinite(loss):
        raise InputError("the loss is not finite, so the model holds numbers that are not, or far too large ones")
    return loss
