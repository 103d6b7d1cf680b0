"""One call of gensim's ``train``: its text is read and trained on by lexigrad, and its callbacks are told of epochs."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

import lexigrad
from lexigrad.compat.gensim.errors import NotKeptError
from lexigrad.compat.gensim.text import LineSentence, text_files
from lexigrad.compat.gensim.vocabulary import threshold
from lexigrad.config.losses import LOSSES, SOLVERS
from lexigrad.errors import InputError
from lexigrad.training.progress import Callback

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from lexigrad.compat.gensim.state import ModelState

__all__ = ["CallbackAny2Vec", "EpochTeller", "KnownText", "Training", "counted_files", "options_of"]


LOSS_SAMPLE = 5_000
"""The number of windows on which the loss is measured where it is asked for: lexigrad's default."""

BLOCK_IDS = 1 << 20

logger = logging.getLogger(__name__)


def options_of(config: lexigrad.TrainConfig) -> dict[str, Any]:
    """The options of gensim's model that say the same as a config of lexigrad's.

    Raises:
        NotKeptError: the training was not one of SGD on negative sampling.
    """
    if not LOSSES[config.loss].draws_negatives or not SOLVERS[config.solver].reads_text:
        raise NotKeptError("gensim's model is one of negative sampling by SGD, and this one is not; use model.vectors")
    return {
        "vector_size": config.dim,
        "alpha": config.starting_learning_rate,
        "min_alpha": config.min_learning_rate,
        "window": config.window,
        "min_count": config.min_count,
        "sample": config.subsample,
        "seed": config.seed,
        "sg": int(config.model == "skipgram"),
        "negative": config.negatives,
        "ns_exponent": config.noise_exponent,
        "epochs": config.epochs,
        "shrink_windows": config.dynamic_window,
    }


class Training:
    """Trains a model of gensim's kind.

    The words keep their rows in the model; lexigrad orders them by count, and the trained rows are put back by name.

    Args:
        model: the model to train.
        callbacks: gensim's callbacks, which are told of each epoch.
    """

    def __init__(self, model: ModelState, callbacks: tuple[Any, ...]) -> None:
        self.model, self.callbacks = model, callbacks
        self.vocabulary, self.order = _vocabulary(model)

    def run(
        self, sentences: Any, corpus_file: str | os.PathLike[str] | None, examples: int | None, words: int | None
    ) -> tuple[int, int]:
        """Read the text and train on it.

        Args:
            sentences: the text.
            corpus_file: the file of the text, in place of ``sentences``.
            examples: the number of sentences that the caller expects.
            words: the number of words that the caller expects.

        Returns:
            The two numbers of words that `Word2Vec.train` returns.
        """
        model, began = self.model, time.perf_counter()
        config = self.config()
        model.running_training_loss = 0.0
        teller = EpochTeller(model, self.callbacks, self.take, model.epochs)
        text = KnownText(LineSentence(corpus_file) if corpus_file is not None else sentences, self.vocabulary)
        with text.read(config) as corpus:
            _warn_of_totals(text, examples, words)
            teller.tell("on_train_begin")
            teller.tell("on_epoch_begin")
            if corpus is not None:
                listening = [teller] if self.callbacks else []
                self.take(lexigrad.train(corpus, config, start=self.start(), callbacks=listening))
            trained = 0.0 if corpus is None else _kept(corpus.ids, self.vocabulary.keep_probability(config.subsample))
        model.total_train_time += time.perf_counter() - began
        model.train_count += 1
        model.min_alpha_yet_reached = min(model.alpha, model.min_alpha)
        teller.tell("on_train_end")
        return round(trained * model.epochs), text.words * model.epochs

    def config(self) -> lexigrad.TrainConfig:
        """Lexigrad's options for the model's attributes."""
        from lexigrad.engines.cores import available_cores

        model = self.model
        if model.workers < 1:
            raise InputError(f"workers must be at least 1, not {model.workers}")
        # A rate that would rise stays where it ends, as in gensim.
        rates = max(model.alpha, model.min_alpha), model.min_alpha
        return lexigrad.TrainConfig(
            model="skipgram" if model.sg else "cbow",
            dim=model.vector_size,
            window=model.window,
            dynamic_window=model.shrink_windows,
            negatives=model.negative,
            noise_exponent=model.ns_exponent,
            subsample=threshold(self.vocabulary.total, model.sample) / self.vocabulary.total,
            cbow_update="word2vec",
            epochs=model.epochs,
            learning_rate=rates[0],
            min_learning_rate=rates[1],
            loss_sample=LOSS_SAMPLE if model.compute_loss else 0,
            min_count=1,
            threads=min(model.workers, available_cores()),
            seed=model.seed,
        )

    def start(self, *, copied: bool = False) -> lexigrad.Word2Vec:
        """The model as one of lexigrad's, with its words by falling count."""
        model = self.model
        V, U = (np.asarray(table[self.order], dtype=np.float32) for table in (model.wv.vectors, model.syn1neg))
        history = list(model.history) if copied else []
        return lexigrad.Word2Vec(V, U, self.vocabulary, self.config(), history)

    def take(self, trained: lexigrad.Word2Vec) -> None:
        """Put trained tables, and the records of the training, into the model."""
        model, ids = self.model, trained.vocabulary.word_ids
        rows = np.array([ids[word] for word in model.wv.index_to_key], dtype=np.int64)
        model.wv.vectors = _filled(model.wv.vectors, trained.V, rows)
        model.syn1neg = _filled(model.syn1neg, trained.U, rows)
        model.wv.norms = None
        model.history = list(trained.history)
        model.running_training_loss = float(sum(record.get("loss") or 0.0 for record in trained.history))


def _filled(table: NDArray[Any], trained: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[Any]:
    """The table with trained rows: the same array, unless it cannot be written to."""
    if not table.flags.writeable or table.dtype != np.float32:
        return trained[rows]
    table[...] = trained[rows]
    return table


def _vocabulary(model: ModelState) -> tuple[lexigrad.Vocabulary, NDArray[np.int64]]:
    """The model's words by falling count, and the row of each in the model."""
    words = model.wv.index_to_key
    odd = next((word for word in words if not isinstance(word, str)), None)
    if odd is not None:
        raise InputError(f"words must be strings to be trained, and one is {odd!r}; write str(word)")
    if "count" not in model.wv.expandos:
        raise InputError("the words have no counts, which training draws by; build the vocabulary by build_vocab")
    counts = np.maximum(model.wv.expandos["count"].astype(np.int64), 1)
    order = np.argsort(-counts, kind="stable")
    return lexigrad.Vocabulary([words[row] for row in order], counts[order]), order


def _kept(ids: NDArray[np.int32], keep: NDArray[np.float64]) -> float:
    """The number of words of a text that an epoch trains, in expectation over those dropped at random."""
    blocks = (ids[start : start + BLOCK_IDS] for start in range(0, ids.size, BLOCK_IDS))
    return float(sum(keep[block[block >= 0]].sum() for block in blocks))


def _warn_of_totals(text: KnownText, examples: int | None, words: int | None) -> None:
    if not text.is_known:
        logger.warning("none of the text's %i words is in the vocabulary; nothing is trained", text.words)
    for name, given, found in (("total_examples", examples, text.sentences), ("total_words", words, text.words)):
        if given is not None and given != found:
            logger.warning("%s is %i, but the text has %i; rates follow the text", name, given, found)


class CallbackAny2Vec:
    """An object whose methods a training calls with the model; subclass it as you would subclass gensim's class.

    An object of any class with these four methods will do, gensim's own class among them. An exception that a method
    raises ends the training and comes out of it; the model keeps the vectors that were trained until then.
    """

    def on_train_begin(self, model: Any) -> None:
        """Is called before the first epoch."""

    def on_epoch_begin(self, model: Any) -> None:
        """Is called before each epoch."""

    def on_epoch_end(self, model: Any) -> None:
        """Is called after each epoch; ``model.wv`` and ``model.syn1neg`` are as they are then."""

    def on_train_end(self, model: Any) -> None:
        """Is called after the last epoch."""


class EpochTeller(Callback):
    """Hands each epoch of lexigrad's training on to gensim's callbacks.

    Args:
        model: the model of gensim's kind that the callbacks are given.
        callbacks: gensim's callbacks, in the order in which they are called.
        take: puts the tables of lexigrad's model into ``model``.
        epochs: the number of epochs of the training; ``on_epoch_begin`` is not called after the last.
    """

    def __init__(
        self, model: Any, callbacks: Sequence[Any], take: Callable[[lexigrad.Word2Vec], None], epochs: int
    ) -> None:
        self.model, self.callbacks, self.take, self.epochs = model, callbacks, take, epochs
        self.done = 0

    def on_epoch_end(self, model: lexigrad.Word2Vec) -> None:
        """Take the tables over, then tell the callbacks of the end of this epoch and of the beginning of the next."""
        self.done += 1
        self.take(model)
        self.tell("on_epoch_end")
        if self.done < self.epochs:
            self.tell("on_epoch_begin")

    def tell(self, method: str) -> None:
        """Call one method of all callbacks."""
        rates = self.model.alpha, self.model.min_alpha
        for callback in self.callbacks:
            getattr(callback, method)(self.model)
        if (self.model.alpha, self.model.min_alpha) != rates:
            raise InputError(
                f"{method} changed alpha or min_alpha, which a training that has begun does not follow; call train "
                "once for each rate, or use lexigrad.train with a schedule"
            )


class KnownText:
    """A text, of which the words of a vocabulary are read.

    Attributes:
        words: the number of its words, when it has been read.
        sentences: the number of its sentences, when it has been read.
        is_known: whether any word is in the vocabulary.
    """

    def __init__(self, text: Any, vocabulary: lexigrad.Vocabulary) -> None:
        self._text, self._vocabulary = text, vocabulary
        self._is_over = False
        self.words = self.sentences = 0
        self.is_known = False

    @contextmanager
    def read(self, config: lexigrad.TrainConfig) -> Iterator[lexigrad.Corpus | None]:
        """The text as a corpus, or None where it has no word of the vocabulary, which is no error in gensim."""
        files = text_files(self._text)
        try:
            # A generator, as a list of strings would be taken for paths.
            corpus = lexigrad.read_corpus(files or self._lists(), config, vocabulary=self._vocabulary)
        except lexigrad.CorpusError:
            if files:
                counts, self.words, self.sentences = counted_files(files)
                self.is_known = any(word in self._vocabulary for word in counts)
            if self.is_known or not (files or self._is_over):
                raise
            yield None
            return
        with corpus:
            self.words, self.sentences, self.is_known = corpus.report.tokens, corpus.report.lines, True
            yield corpus

    def _lists(self) -> Iterator[Any]:
        """The sentences; a string is a list of its characters."""
        for sentence in self._text:
            tokens = list(sentence) if isinstance(sentence, str) else sentence
            self.words += len(tokens)
            self.sentences += 1
            self.is_known = self.is_known or any(token in self._vocabulary for token in tokens)
            yield tokens
        self._is_over = True


def counted_files(paths: list[Path]) -> tuple[dict[Any, int], int, int]:
    """The number of times that each word of some files occurs, the number of all words, and that of sentences.

    Raises:
        CorpusError: a file cannot be read.
    """
    try:
        with lexigrad.read_corpus(paths, lexigrad.TrainConfig(min_count=1)) as corpus:
            counts = dict(zip(corpus.vocabulary.words, corpus.vocabulary.counts.tolist(), strict=True))
            return counts, corpus.report.tokens, corpus.report.lines
    except lexigrad.CorpusError:
        if any(path.stat().st_size for path in paths):
            raise
        return {}, 0, 0  # empty files are an empty vocabulary in gensim
