"""The training loss: a model's own objective on a fixed sample of the windows of the text, in double precision.

Windows and negatives are drawn once, by the seed, so the same windows are measured after every epoch, and differences
between epochs are the tables' alone. The draws are not those of any epoch, as the windows that an epoch drew are fitted
a little better. Per prediction of a word o from x, a center's vector or for CBOW the mean of the words around,

    negative sampling   softplus(−u_o·x) + Σ_k softplus(u_k·x)
    naive softmax       log Σ_w exp(u_w·x) − u_o·x

with K negatives k drawn from the noise distribution, the same for all predictions in a window. A negative that is the
word o counts, as in `lexigrad.training.loss.heldout`, which measures the mean over all draws, so that the two can be
compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from lexigrad.config.losses import LOSSES
from lexigrad.engines.cores import available_cores, in_order, one_blas_thread
from lexigrad.kernels.draws import LOSS_STREAM, alias_table, keep_thresholds, stream_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig
    from lexigrad.corpus.corpus import Corpus
    from lexigrad.kernels.losses import Windows

    Floats = NDArray[np.float32]

__all__ = ["LossSample"]

WINDOWS: Final = 512
"""Windows of one call of a thread, under negative sampling."""

ROWS: Final = 128
COLUMNS: Final = 1024
"""A tile of scores, 1 MB, under the softmax."""


class LossSample:
    """Some windows of a text, to be measured again and again.

    The text is cut into stretches of equal length, and a draw picks a token of each, whose window is measured. The
    number of stretches is such that about ``config.loss_sample`` windows can be expected of them; where the text has no
    more tokens than that, all its windows are measured.

    Args:
        corpus: the text that is trained on.
        config: its ``loss_sample`` is at least 1.

    Example:
        >>> from lexigrad import TrainConfig, read_corpus
        >>> config = TrainConfig(min_count=1, subsample=0, threads=1)
        >>> with read_corpus(["to be or not to be"], config) as corpus:
        ...     sample = LossSample(corpus, config)
        >>> sample.windows, round(sample.loss(*np.zeros((2, 4, 8), np.float32)), 6)  # (K + 1) log 2
        (6, 4.158883)
    """

    def __init__(self, corpus: Corpus, config: TrainConfig) -> None:
        self.config = config
        self._windows = _drawn(corpus, config)
        self.windows = int(self._windows.outside.size)
        """The number of windows that are measured."""
        self.predictions = self.windows if config.model == "cbow" else int(self._windows.around.size)
        """The number of predictions that are made in these windows."""

    def loss(self, V: Floats, U: Floats) -> float | None:
        """The loss per prediction, or None where no window has two words.

        Args:
            V: center vectors, of shape (words, dim).
            U: outside vectors, of the same shape.

        Returns:
            The loss in nats: the same bits with any number of threads, and not finite where the tables are not.
        """
        if not self.predictions:
            return None
        threads = self.config.threads or available_cores()
        return SUMS[self.config.loss](self, V, U, threads) / self.predictions

    def _negative_sampling(self, V: Floats, U: Floats, threads: int) -> float:
        from lexigrad.kernels.losses import sum_negative_sampling

        windows, cbow = self._windows, self.config.model == "cbow"

        def part(first: int) -> float:
            stop = min(first + WINDOWS, self.windows)
            rows = np.empty((self.config.negatives + 2, V.shape[1]))
            return float(sum_negative_sampling(V, U, windows, first, stop, cbow, rows))

        return sum(in_order(part, range(0, self.windows, WINDOWS), threads))

    def _naive_softmax(self, V: Floats, U: Floats, threads: int) -> float:
        with one_blas_thread():
            return sum(in_order(lambda rows: _softmax_part(V, U, rows), self._rows(), threads))

    def _rows(self) -> Iterator[_Rows]:
        """The inputs with the words to predict from them, some at a time: contexts for CBOW, or each center once."""
        outside, starts, around, _ = self._windows
        if self.config.model != "cbow":
            predicted = np.repeat(outside, np.diff(starts))
            order = np.argsort(around, kind="stable")
            around, firsts = np.unique(around[order], return_index=True)
            ends = np.append(firsts, predicted.size)
            predicted, starts = predicted[order], np.arange(around.size + 1)
        else:
            predicted, ends = outside, np.arange(outside.size + 1)
        for first in range(0, starts.size - 1, ROWS):
            stop = min(first + ROWS, starts.size - 1)
            begins, goals = starts[first : stop + 1], ends[first : stop + 1]
            words, goal_words = around[begins[0] : begins[-1]], predicted[goals[0] : goals[-1]]
            yield _Rows(words, begins - begins[0], np.diff(goals), goal_words)


SUMS: Final[dict[str, Callable[[LossSample, Floats, Floats, int], float]]] = {
    "negative_sampling": LossSample._negative_sampling,
    "naive_softmax": LossSample._naive_softmax,
}
"""The sum over a sample's predictions, by threads of some number, for each loss by name."""


class _Rows(NamedTuple):
    """Some inputs, and the words to predict from them."""

    around: NDArray[np.int32]  # rows of V
    starts: NDArray[np.int64]  # (inputs + 1,): input i is the mean of around[starts[i]:starts[i + 1]]
    predictions: NDArray[np.int64]  # (inputs,): how many words are predicted from each
    outside: NDArray[np.int32]  # these words, in the order of the inputs


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # a sum that is not finite is found later
def _softmax_part(V: Floats, U: Floats, rows: _Rows) -> float:
    """The summed loss of some inputs."""
    from lexigrad.kernels.losses import sum_inputs, sum_scores

    X = np.empty((rows.predictions.size, V.shape[1]))
    sum_inputs(V, rows.around, rows.starts, X)
    highest, totals = np.full(len(X), -np.inf), np.zeros(len(X))
    for first in range(0, len(U), COLUMNS):
        scores = X @ U[first : first + COLUMNS].astype(np.float64).T
        peaks = np.maximum(highest, scores.max(axis=1))
        totals = totals * np.exp(highest - peaks) + np.exp(scores - peaks[:, np.newaxis]).sum(axis=1)
        highest = peaks
    true = sum_scores(X, np.repeat(np.arange(len(X)), rows.predictions), U, rows.outside, np.empty(X.shape[1]))
    return float(rows.predictions @ (highest + np.log(totals))) - float(true)


def _drawn(corpus: Corpus, config: TrainConfig) -> Windows:
    """The windows of the sample, with negatives where the loss draws some."""
    from lexigrad.kernels.losses import Windows, draw_windows, fill_negatives
    from lexigrad.kernels.sgd.piece import Draws, Piece, longest_sentence

    ids: NDArray[np.int32] = np.asarray(corpus.ids).view(np.ndarray)
    ids.flags.writeable = False
    keep = corpus.vocabulary.keep_probability(config.subsample)
    noise = alias_table(corpus.vocabulary.noise_distribution(config.noise_exponent))
    place_key, negative_key, token_key = (np.uint64(stream_key(config.seed, i, LOSS_STREAM)) for i in range(3))
    draws = Draws(token_key, negative_key, keep_thresholds(keep), noise)
    reach = min(config.window, max(1, longest_sentence(ids) - 1))  # no window goes beyond its sentence
    piece = Piece(np.empty(2 * reach + 2, np.int64), *(np.empty(2 * reach + 2, np.int32) for _ in range(3)))
    counts = corpus.vocabulary.counts
    kept = corpus.words * float(counts @ keep) / float(counts.sum())  # they may be the counts of another text
    places = min(ids.size, int(np.ceil(config.loss_sample * ids.size / max(kept, 1.0))))
    sizes, nothing = np.zeros(places + 1, np.int64), np.empty(0, np.int32)
    arguments = ids, places, place_key, config.window, config.dynamic_window, draws, piece
    count = draw_windows(*arguments, Windows(nothing, sizes, nothing, np.empty((0, 0), np.int64)))
    starts = sizes[: count + 1]
    around = int(starts[-1])
    negatives = np.empty((count if LOSSES[config.loss].draws_negatives else 0, config.negatives), np.int64)
    windows = Windows(np.empty(count, np.int32), starts, np.empty(around, np.int32), negatives)
    draw_windows(*arguments, windows)
    fill_negatives(draws, negatives)
    return windows
