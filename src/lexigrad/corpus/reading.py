"""Text read: counted, encoded to word ids, and its phrases learnt.

text → chunks (sources, sentences) → counts and ids (encoding) → one memory-mapped file (corpusfile)
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lexigrad.config import TrainConfig
from lexigrad.corpus.corpus import Corpus, blocks_of, check_phrases, stored_corpus
from lexigrad.corpus.corpusfile import is_saved_corpus
from lexigrad.corpus.encoding import NAMES_OF_WORDS, EncodedText, renumbered
from lexigrad.corpus.phrases.learning import JoinedText
from lexigrad.corpus.report import ReadingReport, counted
from lexigrad.corpus.sources.files import Source, named_paths
from lexigrad.corpus.sources.which import open_source
from lexigrad.corpus.vocabulary import Vocabulary
from lexigrad.errors import CorpusError, InputError, quoted

if TYPE_CHECKING:
    from pathlib import Path

    from lexigrad.corpus.phrases.phrases import Phrases
    from lexigrad.kernels.text.ids import ItemTable
    from lexigrad.kernels.text.words import WordTable

__all__ = ["NO_KNOWN_WORD", "learn_phrases", "no_frequent_word", "read_corpus"]

NO_KNOWN_WORD: Final = "none of the vocabulary's words occurs in the text; give other text or another vocabulary"

Ids = NDArray[np.int32]
Progress = Callable[[int, int | None], None]


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
        source: a path, or a list of them: files (``.gz``, ``.bz2``, ``.xz`` and ``.zst`` among them, known by content),
            folders (read recursively, sorted by name), globs, and ``-`` for standard input. Or any iterable of
            sentences: strings, whose lines are sentences, or lists of tokens, which are taken as they are, or lists or
            arrays of ids, whole numbers from 0 to 2⁶³ − 1, of which no strings are made. A list of strings is a list of
            paths, unless one of the strings has white space in it and names nothing that exists; ``Path`` objects are
            always paths. Or a column or a table of pyarrow, polars, pandas or Hugging Face datasets, or of any other
            package that speaks Arrow's C interface; Parquet and Arrow files are read as such tables are. Or the path of
            a saved corpus, which is returned at once: its vocabulary stands, narrowed if ``config`` or ``vocabulary``
            ask for less; the options of reading no longer matter.
        config: ``min_count``, ``max_vocabulary``, ``lowercase``, ``tokens``, ``column``, ``encoding_errors`` and
            ``threads`` are used, and the options of phrases. None is ``TrainConfig()``; for a saved corpus, the
            options that it was read with.
        vocabulary: fixes the words, their counts and their order; ``min_count`` and ``max_vocabulary`` are not used.
        known: words to keep wherever they occur, whatever ``min_count`` and ``max_vocabulary`` say: those of a model
            that is to be trained further.
        names: the names of ids: a list, or a mapping from id to name. Without it a word is its id's digits. An id
            that is frequent enough must have a name, and no other may have the same.
        phrases: join these phrases, those of a model or of another text, and learn none. Without them ``phrases`` of
            the config says how many passes learn and join phrases of this text.
        save: a file to keep the encoded corpus in; without one it is in a temporary file until it is closed.
        progress: is called now and then with the bytes read and the bytes in all; these are None if they are not known.
        phrase_progress: is called now and then, after reading, with the words gone through for phrases, and those in
            all.

    Returns:
        The corpus. The same text gives the same ids whatever the number of threads.

    Raises:
        CorpusError: A path names nothing, a file is damaged or not UTF-8, a sentence is neither text nor ids, or no
            word is left; or a saved corpus has not the phrases that are asked for.
        FormatError: A saved corpus is damaged.
        MissingExtraError: A table is given, and pyarrow is not installed.
        InputError: An id has no name, or that of another, or names are given for a text of words.

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
    asked = _Asked(vocabulary, known, phrases, save)
    saved = _saved_corpora(paths)
    if saved:
        if paths != saved[:1]:
            raise CorpusError(f"{saved[0]!r} is a saved corpus, which cannot be joined with other text; give it alone")
        if names is not None:
            raise InputError(NAMES_OF_WORDS)
        corpus = _from_saved(saved[0], config, asked)
        corpus.report = replace(corpus.report, seconds=time.perf_counter() - started)
        return corpus
    config = config or TrainConfig()
    text_source = open_source(source, paths, config)
    with EncodedText(text_source, config, names, _report_to(progress, text_source)) as encoded:
        _check_words(encoded, text_source)
        has_phrases = phrases is not None or config.phrases
        text = JoinedText(encoded, config, phrases, phrase_progress) if has_phrases else encoded
        corpus = _numbered(text, config, asked, partial(_report_on, text_source, text, started))
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
        source: a text, as for `read_corpus`.
        config: the options of reading text, except ``min_count`` and ``max_vocabulary``; and ``phrases``, the number of
            passes, ``phrase_scoring``, ``phrase_threshold``, ``phrase_min_count`` and ``connector_words``. None is one
            pass with the defaults.
        progress: as for `read_corpus`.
        phrase_progress: as for `read_corpus`, after which it is called.

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
    number of words of the text in place of |V|. gensim's `Phrases` scales it as here; phrases and scores agree with it.
    """
    config = config or TrainConfig(phrases=1)
    if not config.phrases:
        raise InputError("the config asks for no phrases; give phrases=1 or more, the number of passes")
    paths = named_paths(source)
    for path in _saved_corpora(paths):
        raise InputError(f"{path!r} is a saved corpus, which lacks its rare words; give the text itself")
    text_source = open_source(source, paths, config)
    with EncodedText(text_source, config, None, _report_to(progress, text_source)) as encoded:
        _check_words(encoded, text_source)
        return JoinedText(encoded, config, None, phrase_progress).phrases


class _Asked(NamedTuple):
    """The words and phrases that a corpus is to have, and the file that is to keep it."""

    vocabulary: Vocabulary | None
    known: Vocabulary | None
    phrases: Phrases | None
    save: str | Path | None


def _saved_corpora(paths: list[str] | None) -> list[str]:
    """The paths, among some, that name saved corpora."""
    return [path for path in paths or () if os.path.isfile(path) and is_saved_corpus(path)]


def _numbered(
    text: EncodedText | JoinedText,
    config: TrainConfig,
    asked: _Asked,
    report: Callable[[dict[str, int]], ReadingReport],
) -> Corpus:
    """Number the words of a text by the vocabulary that is asked for, and store it."""
    given = asked.vocabulary
    vocabulary = given if given is not None else _frequent_words(text.table, config, asked.known)
    counts, new_ids = _new_ids(text.table, vocabulary)
    kept = _kept_and_dropped(counts, counts, new_ids, config if given is None else None)
    return stored_corpus(text.renumbered(new_ids), vocabulary, lambda: report(kept), asked.save, text.phrases)


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
    """The counts of the words of a table."""
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
    """The numbers of tokens that are kept and dropped, by the names that the report has for the reasons.

    Args:
        occurrences: how often each word is in the text.
        counts: the number of each word that was compared with ``min_count``.
        new_ids: the id of each word, -1 for one that is dropped.
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


def _report_on(source: Source, text: EncodedText | JoinedText, started: float, kept: dict[str, int]) -> ReadingReport:
    """The report on a text that has been read and renumbered; ``kept`` as `_kept_and_dropped` gives it."""
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


def _from_saved(path: str, config: TrainConfig | None, asked: _Asked) -> Corpus:
    """A saved corpus, with only the words that are asked for.

    Raises:
        CorpusError: It was read with other phrases than those asked for, or without any.
    """
    corpus = Corpus.load(path)
    if asked.phrases is not None:
        check_phrases(corpus.phrases, asked.phrases, f"the saved corpus {path!r}")
    if config is not None and config.phrases and corpus.phrases is None:
        raise CorpusError(
            f"the saved corpus {path!r} was read without phrases; read its text again with phrases {config.phrases}"
        )
    given = asked.vocabulary
    wanted = given if given is not None else _narrowed(corpus.vocabulary, config, asked.known)
    if wanted != corpus.vocabulary:
        return _with_vocabulary(corpus, wanted, config if given is None else None, asked.save)
    if asked.save is not None:
        corpus.save(asked.save)
    return corpus


def _narrowed(vocabulary: Vocabulary, config: TrainConfig | None, known: Vocabulary | None) -> Vocabulary:
    """The first words of a vocabulary, as ``min_count`` and ``max_vocabulary`` leave them; and all that are known."""
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
    for ids in blocks_of(corpus.ids):
        occurrences += np.bincount(ids[ids >= 0], minlength=len(known))
    changes = _kept_and_dropped(occurrences, known.counts, new_ids, config)
    before = corpus.report.to_dict()
    after = replace(corpus.report, kept=changes.pop("kept"), **{why: before[why] + n for why, n in changes.items()})
    blocks = renumbered(((ids.copy(), new_ids) for ids in blocks_of(corpus.ids)), threads=1)
    return stored_corpus((ids for ids, _, _ in blocks), wanted, lambda: after, save, corpus.phrases)
