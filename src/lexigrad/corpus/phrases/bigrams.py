"""Pairs of words side by side counted in an encoded text, by several threads, in bounded memory.

A candidate is two words side by side, with connector words in between. Each thread has a table of fixed size
(`lexigrad.kernels.text.phrases`); a full one is written to a temporary file by buckets. Bucket by bucket the records of
all threads are added up, and only candidates seen often enough are kept. Neither threads nor tables change a count.

Words and candidates are counted together by their spelling, as gensim does: ``new_york`` in the text and ``new``
before ``york`` are one entry of its vocabulary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from lexigrad.corpus.phrases.phrases import Phrase
from lexigrad.engines.cores import in_order, in_order_with
from lexigrad.errors import InputError
from lexigrad.files.temporary import Spill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lexigrad.kernels.text.words import WordTable

__all__ = ["SPAN", "Candidates", "Spelling", "count_candidates"]

SPAN: Final = 1 << 18
"""Positions that a thread goes through without looking up."""

MOST_SLOTS: Final = 1 << 21
"""Slots of a thread's table, 16 bytes each; it is full when half of them are taken."""

RECORD_BYTES: Final = 16

FIRST_RUNS: Final = 1 << 10
MOST_RUNS: Final = 1 << 24
"""Records have 24 bits for a run of connector words."""

Ids = NDArray[np.int32]
Records = NDArray[np.uint64]
Counts = NDArray[np.int64]


class Candidates(NamedTuple):
    """Candidates and their words, counted."""

    records: Records
    """Both words' ids and the run, as in `lexigrad.kernels.text.phrases`, the counts left out."""
    counts: Counts
    word_counts: Counts
    """How often each word occurs, by id, together with all that is spelt like it; 0 for connector words."""
    strings: int
    """The number of distinct words and candidates, by their spelling."""
    words: int
    """The length of the text, in words."""


class Spelling:
    """How the words of a table, runs of connector words, and candidates are spelt; and their fingerprints.

    Args:
        table: the words.
        connectors: the words that phrases may hold inside.
        delimiter: the text between the words of a phrase.
    """

    def __init__(self, table: WordTable, connectors: Iterable[str], delimiter: str) -> None:
        from lexigrad.kernels.text import phrases as kernels

        self.table, self.delimiter = table, delimiter
        spelt = sorted(set(connectors) - {""})
        connector_ids = table.enter(spelt)
        self._connectors = dict(zip(connector_ids.tolist(), spelt, strict=True))
        is_connector = np.zeros(len(table), dtype=np.bool_)
        is_connector[connector_ids] = True
        self.words = kernels.Words(np.empty(len(table), np.uint64), np.empty(len(table), np.uint64), is_connector)
        kernels.fingerprint_words(*table.letters(), self.words)
        self.runs = self._empty_runs(FIRST_RUNS)

    def number_runs(self, ids: Ids) -> None:
        """Number all runs of connector words in a text.

        Raises:
            InputError: There are too many runs.
        """
        from lexigrad.kernels.text import phrases as kernels

        if not self.words.is_connector.any():
            return
        at = np.array([0, -1], dtype=np.int64)
        while not kernels.number_runs(ids, at, self.words, self.runs):
            smaller = self.runs
            if smaller.keys.size >= MOST_RUNS:
                raise InputError(
                    f"the text has more than {MOST_RUNS:,} different runs of connector words; give fewer of these"
                )
            self.runs = self._empty_runs(2 * smaller.keys.size)
            for small, large in zip(smaller[1:], self.runs[1:], strict=True):
                large[: small.size] = small
            kernels.rehash_runs(self.runs)

    def parts(self, records: Records) -> list[tuple[str, ...]]:
        """The words of candidates, connector words included."""
        from lexigrad.kernels.text.phrases import COUNT_BITS

        firsts, seconds = (records[:, 0] >> np.uint64(32)), records[:, 0] & np.uint64(0xFFFFFFFF)
        nodes = (records[:, 1] >> np.uint64(COUNT_BITS)).astype(np.int64)
        between = {node: self._run(node) for node in np.unique(nodes).tolist()}
        words = self.table.words(np.concatenate([firsts, seconds]))
        pairs = zip(words[: len(records)], nodes.tolist(), words[len(records) :], strict=True)
        return [(first, *between[node], second) for first, node, second in pairs]

    def phrases(self, records: Records, counts: Counts, scores: NDArray[np.float64]) -> list[Phrase]:
        """Candidates as phrases, by falling score; of the same score in the order of their code points."""
        found = zip(self.parts(records), counts.tolist(), scores.tolist(), strict=True)
        return sorted((Phrase(*phrase) for phrase in found), key=lambda phrase: (-phrase.score, phrase.parts))

    def _run(self, node: int) -> list[str]:
        """The connector words of a run."""
        words: list[str] = []
        while node:
            node, word_id = divmod(int(self.runs.keys[node]), 1 << 32)
            words.append(self._connectors[word_id])
        return words[::-1]

    def _empty_runs(self, size: int) -> Any:
        """Room for runs; the empty one, spelt as a delimiter, is there."""
        from lexigrad.kernels.text.phrases import FACTOR, Runs

        fingerprint = power = 0
        factor = int(FACTOR)
        for byte in self.delimiter.encode():
            fingerprint = (fingerprint * factor + byte + 1) % (1 << 64)
            power = (power or 1) * factor % (1 << 64)
        fingerprints, powers = np.zeros(size, np.uint64), np.zeros(size, np.uint64)
        fingerprints[0], powers[0] = fingerprint, power or 1
        slots = np.zeros(2 * size, dtype=np.int64)
        return Runs(slots, np.zeros(size, np.uint64), fingerprints, powers, np.ones(1, dtype=np.int64))


def count_candidates(
    ids: Ids,
    spelling: Spelling,
    least: int,
    threads: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Candidates:
    """Count all words and candidates of a text.

    Args:
        ids: the text, -1 at each sentence's end.
        spelling: the spelling of its words, to which the text's runs of connector words are added.
        least: candidates seen less often are counted and dropped.
        threads: the number of threads that share the work.
        progress: is called now and then with the positions counted, and those in all.

    Raises:
        InputError: there are too many runs of connector words.
        CorpusError: temporary files cannot be written.
    """
    spelling.number_runs(ids)
    with _Counters(ids, spelling, threads) as counters:
        counters.count(progress)
        return counters.total(least)


class _Counters:
    """A table for each thread; a context manager, at whose end no temporary file is left."""

    def __init__(self, ids: Ids, spelling: Spelling, threads: int) -> None:
        self.ids, self.spelling, self.threads = ids, spelling, threads
        slots = min(MOST_SLOTS, 4 << max(4, ids.size).bit_length())
        self.all = [_Counter(ids, spelling, slots) for _ in range(threads)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for counter in self.all:
            counter.spill.close()

    def count(self, progress: Callable[[int, int], None]) -> None:
        """Go through the text."""

        def count(counter: _Counter, start: int) -> int:
            stop = min(start + SPAN, self.ids.size)
            counter.count(start, stop)
            return stop

        for done in in_order_with(self.all, count, range(0, self.ids.size, SPAN)):
            progress(done, self.ids.size)

    def total(self, least: int) -> Candidates:
        """The counts of all threads, added up."""
        from lexigrad.kernels.text.phrases import BUCKETS

        occurrences = self.all[0].occurrences
        for counter in self.all[1:]:
            occurrences += counter.occurrences
        for counter in self.all:
            counter.finish()
        counts = np.where(self.spelling.words.is_connector, 0, occurrences)
        buckets = _Buckets(self.spelling, counts, least)
        records = ([run for counter in self.all for run in counter.take(bucket)] for bucket in range(BUCKETS))
        found = list(in_order(buckets.added, enumerate(records), self.threads))
        return buckets.together(found, int(occurrences.sum()))


class _Counter:
    """The scratch space of one thread that counts: a table, and a temporary file for full ones."""

    def __init__(self, ids: Ids, spelling: Spelling, slots: int) -> None:
        self.ids, self.spelling = ids, spelling
        self.slots = np.zeros((slots, 2), dtype=np.uint64)
        self.taken = np.zeros(1, dtype=np.int64)
        self.occurrences: Counts = np.zeros(len(spelling.table), dtype=np.int64)
        self.runs: list[tuple[int, Counts]] = []
        """For each full table the byte of the file where its records begin, and where each bucket ends among them."""
        self.last: tuple[Records, Counts] | None = None
        self.spill = Spill()  # closed by _Counters

    def count(self, start: int, stop: int) -> None:
        """Count the candidates that begin in a span."""
        from lexigrad.kernels.text.phrases import count_pairs

        at = np.array([start], dtype=np.int64)
        words, runs = self.spelling.words, self.spelling.runs
        while not count_pairs(self.ids, at, stop, words, runs, self.occurrences, self.slots, self.taken):
            records, ends = self._drained()
            self.runs.append((self.spill.append(records), ends))

    def finish(self) -> None:
        """Put the last records in order, and give the table's memory back."""
        self.last = self._drained()
        self.slots = self.slots[:0]

    def take(self, bucket: int) -> Iterator[Records]:
        """All records of a bucket, those in the temporary file among them."""
        assert self.last is not None
        records, ends = self.last
        yield records[ends[bucket] : ends[bucket + 1]]
        for begin, ends in self.runs:
            run = np.empty((ends[bucket + 1] - ends[bucket], 2), dtype=np.uint64)
            self.spill.read(begin + int(ends[bucket]) * RECORD_BYTES, run)
            yield run

    def _drained(self) -> tuple[Records, Counts]:
        """The records of the table by buckets, and where each bucket begins, and the last one ends."""
        from lexigrad.kernels.text.phrases import BUCKETS, drain

        ends = np.zeros(BUCKETS + 1, dtype=np.int64)
        records = np.empty((int(self.taken[0]), 2), dtype=np.uint64)
        drain(self.slots, self.spelling.words, self.spelling.runs, ends, records)
        self.taken[0] = 0
        return records, ends


class _Bucket(NamedTuple):
    """The candidates and words that are found in a bucket."""

    candidates: int
    kept: Records
    """Candidates seen often enough, and spelt like nothing else."""
    alike: Records
    """Candidates that may be spelt like others, or like words."""
    words: NDArray[np.int64]
    """Words that may be spelt like candidates."""


class _Buckets:
    """Adds up the counts of threads: bucket by bucket, then those of strings that are spelt alike.

    Strings that are spelt alike have one fingerprint, so they are in one bucket. Their letters say which strings with
    one fingerprint truly are spelt alike.
    """

    def __init__(self, spelling: Spelling, counts: Counts, least: int) -> None:
        self.spelling, self.counts, self.least = spelling, counts, least
        self.used = np.flatnonzero(counts)
        prints = spelling.words.fingerprints[self.used]
        order = np.argsort(prints, kind="stable")
        self.by_print, self.prints = self.used[order], prints[order]

    def added(self, bucket: tuple[int, list[Records]]) -> _Bucket:
        """Add up the records of one bucket."""
        from lexigrad.kernels.text import phrases as kernels

        records = np.concatenate(bucket[1])
        words, runs = self.spelling.words, self.spelling.runs
        slots = np.zeros((2 << len(records).bit_length(), 2), dtype=np.uint64)
        records = records[: kernels.combine(records, words, runs, slots)]
        prints = np.empty(len(records), dtype=np.uint64)
        kernels.fingerprints(records, words, runs, prints)
        ordered = np.sort(prints)  # sorted, they are looked up without jumps in memory
        places = np.minimum(np.searchsorted(self.prints, ordered), max(0, self.prints.size - 1))
        like_words = np.unique(ordered[self.prints[places] == ordered])
        is_alike = np.isin(prints, np.append(like_words, ordered[1:][ordered[1:] == ordered[:-1]]))
        often = (records[:, 1] & np.uint64((1 << kernels.COUNT_BITS) - 1)) >= self.least
        spans = zip(
            *(np.searchsorted(self.prints, like_words, side).tolist() for side in ("left", "right")), strict=True
        )
        words_alike = np.concatenate([self.by_print[:0], *(self.by_print[begin:end] for begin, end in spans)])
        return _Bucket(len(records), records[often & ~is_alike], records[is_alike], words_alike)

    def together(self, found: list[_Bucket], words: int) -> Candidates:
        """The candidates of all buckets; those that are spelt alike, or like words, count together."""
        from lexigrad.kernels.text.phrases import COUNT_BITS

        low = np.uint64((1 << COUNT_BITS) - 1)
        kept = np.concatenate([bucket.kept for bucket in found])
        alike = np.concatenate([bucket.alike for bucket in found])
        like = np.concatenate([bucket.words for bucket in found])
        spelt = [self.spelling.delimiter.join(parts) for parts in self.spelling.parts(alike)]
        totals = dict(zip(self.spelling.table.words(like), self.counts[like].tolist(), strict=True))
        for string, count in zip(spelt, (alike[:, 1] & low).tolist(), strict=True):
            totals[string] = totals.get(string, 0) + count
        word_counts = self.counts.copy()
        word_counts[like] = [totals[word] for word in self.spelling.table.words(like)]
        alike_counts = np.array([totals[string] for string in spelt], dtype=np.int64)
        records = np.concatenate([kept, alike[alike_counts >= self.least]])
        counts = np.concatenate([(kept[:, 1] & low).astype(np.int64), alike_counts[alike_counts >= self.least]])
        candidates = sum(bucket.candidates for bucket in found)
        strings = self.used.size + candidates - (like.size + len(spelt) - len(totals))
        return Candidates(records & ~np.array([0, low], dtype=np.uint64), counts, word_counts, strings, words)
