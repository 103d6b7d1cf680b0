"""The text that gensim's model is trained on, read by lexigrad: files in parallel, sentences one after another."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import lexigrad
from lexigrad.compat.gensim.text import text_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["KnownText", "counted_files"]


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
