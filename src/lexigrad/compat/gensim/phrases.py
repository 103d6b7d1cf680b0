"""gensim's `Phrases` and `FrozenPhrases`: their constructors, attributes and methods, on lexigrad's parallel counting.

Phrases, scores and joined sentences are gensim's. Like gensim's, ``vocab`` counts words and candidates together, by
their strings: a token ``new_york`` of the text and the candidate "new", "york" are one entry. ``save`` writes a native
file (docs/reference/formats.md), never a pickle.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import chain
from math import inf
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lexigrad.compat.gensim.phrasefiles import read_phrases, write_phrases
from lexigrad.compat.gensim.scorers import SCORER_ARGUMENTS, Scorer, name_of, npmi_scorer, original_scorer, scorer_of
from lexigrad.config import ENGLISH_CONNECTOR_WORDS
from lexigrad.corpus.phrases.learning import counted_strings
from lexigrad.errors import ConfigError, FormatError, InputError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator


__all__ = [
    "ENGLISH_CONNECTOR_WORDS",
    "FrozenPhrases",
    "Phraser",
    "Phrases",
    "npmi_scorer",
    "original_scorer",
]


class _PhrasesTransformation(ABC):
    """The base of `Phrases` and `FrozenPhrases`: it goes through sentences and joins the phrases in them."""

    def __init__(self, connector_words: Iterable[str]) -> None:
        self.connector_words: frozenset[str] = frozenset(connector_words)

    @property
    def common_terms(self) -> frozenset[str]:
        """``connector_words``, as gensim 3 called them."""
        return self.connector_words

    @abstractmethod
    def score_candidate(self, word_a: str, word_b: str, in_between: list[str]) -> tuple[str | None, float | None]:
        """The joined phrase and its score, or ``(None, None)`` if the words are no phrase."""

    def analyze_sentence(self, sentence: Iterable[str]) -> Iterator[tuple[str, float | None]]:
        """Join phrases from left to right: yields each phrase with its score, each other token with None."""
        open_tokens: list[str] = []  # a word that may begin a phrase, and the connector words behind it
        for token in sentence:
            if token in self.connector_words:
                if open_tokens:
                    open_tokens.append(token)
                else:
                    yield token, None
                continue
            if open_tokens:
                phrase, score = self.score_candidate(open_tokens[0], token, open_tokens[1:])
                if phrase is not None and score is not None:
                    yield phrase, score
                    open_tokens = []
                    continue
                yield from ((word, None) for word in open_tokens)
            open_tokens = [token]
        yield from ((word, None) for word in open_tokens)

    def __getitem__(self, sentence: Iterable[Any]) -> list[str] | Iterable[list[str]]:
        """A sentence's tokens with phrases joined; or, of several sentences, an iterable that joins each as it goes."""
        is_sentence, tokens = _one_sentence(sentence)
        if is_sentence:
            return [token for token, _ in self.analyze_sentence(tokens)]
        return _JoinedSentences(self, tokens)

    def find_phrases(self, sentences: Iterable[Iterable[str]]) -> dict[str, float]:
        """The phrases in these sentences, with their scores."""
        return {
            token: score
            for sentence in sentences
            for token, score in self.analyze_sentence(sentence)
            if score is not None
        }


class _JoinedSentences:
    """Sentences whose phrases are joined while one iterates, as often as the sentences can be gone through."""

    def __init__(self, phrases: _PhrasesTransformation, sentences: Any) -> None:
        self._phrases, self._sentences = phrases, sentences

    def __iter__(self) -> Iterator[Any]:
        return (self._phrases[sentence] for sentence in self._sentences)

    def __len__(self) -> int:
        return len(self._sentences)

    def __getitem__(self, number: int) -> Any:
        return self._phrases[self._sentences[number]]


def _one_sentence(given: Iterable[Any]) -> tuple[bool, Iterable[Any]]:
    """Whether ``given`` is one sentence, as an empty iterable is, or several; and an iterable of the same items."""
    items = iter(given)
    missing = object()
    first = next(items, missing)
    if first is missing:
        return True, given
    is_sentence = isinstance(first, str)
    if is_sentence or items is given:  # a generator: the first item, which was taken, is put back
        return is_sentence, chain([first], items)
    return False, given


class Phrases(_PhrasesTransformation):
    """Finds phrases: two words that follow each other more often than by chance, connector words in between.

    Args:
        sentences: lists of tokens to learn from; more can be added by ``add_vocab``.
        min_count: two words that are seen together less often are no phrase.
        threshold: a phrase's score is above it.
        max_vocab_size: when ``vocab`` has more entries after a sentence, the rarest are dropped.
        delimiter: the text that joins the words of a phrase.
        progress_per: not used; nothing is logged.
        scoring: ``default``, ``npmi``, or a function of ``worda_count``, ``wordb_count``, ``bigram_count``,
            ``len_vocab``, ``min_count`` and ``corpus_word_count``.
        connector_words: words that a phrase may hold inside but not at its ends.
        common_terms: gensim 3's name of ``connector_words``.

    Raises:
        ConfigError: an option has a value that it cannot have; a ValueError, as in gensim.
        CorpusError: sentences are not lists of tokens.

    Example:
        >>> sentences = [["graph", "minors", "survey"], ["graph", "minors", "trees"], ["trees"]]
        >>> phrases = Phrases(sentences, min_count=1, threshold=1)
        >>> phrases[["graph", "minors", "on", "trees"]]
        ['graph_minors', 'on', 'trees']

    Source: gensim 4.4, models/phrases.py, for names and behaviour; Mikolov et al. 2013; Bouma 2009.
    """

    def __init__(
        self,
        sentences: Iterable[Any] | None = None,
        min_count: float = 5,
        threshold: float = 10.0,
        max_vocab_size: int = 40_000_000,
        delimiter: str | bytes = "_",
        progress_per: int = 10_000,
        scoring: str | Scorer = "default",
        connector_words: Iterable[str] = frozenset(),
        common_terms: Iterable[str] | None = None,
    ) -> None:
        super().__init__(connector_words if common_terms is None else common_terms)
        _check_numbers(min_count, threshold, scoring)
        self.scoring: Scorer = scorer_of(scoring)
        self.min_count, self.threshold = min_count, threshold
        self.max_vocab_size, self.progress_per = max_vocab_size, progress_per
        self.min_reduce = 1
        self.delimiter: str = delimiter.decode() if isinstance(delimiter, bytes) else delimiter
        self.vocab: dict[str, int] = {}
        """Words and candidates, joined, and how often each was seen."""
        self.corpus_word_count = 0
        if sentences is not None:
            self.add_vocab(sentences)

    def __str__(self) -> str:
        return (
            f"{type(self).__name__}<{len(self.vocab)} vocab, min_count={self.min_count}, threshold={self.threshold}, "
            f"max_vocab_size={self.max_vocab_size}>"
        )

    def add_vocab(self, sentences: Iterable[Any]) -> None:
        """Count the words and the candidates of these sentences too.

        Example:
            >>> phrases = Phrases([["new", "york"]])
            >>> phrases.add_vocab([["new", "york", "city"]])
            >>> phrases.vocab["new_york"], phrases.vocab["york_city"], phrases.corpus_word_count
            (2, 1, 5)
        """
        counted = counted_strings(sentences, self.delimiter, self.connector_words, self.max_vocab_size)
        self.corpus_word_count += counted.words
        if not self.vocab:
            self.vocab = counted.counts
            return
        self.min_reduce = max(self.min_reduce, counted.least)
        for entry, count in counted.counts.items():
            self.vocab[entry] = self.vocab.get(entry, 0) + count
        if len(self.vocab) > self.max_vocab_size:
            self.vocab = {entry: count for entry, count in self.vocab.items() if count >= self.min_reduce}
            self.min_reduce += 1

    def score_candidate(self, word_a: str, word_b: str, in_between: list[str]) -> tuple[str | None, float | None]:
        """The joined phrase and its score, or ``(None, None)`` if the words are no phrase."""
        phrase = self.delimiter.join([word_a, *in_between, word_b])
        counts = [self.vocab.get(entry, 0) for entry in (word_a, word_b, phrase)]
        if min(counts) <= 0:
            return None, None
        others = len(self.vocab), self.min_count, self.corpus_word_count
        score = self.scoring(**dict(zip(SCORER_ARGUMENTS, (*counts, *others), strict=True)))
        return (None, None) if score <= self.threshold else (phrase, score)

    def freeze(self) -> FrozenPhrases:
        """The phrases with the settings that joining needs, without the counts."""
        return FrozenPhrases(self)

    def export_phrases(self, *sentences: Any) -> dict[str, float]:
        """All phrases found, with their scores.

        Each entry of ``vocab`` is cut at its delimiters, as gensim does; so a phrase whose parts hold the delimiter is
        among them only if its first and its last piece are words by themselves.

        Raises:
            InputError: sentences are given, as gensim 3 wanted them.
        """
        if sentences:
            raise InputError("export_phrases takes no sentences, as in gensim 4; write find_phrases(sentences)")
        cut = (entry.split(self.delimiter) for entry in self.vocab)
        scored = (self.score_candidate(words[0], words[-1], words[1:-1]) for words in cut if len(words) > 1)
        return {phrase: score for phrase, score in scored if phrase is not None and score is not None}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a native file; it does not hold a scoring function of your own, which ``load`` must be given again.

        Raises:
            LexigradError: the file cannot be written.
        """
        settings = {
            "connector_words": sorted(self.connector_words),
            "corpus_word_count": self.corpus_word_count,
            "delimiter": self.delimiter,
            "max_vocab_size": self.max_vocab_size,
            "min_count": self.min_count,
            "min_reduce": self.min_reduce,
            "progress_per": self.progress_per,
            "scoring": name_of(self.scoring),
            "threshold": self.threshold,
        }
        write_phrases(path, "phrases", settings, self.vocab, np.int64)

    @classmethod
    def load(cls, path: str | os.PathLike[str], scoring: Scorer | None = None) -> Self:
        """Read a file that ``save`` wrote.

        Args:
            path: the file.
            scoring: the scoring function, where the phrases were scored by one of your own.

        Raises:
            FormatError: the file is in another format, or damaged.
        """
        settings, counts = read_phrases(path, "phrases", np.int64, scoring)
        made: Self = _made(path, cls, settings, ("corpus_word_count", "min_reduce"))
        made.vocab = counts
        return made


class FrozenPhrases(_PhrasesTransformation):
    """The phrases that a `Phrases` found, to be joined in text; nothing can be added.

    Args:
        phrases_model: the object that found the phrases.

    Attributes:
        phrasegrams: the phrases, joined, and their scores.

    Example:
        >>> sentences = [["graph", "minors", "survey"], ["graph", "minors", "trees"], ["trees"]]
        >>> frozen = Phrases(sentences, min_count=1, threshold=1).freeze()
        >>> frozen.phrasegrams
        {'graph_minors': 1.75}
    """

    def __init__(self, phrases_model: Phrases | FrozenPhrases) -> None:
        super().__init__(phrases_model.connector_words)
        self.threshold: float = phrases_model.threshold
        self.min_count: float = phrases_model.min_count
        self.delimiter: str = phrases_model.delimiter
        self.scoring: Scorer = phrases_model.scoring
        self.phrasegrams: dict[str, float] = (
            dict(phrases_model.phrasegrams)
            if isinstance(phrases_model, FrozenPhrases)
            else phrases_model.export_phrases()
        )

    def __str__(self) -> str:
        return (
            f"{type(self).__name__}<{len(self.phrasegrams)} phrases, min_count={self.min_count}, "
            f"threshold={self.threshold}>"
        )

    def score_candidate(self, word_a: str, word_b: str, in_between: list[str]) -> tuple[str | None, float | None]:
        """The joined phrase and its score, or ``(None, None)`` if the words are no phrase."""
        phrase = self.delimiter.join([word_a, *in_between, word_b])
        score = self.phrasegrams.get(phrase, -inf)
        return (phrase, score) if score > self.threshold else (None, None)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a native file; see `Phrases.save`."""
        settings = {
            "connector_words": sorted(self.connector_words),
            "delimiter": self.delimiter,
            "min_count": self.min_count,
            "scoring": name_of(self.scoring),
            "threshold": self.threshold,
        }
        write_phrases(path, "frozen", settings, self.phrasegrams, np.float64)

    @classmethod
    def load(cls, path: str | os.PathLike[str], scoring: Scorer | None = None) -> Self:
        """Read a file that ``save`` wrote; see `Phrases.load`."""
        settings, scores = read_phrases(path, "frozen", np.float64, scoring)
        made = cls(_made(path, Phrases, settings, ()))
        made.phrasegrams = scores
        return made


Phraser = FrozenPhrases
"""gensim 3's name of `FrozenPhrases`."""


def _check_numbers(min_count: float, threshold: float, scoring: str | Scorer) -> None:
    if not min_count > 0:
        raise ConfigError(f"min_count must be at least 1, not {min_count!r}")
    if scoring == "default" and not threshold > 0:
        raise ConfigError(f"threshold must be above 0 for default scoring, not {threshold!r}")
    if scoring == "npmi" and not -1 <= threshold <= 1:
        raise ConfigError(f"threshold must be from -1 to 1 for npmi scoring, not {threshold!r}")


def _made(path: str | os.PathLike[str], kind: type[Any], settings: dict[str, Any], counts: tuple[str, ...]) -> Any:
    """A `Phrases` with these settings, which are checked; those in ``counts`` are no arguments but attributes."""
    words = settings.get("connector_words")
    numbers = [value for name, value in settings.items() if name not in ("connector_words", "delimiter", "scoring")]
    sound = isinstance(words, list) and all(isinstance(word, str) for word in words)
    if not sound or not isinstance(settings.get("delimiter"), str) or not {type(n) for n in numbers} <= {int, float}:
        raise FormatError(f"the settings in {path} have values that they cannot have; it is damaged")
    try:
        attributes = {name: settings.pop(name) for name in counts}
        made = kind(**settings)
    except (KeyError, TypeError, ConfigError) as error:
        raise FormatError(f"the settings in {path} are not those of phrases: {error}") from error
    for name, value in attributes.items():
        setattr(made, name, value)
    return made
