"""A corpus: text as word ids in one memory-mapped file, read once and trained from as often as one likes."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from lexigrad.corpus.corpusfile import FileState, ids_offset, map_ids, read_corpus_file, state_of, write_corpus_file
from lexigrad.corpus.report import ReadingReport
from lexigrad.errors import CorpusError, FormatError, InputError
from lexigrad.files.atomic import atomic_write
from lexigrad.files.temporary import temporary_file, temporary_space

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lexigrad.corpus.phrases.phrases import Phrases
    from lexigrad.corpus.vocabulary import Vocabulary

__all__ = ["Corpus", "blocks_of", "check_phrases", "stored_corpus"]

BLOCK_IDS: Final = 1 << 18
"""The number of ids that are copied at a time."""

Ids = NDArray[np.int32]


class Corpus:
    """Text as word ids in a memory-mapped file, with its vocabulary; a context manager.

    ``ids`` is int32, read-only: the words' ids, and -1 after each sentence. A sentence of which no word is left has no
    -1 either. ``report`` says what was read and what was dropped. A temporary file has no name where the system allows
    it (not on Windows): however the process ends, nothing is left of it.

    Example:
        >>> from lexigrad import TrainConfig, read_corpus
        >>> with read_corpus([["to", "be"], ["or"], ["not", "to", "be"]], TrainConfig(min_count=2)) as corpus:
        ...     corpus.vocabulary.words, corpus.ids.tolist(), corpus.words
        (['be', 'to'], [1, 0, -1, 1, 0, -1], 4)
    """

    def __init__(
        self,
        ids: Ids,
        vocabulary: Vocabulary,
        report: ReadingReport,
        *,
        phrases: Phrases | None = None,
        saved: tuple[str, FileState] | None = None,
    ) -> None:
        self._ids: Ids | None = ids
        self.vocabulary = vocabulary
        self.report = report
        self.names: Any = None
        """The names of ids, if the corpus was read from ids; a text that is measured on is read with the same names."""
        self.phrases = phrases
        """The phrases that were joined; None if it was read without phrases."""
        self._saved = saved

    @property
    def ids(self) -> Ids:
        """Word ids, with -1 after each sentence."""
        if self._ids is None:
            raise InputError("this corpus has been closed; read it again")
        return self._ids

    @property
    def words(self) -> int:
        """The number of words in the text, the ends of sentences not counted."""
        return self.report.kept

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Corpus({self.words:,} words of text, {len(self.vocabulary):,} in the vocabulary)"

    def close(self) -> None:
        """Give up the ids, and the temporary file that they may be in; a saved corpus stays on disk."""
        self._ids = None

    def check_unchanged(self) -> None:
        """Make sure that nobody has written to the saved corpus since it was opened: its ids are mapped, not copied.

        Every writer of ours puts another file in its place, which changes nothing: the old file stays mapped.

        Raises:
            CorpusError: The file has been written to.
        """
        if self._saved is None:
            return
        path, state = self._saved
        try:
            with open(path, "rb") as file:
                now = state_of(file)
        except OSError:  # it was removed, and stays mapped
            return
        if now[:2] == state[:2] and now != state:
            raise CorpusError(f"the saved corpus {path!r} was written to while it was in use; save it anew, then train")

    def save(self, path: str | Path) -> None:
        """Write the corpus to one file, from which ``load`` and ``read_corpus`` get it back at once."""
        with atomic_write(path) as file:
            write_corpus_file(file, self.vocabulary, blocks_of(self.ids), self.report.counts, self.phrases)

    @classmethod
    def load(cls, path: str | Path) -> Corpus:
        """The corpus in a file that ``save`` wrote, memory-mapped.

        Raises:
            FormatError: The file is no saved corpus, or it is damaged.
        """
        content = read_corpus_file(os.fspath(path))
        try:
            report = ReadingReport.from_dict(content.report)
        except FormatError as error:
            raise FormatError(f"{str(path)!r} is no whole saved corpus: {error}; read the text again") from error
        saved = os.fspath(path), content.state
        return cls(content.ids, content.vocabulary, report, phrases=content.phrases, saved=saved)


def check_phrases(found: Phrases | None, wanted: Phrases | None, name: str) -> None:
    """Refuse a text that has been read with other phrases than those of the model that it is for.

    Raises:
        CorpusError: The phrases differ; the message calls the text by its ``name``.
    """
    if found != wanted:
        raise CorpusError(
            f"{name} was read with other phrases than the model or text that it is for; give the text itself, or read "
            "it with phrases= those of the other"
        )


def stored_corpus(
    blocks: Iterator[Ids],
    vocabulary: Vocabulary,
    report: Callable[[], ReadingReport],
    save: str | Path | None,
    phrases: Phrases | None = None,
) -> Corpus:
    """Write a corpus to the file ``save``, or to a temporary one, and map its ids; ``report`` is called at the end."""
    made = cache(report)
    if save is not None:
        with atomic_write(save) as file:
            size = write_corpus_file(file, vocabulary, blocks, lambda: made().counts(), phrases)
        with open(save, "rb") as file:
            ids = map_ids(file, ids_offset(vocabulary), size)
            return Corpus(ids, vocabulary, made(), phrases=phrases, saved=(os.fspath(save), state_of(file)))
    with temporary_space(), temporary_file() as file:
        size = write_corpus_file(file, vocabulary, blocks, lambda: made().counts())
        file.flush()
        return Corpus(map_ids(file, ids_offset(vocabulary), size), vocabulary, made(), phrases=phrases)


def blocks_of(ids: Ids) -> Iterator[Ids]:
    """Cut ids into blocks, each a view of them."""
    for begin in range(0, ids.size, BLOCK_IDS):
        yield ids[begin : begin + BLOCK_IDS]
