"""gensim's Word2Vec, trained by lexigrad."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.compat.gensim.building import VocabularyBuilding
from lexigrad.compat.gensim.errors import NotKeptError, StateError
from lexigrad.compat.gensim.modelfiles import ModelFiles, on_class_only
from lexigrad.compat.gensim.oldnames import OldModelNames, new_keywords
from lexigrad.compat.gensim.state import check_text, refuse_options
from lexigrad.compat.gensim.training import Training
from lexigrad.compat.gensim.vectors import KeyedVectors

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence


__all__ = ["Word2Vec"]

OLD_OPTIONS: Final = {"size": "vector_size", "iter": "epochs"}
VECTOR_SIZE: Final = 100
EPOCHS: Final = 5
OLD_TEXT: Final = {"sentences": "corpus_iterable"}

logger = logging.getLogger(__name__)


class Word2Vec(ModelFiles, OldModelNames, VocabularyBuilding):
    """A word2vec model under gensim's names, trained by `lexigrad.train`.

    CBOW steps as gensim's does (``cbow_update="word2vec"``). Results are the same with any number of workers.

    Args:
        sentences: the text, each sentence a list of words; it is gone through twice, so that no generator will do.
            Without text the model is empty, for ``build_vocab``.
        corpus_file: a file of sentences, one a line, in place of ``sentences``; it is read in parallel.
        vector_size: numbers in a vector.
        alpha: the learning rate at the start.
        window: the most words on either side.
        min_count: words seen less often are left out.
        max_vocab_size: forget rare words while counting, whenever more words than this are known.
        sample: frequency above which words are dropped at random; from 1 on, a number of occurrences.
        seed: the seed of all random numbers.
        workers: threads, no more than there are cores.
        min_alpha: the learning rate at the end.
        sg: 1 for skip-gram, 0 for CBOW.
        hs: must be 0.
        negative: negative samples for each true word, from 1 to 64.
        ns_exponent: negatives are drawn by count ** ns_exponent.
        cbow_mean: must be 1 for CBOW.
        hashfxn: unused: nothing depends on Python's hashes.
        epochs: passes over the text.
        null_word: must be 0.
        trim_rule: ``rule(word, count, min_count)`` says ``RULE_KEEP``, ``RULE_DISCARD`` or ``RULE_DEFAULT``.
        sorted_vocab: whether words are ordered by falling count.
        batch_words: unused: sentences are not cut into batches.
        compute_loss: measure the loss after each epoch; see `get_latest_training_loss`.
        callbacks: objects with `CallbackAny2Vec`'s methods.
        comment: a text that the model keeps.
        max_final_vocab: raise ``min_count`` until no more words than this are left.
        shrink_windows: draw each window's width from 1 to ``window``.
        **old: gensim 3's names: ``size``, ``iter``.

    Raises:
        NotKeptError: an option asks for what lexigrad does not have.
        TypeError: an option is unknown, or the text is none, or cannot be read twice.

    Example:
        >>> model = Word2Vec([["cat", "say", "meow"], ["dog", "say", "woof"]], vector_size=8, min_count=1)
        >>> model.wv["cat"].shape, len(model.wv)
        ((8,), 5)
    """

    def __init__(
        self,
        sentences: Any = None,
        corpus_file: str | os.PathLike[str] | None = None,
        vector_size: int | None = None,
        alpha: float = 0.025,
        window: int = 5,
        min_count: int = 5,
        max_vocab_size: int | None = None,
        sample: float = 1e-3,
        seed: int = 1,
        workers: int = 3,
        min_alpha: float = 0.0001,
        sg: int = 0,
        hs: int = 0,
        negative: int = 5,
        ns_exponent: float = 0.75,
        cbow_mean: int = 1,
        hashfxn: Any = hash,
        epochs: int | None = None,
        null_word: int = 0,
        trim_rule: Callable[[Any, int, int], int] | None = None,
        sorted_vocab: int = 1,
        batch_words: int = 10_000,
        compute_loss: bool = False,
        callbacks: Sequence[Any] = (),
        comment: str | None = None,
        max_final_vocab: int | None = None,
        shrink_windows: bool = True,
        **old: Any,
    ) -> None:
        given = new_keywords("Word2Vec", old, OLD_OPTIONS, {"vector_size": vector_size, "epochs": epochs})
        self.vector_size = self.layer1_size = int(_or(given["vector_size"], VECTOR_SIZE))
        self.epochs: int = _or(given["epochs"], EPOCHS)
        self.alpha, self.min_alpha, self.min_alpha_yet_reached = float(alpha), float(min_alpha), float(alpha)
        self.window, self.shrink_windows = int(window), bool(shrink_windows)
        self.sg, self.hs, self.negative, self.cbow_mean = int(sg), int(hs), int(negative), int(cbow_mean)
        self.ns_exponent, self.sample, self.seed, self.workers = ns_exponent, sample, seed, int(workers)
        self.min_count, self.max_vocab_size, self.max_final_vocab = min_count, max_vocab_size, max_final_vocab
        self.sorted_vocab, self.null_word, self.batch_words = sorted_vocab, null_word, batch_words
        self.compute_loss, self.comment, self.hashfxn = bool(compute_loss), comment, hashfxn
        refuse_options(self)
        self._begin_empty()
        if sentences is None and corpus_file is None:
            if callbacks or trim_rule is not None:
                logger.warning("callbacks and trim_rule are used with a text only; give them to train and build_vocab")
            return
        check_text(sentences, corpus_file, passes=self.epochs + 1)
        self.build_vocab(sentences, corpus_file, trim_rule=trim_rule)
        self.train(
            sentences,
            corpus_file,
            total_examples=self.corpus_count,
            total_words=self.corpus_total_words,
            epochs=self.epochs,
            compute_loss=self.compute_loss,
            callbacks=callbacks,
        )

    def _begin_empty(self) -> None:
        """Set the attributes that a model has before there is a vocabulary."""
        self.train_count, self.total_train_time, self.running_training_loss = 0, 0.0, 0.0
        self.corpus_count, self.corpus_total_words = 0, 0
        self.effective_min_count = self.min_count
        self.raw_vocab: dict[Any, int] = {}
        self.history: list[dict[str, Any]] = []
        self.wv = KeyedVectors(self.vector_size)
        self.wv.vectors_lockf = np.ones(1, dtype=np.float32)
        self.load = on_class_only  # type: ignore[method-assign,assignment]

    def __str__(self) -> str:
        return f"{type(self).__name__}<vocab={len(self.wv)}, vector_size={self.wv.vector_size}, alpha={self.alpha}>"

    def build_vocab(
        self,
        corpus_iterable: Any = None,
        corpus_file: str | os.PathLike[str] | None = None,
        update: bool = False,
        progress_per: int = 10_000,
        keep_raw_vocab: bool = False,
        trim_rule: Callable[[Any, int, int], int] | None = None,
        *,
        min_count: int | None = None,
        sample: float | None = None,
        **old: Any,
    ) -> None:
        """Count the words of a text, choose those to keep, and draw vectors for them.

        Args:
            corpus_iterable: the text, each sentence a list of words; a generator will do.
            corpus_file: a file of sentences, one a line, in place of ``corpus_iterable``.
            update: add words and counts to those of the model, which keep their vectors.
            progress_per: unused.
            keep_raw_vocab: keep all counts as ``raw_vocab``.
            trim_rule: as for the constructor.
            min_count: as for the constructor, from now on.
            sample: as for the constructor, from now on.
            **old: gensim 3's name ``sentences``.
        """
        text = new_keywords("build_vocab", old, OLD_TEXT, {"corpus_iterable": corpus_iterable})["corpus_iterable"]
        check_text(text, corpus_file, passes=1)
        self.corpus_total_words, self.corpus_count = self.scan_vocab(text, corpus_file, trim_rule=trim_rule)
        self.prepare_vocab(update, keep_raw_vocab, trim_rule, min_count, sample)
        self.prepare_weights(update=update)

    def train(
        self,
        corpus_iterable: Any = None,
        corpus_file: str | os.PathLike[str] | None = None,
        total_examples: int | None = None,
        total_words: int | None = None,
        epochs: int | None = None,
        start_alpha: float | None = None,
        end_alpha: float | None = None,
        word_count: int = 0,
        queue_factor: int = 2,
        report_delay: float = 1.0,
        compute_loss: bool = False,
        callbacks: Sequence[Any] = (),
        **old: Any,
    ) -> tuple[int, int]:
        """Train the vectors further on a text; words that are not in the vocabulary are passed over.

        Args:
            corpus_iterable: the text, each sentence a list of words; it is read once for all epochs.
            corpus_file: a file of sentences, one a line, in place of ``corpus_iterable``.
            total_examples: the number of sentences, which gensim demands: ``model.corpus_count``. Training counts
                them itself.
            total_words: the number of words, in place of ``total_examples``.
            epochs: passes over the text; must be given.
            start_alpha: the learning rate at the start, from now on.
            end_alpha: the learning rate at the end, from now on.
            word_count: unused, as in gensim.
            queue_factor: unused.
            report_delay: unused.
            compute_loss: measure the loss after each epoch.
            callbacks: objects with `CallbackAny2Vec`'s methods.
            **old: gensim 3's name ``sentences``.

        Returns:
            The number of words trained, in expectation over those dropped at random, and that of words of the text,
            both over all epochs.

        Raises:
            StateError: there is no vocabulary; a RuntimeError.
            ValueError: ``epochs``, or both totals, are missing.
        """
        text = new_keywords("train", old, OLD_TEXT, {"corpus_iterable": corpus_iterable})["corpus_iterable"]
        self._check_training(epochs, total_examples, total_words)
        assert epochs is not None
        check_text(text, corpus_file, passes=1)
        if corpus_file is not None and total_words is None:
            raise ValueError("train(corpus_file=...) needs total_words; give model.corpus_total_words")
        self.alpha, self.min_alpha = start_alpha or self.alpha, end_alpha or self.min_alpha
        self.epochs, self.compute_loss = epochs, bool(compute_loss)
        if self.alpha > self.min_alpha_yet_reached:
            logger.warning("Effective 'alpha' higher than previous training cycles")
        training = Training(self, tuple(callbacks))
        return training.run(text, corpus_file, total_examples, total_words)

    def _check_training(self, epochs: int | None, total_examples: int | None, total_words: int | None) -> None:
        """Refuse arguments of ``train``, and a model, with which no training is possible."""
        refuse_options(self)
        if not len(self.wv) or len(self.wv.vectors) != len(self.wv):
            raise StateError("there is no vocabulary to train, or it has no vectors; call build_vocab first")
        if total_examples is None and total_words is None:
            raise ValueError("train needs total_examples or total_words; give total_examples=model.corpus_count")
        if epochs is None or epochs <= 0:
            raise ValueError("train needs epochs, at least 1; give epochs=model.epochs")
        if "syn1neg" not in self.__dict__:
            raise StateError("the model has vectors, but nothing to train them with; call build_vocab first")
        if (getattr(self.wv, "vectors_lockf", np.ones(1)) != 1).any():
            raise NotKeptError("vectors cannot be held still (vectors_lockf); save those and put them back afterwards")

    def get_latest_training_loss(self) -> float:
        """The loss per prediction after each epoch of the last training, all added up; 0 if it was not measured.

        The loss is measured in double precision on a sample of the windows. gensim adds the losses of all predictions
        up, in single precision; here too the difference of two epochs is the loss of the later one, but per prediction.
        """
        return self.running_training_loss

    def predict_output_word(self, context_words_list: Sequence[Any], topn: int = 10) -> list[tuple[Any, Any]] | None:
        """The words that the softmax gives the most probability in the middle of some others.

        Args:
            context_words_list: words, or rows; words that are not known are left out.
            topn: the number of words.

        Returns:
            Pairs ``(word, probability)``; None where no context word is known.

        Raises:
            StateError: the model has not been trained here; a RuntimeError.
        """
        if "syn1neg" not in self.__dict__ or len(self.syn1neg) != len(self.wv):
            raise StateError("the model has no outside vectors to predict with; train it, or load a whole model")
        rows = [self.wv.get_index(word) for word in context_words_list if word in self.wv]
        if not rows:
            logger.warning("none of the context words is in the vocabulary")
            return None
        hidden = self.wv.vectors[rows].sum(axis=0) / (len(rows) if self.cbow_mean else 1)
        scores = self.syn1neg @ hidden
        weights = np.exp(scores - scores.max())
        best = np.argsort(-weights, kind="stable")[:topn]
        return [(self.wv.index_to_key[row], weights[row] / weights.sum()) for row in best]


def _or(value: Any, usual: int) -> Any:
    return usual if value is None else value
