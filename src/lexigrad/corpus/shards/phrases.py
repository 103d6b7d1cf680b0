"""The phrases of a corpus, found shard by shard: those that `lexigrad.learn_phrases` finds.

A shard gives the counts of its words and candidates by their spelling, and how each candidate is put together. Strings
that are spelt alike go to one part. So a part has the whole count of each of its spellings, and knows which candidates
are frequent; their scores are few enough to be computed in one place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.corpus.encoding import stored_ids
from lexigrad.corpus.phrases.bigrams import Spelling, count_candidates
from lexigrad.corpus.phrases.learning import scored, word_table
from lexigrad.corpus.phrases.phrases import Phrase, Phrases
from lexigrad.corpus.shards.cut import Shard, cut_shards
from lexigrad.corpus.shards.reading import Total, shard_text
from lexigrad.corpus.shards.words import WordCounts, add_words, chosen, dealt, letters_of_words
from lexigrad.engines.flow import Flow, SumTrees
from lexigrad.kernels.text.ends import WORD_END_BYTE

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig
    from lexigrad.corpus.shards.cut import Files
    from lexigrad.corpus.shards.reading import ShardReport
    from lexigrad.engines.interface import Engine, Ref

__all__ = ["learn"]

JOINT: Final = b"\xfd"
"""The byte between the words of a candidate; like the end of a word it occurs in no UTF-8."""
DELIMITER: Final = "_"
LONGEST_SHARD_BYTES: Final = 1 << 20
"""A worker makes strings of all candidates of a shard, some 100 MB of them."""


class Found(NamedTuple):
    """The frequent candidates of a part."""

    strings: int
    """The number of distinct spellings, frequent or not."""
    candidates: WordCounts
    """Candidates with a joint between their words; each has the count of all that is spelt like it."""


def learn(
    engine: Engine,
    files: Files,
    config: TrainConfig,
    parts: int,
    shard_bytes: int,
    progress: Callable[[int, int], None] | None,
) -> Phrases:
    """Find the phrases of a corpus, pass by pass.

    Args:
        engine: the engine that makes the calls.
        files: the corpus.
        config: the options of reading and of phrases.
        parts: the number of parts that spellings are dealt to.
        shard_bytes: the length of a shard.
        progress: is called now and then with the bytes gone through, and those in all: each pass reads the text.
    """
    passes: list[list[Phrase]] = []
    for number in range(config.phrases):
        so_far = _phrases(passes, config)
        before, whole = number * files.total_bytes, config.phrases * files.total_bytes
        found = _Pass(engine, files, config, so_far if passes else None).found(
            parts,
            shard_bytes,
            lambda done: progress and progress(before + done, whole),  # noqa: B023 - called at once
        )
        if not found:
            break
        passes.append(found)
    return _phrases(passes, config)


def _phrases(passes: list[list[Phrase]], config: TrainConfig) -> Phrases:
    return Phrases(
        passes,
        connector_words=config.connectors,
        min_count=config.phrase_min_count,
        scoring=config.phrase_scoring,
        threshold=config.threshold_of_phrases,
    )


class _Pass:
    """One pass over the corpus."""

    def __init__(self, engine: Engine, files: Files, config: TrainConfig, joined: Phrases | None) -> None:
        self.engine, self.files, self.config = engine, files, config
        self.flow, self.total = Flow(engine), Total(files)
        self.words = 0
        self.tensors = engine.put(None if joined is None else joined.to_tensors())

    def found(self, parts: int, shard_bytes: int, progress: Callable[[int], object]) -> list[Phrase]:
        """The phrases of this pass."""

        def read(receipt: tuple[ShardReport, int]) -> None:
            self.total.add(receipt[0])
            self.words += receipt[1]
            progress(self.total.done_bytes)

        sums = SumTrees(self.flow, add_words, parts)
        for number, shard in enumerate(cut_shards(self.files, min(shard_bytes, LONGEST_SHARD_BYTES))):
            arguments = (shard, self.config, self.tensors, parts)
            sums.put(self.flow.call(count_shard_candidates, *arguments, values=parts, on=number, receipt=read))
        self.flow.finish()
        self.total.check_words()
        roots = sums.total()
        self.flow.finish()
        phrases = self._above_threshold(roots)
        self.engine.free([*roots, self.tensors])
        return phrases

    def _above_threshold(self, roots: list[Ref]) -> list[Phrase]:
        """The frequent candidates that score enough, by falling score."""
        strings, spelt, counts = 0, [], []
        for ref in [
            self.engine.call(frequent_candidates, root, self.config.phrase_min_count, on=part)
            for part, root in enumerate(roots)
        ]:
            (found,) = self.engine.get([ref])
            self.engine.free([ref])
            strings += found.strings
            spelt += found.candidates.letters.tobytes().split(WORD_END_BYTE)[:-1]
            counts += found.candidates.counts.tolist()
        candidates = [tuple(word.decode() for word in one.split(JOINT)) for one in spelt]
        of_words = self._counts({word for parts in candidates for word in (parts[0], parts[-1])}, roots)
        firsts, seconds = (np.array([of_words[parts[end]] for parts in candidates], np.int64) for end in (0, -1))
        together = np.array(counts, dtype=np.int64)
        scores = scored(firsts, seconds, together, self.words, strings, self.config)
        above = np.flatnonzero(scores > self.config.threshold_of_phrases).tolist()
        phrases = [Phrase(candidates[i], counts[i], float(scores[i])) for i in above]
        return sorted(phrases, key=lambda phrase: (-phrase.score, phrase.parts))

    def _counts(self, words: set[str], roots: list[Ref]) -> dict[str, int]:
        """How often words occur, by their spelling."""
        ordered = sorted(words)
        wanted = self.engine.put(letters_of_words(ordered))
        refs = [self.engine.call(counts_of, root, wanted, on=part) for part, root in enumerate(roots)]
        counts = np.zeros(len(ordered), dtype=np.int64)
        for ref in refs:
            counts += self.engine.get([ref])[0]
        self.engine.free([wanted, *refs])
        return dict(zip(ordered, counts.tolist(), strict=True))


def count_shard_candidates(shard: Shard, config: TrainConfig, phrases: Any, parts: int) -> tuple[Any, ...]:
    """Count a shard; returns the report on it and the length of its text in words, and its spellings by parts.

    A spelling has its count. Each candidate stands there once more, with a joint between its words and a count that
    says nothing.
    """
    with shard_text(shard, config, phrases) as read:
        table = word_table(read.table)
        ids = stored_ids(read.text.renumbered(np.arange(len(table), dtype=np.int32)))
        report = read.report()
        spelling = Spelling(table, config.connectors, DELIMITER)
        counted = count_candidates(ids, spelling, 1, 1)
        used = np.flatnonzero(counted.word_counts)
        counts = dict(zip(table.words(used), counted.word_counts[used].tolist(), strict=True))
        candidates = spelling.parts(counted.records)
    counts |= zip(map(DELIMITER.join, candidates), counted.counts.tolist(), strict=True)
    keys = [word.encode() for word in counts] + [JOINT.join(map(str.encode, parts)) for parts in candidates]
    numbers = np.array([*counts.values(), *[1] * len(candidates)], dtype=np.int64)
    letters = np.frombuffer(b"".join([key + WORD_END_BYTE for key in keys]), dtype=np.uint8)
    borders = np.cumsum([0, *(len(key) + 1 for key in keys)], dtype=np.int64)
    return ((report, counted.words), *dealt(letters, borders, numbers, parts, spelt=_spelt(letters)))


def frequent_candidates(part: WordCounts, least: int) -> Found:
    """The candidates of a part that occur often enough, and how many spellings it has."""
    from lexigrad.kernels.text.words import WordTable

    is_candidate = _are_candidates(part.letters)
    frequent = np.flatnonzero((part.counts >= least) & ~is_candidate)
    table = WordTable()
    table.add(chosen(part, frequent), part.counts[frequent])
    candidates = np.flatnonzero(is_candidate)
    letters = chosen(part, candidates)
    ids = table.find(_spelt(np.frombuffer(letters, dtype=np.uint8)).tobytes())
    known = ids >= 0
    kept = WordCounts(np.frombuffer(chosen(part, candidates[known]), dtype=np.uint8), part.counts[frequent][ids[known]])
    return Found(int(np.count_nonzero(~is_candidate)), kept)


def counts_of(part: WordCounts, wanted: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each of the wanted spellings occurs in a part, 0 where it has none."""
    from lexigrad.kernels.text.words import WordTable

    table = WordTable()
    table.add(part.letters.tobytes(), part.counts)
    counts = table.counts.copy()
    ids = table.find(wanted.tobytes())
    return np.where(ids >= 0, counts[np.maximum(ids, 0)], 0)


def _spelt(letters: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Words and candidates as they are spelt."""
    return np.where(letters == JOINT[0], np.uint8(ord(DELIMITER)), letters)


def _are_candidates(letters: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which of several words have a joint."""
    ends = np.flatnonzero(letters == WORD_END_BYTE[0])
    joints = np.concatenate([[0], np.cumsum(letters == JOINT[0])[ends]])
    return np.diff(joints) > 0
