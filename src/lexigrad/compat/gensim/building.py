"""How gensim's Word2Vec gets its vocabulary and the tables that belong to it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from lexigrad.compat.gensim.errors import StateError
from lexigrad.compat.gensim.state import ModelState
from lexigrad.compat.gensim.text import text_files
from lexigrad.compat.gensim.training import counted_files
from lexigrad.compat.gensim.vocabulary import count_words, downsampling, is_kept

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray


__all__ = ["VocabularyBuilding"]

WORD_BYTES = 500
"""gensim's estimate of the bytes that a word of the vocabulary takes."""

logger = logging.getLogger(__name__)


class VocabularyBuilding(ModelState):
    """The methods that count, choose and extend the vocabulary of a model."""

    def build_vocab_from_freq(
        self,
        word_freq: Mapping[Any, int],
        keep_raw_vocab: bool = False,
        corpus_count: int | None = None,
        trim_rule: Callable[[Any, int, int], int] | None = None,
        update: bool = False,
    ) -> None:
        """Take counted words in place of a text.

        Args:
            word_freq: how often each word occurs.
            keep_raw_vocab: keep all counts as ``raw_vocab``.
            corpus_count: the number of sentences, to be kept.
            trim_rule: as for the constructor.
            update: add words and counts to those of the model.
        """
        self.corpus_count = corpus_count or 0
        self.raw_vocab = dict(word_freq)
        self.prepare_vocab(update, keep_raw_vocab, trim_rule)
        self.prepare_weights(update=update)

    def scan_vocab(
        self,
        corpus_iterable: Any = None,
        corpus_file: str | os.PathLike[str] | None = None,
        progress_per: int = 10_000,
        workers: int | None = None,
        trim_rule: Callable[[Any, int, int], int] | None = None,
    ) -> tuple[int, int]:
        """Count the words of a text into ``raw_vocab``.

        Args:
            corpus_iterable: the text, each sentence a list of words.
            corpus_file: a file in place of ``corpus_iterable``; it is read in parallel unless ``max_vocab_size`` asks
                for pruning.
            progress_per: unused.
            workers: unused.
            trim_rule: says which words are never, or always, forgotten under ``max_vocab_size``.

        Returns:
            The number of words, and of sentences.
        """
        from lexigrad.compat.gensim.text import LineSentence

        sentences = LineSentence(corpus_file) if corpus_file is not None else corpus_iterable
        files = text_files(sentences)
        if files and not self.max_vocab_size:
            self.raw_vocab, words, number = counted_files(files)
        else:
            self.raw_vocab, words, number = count_words(_warned(sentences), self.max_vocab_size, trim_rule)
        logger.info("counted %i words, %i different, in %i sentences", words, len(self.raw_vocab), number)
        return words, number

    def prepare_vocab(
        self,
        update: bool = False,
        keep_raw_vocab: bool = False,
        trim_rule: Callable[[Any, int, int], int] | None = None,
        min_count: int | None = None,
        sample: float | None = None,
        dry_run: bool = False,
    ) -> dict[str, int]:
        """Choose the words to keep of ``raw_vocab``.

        Args:
            update: add to the words and counts of the model.
            keep_raw_vocab: keep ``raw_vocab``.
            trim_rule: as for the constructor.
            min_count: as for the constructor, from now on.
            sample: as for the constructor, from now on.
            dry_run: change nothing, only report.

        Returns:
            The numbers of words and occurrences that stay, and of occurrences left when frequent words are dropped.
        """
        min_count, sample = min_count or self.min_count, sample or self.sample
        least = max(min_count, self._least_count())
        kept = {word: count for word, count in self.raw_vocab.items() if is_kept(word, count, least, trim_rule)}
        downsampled, left = downsampling(kept, sample)
        report = {
            "drop_unique": len(self.raw_vocab) - len(kept),
            "retain_total": sum(kept.values()),
            "downsample_unique": downsampled,
            "downsample_total": left,
            "num_retained_words": len(kept),
        }
        logger.info("vocabulary with min_count=%i: %s", least, report)
        self.effective_min_count = least
        if not dry_run:
            self.min_count, self.sample = min_count, sample
            self._take_words(kept, update=update)
            self.raw_vocab = self.raw_vocab if keep_raw_vocab else {}
        return report

    def _least_count(self) -> int:
        """The least count with which no more than ``max_final_vocab`` words are left."""
        counts = sorted(self.raw_vocab.values(), reverse=True)
        if self.max_final_vocab is None or self.max_final_vocab >= len(counts):
            return 1
        return counts[self.max_final_vocab] + 1

    def _take_words(self, kept: Mapping[Any, int], *, update: bool) -> None:
        """Give the vectors these words in place of their own, or with ``update`` besides."""
        wv = self.wv
        if not update:
            wv.index_to_key, wv.key_to_index, wv.expandos = [], {}, {}
            wv.vectors = wv.vectors[:0]
        new = [word for word in kept if word not in wv.key_to_index]
        for word in new:
            wv.key_to_index[word] = len(wv.index_to_key)
            wv.index_to_key.append(word)
        wv.next_index = len(wv.index_to_key)
        wv.allocate_vecattrs(["count"], [int])
        rows = [wv.key_to_index[word] for word in kept]
        wv.expandos["count"][rows] += np.array(list(kept.values()), dtype=np.int64)
        wv.allocate_vecattrs()
        if self.sorted_vocab and not update:
            wv.sort_by_descending_frequency()

    def prepare_weights(self, update: bool = False) -> None:
        """Draw vectors for all words, or with ``update`` for those that have none."""
        if update:
            self.update_weights()
        else:
            self.init_weights()

    def init_weights(self) -> None:
        """Draw all vectors anew, and set the outside vectors to 0."""
        self.wv.vectors = np.zeros((0, self.vector_size), dtype=np.float32)
        self.wv.resize_vectors(seed=self.seed)
        self.syn1neg = np.zeros((len(self.wv), self.vector_size), dtype=np.float32)

    def update_weights(self) -> None:
        """Draw vectors for words that have none, whose outside vectors are 0.

        Raises:
            StateError: there are no vectors yet; a RuntimeError.
        """
        known = len(self.wv.vectors)
        if not known:
            raise StateError("update=True adds to a vocabulary, and there is none; call build_vocab without it first")
        self.wv.resize_vectors(seed=self.seed)
        grown = np.zeros((len(self.wv), self.vector_size), dtype=np.float32)
        grown[:known] = self.syn1neg
        self.syn1neg = grown

    @property
    def cum_table(self) -> NDArray[np.uint32] | None:
        """The noise distribution, summed up and scaled to 2³¹ − 1, as gensim draws from it; None without words."""
        if not len(self.wv):
            return None
        weights = self.wv.expandos["count"].astype(np.float64) ** self.ns_exponent
        return np.asarray(np.round(weights.cumsum() / weights.sum() * (2**31 - 1)), dtype=np.uint32)

    def estimate_memory(self, vocab_size: int | None = None, report: dict[str, int] | None = None) -> dict[str, int]:
        """Gensim's estimate of the bytes of a model; while lexigrad trains, it holds the two tables three times."""
        words = vocab_size or len(self.wv)
        table = words * self.vector_size * 4
        parts = {**(report or {}), "vocab": words * WORD_BYTES, "vectors": table, "syn1neg": table}
        return {**parts, "total": sum(parts.values())}

    def reset_from(self, other_model: Any) -> None:
        """Take another model's words and counts, and draw vectors for them anew."""
        wv = self.wv
        wv.index_to_key, wv.key_to_index = list(other_model.wv.index_to_key), dict(other_model.wv.key_to_index)
        wv.expandos = {name: values.copy() for name, values in other_model.wv.expandos.items()}
        self.corpus_count = other_model.corpus_count
        self.init_weights()


def _warned(sentences: Any) -> Any:
    """The sentences; logs a warning where the first is a string, whose words are its characters."""
    for number, sentence in enumerate(sentences):
        if not number and isinstance(sentence, str):
            logger.warning(
                "Each 'sentences' item should be a list of words (usually unicode strings). First item here is instead "
                "plain %s.",
                type(sentence),
            )
        yield sentence
