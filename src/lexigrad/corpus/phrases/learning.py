"""Phrases found and joined in an encoded text, pass by pass.

A pass counts words and candidates (`lexigrad.corpus.phrases.bigrams`), scores them, and joins those above the
threshold. The next pass goes over the joined text. Threads do not change what is found.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lexigrad.config import TrainConfig
from lexigrad.corpus.encoding import EncodedText, renumbered, stored_ids
from lexigrad.corpus.phrases.bigrams import SPAN, Candidates, Spelling, count_candidates
from lexigrad.corpus.phrases.phrases import Phrase, Phrases
from lexigrad.corpus.sources.sentences import SentenceSource
from lexigrad.engines.cores import available_cores, in_order
from lexigrad.errors import CorpusError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lexigrad.kernels.text.words import WordTable

__all__ = ["CountedStrings", "JoinedText", "counted_strings", "scored", "word_table"]

Ids = NDArray[np.int32]
Records = NDArray[np.uint64]
Counts = NDArray[np.int64]


class JoinedText:
    """An encoded text whose phrases are joined; `read_corpus` takes it in place of `EncodedText`.

    Args:
        text: the text; its table gets the phrases as words, and the counts that words have when all are joined.
        config: the options of learning, and ``threads``.
        phrases: join these, and learn none.
        progress: is called now and then with the words gone through, and those in all: each pass goes through the text
            to learn and to join.

    Raises:
        InputError: the text is made of ids.
    """

    def __init__(
        self,
        text: EncodedText,
        config: TrainConfig,
        phrases: Phrases | None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.table = word_table(text.table)
        self.replaced_bytes = text.replaced_bytes
        self._threads = config.threads or available_cores()
        self._ids = stored_ids(text.renumbered(np.arange(len(self.table), dtype=np.int32)))
        size = self._ids.size
        self.lines, self.empty_lines = text.lines, text.empty_lines
        self.joined = 0
        """The number of phrases that were put in the place of their parts."""
        self._stages = 2 * config.phrases if phrases is None else len(phrases.passes)
        self._told = _told(progress, size, self._stages)
        self.phrases = self._learnt(config) if phrases is None else self._known(phrases)
        if progress is not None:
            progress(self._stages * size, self._stages * size)  # a pass that finds nothing is the last
        self.table.recount(_word_counts(self._ids, len(self.table)))

    def renumbered(self, new_ids: Ids) -> Iterator[Ids]:
        """The ids of the text in order, block by block, each word of ``table`` by its new id; -1 drops a word."""
        blocks = ((self._ids[begin : begin + SPAN].copy(), new_ids) for begin in range(0, self._ids.size, SPAN))
        return (ids for ids, _, _ in renumbered(blocks, self._threads))

    def _learnt(self, config: TrainConfig) -> Phrases:
        passes = []
        connectors = config.connectors
        for _ in range(config.phrases):
            spelling = Spelling(self.table, connectors, "_")
            counted = count_candidates(self._ids, spelling, config.phrase_min_count, self._threads, self._told())
            phrases = spelling.phrases(*_above_threshold(counted, config))
            if not phrases:
                break
            self._join(phrases, connectors, "_")
            passes.append(phrases)
        return Phrases(
            passes,
            connector_words=connectors,
            min_count=config.phrase_min_count,
            scoring=config.phrase_scoring,
            threshold=config.threshold_of_phrases,
        )

    def _known(self, phrases: Phrases) -> Phrases:
        for found in phrases.passes:
            self._join(found, phrases.connector_words, phrases.delimiter)
        return phrases

    def _join(self, phrases: Sequence[Phrase], connectors: frozenset[str], delimiter: str) -> None:
        """Put phrases in the place of their parts."""
        joiner = _Joiner(self.table, phrases, connectors, delimiter)
        self._ids = stored_ids(joiner.joined(self._ids, self._threads, self._told()))
        self.joined += joiner.done


class CountedStrings(NamedTuple):
    """Words and candidates, joined, with their counts."""

    counts: dict[str, int]
    words: int
    """The length of the text, in words; connector words count here only."""
    least: int
    """Entries seen less often would be dropped next; 1 if none was dropped."""


def counted_strings(sentences: Iterable[Any], delimiter: str, connectors: Iterable[str], most: int) -> CountedStrings:
    """Count the words and candidates of sentences by their spelling, as gensim's vocabulary of phrases has them.

    Args:
        sentences: lists of tokens; read once.
        delimiter: stands between the words of a candidate.
        connectors: words that are counted only inside of candidates.
        most: the most entries after a sentence: where there are more, those seen less than twice are dropped; after
            the next such sentence those seen less than three times, and so on.

    Raises:
        CorpusError: A sentence is no list of tokens.
    """
    config = TrainConfig(min_count=1)
    empty: list[int] = []
    with EncodedText(SentenceSource(_token_lists(sentences, empty), config), config, None, lambda: None) as text:
        ids = stored_ids(text.renumbered(np.arange(len(text.table), dtype=np.int32)))
        spelling = Spelling(word_table(text.table), connectors, delimiter)
        found = count_candidates(ids, spelling, 1, available_cores())
        if found.strings > most:
            return _pruned(ids, spelling, most, empty)
        used = np.flatnonzero(found.word_counts)
        counts = dict(zip(text.table.words(used), found.word_counts[used].tolist(), strict=True))
        spelt = map(delimiter.join, spelling.parts(found.records))
        return CountedStrings(counts | dict(zip(spelt, found.counts.tolist(), strict=True)), found.words, 1)


def _token_lists(sentences: Iterable[Any], empty: list[int]) -> Iterator[Any]:
    """The sentences; ``empty`` gets, for each that has no token, how many that have some stand before it."""
    others = 0
    for sentence in sentences:
        if isinstance(sentence, str):
            raise CorpusError(
                f"the sentence {sentence[:60]!r} is a string; give lists of tokens, such as .split() makes"
            )
        tokens = list(sentence) if isinstance(sentence, Iterable) else sentence
        if tokens:
            others += 1
        else:
            empty.append(others)
        yield tokens


def _pruned(ids: Ids, spelling: Spelling, most: int, empty: list[int]) -> CountedStrings:
    """Count one sentence after another, and drop the rarest when there are too many, after empty sentences too."""
    words = spelling.table.words(np.arange(len(spelling.table)))
    looks = Counter(empty)
    counts: dict[str, int] = {}
    begun: list[str] = []
    total, least, sentences = 0, 1, 0
    for word_id in ids.tolist():
        if word_id < 0:
            begun, sentences = [], sentences + 1
            for _ in range(1 + looks[sentences]):
                if len(counts) > most:
                    counts = {string: count for string, count in counts.items() if count >= least}
                    least += 1
            continue
        total += 1
        word = words[word_id]
        if spelling.words.is_connector[word_id]:
            begun += [word] if begun else []
            continue
        for string in [word, spelling.delimiter.join([*begun, word])] if begun else [word]:
            counts[string] = counts.get(string, 0) + 1
        begun = [word]
    return CountedStrings(counts, total, least)


def _told(
    progress: Callable[[int, int], None] | None, size: int, stages: int
) -> Callable[[], Callable[[int, int], None]]:
    """A function that begins one stage after another; it returns the function that is told how far the stage has come.

    The text may get shorter from stage to stage, but each stage counts as one of its first ``size``.
    """
    begun = itertools.count(0)

    def begin() -> Callable[[int, int], None]:
        before = next(begun) * size
        if progress is None:
            return lambda done, total: None
        return lambda done, total: progress(before + done * size // total, stages * size)

    return begin


def _above_threshold(candidates: Candidates, config: TrainConfig) -> tuple[Records, Counts, NDArray[np.float64]]:
    """The candidates that score above the threshold, their counts and their scores."""
    firsts = candidates.word_counts[(candidates.records[:, 0] >> np.uint64(32)).astype(np.int64)]
    seconds = candidates.word_counts[(candidates.records[:, 0] & np.uint64(0xFFFFFFFF)).astype(np.int64)]
    scores = scored(firsts, seconds, candidates.counts, candidates.words, candidates.strings, config)
    found = scores > config.threshold_of_phrases
    return candidates.records[found], candidates.counts[found], scores[found]


def scored(
    firsts: Counts, seconds: Counts, together: Counts, words: int, strings: int, config: TrainConfig
) -> NDArray[np.float64]:
    """The scores of candidates, as the config says; `lexigrad.learn_phrases` has the equations.

    Args:
        firsts: how often the first word of each candidate occurs.
        seconds: how often the second word of each candidate occurs.
        together: how often each candidate itself occurs.
        words: the length of the text.
        strings: the number of distinct words and candidates, by their spelling.
        config: ``phrase_scoring`` and ``phrase_min_count`` are used.
    """
    from lexigrad.kernels.text.phrases import npmi

    if config.phrase_scoring == "npmi":
        scores = np.empty(together.size)
        npmi(firsts, seconds, together, float(words), scores)
        return scores
    return (together - config.phrase_min_count) / (firsts * seconds).astype(np.float64) * strings


class _Joiner:
    """Puts phrases in the place of their parts.

    Args:
        table: the words; the joined phrases are entered.
        phrases: what to join.
        connectors: words that phrases may hold inside.
        delimiter: stands between the parts of a joined phrase.
    """

    def __init__(self, table: WordTable, phrases: Sequence[Phrase], connectors: frozenset[str], delimiter: str) -> None:
        from lexigrad.kernels.text import phrases as kernels

        words = sorted({part for phrase in phrases for part in phrase.parts})
        known = dict(zip(words, table.enter(words).tolist(), strict=True))
        spelt = [delimiter.join(phrase.parts) for phrase in phrases]
        distinct = list(dict.fromkeys(spelt))
        joined = dict(zip(distinct, table.enter(distinct).tolist(), strict=True))
        known[""] = -1  # no word is empty; it ends a sentence
        text = np.array([known[part] for phrase in phrases for part in (*phrase.parts, "")], dtype=np.int32)
        spelling = Spelling(table, connectors, delimiter)
        spelling.number_runs(text)
        found = np.empty((len(spelt), 2), dtype=np.uint64)
        kernels.candidates(text, spelling.words, spelling.runs, found)
        slots = np.zeros((4 << len(found).bit_length(), 2), dtype=np.uint64)
        kernels.enter_phrases(found, np.array([joined[string] for string in spelt], dtype=np.int64), slots)
        self._tables = spelling.words, spelling.runs, slots
        self.done = 0

    def joined(self, ids: Ids, threads: int, progress: Callable[[int, int], None]) -> Iterator[Ids]:
        """The text with phrases joined, block by block.

        Each span is joined from its first sure place on, in parallel. The part before that place waits for the span
        before, whose state it goes on with.
        """
        from lexigrad.kernels.text.phrases import first_sure, flush, join

        def work(start: int) -> tuple[int, int, int, Ids, Counts]:
            stop = min(start + SPAN, ids.size)
            sure = first_sure(ids, start, stop, *self._tables)
            block, state = np.empty(stop - sure, dtype=np.int32), np.array([-1, 0, 0], dtype=np.int64)
            size = join(ids, sure, stop, state, *self._tables, block)
            return start, sure, stop, block[:size], state

        state = np.array([-1, 0, 0], dtype=np.int64)
        for start, sure, stop, block, next_state in in_order(work, range(0, ids.size, SPAN), threads):
            opened = start if state[0] < 0 else int(state[0])
            head = np.empty(sure - opened, dtype=np.int32)
            size = join(ids, start, sure, state, *self._tables, head)
            if sure < stop:
                size = flush(ids, sure, state, head, size)
                next_state[2] += state[2]
                state = next_state
            yield head[:size]
            yield block
            progress(stop, ids.size)
        self.done = int(state[2])


def word_table(table: Any) -> WordTable:
    """The table of a text, which must be of words.

    Raises:
        InputError: It is of ids.
    """
    from lexigrad.kernels.text.words import WordTable

    if not isinstance(table, WordTable):
        raise InputError("phrases are made of words, and this text has ids; leave phrases out")
    return table


def _word_counts(ids: Ids, words: int) -> Counts:
    from lexigrad.kernels.text.phrases import count_words

    counts = np.zeros(words, dtype=np.int64)
    count_words(ids, counts)
    return counts
