"""The window counts of a corpus, counted shard by shard, and written row by row.

    shard → its sums, as cells by parts, each a range of rows of the lower triangle → the sum of each part
          → cells by ranges of rows of the symmetric matrix → rows → the file

Sums are whole numbers of 2⁻²⁸, and what a word's own probability of being kept makes of them comes last: the same bytes
as `count_windows` writes. No array of the driver or a worker is as long as the matrix; the longest has a number a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.config import TrainConfig
from lexigrad.corpus.shards.cut import cut_shards, find_text
from lexigrad.corpus.shards.reading import Total, reading_options
from lexigrad.corpus.shards.sums import add_cells, count_shard, deal_cells, finished_rows, lengths_of
from lexigrad.corpus.shards.vocabulary import shard_bytes_of
from lexigrad.corpus.shards.words import WordCounts, letters_of_words
from lexigrad.corpus.vocabulary import Vocabulary
from lexigrad.corpus.windows import counting
from lexigrad.corpus.windows.countsfile import COUNT_OPTIONS, CountsContent, write_counts_file
from lexigrad.engines.flow import Flow, SumTrees
from lexigrad.errors import CorpusError, InputError
from lexigrad.files.arrays import Pieces
from lexigrad.files.atomic import atomic_write

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from lexigrad.corpus.phrases.phrases import Phrases
    from lexigrad.corpus.report import ReadingReport
    from lexigrad.corpus.shards.cut import Files
    from lexigrad.corpus.shards.reading import ShardReport
    from lexigrad.corpus.shards.vocabulary import CountedWords
    from lexigrad.engines.interface import Engine, Ref

__all__ = ["DEFAULT_MEMORY_BYTES", "WrittenCounts", "counting_shard_bytes", "write_window_counts"]

DEFAULT_MEMORY_BYTES: Final = 200_000_000
LEAST_MEMORY_BYTES: Final = 1 << 20
BYTES_OF_CELL: Final = 6
MOST_PARTS: Final = 512
MOST_PIECES: Final = 1 << 14
"""The number of values on the way from parts to rows at once: the driver keeps an account of each."""

# A worker's memory is divided by these.
COUNTING: Final = 2
SHARD: Final = 12
PART: Final = 16
ENTRIES: Final = 64


class WrittenCounts(NamedTuple):
    """The report on the text whose window counts were written, and the size of the file's matrix."""

    report: ReadingReport
    entries: int
    """The number of entries of the matrix."""
    pairs: float
    """The expected number of pairs of a center and an outside word."""
    moved_bytes: int
    """The bytes that shards, parts and ranges of rows handed on."""


def write_window_counts(
    source: str | Sequence[str],
    output: str | os.PathLike[str],
    config: TrainConfig | None = None,
    *,
    engine: Engine,
    words: CountedWords | Vocabulary,
    memory_bytes: int | None = None,
    shard_bytes: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> WrittenCounts:
    r"""Count windows of files on an engine: the file is that of `count_windows`, byte for byte.

    Args:
        source: files, as for `count_words`.
        output: the .npz file to write.
        config: as for `read_corpus` and `count_windows`; None is ``TrainConfig()``.
        engine: makes the calls; neither its kind nor its workers change a byte.
        words: the words that `count_words` found in the same text, whose phrases are joined; or a vocabulary, of
            another text, and no phrases.
        memory_bytes: how much each worker may use, more or less, besides its memory without work; 200 MB if not given.
            The vocabulary and a row of the matrix must fit in any case.
        shard_bytes: the length of a shard, on which the bytes do not depend; by the size of the text if not given.
        progress: is called now and then with the bytes of text counted and the bytes in all.

    Returns:
        The report on what was read, and the size of what was written.

    Raises:
        CorpusError: As `read_corpus`; or the text was written to since `count_words` read it.
        InputError: As `count_windows` and `count_words`.

    Example:
        >>> from pathlib import Path
        >>> from lexigrad import WindowCounts
        >>> from lexigrad.corpus.shards import count_words
        >>> from lexigrad.engines.threads import ThreadEngine
        >>> written = Path("sentences.txt").write_text("to be or\nnot to be\n")
        >>> config = TrainConfig(min_count=1, window=1, subsample=0)
        >>> with ThreadEngine(2) as engine:
        ...     found = count_words("sentences.txt", config, engine=engine)
        ...     result = write_window_counts("sentences.txt", "counts.npz", config, engine=engine, words=found)
        >>> result.entries, result.pairs, WindowCounts.load("counts.npz").pairs
        (6, 8.0, 8.0)
    """
    config = config or TrainConfig()
    if memory_bytes is not None and memory_bytes < 1:
        raise InputError(f"memory_bytes must be at least 1, not {memory_bytes}")
    vocabulary, read_before, phrases = (words, None, None) if isinstance(words, Vocabulary) else words
    if config.phrases and phrases is None:
        raise InputError("the config asks for phrases; give those that count_words found")
    counting.check_size(len(vocabulary))
    job = _Job(engine, vocabulary, config, max(LEAST_MEMORY_BYTES, memory_bytes or DEFAULT_MEMORY_BYTES))
    files = find_text([source] if isinstance(source, str) else source)
    report, parts = job.counted(files, phrases, shard_bytes, progress)
    if read_before is not None:
        _check_unchanged(read_before, report)
    rows = job.rows(parts)
    options = {name: getattr(config, name) for name in COUNT_OPTIONS}
    matrix = rows.starts, job.drawn(rows.columns, rows.entries, "<i4"), job.drawn(rows.weights, rows.entries, "<f4")
    with atomic_write(output) as file:
        write_counts_file(file, CountsContent(vocabulary, *matrix, options, report.kept, phrases))
    engine.free([job.options, job.keep])
    return WrittenCounts(report, rows.entries, rows.pairs, job.moved_bytes)


def _check_unchanged(before: ReadingReport, now: ReadingReport) -> None:
    """Refuse a text of which another amount was read the second time."""
    for name in ("files", "bytes", "lines", "tokens", "kept"):
        if getattr(before, name) != getattr(now, name):
            raise CorpusError(
                f"the text was written to while it was counted: it had {before.tokens:,} tokens in {before.bytes:,} "
                f"bytes, and now has {now.tokens:,} in {now.bytes:,}; count it again when it stays as it is"
            )


def counting_shard_bytes(total_bytes: int, memory_bytes: int) -> int:
    """The length of the shards of a text whose windows are counted by workers with so much memory.

    Example:
        >>> counting_shard_bytes(10**8, 200_000_000), counting_shard_bytes(10**12, 200_000_000)
        (3125000, 16666666)
    """
    return min(shard_bytes_of(total_bytes), memory_bytes // SHARD)


class _Rows(NamedTuple):
    """The symmetric matrix, of which the engine has the columns and the weights, some rows at a time."""

    starts: NDArray[np.int64]
    columns: list[Ref]
    weights: list[Ref]
    pairs: float

    @property
    def entries(self) -> int:
        return int(self.starts[-1])


class _Job:
    """The counting of one text on an engine."""

    def __init__(self, engine: Engine, vocabulary: Vocabulary, config: TrainConfig, memory_bytes: int) -> None:
        self.engine, self.vocabulary, self.config, self.memory_bytes = engine, vocabulary, config, memory_bytes
        self.flow = Flow(engine)
        self.options = engine.put(reading_options(config))
        self.keep = engine.put(vocabulary.keep_probability(config.subsample))
        self.moved_bytes = 0
        self.borders = _part_borders(vocabulary.counts, config.window, memory_bytes // PART)

    def counted(
        self,
        files: Files,
        phrases: Phrases | None,
        shard_bytes: int | None,
        progress: Callable[[int, int], None] | None,
    ) -> tuple[ReadingReport, list[Ref]]:
        """Count all shards; returns the report on what was read, and the cells of each part."""
        total = Total(files)

        def read(receipt: tuple[ShardReport, int]) -> None:
            total.add(receipt[0])
            self.moved_bytes += receipt[1]
            if progress is not None:
                progress(total.done_bytes, files.total_bytes)

        put = self.engine.put
        words = put(WordCounts(letters_of_words(self.vocabulary.words), self.vocabulary.counts))
        tensors, borders = put(None if phrases is None else phrases.to_tensors()), put(self.borders)
        length = shard_bytes or counting_shard_bytes(files.total_bytes, self.memory_bytes)
        sums = SumTrees(self.flow, add_cells, self.borders.size - 1, self._moved)
        for number, shard in enumerate(cut_shards(files, length)):
            arguments = (shard, self.options, tensors, words, self.keep, borders, self.memory_bytes // COUNTING)
            sums.put(self.flow.call(count_shard, *arguments, values=sums.parts, on=number, receipt=read))
        self.flow.finish()
        report = total.report_on_given()
        roots = sums.total()
        self.flow.finish()
        self.engine.free([words, tensors, borders])
        return report, roots

    def rows(self, parts: list[Ref]) -> _Rows:
        """The symmetric matrix, made of the cells of each part."""
        expected = self._lengths(parts)
        borders = _row_borders(expected, self.memory_bytes // ENTRIES)
        lengths: list[NDArray[np.int64]] = []
        sums: list[NDArray[np.float64]] = []
        columns, weights = [], []

        def take(receipt: tuple[NDArray[np.int64], NDArray[np.float64]]) -> None:
            lengths.append(receipt[0].copy())
            sums.append(receipt[1].copy())

        at_once = max(1, MOST_PIECES // len(parts))
        for begin in range(0, borders.size - 1, at_once):
            few = borders[begin : begin + at_once + 1]
            for number, pieces in enumerate(zip(*self._dealt(parts, few), strict=True)):
                first, last = few[number : number + 2].tolist()
                arguments = first, expected[first:last], self.keep
                some = self.flow.call(finished_rows, *arguments, *pieces, values=2, on=begin + number, receipt=take)
                self.engine.free(pieces)
                columns.append(some[0])
                weights.append(some[1])
        self.flow.finish()
        self.engine.free(parts)
        starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(np.concatenate(lengths))])
        return _Rows(starts, columns, weights, float(np.concatenate(sums).sum()))

    def drawn(self, refs: list[Ref], size: int, dtype: str) -> Pieces:
        """An array that comes from the engine piece by piece; each piece is freed when the next one is wanted."""

        def pieces() -> Iterator[NDArray[Any]]:
            for ref in refs:
                (piece,) = self.engine.get([ref])
                yield piece
                self.engine.free([ref])

        return Pieces(np.dtype(dtype), size, pieces())

    def _lengths(self, parts: list[Ref]) -> NDArray[np.int64]:
        """The entries of each row of the symmetric matrix."""
        lengths = np.zeros(len(self.vocabulary), dtype=np.int64)

        def add(some: NDArray[np.int64]) -> None:
            np.add(lengths, some, out=lengths)

        for number, part in enumerate(parts):
            self.flow.call(lengths_of, part, lengths.size, values=0, on=number, receipt=add)
        self.flow.finish()
        return lengths

    def _dealt(self, parts: list[Ref], borders: NDArray[np.int64]) -> list[list[Ref]]:
        """The cells of parts by some ranges of rows; a part whose rows end before has none, as columns are smaller."""
        how: dict[str, Any] = {"values": borders.size - 1, "receipt": self._moved}
        words = len(self.vocabulary)
        behind = [number for number in range(len(parts)) if self.borders[number + 1] > borders[0]]
        return [self.flow.call(deal_cells, parts[number], borders, words, **how, on=number) for number in behind]

    def _moved(self, moved_bytes: int) -> None:
        self.moved_bytes += moved_bytes


def _part_borders(occurrences: NDArray[np.int64], window: int, part_bytes: int) -> NDArray[np.int64]:
    """Cut the rows of the lower triangle into parts of about as many cells.

    A row has no more cells than there are words before it, and about 1.6 m n^0.8 if these are many, with n the word's
    count and m the window. By the harmonic mean of both the largest of 16 parts has 1.14 to 1.24 times the mean (2 and
    17 million words of Wikipedia, 5,000 to 73,561 words); all parts have 1.6 times as many cells as the estimate says.
    """
    words = occurrences.size
    many = 1.6 * min(window, words) * occurrences.astype(np.float64) ** 0.8
    cells = 1.6 * np.cumsum(1 / (1 / np.arange(1, words + 1) + 1 / many))
    return _cut(cells, int(min(MOST_PARTS, words, 1 + BYTES_OF_CELL * cells[-1] // part_bytes)))


def _row_borders(lengths: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Cut the rows of the symmetric matrix into ranges of about so many entries."""
    entries = np.cumsum(lengths)
    return _cut(entries, int(min(lengths.size, 1 + entries[-1] // most)))


def _cut(sums: NDArray[Any], pieces: int) -> NDArray[np.int64]:
    """The borders of pieces of about equal share, given the sums up to each row."""
    shares = np.linspace(0, sums[-1], pieces + 1)[1:-1]
    return np.unique(np.concatenate([[0], np.searchsorted(sums, shares), [sums.size]])).astype(np.int64)
