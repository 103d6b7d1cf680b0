"""The losses of a pair, summed over all pairs: float32 scores by tiles, float64 sums, and every word as a negative.

With scores s = u_w·v_c + b_w, n_c = Σ_o n(c, o) and the noise distribution P, the losses per pair are

    negative sampling   (Σ_co n(c, o) softplus(−s_co) + K Σ_c n_c Σ_w P(w) softplus(s_cw)) / Σ_c n_c
    naive softmax       (Σ_c n_c log Σ_w exp(s_cw) − Σ_co n(c, o) s_co) / Σ_c n_c

Rows with n_c = 0 are not touched. Sums over tiles, rows and pairs are added in the order of the rows, so any number of
threads gives the same bytes; each thread holds a tile of 1 MB.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.config.losses import LOSSES
from lexigrad.engines.cores import available_cores, in_order, one_blas_thread
from lexigrad.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from lexigrad.corpus.windows.counts import WindowCounts

    Floats = NDArray[np.float32]

__all__ = ["NO_PAIRS", "TILE_ROWS", "Batch", "PairLoss", "PairScores", "finite_loss", "loss_of_counts"]

TILE_ROWS: Final = 256
TILE_COLUMNS: Final = 1024
"""A tile of this size, 1 MB, stays in a core's second cache."""

NO_CHANCE: Final = np.float32(-1e30)
"""The bias of columns that fill up the last tile: their exponentials vanish."""

MEASURED: Final = ("negative_sampling", "naive_softmax")
"""The losses that are summed over scores with all words, in the order of the sums."""

NO_PAIRS: Final = "the text has no two known words within one window, so there is nothing to predict; give more text"


@dataclass(frozen=True, slots=True)
class PairLoss:
    """The losses per pair of words, or for CBOW per window.

    Each loss is an attribute, too: ``negative_sampling`` is in expectation over the noise, and ``naive_softmax`` is the
    negative log-likelihood in nats.

    Attributes:
        pairs: their number, in expectation over the windows' widths and the words dropped; for CBOW that of windows.
        losses: each loss per pair, by its name.

    Example:
        >>> loss = PairLoss(10.0, {"negative_sampling": 3.5, "naive_softmax": 2.0})
        >>> loss.naive_softmax, round(loss.perplexity, 3)
        (2.0, 7.389)
    """

    pairs: float
    losses: Mapping[str, float] = field(hash=False)

    def __getattr__(self, name: str) -> float:
        if name in LOSSES and name in self.losses:
            return self.losses[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    @property
    def perplexity(self) -> float:
        """Exp of the negative log-likelihood: choosing among so many words with equal chances would be as hard."""
        nats = next(loss for name, loss in self.losses.items() if LOSSES[name].is_likelihood)
        return math.exp(nats) if nats < 700 else math.inf

    def to_dict(self) -> dict[str, Any]:
        """The losses as plain values that JSON can hold."""
        return {"pairs": self.pairs, **self.losses, "perplexity": self.perplexity}


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
    losses: dict[str, float]  # by name


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
    """The losses of skip-gram on window counts, by one product of all rows of V that occur with all of U.

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
    """All words as outside words, in tiles of columns, and the noise by which their scores are weighed."""

    def __init__(self, U: Floats, bias: Floats | None, noise: NDArray[np.float64], negatives: int) -> None:
        self.negatives = negatives
        self.tiles = [_Tile.of(first, U, bias, noise) for first in range(0, len(U), TILE_COLUMNS)]

    def loss(self, batches: Iterable[Batch], threads: int | None) -> PairLoss:
        """The losses per pair of all batches.

        Args:
            batches: rows to score.
            threads: how many share the work, all cores if None; they do not change the result.

        Raises:
            InputError: there is no pair, or a loss is not finite.
        """
        pairs, losses = 0.0, dict.fromkeys(MEASURED, 0.0)
        with one_blas_thread():
            for found in in_order(self._totals_of_batch, batches, threads or available_cores()):
                pairs += found.pairs
                losses = {name: total + found.losses[name] for name, total in losses.items()}
        return _per_pair(_Totals(pairs, losses))

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # a loss that is not finite gets an error of its own
    def _totals_of_batch(self, batch: Batch) -> _Totals:
        from lexigrad.kernels import losses as kernels
        from lexigrad.kernels.compiler.rowshape import LANES
        from lexigrad.kernels.sgd.tables import aligned

        rows = len(batch.inputs)
        sums = kernels.RowSums(np.full(rows, -np.inf), *(np.zeros(rows) for _ in range(4)))
        scores, lanes = aligned(rows * TILE_COLUMNS), aligned(2 * LANES)
        entries = kernels.Entries(batch.starts.copy(), batch.stops, batch.outside, batch.weights)
        for tile in self.tiles:
            width = len(tile.U)
            np.dot(batch.inputs, tile.U.T, out=scores[: rows * width].reshape(rows, width))
            kernels.sum_tile(kernels.Tile(scores, width, tile.first, tile.bias, tile.noise), entries, lanes, sums)
        normalizers = sums.maximum + np.log(sums.exponentials)
        noise_part = self.negatives * batch.row_weights * sums.noise
        row_losses = noise_part + sums.true_softplus, batch.row_weights * normalizers - sums.true_scores
        losses = {name: float(of_rows.sum()) for name, of_rows in zip(MEASURED, row_losses, strict=True)}
        return _Totals(float(batch.row_weights.sum()), losses)


class _Tile(NamedTuple):
    """Outside words from ``first`` on, filled up to a multiple of 16 with words that have no chance."""

    first: int
    U: Floats
    bias: Floats
    noise: Floats

    @classmethod
    def of(cls, first: int, U: Floats, bias: Floats | None, noise: NDArray[np.float64]) -> _Tile:
        """The tile of these columns."""
        from lexigrad.kernels.compiler.rowshape import padded
        from lexigrad.kernels.sgd.tables import aligned

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
    """The sums divided by the number of pairs."""
    if not totals.pairs > 0:
        raise InputError(NO_PAIRS)
    return PairLoss(totals.pairs, {name: finite_loss(loss / totals.pairs) for name, loss in totals.losses.items()})


def finite_loss(loss: float) -> float:
    """The loss itself, if it is finite, and an error otherwise."""
    if not math.isfinite(loss):
        raise InputError("the loss is not finite, so the model holds numbers that are not, or far too large ones")
    return loss
