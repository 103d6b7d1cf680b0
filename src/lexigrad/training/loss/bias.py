"""The bias that suits given vectors best under the naive softmax: a model that learned by other means lacks it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from lexigrad.engines.cores import available_cores, in_order, one_blas_thread
from lexigrad.training.loss.allpairs import finite_loss
from lexigrad.training.loss.heldout import check_counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.corpus.windows.counts import WindowCounts
    from lexigrad.training.model import Word2Vec

    Floats = NDArray[np.float32]

__all__ = ["best_bias"]

WHOLE_ROWS: Final = 128
"""Rows whose scores with all words are held at a time, by each thread."""

LEAST_GAIN: Final = 1e-5
"""The search ends when a pass gains less than this, in nats per pair: 0.001 % of the perplexity."""

UNSEEN: Final = 0.5
"""The count of a word that never stands outside, as its best bias would be −∞."""


def best_bias(model: Word2Vec, counts: WindowCounts, *, threads: int | None = None) -> Floats:
    """The bias that minimises the naive softmax's loss on window counts, V and U being held.

    The loss is convex in b. With ŷ_c the softmax of row c's scores, a pass computes e_w = Σ_c n_c ŷ_cw, how often word
    w would stand outside, and adds log(n_w / e_w) to b_w, where n_w is how often it does. A pass never raises the loss,
    and where it moves no word's bias, the loss is least. Passes end when one makes the perplexity smaller by less than
    0.001 %.

    Args:
        model: a whole skip-gram model; the search starts at its own bias.
        counts: window counts of the text that it was trained on. A word that never stands outside counts half a time.
        threads: how many share the work, all cores if None; each holds the scores of 128 words with all words.

    Returns:
        The bias, float32, shape ``(len(model.vocabulary),)``.

    Raises:
        InputError: the counts are of another vocabulary or empty, or the model is not finite, or is of CBOW.

    Example:
        >>> import lexigrad
        >>> sentences = 50 * ["the cat sat on the mat", "the dog sat on the rug"]
        >>> model = lexigrad.train(sentences, lexigrad.TrainConfig(dim=8, min_count=1, threads=1))
        >>> from lexigrad.corpus.windows.counts import count_windows
        >>> with lexigrad.read_corpus(sentences, vocabulary=model.vocabulary) as corpus:
        ...     counts = count_windows(corpus, model.config)
        >>> from dataclasses import replace
        >>> better = replace(model, bias=best_bias(model, counts))
        >>> losses = [lexigrad.held_out_loss(one, counts).naive_softmax for one in (model, better)]
        >>> losses[1] < losses[0]
        True

    Source: Darroch and Ratcliff 1972, "Generalized iterative scaling for log-linear models".
    """
    check_counts(model, counts)
    wanted = np.bincount(counts.outside, counts.weights, len(model.vocabulary)).astype(np.float64)
    wanted[wanted == 0] = UNSEEN
    wanted *= counts.pairs / wanted.sum()
    bias = np.zeros(len(wanted)) if model.bias is None else model.bias.astype(np.float64)
    best, best_loss = bias, math.inf
    while True:
        loss, expected = _softmax_moments(model, bias, counts, wanted, threads)
        gain = best_loss - finite_loss(loss)
        if gain > 0:
            best, best_loss = bias, loss
        if not gain >= LEAST_GAIN:
            return best.astype(np.float32)
        bias = bias + np.log(wanted / expected)


def _softmax_moments(
    model: Word2Vec, bias: NDArray[np.float64], counts: WindowCounts, wanted: NDArray[np.float64], threads: int | None
) -> tuple[float, NDArray[np.float64]]:
    """The softmax's loss per pair without the terms that no bias changes, and each word's expected count outside."""
    bias32 = bias.astype(np.float32)

    @np.errstate(over="ignore", invalid="ignore")
    def moments(rows: NDArray[np.int64]) -> tuple[float, Floats]:
        scores = model.V[rows] @ model.U.T
        scores += bias32
        largest = scores.max(axis=1, keepdims=True)
        scores -= largest
        np.exp(scores, out=scores)
        totals = scores.sum(axis=1, dtype=np.float64)
        weights = counts.center_weights[rows]
        loss = float((weights * (largest[:, 0] + np.log(totals))).sum())
        return loss, (weights / totals).astype(np.float32) @ scores

    centers = np.flatnonzero(np.diff(counts.starts))
    blocks = (centers[begin : begin + WHOLE_ROWS] for begin in range(0, centers.size, WHOLE_ROWS))
    loss, expected = -float((wanted * bias32).sum()), np.zeros(len(bias))
    with one_blas_thread():
        for part, outside in in_order(moments, blocks, threads or available_cores()):
            loss += part
            expected += outside
    return loss / counts.pairs, expected
