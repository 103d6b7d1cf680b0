"""Text as word ids on disk: read once, in parallel, and trained from as often as one likes.

text → chunks (sources, sentences) → counts and ids (encoding) → one memory-mapped file (corpusfile)
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from lexigrad.config import TrainConfig
from lexigrad.corpus.corpusfile import (
    FileState,
    ids_offset,
    is_saved_corpus,
    map_ids,
    read_corpus_file,
    state_of,
    write_corpus_file,
)
from lexigrad.corpus.encoding import NAMES_OF_WORDS, EncodedText, renumbered
from lexigrad.corpus.phrases.learning import JoinedText
from lexigrad.corpus.report import ReadingReport, counted
from lexigrad.corpus.sources.files import Source, named_paths
from lexigrad.corpus.sources.which import open_source
from lexigrad.corpus.vocabulary import Vocabulary
from lexigrad.errors import CorpusError, FormatError, InputError, quoted
from lexigrad.files.atomic import atomic_write
from lexigrad.files.temporary import temporary_file, temporary_space

if TYPE_CHECKING:
    from pathlib import Path

    from lexigrad.corpus.phrases.phrases import Phrases
    from lexigrad.kernels.text.ids import ItemTable
    from lexigrad.kernels.text.words import WordTable

__all__ = [
    "NO_KNOWN_WORD",
    "Corpus",
    "ReadingReport",
    "check_phrases",
    "learn_phrases",
    "no_frequent_word",
    "read_corpus",
    "stored_corpus",
]

BLOCK_IDS = 1 << 18  # ids copied at a time
NO_KNOWN_WORD: Final = "none of the vocabulary's words occurs in the text; give other text or another vocabulary"

Ids = NDArray[np.int32]
Progress = Callable[[int, int | None], None]


class Corpus:
    """Text as word ids in a memory-mapped file, with its vocabulary; a context manager.

    ``ids`` is int32, read-only: the words' ids, and -1 after each sentence. A sentence of which no word is left has no
    -1 either. ``report`` says what was read and what was dropped. A temporary file has no name where the system allows
    it (not on Windows): however the process ends, nothing is left of it.

    Example:
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
        """The names of ids, if it was read from ids; of a text that is measured on they are the names, too."""
        self.phrases = phrases
        """The phrases that were joined, None if none were to be."""
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
        """Give the ids up, and with them the temporary file that they may be in; a saved corpus stays."""
        self._ids = None

    def check_unchanged(self) -> None:
        """Make sure that nobody has written to the saved corpus since it was opened: its ids are mapped, not copied.

        Another file in its place, as every writer of ours puts there, changes nothing: the old one stays mapped.

        Raises:
            CorpusError: It has been written to.
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
        """Write the corpus to one file, from which ``load`` and ``read_corpus`` have it back at once."""
        with atomic_write(path) as file:
            write_corpus_file(file, self.vocabulary, _blocks(self.ids), self.report.counts, self.phrases)

    @classmethod
    def load(cls, path: str | Path) -> Corpus:
        """The corpus in a file that ``save`` wrote, memory-mapped.

        Raises:
            FormatError: It is no such file, or it is damaged.
        """
        content = read_corpus_file(os.fspath(path))
        try:
            report = ReadingReport.from_dict(content.report)
        except FormatError as error:
            raise FormatError(f"{str(path)!r} is no whole saved corpus: {error}; read the text again") from error
        saved = os.fspath(path), content.state
        return cls(content.ids, content.vocabulary, report, phrases=content.phrases, saved=saved)


def read_corpus(
    source: Any,
    config: TrainConfig | None = None,
    *,
    vocabulary: Vocabulary | None = None,
    known: Vocabulary | None = None,
    names: Any = None,
    phrases: Phrases | None = None,
    save: str | Path | None = None,
    progress: Progress | None = None,
    phrase_progress: Callable[[int, int], None] | None = None,
) -> Corpus:
    r"""Count and encode text: files, or sentences from Python, to a vocabulary and a file of word ids.

    A line is a sentence, whatever its length; it ends at ``\n`` or ``\r\n``. Memory holds a few chunks of text and the
    distinct words, never the whole text or its ids.

    Args:
        source: A path, or a list of them: files (``.gz``, ``.bz2``, ``.xz`` and ``.zst`` among them, known by content),
            folders (read recursively, sorted by name), globs, and ``-`` for standard input. Or any iterable of
            sentences: strings, whose lines are sentences, or lists of tokens, which are taken as they are, or lists or
            arrays of ids, whole numbers from 0 to 2⁶³ − 1, of which no strings are made. A list of strings is a list of
            paths, unless one of the strings has white space in it and names nothing that exists; ``Path`` objects are
            always paths. Or a column or a table of pyarrow, polars, pandas or Hugging Face datasets, or of whatever
            else speaks Arrow's C interface; Parquet and Arrow files are read as such tables are. Or the path of a saved
            corpus, which is returned at once: its vocabulary stands, narrowed if ``config`` or ``vocabulary`` ask for
            less; the options of reading no longer matter.
        config: ``min_count``, ``max_vocabulary``, ``lowercase``, ``tokens``, ``column``, ``encoding_errors`` and
            ``threads`` are used, and the options of phrases. None is ``TrainConfig()``, and for a saved corpus it is
            whatever that has been read with.
        vocabulary: Fixes the words, their counts and their order; ``min_count`` and ``max_vocabulary`` are not used.
        known: Words to keep wherever they occur, whatever ``min_count`` and ``max_vocabulary`` say: those of a model
            that is to be trained further.
        names: What ids are called: a list, or a mapping from id to name. Without it a word is its id's digits. An id
            that is frequent enough must have a name, and no other may have the same.
        phrases: Join these phrases, those of a model or of another text, and learn none. Without them ``phrases`` of
            the config says how many passes learn and join phrases of this text.
        save: A file to keep the encoded corpus in; without one it is in a temporary file until it is closed.
        progress: Called now and then with the bytes read and the bytes in all; the latter is None if nobody knows.
        phrase_progress: Called now and then, after reading, with the words gone through for phrases, and those in all.

    Returns:
        The corpus. The same text gives the same ids whatever the number of threads.

    Raises:
        CorpusError: A path names nothing, a file is damaged or not UTF-8, a sentence is neither text nor ids, or no
            word is left; or a saved corpus has not the phrases that are asked for.
        FormatError: A saved corpus is damaged.
        MissingExtraError: A table is given, and pyarrow is not installed.
        InputError: An id has no name, or that of another, or names are given for what has words.

    Example:
        >>> with read_corpus(["the cat sat", "the dog sat"], TrainConfig(min_count=2)) as corpus:
        ...     corpus.vocabulary.words, corpus.ids.tolist(), corpus.report.dropped_rare
        (['sat', 'the'], [1, 0, -1, 1, 0, -1], 2)
        >>> with read_corpus([[7, 40], [7]], TrainConfig(min_count=1), names={7: "pear", 40: "fig"}) as corpus:
        ...     corpus.vocabulary.words, corpus.ids.tolist()
        (['pear', 'fig'], [0, 1, -1, 0, -1])

    word2vec.c cuts sentences at 1,000 words and gensim at 10,000; here they are whole. word2vec.c makes a word ``</s>``
    of each line's end; here a line's end is no word.
    """
    started = time.perf_counter()
    paths = named_paths(source)
    saved = [path for path in paths or () if os.path.isfile(path) and is_saved_corpus(path)]
    if saved:
        if paths != saved[:1]:
            raise CorpusError(f"{saved[0]!r} is a saved corpus, which cannot be joined with other text; give it alone")
        if names is not None:
            raise InputError(NAMES_OF_WORDS)
        corpus = _from_saved(saved[0], config, vocabulary, known, save)
        if phrases is not None:
            check_phrases(corpus.phrases, phrases, f"the saved corpus {saved[0]!r}")
        if config is not None and config.phrases and corpus.phrases is None:
            raise CorpusError(
                f"the saved corpus {saved[0]!r} was read without phrases; read its text again with phrases "
                f"{config.phrases}"
            )
        corpus.report = replace(corpus.report, seconds=time.perf_counter() - started)
        return corpus
    config = config or TrainConfig()
    text_source = open_source(source, paths, config)
    with EncodedText(text_source, config, names, _report_to(progress, text_source)) as encoded:
        _check_words(encoded, text_source)
        has_phrases = phrases is not None or config.phrases
        text = JoinedText(encoded, config, phrases, phrase_progress) if has_phrases else encoded
        wanted = vocabulary if vocabulary is not None else _frequent_words(text.table, config, known)
        counts, new_ids = _new_ids(text.table, wanted)
        kept = _kept_and_dropped(counts, counts, new_ids, None if vocabulary is not None else config)
        report = partial(_report_on, text_source, text, kept, started)
        corpus = stored_corpus(text.renumbered(new_ids), wanted, report, save, text.phrases)
        corpus.names = names
        return corpus


def learn_phrases(
    source: Any,
    config: TrainConfig | None = None,
    *,
    progress: Progress | None = None,
    phrase_progress: Callable[[int, int], None] | None = None,
) -> Phrases:
    r"""Find the phrases of a text: words that follow each other more often than by chance.

    Candidates are two words side by side, with any number of connector words in between. Those seen at least
    ``phrase_min_count`` times and scored above ``phrase_threshold`` are phrases. With the counts n, the vocabulary's
    size |V| (distinct words and candidates, connector words left out), and the shares p of the N words of the text,
    ``mikolov`` and ``npmi`` score

    $$\frac{(n(ab) - n_{min})\,|V|}{n(a)\,n(b)} \qquad \frac{\ln (p(ab) / (p(a)\,p(b)))}{-\ln p(ab)}$$

    Phrases are joined from left to right, and a further pass finds those of the joined text.

    Args:
        source: A text, as for `read_corpus`.
        config: The options of reading text, except ``min_count`` and ``max_vocabulary``; and ``phrases``, the number of
            passes, ``phrase_scoring``, ``phrase_threshold``, ``phrase_min_count`` and ``connector_words``. None is one
            pass with the defaults.
        progress: As for `read_corpus`; so is the next.
        phrase_progress: Called when the text has been read.

    Returns:
        The phrases; ``join`` puts them in the place of their words in any sentence.

    Raises:
        CorpusError: The text cannot be read, or it has no words.
        InputError: A saved corpus is given, or ``phrases`` of the config is 0.

    Example:
        >>> text = 5 * [["new", "york", "is", "far"]] + 5 * [["far", "from", "new", "york"]]
        >>> learn_phrases(text, TrainConfig(phrases=1, phrase_threshold=0.7, phrase_min_count=2)).scores
        {'new_york': 0.8}

    Source: Mikolov et al. 2013, "Distributed representations of words and phrases", equation 6; Bouma 2009,
    "Normalized (pointwise) mutual information in collocation extraction". word2phrase.c scales the first score by the
    number of words of the text in place of |V|; gensim's `Phrases`, with which phrases and scores agree, as here.
    """
    config = config or TrainConfig(phrases=1)
    if not config.phrases:
        raise InputError("the config asks for no phrases; give phrases=1 or more, the number of passes")
    paths = named_paths(source)
    for path in paths or ():
        if os.path.isfile(path) and is_saved_corpus(path):
            raise InputError(f"{path!r} is a saved corpus, which lacks its rare words; give the text itself")
    text_source = open_source(source, paths, config)
    with EncodedText(text_source, config, None, _report_to(progress, text_source)) as encoded:
        _check_words(encoded, text_source)
        return JoinedText(encoded, config, None, phrase_progress).phrases


def _check_words(text: EncodedText, source: Source) -> None:
    """Refuse a text without words."""
    if not len(text.table):
        read = f"{counted(len(source.files), 'file')}, {counted(source.text_bytes, 'byte')}"
        raise CorpusError(f"the text is empty or has no word in it (read {read}); give other text")


def _report_to(progress: Progress | None, source: Source) -> Callable[[], None]:
    """A function that tells ``progress`` how far reading has come."""
    if progress is None:
        return lambda: None
    return lambda: progress(source.done_bytes, source.total_bytes)


def _frequent_words(table: WordTable | ItemTable, config: TrainConfig, known: Vocabulary | None) -> Vocabulary:
    """The words that ``min_count`` and ``max_vocabulary`` leave, and those that are known."""
    frequent = np.flatnonzero(table.counts >= config.min_count)
    if known is not None:
        ids = table.ids_of(known.words)
        ids = ids[ids >= 0]
        ids = ids[table.counts[ids] > 0]  # all of a word's occurrences may have been joined
        others = np.setdiff1d(frequent, ids, assume_unique=True)
        return _vocabulary_of(_counts_of(table, ids), _counts_of(table, others), config)
    if not frequent.size:
        most = int(table.counts.max())
        raise no_frequent_word(config.min_count, most, min(table.words(np.flatnonzero(table.counts == most))))
    return _vocabulary_of({}, _counts_of(table, frequent), config)


def no_frequent_word(min_count: int, most: int, word: str) -> CorpusError:
    """The refusal of a text of which even the most frequent word occurs too seldom."""
    return CorpusError(
        f"no word occurs {min_count:,} times: the most frequent one, {quoted(word)}, occurs {counted(most, 'time')}; "
        "give a smaller min_count, or more text"
    )


def _counts_of(table: WordTable | ItemTable, word_ids: Any) -> dict[str, int]:
    """How often words of a table occur."""
    return dict(zip(table.words(word_ids), table.counts[word_ids].tolist(), strict=True))


def _vocabulary_of(known: dict[str, int], others: dict[str, int], config: TrainConfig) -> Vocabulary:
    """All words that are known, and of the others the most frequent, as many as ``max_vocabulary`` leaves room for."""
    if not known:
        return Vocabulary.from_counts(others, max_vocabulary=config.max_vocabulary)
    room = None if config.max_vocabulary is None else max(0, config.max_vocabulary - len(known))
    most_frequent = Vocabulary.from_counts(others, max_vocabulary=room)
    counts = dict(zip(most_frequent.words, most_frequent.counts.tolist(), strict=True))
    return Vocabulary.from_counts(known | counts)


def _new_ids(table: WordTable | ItemTable, vocabulary: Vocabulary) -> tuple[NDArray[np.int64], Ids]:
    """How often each word of the table occurs, and its id in the vocabulary, -1 if it has none."""
    word_ids = table.ids_of(vocabulary.words)
    new_ids = np.full(len(table), -1, dtype=np.int32)
    new_ids[word_ids[word_ids >= 0]] = np.flatnonzero(word_ids >= 0)
    return table.counts, new_ids


def _kept_and_dropped(
    occurrences: NDArray[np.int64], counts: NDArray[np.int64], new_ids: Ids, config: TrainConfig | None
) -> dict[str, int]:
    """How many tokens are kept and dropped for which reason, as the report names it.

    Args:
        occurrences: How often each word is in the text.
        counts: The number that was held against ``min_count``.
        new_ids: The word's id, -1 if it is dropped.
        config: None if the vocabulary was given, which is then the only reason.
    """
    kept, dropped = new_ids >= 0, new_ids < 0
    if not occurrences[kept].any():
        raise CorpusError(NO_KNOWN_WORD)
    result = {"kept": int(occurrences[kept].sum())}
    if config is None:
        return result | {"dropped_unknown": int(occurrences[dropped].sum())}
    rare = counts < config.min_count
    return result | {
        "dropped_rare": int(occurrences[dropped & rare].sum()),
        "dropped_by_max_vocabulary": int(occurrences[dropped & ~rare].sum()),
    }


def _report_on(source: Source, text: EncodedText | JoinedText, kept: dict[str, int], started: float) -> ReadingReport:
    return ReadingReport(
        files=len(source.files),
        skipped_files=source.skipped_files,
        bytes=source.text_bytes,
        lines=text.lines,
        empty_lines=text.empty_lines,
        tokens=sum(kept.values()),
        joined=text.joined,
        replaced_bytes=source.replaced_bytes + text.replaced_bytes,
        nulls=source.nulls,
        seconds=time.perf_counter() - started,
        **kept,
    )


def _from_saved(
    path: str,
    config: TrainConfig | None,
    vocabulary: Vocabulary | None,
    known: Vocabulary | None,
    save: str | Path | None,
) -> Corpus:
    """A saved corpus, with the words only that are asked for."""
    corpus = Corpus.load(path)
    wanted = vocabulary if vocabulary is not None else _narrowed(corpus.vocabulary, config, known)
    if wanted != corpus.vocabulary:
        corpus = _with_vocabulary(corpus, wanted, None if vocabulary is not None else config, save)
    elif save is not None:
        corpus.save(save)
    return corpus


def _narrowed(vocabulary: Vocabulary, config: TrainConfig | None, known: Vocabulary | None) -> Vocabulary:
    """The words that ``min_count`` and ``max_vocabulary`` leave: the first ones, as counts fall; and those known."""
    if config is None:
        return vocabulary
    if known is not None:
        counts = dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True))
        kept = {word: count for word, count in counts.items() if word in known}
        others = {word: count for word, count in counts.items() if word not in known and count >= config.min_count}
        return _vocabulary_of(kept, others, config)
    size = int(np.count_nonzero(vocabulary.counts >= config.min_count))
    if not size:
        raise CorpusError(f"no word of the saved corpus occurs {config.min_count:,} times; give a smaller min_count")
    size = min(size, config.max_vocabulary or size)
    return Vocabulary(vocabulary.words[:size], vocabulary.counts[:size])


def _with_vocabulary(corpus: Corpus, wanted: Vocabulary, config: TrainConfig | None, save: str | Path | None) -> Corpus:
    """The corpus renumbered, without the words that are not ``wanted``."""
    known = corpus.vocabulary
    new_ids = np.array([wanted.word_ids.get(word, -1) for word in known], dtype=np.int32)
    occurrences = np.zeros(len(known), dtype=np.int64)
    for ids in _blocks(corpus.ids):
        occurrences += np.bincount(ids[ids >= 0], minlength=len(known))
    changes = _kept_and_dropped(occurrences, known.counts, new_ids, config)
    before = corpus.report.to_dict()
    after = replace(corpus.report, kept=changes.pop("kept"), **{why: before[why] + n for why, n in changes.items()})
    blocks = renumbered(((ids.copy(), new_ids) for ids in _blocks(corpus.ids)), threads=1)
    return stored_corpus((ids for ids, _, _ in blocks), wanted, lambda: after, save, corpus.phrases)


def check_phrases(found: Phrases | None, wanted: Phrases | None, name: str) -> None:
    """Refuse a text that has been read with other phrases than those of the model that it is for.

    Raises:
        CorpusError: They differ; the message calls the text by its ``name``.
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


def _blocks(ids: Ids) -> Iterator[Ids]:
    """The ids, a few at a time."""
    for begin in range(0, ids.size, BLOCK_IDS):
        yield ids[begin : begin + BLOCK_IDS]
