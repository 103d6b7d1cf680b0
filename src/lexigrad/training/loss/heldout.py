"""The losses of any whole model on text that it was not trained on: exact, with no word drawn.

For skip-gram the text enters by its expected window counts n(c, o) alone (`lexigrad.corpus.windows.counts`), and the
losses are per pair (`lexigrad.training.loss.allpairs`). CBOW does not reduce to counts of pairs: its windows are gone
through one by one, with the mean of a window's context in the place of v_c, and the losses are per window.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.corpus.corpus import Corpus, check_phrases
from lexigrad.corpus.reading import read_corpus
from lexigrad.corpus.windows.counts import WindowCounts, count_windows
from lexigrad.errors import InputError
from lexigrad.kernels.draws import keep_thresholds
from lexigrad.training.loss.allpairs import NO_PAIRS, TILE_ROWS, Batch, PairLoss, PairScores, loss_of_counts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lexigrad.config import TrainConfig
    from lexigrad.corpus.vocabulary import Vocabulary
    from lexigrad.kernels.sgd import batches
    from lexigrad.training.model import Word2Vec

__all__ = ["HeldOutLoss", "HeldOutText", "check_counts", "held_out_loss"]

CONTEXT_WORDS: Final = 1 << 20
"""A tile of CBOW's windows takes no further window when the contexts of its windows have so many words."""

NO_NEGATIVES: Final = np.zeros(0, dtype=np.uint64)
"""An alias table for windows without negatives: the noise is taken in expectation."""


@dataclass(frozen=True, slots=True)
class HeldOutLoss(PairLoss):
    """The losses of a model on a text, per pair of words, or for CBOW per window.

    Each loss is an attribute, too: ``negative_sampling`` is in expectation over the noise, and ``naive_softmax`` is the
    negative log-likelihood in nats.

    Attributes:
        pairs: their number, in expectation over the windows' widths and the words dropped; for CBOW that of windows.
        losses: each loss per pair, by its name.
        words: how many words of the text the model knows.
        unknown: how many it does not know.

    Example:
        >>> import lexigrad
        >>> model = lexigrad.train(100 * ["the cat sat on the mat"], lexigrad.TrainConfig(dim=4, min_count=1, epochs=1))
        >>> loss = held_out_loss(model, ["the cat sat on the rug"])
        >>> loss.words, loss.unknown
        (5, 1)
    """

    words: int
    unknown: int

    @property
    def coverage(self) -> float:
        """The share of the text's words that the model knows."""
        return self.words / (self.words + self.unknown)

    def to_dict(self) -> dict[str, Any]:
        """The losses as plain values that JSON can hold."""
        words = {"words": self.words, "unknown": self.unknown}
        return {"pairs": self.pairs, **self.losses, **words, "perplexity": self.perplexity, "coverage": self.coverage}


def held_out_loss(
    model: Word2Vec,
    text: Any,
    config: TrainConfig | None = None,
    *,
    threads: int | None = None,
) -> HeldOutLoss:
    """Measure a model by both losses on a text; the loss under which it was trained does not matter.

    Per pair of a center c and an outside word o, with s = u_w·v_c + b_w, negative sampling is
    −log σ(s_o) − K Σ_w P(w) log σ(−s_w), the expectation over K draws from the noise distribution P, and the naive
    softmax −s_o + log Σ_w exp(s_w). For skip-gram windows' widths and dropped words are taken in expectation too; for
    CBOW they are drawn once, by the config's seed, and the mean of the context stands for v_c.

    Args:
        model: any whole model.
        text: anything that `read_corpus` takes, a `Corpus` that was read with the model's vocabulary, or, for
            skip-gram, the `WindowCounts` of a text. The model's phrases are joined in a text that is read, and no
            others.
        config: gives the windows, the noise distribution, the number of negatives and the column of a table; the
            model's own config if None. Losses can only be compared under the same of these.
        threads: how many share the work, all cores if None; they do not change the result.

    Returns:
        The losses per pair, and how much of the text the model knows.

    Raises:
        InputError: the corpus has another vocabulary, nothing is left to predict, or the model is not finite.
        CorpusError: the text cannot be read, or was read with other phrases, or the model knows none of its words.

    Example:
        >>> import lexigrad
        >>> sentences = 50 * ["the cat sat on the mat", "the dog sat on the rug"]
        >>> model = lexigrad.train(sentences, lexigrad.TrainConfig(dim=8, min_count=1, threads=1))
        >>> loss = held_out_loss(model, ["the cat sat on the green rug"])
        >>> loss.words, loss.unknown, loss.negative_sampling < 6 * 0.693  # vectors of zeros: (K + 1) log 2
        (6, 1, True)

    Source: Mikolov et al. 2013, "Distributed representations of words and phrases and their compositionality".
    word2vec.c and gensim draw negatives, and report at most the loss of the pairs being trained; they leave a draw out
    where it hits the true word, and here it counts.
    """
    config = replace(config or model.config, threads=threads)
    if isinstance(text, WindowCounts):
        return _with_words(_skipgram_loss(model, text, config), text.words, 0)
    if isinstance(text, Corpus):
        check_phrases(text.phrases, model.phrases, "the text")
        return _corpus_loss(model, text, config)
    # the text gets the model's phrases, and none of its own
    reading = replace(model.config, threads=threads, column=config.column, phrases=0)
    with read_corpus(text, reading, vocabulary=model.vocabulary, phrases=model.phrases) as corpus:
        check_phrases(corpus.phrases, model.phrases, "the text")
        return _corpus_loss(model, corpus, config)


class HeldOutText:
    """A text that a training is measured on again and again; its windows are counted once.

    Args:
        corpus: the text, in the vocabulary of the training.
        config: the options of the training.

    Raises:
        InputError: there is nothing to predict, as no sentence has two words, or for CBOW none of which two are kept;
            hours of training are not spent first.
    """

    def __init__(self, corpus: Corpus, config: TrainConfig) -> None:
        from lexigrad.kernels.sgd.piece import longest_sentence

        if longest_sentence(np.asarray(corpus.ids)) < 2 or (
            config.model == "cbow" and next(_windows(corpus, config), None) is None
        ):
            raise InputError(NO_PAIRS)
        self.corpus, self._config = corpus, config
        self.counts = count_windows(corpus, config) if config.model == "skipgram" else None
        """Skip-gram's window counts."""

    def loss(self, model: Word2Vec) -> HeldOutLoss:
        """The losses that `held_out_loss` gives of a model that was trained with these options."""
        if self.counts is None:
            return _corpus_loss(model, self.corpus, self._config)
        _check_vocabulary(model, self.corpus.vocabulary)
        return _of_corpus(_skipgram_loss(model, self.counts, self._config), self.corpus)


def check_counts(model: Word2Vec, counts: WindowCounts) -> None:
    """Refuse counts that are not of pairs of the model's words."""
    if model.config.model != "skipgram":
        raise InputError("window counts say nothing of CBOW's contexts; give the text itself")
    _check_vocabulary(model, counts.vocabulary)
    if not counts.outside.size:
        raise InputError(NO_PAIRS)


def _corpus_loss(model: Word2Vec, corpus: Corpus, config: TrainConfig) -> HeldOutLoss:
    """The loss on a corpus of the model's vocabulary."""
    _check_vocabulary(model, corpus.vocabulary)
    if model.config.model == "skipgram":
        loss = _skipgram_loss(model, count_windows(corpus, config), config)
    else:
        noise = model.vocabulary.noise_distribution(config.noise_exponent)
        scores = PairScores(model.U, model.bias, noise, config.negatives)
        loss = scores.loss(_window_batches(model, corpus, config), config.threads)
    return _of_corpus(loss, corpus)


def _of_corpus(loss: PairLoss, corpus: Corpus) -> HeldOutLoss:
    return _with_words(loss, corpus.words, corpus.report.tokens - corpus.words)


def _skipgram_loss(model: Word2Vec, counts: WindowCounts, config: TrainConfig) -> PairLoss:
    """The loss on window counts of the model's vocabulary."""
    check_counts(model, counts)
    noise = model.vocabulary.noise_distribution(config.noise_exponent)
    return loss_of_counts(model.V, model.U, model.bias, counts, noise, config.negatives, threads=config.threads)


def _with_words(loss: PairLoss, words: int, unknown: int) -> HeldOutLoss:
    return HeldOutLoss(loss.pairs, loss.losses, words, unknown)


def _check_vocabulary(model: Word2Vec, vocabulary: Vocabulary) -> None:
    """Refuse a vocabulary whose ids mean other words than the model's rows."""
    if model.vocabulary.words != vocabulary.words:
        raise InputError("the text's vocabulary is not the model's; read the text with vocabulary=model.vocabulary")


def _window_batches(model: Word2Vec, corpus: Corpus, config: TrainConfig) -> Iterator[Batch]:
    """The means of the contexts of CBOW's windows, a tile's rows at a time."""
    from lexigrad.kernels.sgd.batches import sum_rows

    for batch in _windows(corpus, config):
        means = np.zeros((batch.sizes.size, model.V.shape[1]), np.float32)
        sum_rows(model.V, batch.inputs, batch.input_rows, means)
        means /= batch.sizes[:, np.newaxis].astype(np.float32)
        entries = np.arange(batch.sizes.size + 1)
        ones = np.ones(batch.sizes.size)
        yield Batch(means, entries[:-1], entries[1:], batch.outputs.copy(), ones.astype(np.float32), ones)


def _windows(corpus: Corpus, config: TrainConfig) -> Iterator[batches.Batch]:
    """CBOW's windows as they would be drawn in the first epoch, a tile's rows at a time."""
    from lexigrad.kernels.sgd.batches import BatchSettings, window_batches
    from lexigrad.kernels.sgd.piece import Draws, longest_sentence

    ids = np.asarray(corpus.ids)
    reach = min(config.window, max(1, longest_sentence(ids) - 1))  # no window goes beyond its sentence
    settings = BatchSettings(
        True, config.window, config.dynamic_window, reach, rows=TILE_ROWS, links=CONTEXT_WORDS, repeats=TILE_ROWS
    )
    keep = keep_thresholds(corpus.vocabulary.keep_probability(config.subsample))
    draws = Draws.of_epoch(config.seed, 0, keep, NO_NEGATIVES)
    return window_batches(ids, len(corpus.vocabulary), settings, draws)
