"""Naive softmax by stochastic gradient descent: a mini-batch of windows against the whole vocabulary.

A batch's scores are one matrix product with U, cut into tiles of the vocabulary that threads share out. The sums
within a tile are always taken in the same order, and so are the sums over tiles, so the tables' bytes follow from the
corpus and the config, whatever the number of threads.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np

from lexigrad.engines.cores import available_cores, one_blas_thread
from lexigrad.errors import ConfigError
from lexigrad.kernels.draws import START_STREAM, keep_thresholds, stream_key
from lexigrad.training.sgd.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig
    from lexigrad.corpus.corpus import Corpus
    from lexigrad.kernels.sgd.batches import Batch, BatchSettings
    from lexigrad.training.further import Start
    from lexigrad.training.model import Word2Vec
    from lexigrad.training.monitor import Monitor

    Floats = NDArray[np.float32]

__all__ = ["SoftmaxStep", "train_softmax"]

ROWS: Final = 256
"""Most rows of a batch: enough for fast matrix products."""

LINKS: Final = 16 * ROWS
"""A batch takes no further window when it has so many predictions (skip-gram) or context words (CBOW)."""

TILE: Final = 512
"""Words of a tile: with 256 rows its scores take half a megabyte, and stay in a core's cache until they are used."""

# How much learning rate times gradients one row may get in one step (`_batch_size`); docs/concepts/training.md has the
# measurements.
CENTER_LIMIT: Final = 0.8
OUTSIDE_LIMIT: Final = 0.5
REPEAT_LIMIT: Final = 0.9

NO_NEGATIVES: Final = np.empty(0, np.uint64)
"""An alias table that nothing is drawn from."""


def train_softmax(corpus: Corpus, config: TrainConfig, monitor: Monitor, start: Start | None = None) -> Word2Vec:
    """Train both tables by stochastic gradient descent under the naive softmax; see `lexigrad.train`."""
    threads = config.threads or available_cores()
    with one_blas_thread(), ThreadPoolExecutor(threads, "train") as pool:
        run = _NaiveSoftmax(corpus, config, pool, threads)
        run.compile()
        return run.train(monitor, start)


class SoftmaxStep:
    """One step of SGD; holds the buffers, 4 · rows · (words + tiles · dim) bytes."""

    def __init__(self, shape: tuple[int, int], rows: int, pool: ThreadPoolExecutor | None = None, threads: int = 1):
        from lexigrad.kernels.compiler.rowshape import padded
        from lexigrad.kernels.sgd.tables import aligned

        words, dim = shape
        width = min(TILE, padded(words))
        self.tiles = [slice(start, min(start + TILE, words)) for start in range(0, words, TILE)]
        count = len(self.tiles)
        self.E: Floats = aligned(count * rows * width).reshape(count, rows, width)
        self.products: Floats = aligned(count * rows * dim).reshape(count, rows, dim)
        self.peaks, self.sums = (np.zeros((count, rows), np.float32) for _ in range(2))
        self.pool, self.threads = pool, min(threads, count)

    def __call__(
        self, V: Floats, U: Floats, batch: Batch, rate: float, historic: bool, new_V: Floats, new_U: Floats
    ) -> float:
        """Add −rate times the gradient of a batch's loss at V and U to the new tables.

        J = Σ_i Σ_o −log softmax(U x_i)_o, o over the words to predict from row i: one step of the sum over the batch's
        windows of `lexigrad.reference.skipgram` or `lexigrad.reference.cbow` with `lexigrad.reference.naive_softmax`.

        With k_i words to predict, Z_i = Σ_w exp(u_w·x_i) and ŷ_i = exp(U x_i) / Z_i, ∂J/∂x_i = k_i Uᵀŷ_i − Σ_o u_o, and
        U gets the outer products of k_i ŷ_i − Σ_o y_o with x_i. The ``historic`` update of CBOW does not divide
        ∂J/∂x_i by the size of the window. In training the new tables are V and U themselves.

        Returns:
            J.
        """
        from lexigrad.kernels.sgd.batches import add_rows, sum_rows

        rows, dim = batch.sizes.size, V.shape[1]
        X, true = np.zeros((rows, dim), np.float32), np.zeros((rows, dim), np.float32)
        sum_rows(V, batch.inputs, batch.input_rows, X)
        sum_rows(U, batch.outputs, batch.output_rows, true)
        X /= batch.sizes[:, None]
        self._each(partial(self._exponentials, X, U))
        log_Z, weights = self._normalise(batch.predictions)
        d_X = -true
        for tile, weight in enumerate(weights):
            d_X += weight[:, None] * self.products[tile, :rows]
        self._each(partial(self._change_outside, X, weights, rate, new_U))
        add_rows(new_U, batch.outputs, batch.output_rows, np.float32(rate) * X)
        if not historic:
            d_X /= batch.sizes[:, None]
        add_rows(new_V, batch.inputs, batch.input_rows, np.float32(-rate) * d_X)
        return float(batch.predictions @ log_Z - np.einsum("ij,ij->", X, true, dtype=np.float64))

    def _exponentials(self, X: Floats, U: Floats, tile: int) -> None:
        """The tile's exponentials E of the scores, relative to each row's peak, and E U."""
        from lexigrad.kernels.sgd.batches import exp_rows

        words, rows = U[self.tiles[tile]], len(X)
        E = self.E[tile, :rows]
        np.matmul(X, words.T, out=E[:, : len(words)])
        exp_rows(E, len(words), self.peaks[tile], self.sums[tile])
        np.matmul(E[:, : len(words)], words, out=self.products[tile, :rows])

    def _normalise(self, predictions: NDArray[np.int32]) -> tuple[NDArray[np.float64], Floats]:
        """The logarithm of each row's Z, and by how much each tile's exponentials are to be multiplied to be k ŷ."""
        peaks = self.peaks[:, : predictions.size].astype(np.float64)
        highest = peaks.max(axis=0)
        shares = np.exp(peaks - highest)
        Z = (shares * self.sums[:, : predictions.size]).sum(axis=0)
        return highest + np.log(Z), (shares * (predictions / Z)).astype(np.float32)

    def _change_outside(self, X: Floats, weights: Floats, rate: float, new_U: Floats, tile: int) -> None:
        """Subtract the tile's part of rate · Σ_i k_i ŷ_i x_iᵀ."""
        words = self.tiles[tile]
        E = self.E[tile, : len(X), : words.stop - words.start]
        new_U[words] -= E.T @ (np.float32(rate) * weights[tile][:, None] * X)

    def _each(self, work: Callable[[int], None]) -> None:
        """Do the work for every tile, each thread its share; the number of threads changes no result."""

        def share(thread: int) -> None:
            with np.errstate(over="ignore", invalid="ignore"):  # the loss shows it when training runs away
                for tile in range(thread, len(self.tiles), self.threads):
                    work(tile)

        if self.pool is None or self.threads == 1:
            share(0)
        else:
            list(self.pool.map(share, range(self.threads)))


class _NaiveSoftmax(Run):
    """One run: the tables, and the way through the text.

    A thread beside the calling one takes the batches, so that Ctrl-C finds no step half done.
    """

    def __init__(self, corpus: Corpus, config: TrainConfig, pool: ThreadPoolExecutor, threads: int) -> None:
        from lexigrad.kernels.sgd.piece import fill_uniform
        from lexigrad.kernels.sgd.tables import aligned

        super().__init__(corpus, config)
        keep = corpus.vocabulary.keep_probability(config.subsample)
        self.keep = keep_thresholds(keep)
        self.settings, self.rate_limit = _batch_size(config, self.ids, corpus.vocabulary.counts * keep)
        shape = len(corpus.vocabulary), config.dim
        self.V, self.U = (aligned(shape[0] * shape[1]).reshape(shape) for _ in range(2))
        fill_uniform(self.V, config.dim, np.uint64(stream_key(config.seed, 0, START_STREAM)))
        self.step = SoftmaxStep(shape, self.settings.rows, pool, threads)
        self.historic = config.model == "cbow" and config.cbow_update == "word2vec"
        self.piece, self.taken = 0, 0  # the start of the piece under way, and how many of its batches were taken
        self.batches: Iterator[Batch] | None = None  # the batches left of the epoch; None before an epoch begins

    def compile(self) -> None:
        """Compile the kernels, or load them from Numba's cache, so that neither counts as training."""
        for batch in self._batches(0, 0, min(self.ids.size, 1_000)):
            self._take(batch, 0.0)

    def tables(self) -> tuple[Floats, Floats]:
        return self.V, self.U

    def put_tables(self, V: Floats, U: Floats) -> None:
        self.V[:], self.U[:] = V, U

    def first_rows(self, n: int) -> Floats:
        return np.array(self.V[:n])

    def _place(self) -> dict[str, int]:
        return {"epoch": self.epoch, "piece": self.piece, "taken": self.taken}

    def _go_on_from(self, place: dict[str, int]) -> None:
        self.piece, self.taken = place["piece"], place["taken"]
        self.done = place["epoch"] * self.ids.size + self.piece

    def _train(self, thread: int) -> None:
        """Take batches until the time of a segment is over, or the epoch."""
        from lexigrad.kernels.sgd.batches import PIECE

        ends = time.perf_counter() + self.segment_seconds
        epoch = self.epoch
        if self.batches is None:  # the batches that the piece had before the next one are gathered anew
            self.batches = islice(self._batches(epoch, self.piece, self.ids.size), self.taken, None)
        for batch in self.batches:
            if batch.start >= self.piece + PIECE:
                self.piece, self.taken = batch.start // PIECE * PIECE, 0
            self._take(batch, self._rate(epoch, batch.start))
            self.taken, self.done = self.taken + 1, epoch * self.ids.size + batch.start
            if self._is_stopped or time.perf_counter() >= ends:
                return
        self.piece, self.taken, self.batches = 0, 0, None
        self.done = (epoch + 1) * self.ids.size

    def _rate(self, epoch: int, position: int) -> float:
        return min(super()._rate(epoch, position), self.rate_limit)

    def _batches(self, epoch: int, start: int, stop: int) -> Iterator[Batch]:
        from lexigrad.kernels.sgd.batches import window_batches
        from lexigrad.kernels.sgd.piece import Draws

        draws = Draws.of_epoch(self.config.seed, epoch, self.keep, NO_NEGATIVES)
        return window_batches(self.ids, len(self.V), self.settings, draws, start, stop)

    def _take(self, batch: Batch, rate: float) -> None:
        """Take the step of a batch."""
        with np.errstate(over="ignore", invalid="ignore"):
            loss = self.step(self.V, self.U, batch, rate, self.historic, self.V, self.U)
        if not np.isfinite(loss):
            raise ConfigError(f"training ran away at a learning rate of {rate:g}; give a smaller learning_rate")


def _batch_size(config: TrainConfig, ids: NDArray[np.int32], kept: NDArray[np.float64]) -> tuple[BatchSettings, float]:
    """How many windows one step takes, and the highest learning rate that a window allows.

    A step adds gradients that were computed at the same tables. A row to which too many are added overshoots, so the
    rate times their number is limited, for three kinds of rows: a center's for one window, an outside word's for the
    batch (the most frequent word gets about its share of all predictions), a center's for all its occurrences.
    """
    from lexigrad.kernels.sgd.batches import BatchSettings
    from lexigrad.kernels.sgd.piece import longest_sentence

    cbow = config.model == "cbow"
    reach = min(config.window, max(1, longest_sentence(ids) - 1))  # no window goes beyond its sentence
    shares = (1 - (distance - 1) / config.window if config.dynamic_window else 1.0 for distance in range(1, reach + 1))
    context = 2 * sum(shares)  # words expected in a window
    historic = config.cbow_update == "word2vec"
    pulls = 1.0 if cbow and not historic else context  # gradients that a row of V gets for one word of the text
    rate_limit = CENTER_LIMIT / pulls
    rate = min(config.starting_learning_rate, rate_limit)
    pairs = OUTSIDE_LIMIT * kept.sum() / (rate * kept.max())
    settings = BatchSettings(
        cbow=cbow,
        window=config.window,
        dynamic=config.dynamic_window,
        reach=reach,
        rows=_between(1, pairs if cbow else ROWS, ROWS),
        links=_between(1, LINKS if cbow else pairs, LINKS),
        repeats=_between(1, REPEAT_LIMIT / (rate * pulls), ROWS),
    )
    return settings, rate_limit


def _between(least: int, value: float, most: int) -> int:
    """The value, rounded down, within bounds."""
    return max(least, int(min(value, most)))
