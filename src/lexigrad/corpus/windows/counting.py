"""Window counts of a corpus by several threads, in bounded memory.

Each thread has a counter of its own (`lexigrad.kernels.counts.walk`): a triangle of sums and pages of records. When its
pages are full, records of the same pair are added up; when that frees too little, all are written to a temporary file.
At the end the records of each bucket are brought together, sorted and added up, and the lower triangle is mirrored.
"""

from __future__ import annotations

from contextlib import closing
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeVar

import numpy as np

from lexigrad.engines.cores import available_cores, in_order, in_order_with
from lexigrad.errors import InputError
from lexigrad.files.temporary import Spill

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig

__all__ = ["DEFAULT_MEMORY_BYTES", "LARGEST_VOCABULARY", "Rows", "Sums", "Text", "check_size", "count", "summed"]

Finished = TypeVar("Finished")

DEFAULT_MEMORY_BYTES: Final = 2 << 30

TOLERANCE: Final = 1e-6
"""A walk ends when less than this share of a whole window's weight is to come."""

SPAN: Final = 1 << 16
"""Positions that a thread counts without looking up, with a window of up to 5; some 5 ms."""

SMALLEST_SPAN: Final = 1 << 10

BUCKETS: Final = 1024
LARGEST_PAGE: Final = 1024
SMALLEST_PAGE: Final = 16
PAGES_IN_BUCKET: Final = 16
RECORDS_OF_POSITION: Final = 64
RECORD_BYTES: Final = 8
BLOCK_RECORDS: Final = 4096
"""Records that the kernel puts away at once, at most."""

LARGEST_TRIANGLE: Final = 8192
LARGEST_VOCABULARY: Final = 1 << 24
TRIANGLE_ROWS: Final = 64
"""Rows of the triangle, or more if they are short, that a thread takes at the end: as many cells at a time."""


class Rows(NamedTuple):
    """A sparse matrix by rows."""

    starts: NDArray[np.int64]
    columns: NDArray[np.int32]
    weights: NDArray[np.float32]


class Sums(NamedTuple):
    """Some rows of the lower triangle, the rarer word of each pair as its row, before subsampling of both words."""

    first_row: int
    lengths: NDArray[np.int64]
    """Entries of each row."""
    columns: NDArray[np.int32]
    units: NDArray[np.uint64]
    """In units of 2⁻²⁸; above 0."""


class Text(NamedTuple):
    """A text whose windows are to be counted."""

    ids: NDArray[np.int32]
    """Word ids, −1 at the end of each sentence."""
    keep: NDArray[np.float64]
    """The probability that an occurrence of each word is kept, shape (words,)."""
    occurrences: NDArray[np.int64]
    """How often each word occurs, more or less; rows are shared out by it."""


def count(
    text: Text, config: TrainConfig, memory_bytes: int | None, progress: Callable[[int, int], None] | None
) -> Rows:
    """The symmetric matrix of expected window counts.

    Args:
        text: the text.
        config: ``window``, ``dynamic_window`` and ``threads`` are used.
        memory_bytes: how much may be used besides the result; None is 2 GiB.
        progress: is called now and then with the positions counted and all positions.
    """
    check_size(text.keep.size)
    threads = config.threads or available_cores()
    with _counters(text, config, threads, memory_bytes or DEFAULT_MEMORY_BYTES) as counters:
        with closing(counters.counted()) as spans:  # no thread goes on when progress raises
            for done in spans:
                if progress is not None:
                    progress(done, text.ids.size)
        lower = _joined(counters.lower(lambda sums: _expected(sums, text.keep)))
    return _mirrored(lower, threads)


def summed(text: Text, config: TrainConfig, memory_bytes: int) -> Iterator[Sums]:
    """The sums of which ``count`` makes counts, row by row: those of several texts can be added.

    Args:
        text: the text; ``keep`` counts for the words that stand between two words only.
        config: ``window`` and ``dynamic_window`` are used; the calling thread does all the work.
        memory_bytes: how much may be used besides the sums that are given out.
    """
    with _counters(text, config, 1, memory_bytes) as counters:
        for _ in counters.counted():
            pass
        yield from counters.lower(lambda sums: sums)


def check_size(words: int) -> None:
    """Refuse a vocabulary whose pairs do not fit in the kernels' records.

    Raises:
        InputError: It has too many words.
    """
    if words > LARGEST_VOCABULARY:
        raise InputError(
            f"a vocabulary of {words:,} words is too large to count: {LARGEST_VOCABULARY:,} is the most; "
            "give a larger min_count, or max_vocabulary"
        )


def _counters(text: Text, config: TrainConfig, threads: int, memory_bytes: int) -> _Counters:
    plan = _plan(text.occurrences, text.ids.size, threads, memory_bytes)
    ids = np.asarray(text.ids).view(np.ndarray)
    ids.flags.writeable = False  # one plain kind of array: Numba compiles for each kind anew
    return _Counters(plan, ids, text.keep, _shares(ids, config), threads)


def _expected(sums: Sums, keep: NDArray[np.float64]) -> Rows:
    """The expected counts of some rows; ``starts`` holds the rows' lengths."""
    from lexigrad.kernels.counts.walk import expected_rows

    return Rows(*expected_rows(sums.lengths, sums.columns, sums.units, sums.first_row, keep))


class _Shares(NamedTuple):
    """How much a word in a window counts."""

    of_distance: NDArray[np.float64]
    """The share of a word behind d kept ones, from d = 0 on; zeros beyond the longest sentence."""
    whole: float
    """The sum over all words to the right in a sentence without end."""


class _Plan(NamedTuple):
    """The layout of triangle, buckets and pages; it follows from the memory, and no count depends on it."""

    triangle_words: int
    borders: NDArray[np.int64]
    """The first row of each bucket, and the number of words."""
    bucket_of: NDArray[np.uint32]
    column_bits: int
    page: int
    pages: int


def _plan(occurrences: NDArray[np.int64], positions: int, threads: int, memory_bytes: int) -> _Plan:
    words = occurrences.size
    each = memory_bytes // threads
    triangle_words = min(words, LARGEST_TRIANGLE, int((each // 16) ** 0.5))
    column_bits = max(1, (words - 1).bit_length())
    borders = _borders(occurrences, triangle_words, 35 - column_bits)
    buckets = borders.size - 1
    bucket_of = np.zeros(words, dtype=np.uint32)
    bucket_of[triangle_words:] = np.repeat(np.arange(buckets, dtype=np.uint32), np.diff(borders))
    records = min(each // 16, RECORDS_OF_POSITION * positions)  # half of the thread's memory
    page = SMALLEST_PAGE
    while page < LARGEST_PAGE and records > 2 * page * buckets * PAGES_IN_BUCKET:
        page *= 2
    smallest = PAGES_IN_BUCKET * buckets + 4 * BLOCK_RECORDS // page
    return _Plan(triangle_words, borders, bucket_of, column_bits, page, max(smallest, records // page))


def _borders(occurrences: NDArray[np.int64], first: int, row_bits: int) -> NDArray[np.int64]:
    """Cut the rows from ``first`` on into buckets of about equally many records, which keep ``row_bits`` of a row."""
    words = occurrences.size
    done = np.cumsum(occurrences[first:])
    shares = np.linspace(0, done[-1], BUCKETS + 1)[1:-1] if done.size else np.zeros(0)
    multiples = np.arange(0, words, 1 << row_bits)
    cuts = np.concatenate([first + np.searchsorted(done, shares), multiples[multiples > first], [first, words]])
    borders = np.unique(cuts).astype(np.int64)
    return borders if borders.size > 1 else np.array([words, words])


class _Counters:
    """A counter for each thread; a context manager, at whose end no temporary file is left."""

    def __init__(
        self, plan: _Plan, ids: NDArray[np.int32], keep: NDArray[np.float64], shares: _Shares, threads: int
    ) -> None:
        self.plan, self.ids, self.keep, self.threads = plan, ids, keep, threads
        # A walk takes about as many steps as a window has words, and a step as many sums.
        self.span = max(SMALLEST_SPAN, min(SPAN, 25 * SPAN // shares.of_distance.size**2))
        self.all = [_Counter(plan, ids, keep, shares) for _ in range(threads)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for counter in self.all:
            counter.spill.close()

    def counted(self) -> Generator[int, None, None]:
        """Count the whole text; yields the position at which each span ends."""

        def count(counter: _Counter, start: int) -> int:
            stop = min(start + self.span, self.ids.size)
            counter.count(start, stop)
            return stop

        yield from in_order_with(self.all, count, range(0, self.ids.size, self.span))

    def lower(self, finish: Callable[[Sums], Finished]) -> Iterator[Finished]:
        """The lower triangle, some rows at a time: what ``finish``, which several threads call, makes of the sums."""
        yield from in_order(lambda span: finish(self._triangle_sums(span)), self._triangle_spans(), self.threads)
        for counter in self.all:
            counter.triangle = None  # its memory is wanted for the buckets
        yield from in_order(lambda bucket: finish(self._bucket_sums(bucket)), self._buckets(), self.threads)

    def _triangle_spans(self) -> Iterator[tuple[int, int]]:
        words = self.plan.triangle_words
        first = 0
        while first < words:
            last = min(words, max(first + 1, int((first**2 + 2 * TRIANGLE_ROWS * words) ** 0.5)))
            yield first, last
            first = last

    def _triangle_sums(self, span: tuple[int, int]) -> Sums:
        from lexigrad.kernels.counts.walk import triangle_sums

        first, last = span
        cells = slice(first * (first + 1) // 2, last * (last + 1) // 2)
        total = self.all[0].triangle.cells[cells]
        for counter in self.all[1:]:
            total += counter.triangle.cells[cells]
        return Sums(first, *triangle_sums(total, first, last - first))

    def _buckets(self) -> Iterator[tuple[int, int, NDArray[np.uint64]]]:
        """First row, row behind the last, and all records of each bucket; drawn by one thread, as pages change."""
        for bucket, (first, last) in enumerate(pairwise(self.plan.borders.tolist())):
            yield first, last, np.concatenate([records for counter in self.all for records in counter.take(bucket)])

    def _bucket_sums(self, bucket: tuple[int, int, NDArray[np.uint64]]) -> Sums:
        from lexigrad.kernels.counts.walk import bucket_sums

        first, last, records = bucket
        records.sort()
        return Sums(first, *bucket_sums(records, first, last - first, self.plan.column_bits))


class _Counter:
    """The scratch space of one thread that counts: the sums and records that it has gathered so far."""

    def __init__(self, plan: _Plan, ids: NDArray[np.int32], keep: NDArray[np.float64], shares: _Shares) -> None:
        self.ids = ids
        self.walk = _walk(keep, shares)
        self.triangle = _triangle(plan)
        self.pages = _pages(plan)
        self.buckets = plan.borders.size - 1
        self.runs: list[list[int]] = []
        """For each time that records were written: the byte of the file where each bucket begins, and the last ends."""
        self.spill = Spill()  # closed by _Counters

    def count(self, start: int, stop: int) -> None:
        """Count the words to the right of each center of a span."""
        from lexigrad.kernels.counts.walk import count_span

        at = np.array([start, 0], dtype=np.int64)
        while not count_span(self.ids, stop, at, self.walk, self.triangle, self.pages):
            self._make_room()

    def take(self, bucket: int) -> Iterator[NDArray[np.uint64]]:
        """All records of a bucket, those in the temporary file among them."""
        from lexigrad.kernels.counts.walk import take_records

        yield take_records(bucket, self.pages)
        for run in self.runs:
            records = np.empty((run[bucket + 1] - run[bucket]) // RECORD_BYTES, dtype=np.uint64)
            self.spill.read(run[bucket], records)
            yield records

    def _make_room(self) -> None:
        """Add up the records of each pair; write them to the file if they still take more than half of the pages."""
        from lexigrad.kernels.counts.walk import combine, put_records, take_records

        for bucket in range(self.buckets):
            records = take_records(bucket, self.pages)
            records.sort()
            put_records(records[: combine(records)], bucket, self.pages)
        if self.pages.free_pages[0] < self.pages.free.size // 2:
            self._write()

    def _write(self) -> None:
        from lexigrad.kernels.counts.walk import take_records

        run = [self.spill.append(take_records(bucket, self.pages)) for bucket in range(self.buckets)]
        self.runs.append([*run, self.spill.size_bytes])


def _shares(ids: NDArray[np.int32], config: TrainConfig) -> _Shares:
    from lexigrad.kernels.counts.walk import UNROLLED
    from lexigrad.kernels.sgd.piece import longest_sentence

    window = config.window
    reach = min(window, max(1, longest_sentence(ids) - 1))  # no window goes beyond its sentence
    shares = np.zeros(-(-reach // UNROLLED) * UNROLLED)
    shares[:reach] = 1.0 - np.arange(reach) / window if config.dynamic_window else 1.0
    return _Shares(shares, (window + 1) / 2 if config.dynamic_window else float(window))


def _walk(keep: NDArray[np.float64], shares: _Shares) -> Any:
    """Scratch space for walks."""
    from lexigrad.kernels.counts.walk import LANES, STEPS, Walk

    return Walk(
        keep=keep,
        shares=shares.of_distance,
        whole=shares.whole,
        tolerance=TOLERANCE * shares.whole,
        between=np.empty((1 + shares.of_distance.size, LANES)),
        to_come=np.empty(LANES),
        weight=np.empty(LANES),
        met=np.empty((STEPS, LANES), dtype=np.int32),
        steps=np.empty(LANES, dtype=np.int64),
        kept=np.empty(LANES + STEPS),
        inside=np.empty(LANES + STEPS, dtype=np.int64),
    )


def _triangle(plan: _Plan) -> Any:
    from lexigrad.kernels.counts.walk import LANES, STEPS, Triangle

    return Triangle(
        words=plan.triangle_words,
        cells=np.zeros(max(1, plan.triangle_words * (plan.triangle_words + 1) // 2), dtype=np.uint64),
        waiting=np.empty(LANES * STEPS + 1, dtype=np.int64),
        weights=np.empty(LANES * STEPS + 1, dtype=np.int32),
    )


def _pages(plan: _Plan) -> Any:
    from lexigrad.kernels.counts.walk import LANES, STEPS, Pages

    buckets = plan.borders.size - 1
    return Pages(
        bucket_of=plan.bucket_of,
        column_bits=plan.column_bits,
        page=plan.page,
        records=np.empty(plan.pages * plan.page, dtype=np.uint64),
        older=np.empty(plan.pages, dtype=np.int32),
        newest=np.full(buckets, -1, dtype=np.int32),
        place=np.zeros(buckets, dtype=np.int64),
        free=np.arange(plan.pages, dtype=np.int32)[::-1].copy(),
        free_pages=np.array([plan.pages], dtype=np.int64),
        waiting=np.empty(LANES * STEPS + 1, dtype=np.uint64),
        buckets=np.empty(LANES * STEPS + 1, dtype=np.uint32),
    )


def _joined(pieces: Iterator[Rows]) -> Rows:
    """One matrix of pieces that stand one below another, and whose ``starts`` are lengths."""
    lengths, columns, weights = zip(*pieces, strict=True)
    return Rows(_starts(np.concatenate(lengths)), np.concatenate(columns), np.concatenate(weights))


def _starts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The position at which each row begins, and the last one ends."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])


def _mirrored(lower: Rows, threads: int) -> Rows:
    """The symmetric matrix of a lower triangle."""
    from lexigrad.kernels.counts.sparse import mirror, mirrored_lengths

    starts = _starts(mirrored_lengths(lower.starts, lower.columns))
    whole = Rows(starts, np.empty(starts[-1], dtype=np.int32), np.empty(starts[-1], dtype=np.float32))
    borders = np.searchsorted(starts, np.linspace(0, starts[-1], threads + 1)[1:-1])
    spans = np.concatenate([[0], borders, [starts.size - 1]]).tolist()
    work = [(spans[i], spans[i + 1]) for i in range(threads)]
    for _ in in_order(lambda span: mirror(*lower, *span, *whole), work, threads):
        pass
    return whole
