"""Both losses of any whole model on text that it was not trained on: exact, with no word drawn.

For skip-gram the text enters by its expected window counts n(c, o) alone (`lexigrad.windowcounts`), and the losses are
per pair (`lexigrad.pairloss`). CBOW does not reduce to counts of pairs: its windows are gone through one by one, the
mean of a window's context in the place of v_c, and the losses are per window.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.corpus import Corpus, check_phrases, read_corpus
from lexigrad.errors import InputError
from lexigrad.pairloss import NO_PAIRS, TILE_ROWS, Batch, PairLoss, PairScores, loss_of_counts
from lexigrad.sampling import keep_thresholds
from lexigrad.windowcounts import WindowCounts, count_windows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lexigrad.config import TrainConfig
    from lexigrad.kernels import batches
    from lexigrad.model import Word2Vec
    from lexigrad.vocabulary import Vocabulary

__all__ = ["HeldOutLoss", "HeldOutText", "check_counts", "held_out_loss"]

CONTEXT_WORDS: Final = 1 << 20
"""A tile of CBOW's windows takes no further one when their contexts have so many words."""

NO_NEGATIVES: Final = np.zeros(0, dtype=np.uint64)
"""An alias table that nothing is drawn from: the noise is taken in expectation."""


@dataclass(frozen=True, slots=True)
class HeldOutLoss(PairLoss):
    """What a model loses on a text.

    Attributes:
        words: of the text, those that the model knows.
        unknown: the others.

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
        return {**PairLoss.to_dict(self), "coverage": self.coverage}


def held_out_loss(
    model: Word2Vec,
    text: Any,
    config: TrainConfig | None = None,
    *,
    threads: int | None = None,
) -> HeldOutLoss:
    """Measure a model by both losses on a text, whatever loss it was trained with.

    Per pair of a center c and an outside word o, with s = u_w·v_c + b_w, negative sampling is
    −log σ(s_o) − K Σ_w P(w) log σ(−s_w), the expectation over K draws from the noise distribution P, and the naive
    softmax −s_o + log Σ_w exp(s_w). For skip-gram windows' widths and dropped words are taken in expectation too; for
    CBOW they are drawn once, by the config's seed, and the mean of the context stands for v_c.

    Args:
        model: any whole model.
        text: what `read_corpus` takes, a `Corpus` that was read with the model's vocabulary, or, for skip-gram, the
            `WindowCounts` of a text. The model's phrases are joined in what is read, and no others.
        config: whose windows, noise distribution, number of negatives and column of a table to use; the model's own if
            None. Models can only be compared on the same ones.
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
    word2vec.c and gensim draw negatives, and report at most the loss of the pairs being trained; where a draw hits the
    true word they leave it out, and here it counts.
    """
    config = replace(config or model.config, threads=threads)
    if isinstance(text, WindowCounts):
        return _with_words(_skipgram_loss(model, text, config), text.words, 0)
    if isinstance(text, Corpus):
        check_phrases(text.phrases, model.phrases, "the text")
        return _corpus_loss(model, text, config)
    # The model's phrases, and none of the text's own.
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
        InputError: there is nothing to predict: it has no sentence of two words; for CBOW, none of which two are kept.
            Better before hours of training than after them.
    """

    def __init__(self, corpus: Corpus, config: TrainConfig) -> None:
        from lexigrad.kernels.tokens import longest_sentence

        if longest_sentence(np.asarray(corpus.ids)) < 2 or (
            config.model == "cbow" and next(_windows(corpus, config), None) is None
        ):
            raise InputError(NO_PAIRS)
        self.corpus, self._config = corpus, config
        self.counts = count_windows(corpus, config) if config.model == "skipgram" else None
        """Skip-gram's window counts."""

    def loss(self, model: Word2Vec) -> HeldOutLoss:
        """What `held_out_loss` gives of a model trained with these options."""
        if self.counts is None:
            return _corpus_loss(model, self.corpus, self._config)
        _check_vocabulary(model, self.corpus.vocabulary)
        return _of_corpus(_skipgram_loss(model, self.counts, self._config), self.corpus)


def check_counts(model: Word2Vec, counts: WindowCounts) -> None:
    """Refuse counts that say nothing of the model's pairs."""
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
    return HeldOutLoss(**asdict(loss), words=words, unknown=unknown)


def _check_vocabulary(model: Word2Vec, vocabulary: Vocabulary) -> None:
    """Refuse ids that mean other words than the model's rows."""
    if model.vocabulary.words != vocabulary.words:
        raise InputError("the text's vocabulary is not the model's; read the text with vocabulary=model.vocabulary")


def _window_batches(model: Word2Vec, corpus: Corpus, config: TrainConfig) -> Iterator[Batch]:
    """The means of the contexts of CBOW's windows, a tile's rows at a time."""
    from lexigrad.kernels.batches import sum_rows

    for batch in _windows(corpus, config):
        sums = np.zeros((batch.sizes.size, model.V.shape[1]), np.float32)
        sum_rows(model.V, batch.inputs, batch.input_rows, sums)
        means = sums / batch.sizes[:, np.newaxis].astype(np.float32)
        entries = np.arange(batch.sizes.size + 1)
        ones = np.ones(batch.sizes.size)
        yield Batch(means, entries[:-1], entries[1:], batch.outputs.copy(), ones.astype(np.float32), ones)


def _windows(corpus: Corpus, config: TrainConfig) -> Iterator[batches.Batch]:
    """CBOW's windows as they would be drawn in the first epoch, a tile's rows at a time."""
    from lexigrad.kernels.batches import BatchSettings, window_batches
    from lexigrad.kernels.tokens import Draws, longest_sentence

    ids = np.asarray(corpus.ids)
    reach = min(config.window, max(1, longest_sentence(ids) - 1))  # no window goes beyond its sentence
    settings = BatchSettings(
        True, config.window, config.dynamic_window, reach, rows=TILE_ROWS, links=CONTEXT_WORDS, repeats=TILE_ROWS
    )
    keep = keep_thresholds(corpus.vocabulary.keep_probability(config.subsample))
    draws = Draws.of_epoch(config.seed, 0, keep, NO_NEGATIVES)
    return window_batches(ids, len(corpus.vocabulary), settings, draws)
