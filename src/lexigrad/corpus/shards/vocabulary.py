"""The vocabulary of a corpus, counted shard by shard.

    shard → its words and counts, dealt to parts by a hash of the word → the sum of each part → its frequent words

A word is in one part only, so parts are added up and cut apart from each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.config import TrainConfig
from lexigrad.corpus.reading import no_frequent_word
from lexigrad.corpus.shards.cut import Shard, cut_shards, find_text
from lexigrad.corpus.shards.phrases import learn
from lexigrad.corpus.shards.reading import ShardReport, ShardText, Total, reading_options, shard_text
from lexigrad.corpus.shards.words import WordCounts, add_words, chosen, dealt, letters_of, letters_of_words, words_of
from lexigrad.corpus.vocabulary import Vocabulary
from lexigrad.engines.flow import Flow, SumTrees

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lexigrad.corpus.phrases.phrases import Phrases
    from lexigrad.corpus.report import ReadingReport
    from lexigrad.engines.interface import Engine, Ref

__all__ = ["CountedWords", "count_words", "shard_bytes_of"]

LEAST_SHARD_BYTES: Final = 1 << 20
MOST_SHARD_BYTES: Final = 1 << 26
SHARDS: Final = 32
"""The least number of shards of a text that is longer than as many of the shortest ones."""

PART_BYTES: Final = 1 << 28
"""Text for each part of the vocabulary: its distinct words take a small share of that."""
MOST_PARTS: Final = 256


class CountedWords(NamedTuple):
    """The words of a text as `count_words` found them."""

    vocabulary: Vocabulary
    report: ReadingReport
    phrases: Phrases | None
    """The phrases that were joined; None if the text was counted without phrases."""


class Frequent(NamedTuple):
    """The frequent words of a part, and the number of tokens of the others."""

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
    progress: Callable[[int, int], None] | None = None,
    phrase_progress: Callable[[int, int], None] | None = None,
) -> CountedWords:
    r"""Count the words of files on an engine: what `read_corpus` finds, without the ids.

    Args:
        source: a path, or a list of them: files, folders, globs, and addresses such as ``s3://bucket/folder`` (extra
            ``remote``). Parquet is read by row groups; a compressed file is one shard.
        config: as for `read_corpus`; None is ``TrainConfig()``.
        engine: makes the calls; neither its kind nor its workers change the result.
        vocabulary: fixes the words, their counts and their order; only the report is new then.
        phrases: join these phrases, and learn none. Without them ``phrases`` of the config says how many passes over
            the files learn phrases before.
        shard_bytes: the length of a shard, on which the result does not depend; by the size of the text if not given.
        progress: is called now and then with the bytes read and the bytes in all.
        phrase_progress: is called now and then while phrases are learnt, with the bytes of all passes.

    Returns:
        The vocabulary, the report on what was read, and the phrases, all as `read_corpus` has them.

    Raises:
        CorpusError: As `read_corpus`.
        InputError: The source can be read once only or is a saved corpus, or ``tokens`` is a function; or there are
            phrases to join, and the text has ids.

    Example:
        >>> from pathlib import Path
        >>> from lexigrad.engines.threads import ThreadEngine
        >>> written = Path("sentences.txt").write_text("the cat sat\nthe dog sat\n")
        >>> with ThreadEngine(2) as engine:
        ...     config = TrainConfig(min_count=2)
        ...     found = count_words("sentences.txt", config, engine=engine, shard_bytes=5)
        >>> found.vocabulary.words, found.report.lines, found.report.dropped_rare
        (['sat', 'the'], 2, 2)

    Source: map and reduce, Dean and Ghemawat 2004.
    """
    config = config or TrainConfig()
    options = reading_options(config)
    files = find_text([source] if isinstance(source, str) else source)
    length = shard_bytes or shard_bytes_of(files.total_bytes)
    parts = min(MOST_PARTS, 1 + files.total_bytes // PART_BYTES)
    if phrases is None and config.phrases:
        phrases = learn(engine, files, options, parts, length, phrase_progress)
    total, flow = Total(files), Flow(engine)

    def read(report: ShardReport) -> None:
        total.add(report)
        if progress is not None:
            progress(total.done_bytes, files.total_bytes)

    tensors = engine.put(None if phrases is None else phrases.to_tensors())
    wanted = engine.put(None if vocabulary is None else letters_of_words(vocabulary.words))
    sums = SumTrees(flow, add_words, 0 if vocabulary is not None else parts)
    for number, shard in enumerate(cut_shards(files, length)):
        arguments = (shard, options, tensors, wanted, sums.parts)
        sums.put(flow.call(count_shard, *arguments, values=sums.parts, on=number, receipt=read))
    flow.finish()
    engine.free([tensors, wanted])
    total.check_words()
    if vocabulary is not None:
        return CountedWords(vocabulary, total.report_on_given(), phrases)
    roots = sums.total()
    flow.finish()
    found, kept = _frequent(engine, roots, config, total.tokens)
    return CountedWords(found, total.report(**kept), phrases)


def shard_bytes_of(total_bytes: int) -> int:
    """The length of the shards of a text where none is asked for."""
    return min(MOST_SHARD_BYTES, max(LEAST_SHARD_BYTES, total_bytes // SHARDS))


def count_shard(shard: Shard, config: TrainConfig, phrases: Any, wanted: NDArray[np.uint8] | None, parts: int) -> Any:
    """Count a shard; returns the report on it and its words by parts, or the report alone if words are ``wanted``."""
    with shard_text(shard, config, phrases) as read:
        known = read.table.counts.size
        for _ in read.text.renumbered(np.arange(known, dtype=np.int32)):
            pass  # only now the lines are counted
        kept = 0 if wanted is None else _kept(read, wanted)
        found = read.report(kept)
        return (found, *dealt(*letters_of(read.table), read.table.counts, parts)) if parts else found


def _kept(read: ShardText, wanted: NDArray[np.uint8]) -> int:
    """The number of tokens whose word is wanted."""
    occurrences = read.table.counts.copy()
    ids = read.table.ids_of(words_of(wanted.tobytes()))
    return int(occurrences[ids[(ids >= 0) & (ids < occurrences.size)]].sum())


def frequent_words(part: WordCounts, min_count: int, max_vocabulary: int | None) -> Frequent:
    """The frequent words of a part, few more than could be in the vocabulary."""
    counts = part.counts
    least = min_count
    if max_vocabulary is not None and counts.size > max_vocabulary:
        least = max(least, int(np.partition(counts, -max_vocabulary)[-max_vocabulary]))
    found = np.flatnonzero(counts >= least)
    most = int(counts.max(initial=0))
    first = min(words_of(chosen(part, np.flatnonzero(counts == most))), default="") if most < min_count else ""
    rare = int(counts[counts < min_count].sum())
    kept = WordCounts(np.frombuffer(chosen(part, found), dtype=np.uint8), counts[found])
    return Frequent(kept, rare, (most, first))


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
