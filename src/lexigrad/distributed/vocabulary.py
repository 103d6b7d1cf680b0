"""The vocabulary of a corpus, counted shard by shard.

    shard → its words and counts, dealt to parts by a hash of the word → the sum of each part → its frequent words

A word is in one part only, so parts are added up and cut apart from each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.config import TrainConfig
from lexigrad.corpus import no_frequent_word
from lexigrad.distributed.flow import Flow, Sums
from lexigrad.distributed.reading import (
    ShardReport,
    ShardText,
    Total,
    letters_of,
    reading_options,
    shard_text,
    words_of,
)
from lexigrad.distributed.shards import Shard, cut_shards, find_text
from lexigrad.errors import CorpusError
from lexigrad.sentences import WORD_END_BYTE
from lexigrad.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from lexigrad.engines.interface import Engine, Ref
    from lexigrad.phrases import Phrases
    from lexigrad.report import ReadingReport

__all__ = ["WordCounts", "add_words", "count_words", "shard_bytes_of"]

LEAST_SHARD_BYTES: Final = 1 << 20
MOST_SHARD_BYTES: Final = 1 << 26
SHARDS: Final = 32
"""A text of more than these many of the least shards has so many at least, and more if they would be too long."""

PART_BYTES: Final = 1 << 28
"""Text for each part of the vocabulary: its distinct words take a small share of that."""
MOST_PARTS: Final = 256


class WordCounts(NamedTuple):
    """Distinct words, an end behind each, and how often each occurs."""

    letters: NDArray[np.uint8]
    counts: NDArray[np.int64]


class Frequent(NamedTuple):
    """What is frequent in a part, and what is not."""

    words: WordCounts
    rare: int
    """Tokens whose word occurs less often than it must."""
    most: tuple[int, str]
    """The largest count, and the first word that has it, if even that is rare."""


def count_words(
    source: str | Sequence[str],
    config: TrainConfig | None = None,
    *,
    engine: Engine,
    vocabulary: Vocabulary | None = None,
    phrases: Phrases | None = None,
    shard_bytes: int | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> tuple[Vocabulary, ReadingReport]:
    r"""Count the words of files on an engine: what `read_corpus` finds, without the ids.

    Args:
        source: A path, or a list of them: files, folders, globs, and addresses such as ``s3://bucket/folder`` (extra
            ``remote``). Parquet is read by row groups; a compressed file is one shard.
        config: As for `read_corpus`; None is ``TrainConfig()``.
        engine: Carries it out; neither its kind nor its workers change the result.
        vocabulary: Fixes the words, their counts and their order; only the report is new then.
        phrases: Join these phrases, and learn none.
        shard_bytes: How long a shard is; the result does not depend on it. By the size of the text if not given.
        progress: Called now and then with the bytes read and the bytes in all.

    Returns:
        The vocabulary and what was read, both as `read_corpus` has them.

    Raises:
        CorpusError: As `read_corpus`.
        InputError: The source can be read once only or is a saved corpus, or ``tokens`` is a function.

    Example:
        >>> from pathlib import Path
        >>> from lexigrad.engines.threads import ThreadEngine
        >>> written = Path("sentences.txt").write_text("the cat sat\nthe dog sat\n")
        >>> with ThreadEngine(2) as engine:
        ...     config = TrainConfig(min_count=2)
        ...     vocabulary, report = count_words("sentences.txt", config, engine=engine, shard_bytes=5)
        >>> vocabulary.words, report.lines, report.dropped_rare
        (['sat', 'the'], 2, 2)

    Source: map and reduce, Dean and Ghemawat 2004.
    """
    config = config or TrainConfig()
    files = find_text([source] if isinstance(source, str) else source)
    total, flow = Total(files), Flow(engine)
    wanted = None if vocabulary is None else engine.put(letters_of_words(vocabulary.words))
    parts = 0 if vocabulary is not None else min(MOST_PARTS, 1 + files.total_bytes // PART_BYTES)
    options, tensors = reading_options(config), engine.put(None if phrases is None else phrases.to_tensors())

    def read(report: ShardReport) -> None:
        total.add(report)
        if progress is not None:
            progress(total.done_bytes, files.total_bytes)

    sums = Sums(flow, add_words, parts)
    for number, shard in enumerate(cut_shards(files, shard_bytes or shard_bytes_of(files.total_bytes))):
        arguments = (shard, options, tensors, wanted, parts)
        sums.put(flow.call(count_shard, *arguments, values=parts, on=number, receipt=read))
    flow.finish()
    engine.free([tensors] if wanted is None else [tensors, wanted])
    total.check_words()
    if vocabulary is not None:
        if not total.kept:
            raise CorpusError(
                "none of the vocabulary's words occurs in the text; give other text or another vocabulary"
            )
        return vocabulary, total.report(kept=total.kept, dropped_unknown=total.tokens - total.kept)
    roots = sums.total()
    flow.finish()
    found, kept = _frequent(engine, roots, config, total.tokens)
    return found, total.report(**kept)


def shard_bytes_of(total_bytes: int) -> int:
    """How long the shards of a text are when nobody says."""
    return min(MOST_SHARD_BYTES, max(LEAST_SHARD_BYTES, total_bytes // SHARDS))


def letters_of_words(words: Iterable[str]) -> NDArray[np.uint8]:
    """The bytes of words, an end behind each."""
    return np.frombuffer(b"".join([word.encode() + WORD_END_BYTE for word in words]), dtype=np.uint8)


def count_shard(
    shard: Shard, config: TrainConfig, phrases: Any, wanted: NDArray[np.uint8] | None, parts: int
) -> tuple[Any, ...]:
    """What was read of a shard, and its words by parts; or how many of its tokens are ``wanted``, if that is given."""
    with shard_text(shard, config, phrases) as read:
        known = read.table.counts.size
        for _ in read.text.renumbered(np.arange(known, dtype=np.int32)):
            pass  # only now the lines are counted
        kept = 0 if wanted is None else _kept(read, wanted)
        found = read.report(kept)
        return (found, *_dealt(read, parts)) if parts else found


def _kept(read: ShardText, wanted: NDArray[np.uint8]) -> int:
    """How many tokens are among the words wanted."""
    occurrences = read.table.counts.copy()
    ids = read.table.ids_of(words_of(wanted.tobytes()))
    return int(occurrences[ids[(ids >= 0) & (ids < occurrences.size)]].sum())


def _dealt(read: ShardText, parts: int) -> list[WordCounts]:
    """The words by parts."""
    from lexigrad.kernels.wordparts import gather_words, parts_of_words

    letters, borders = letters_of(read.table)
    letters = np.array(letters)  # one plain kind of array: Numba compiles for each kind anew
    part_of = np.zeros(borders.size - 1, dtype=np.int64)
    parts_of_words(letters, borders, parts, part_of)
    order = np.argsort(part_of, kind="stable")
    order = order[read.table.counts[order] > 0]  # all of a word's occurrences may have been joined
    sizes = np.diff(borders)[order]
    out = np.empty(int(sizes.sum()), dtype=np.uint8)
    gather_words(letters, borders, order, out)
    ends = np.searchsorted(part_of[order], np.arange(1, parts))
    letter_ends = np.append(0, np.cumsum(sizes))[ends]
    counts = np.split(read.table.counts[order], ends)
    return [WordCounts(*part) for part in zip(np.split(out, letter_ends), counts, strict=True)]


def add_words(*parts: WordCounts) -> tuple[int, WordCounts]:
    """How many words there are, and all with their counts added up."""
    from lexigrad.kernels.wordtable import WordTable

    table = WordTable()
    for part in parts:
        table.add(part.letters.tobytes(), part.counts)
    letters, _ = letters_of(table)
    return len(table), WordCounts(letters.copy(), table.counts.copy())


def frequent_words(part: WordCounts, min_count: int, max_vocabulary: int | None) -> Frequent:
    """The frequent words of a part, no more than could be in the vocabulary."""
    counts = part.counts
    least = min_count
    if max_vocabulary is not None and counts.size > max_vocabulary:
        least = max(least, int(np.partition(counts, -max_vocabulary)[-max_vocabulary]))
    found = np.flatnonzero(counts >= least)
    words = dict(zip(_chosen(part, found), counts[found].tolist(), strict=True))
    kept = Vocabulary.from_counts(words, max_vocabulary=max_vocabulary)
    most = int(counts.max(initial=0))
    first = min(_chosen(part, np.flatnonzero(counts == most)), default="") if most < min_count else ""
    rare = int(counts[counts < min_count].sum())
    return Frequent(WordCounts(letters_of_words(kept.words), kept.counts), rare, (most, first))


def _chosen(part: WordCounts, numbers: NDArray[np.int64]) -> list[str]:
    """Some words of a part."""
    ends = np.flatnonzero(part.letters == WORD_END_BYTE[0])
    begins = np.append(0, ends[:-1] + 1)
    letters = part.letters.data
    spans = zip(begins[numbers].tolist(), ends[numbers].tolist(), strict=True)
    return [str(letters[begin:end], "utf-8") for begin, end in spans]


def _frequent(engine: Engine, roots: list[Ref], config: TrainConfig, tokens: int) -> tuple[Vocabulary, dict[str, int]]:
    """The words that ``min_count`` and ``max_vocabulary`` leave, and how many tokens are kept and dropped."""
    counts: dict[str, int] = {}
    rare, most = 0, (0, "")
    refs = [
        engine.call(frequent_words, root, config.min_count, config.max_vocabulary, on=i) for i, root in enumerate(roots)
    ]
    engine.free(roots)
    for ref in refs:
        (part,) = engine.get([ref])
        engine.free([ref])
        counts |= zip(words_of(part.words.letters.tobytes()), part.words.counts.tolist(), strict=True)
        rare += part.rare
        most = min(most, part.most, key=lambda found: (-found[0], found[1]))
    if not counts:
        raise no_frequent_word(config.min_count, *most)
    vocabulary = Vocabulary.from_counts(counts, max_vocabulary=config.max_vocabulary)
    kept = vocabulary.total
    return vocabulary, {"kept": kept, "dropped_rare": rare, "dropped_by_max_vocabulary": tokens - rare - kept}
