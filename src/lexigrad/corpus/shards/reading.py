"""A shard read as one process reads a whole text, and the reports of shards added up."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from lexigrad.config import TEXT_OPTIONS, TrainConfig
from lexigrad.corpus.encoding import EncodedText
from lexigrad.corpus.phrases.learning import JoinedText
from lexigrad.corpus.phrases.phrases import Phrases
from lexigrad.corpus.reading import NO_KNOWN_WORD
from lexigrad.corpus.report import ReadingReport, counted
from lexigrad.corpus.shards.cut import Files, Shard, ShardSource
from lexigrad.corpus.windows.countsfile import COUNT_OPTIONS
from lexigrad.errors import CorpusError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lexigrad.kernels.text.ids import ItemTable
    from lexigrad.kernels.text.words import WordTable

__all__ = ["ShardReport", "ShardText", "Total", "reading_options", "shard_text"]


@dataclass(frozen=True, slots=True)
class ShardReport:
    """The report on a shard that was read: fields of `ReadingReport`, and where the shard is from."""

    bytes: int
    lines: int
    empty_lines: int
    tokens: int
    joined: int
    kept: int
    replaced_bytes: int
    nulls: int
    holds: str
    """``words`` or ``ids``; nothing if there is neither."""
    name: str
    disk_bytes: int
    """How many bytes of the file the shard is."""


class Total:
    """Reports of shards, added up.

    Args:
        files: the corpus.
    """

    def __init__(self, files: Files) -> None:
        self.files = files
        self.started = time.perf_counter()
        self.done_bytes = 0
        self._of_kind: dict[str, str] = {}
        self._sum = ShardReport(0, 0, 0, 0, 0, 0, 0, 0, "", "", 0)

    def add(self, report: ShardReport) -> None:
        """Add the report on one more shard.

        Raises:
            CorpusError: Some shards hold ids, and others words.
        """
        if report.holds:
            self._of_kind.setdefault(report.holds, report.name)
        if len(self._of_kind) > 1:
            words, ids = self._of_kind["words"], self._of_kind["ids"]
            raise CorpusError(f"{ids!r} holds ids, and {words!r} holds words; read them apart")
        numbers = {
            entry.name: getattr(self._sum, entry.name) + getattr(report, entry.name)
            for entry in fields(ShardReport)
            if entry.name not in {"holds", "name"}
        }
        self._sum = replace(self._sum, **numbers)
        self.done_bytes = self._sum.disk_bytes

    @property
    def tokens(self) -> int:
        """The tokens so far."""
        return self._sum.tokens

    def check_words(self) -> None:
        """Refuse a text without words, as `read_corpus` does."""
        if not self._sum.tokens:
            read = f"{counted(len(self.files.names), 'file')}, {counted(self._sum.bytes, 'byte')}"
            raise CorpusError(f"the text is empty or has no word in it (read {read}); give other text")

    def report_on_given(self) -> ReadingReport:
        """The report on the whole text if the vocabulary was given.

        Raises:
            CorpusError: The text has none of its words.
        """
        self.check_words()
        kept = self._sum.kept
        if not kept:
            raise CorpusError(NO_KNOWN_WORD)
        return self.report(kept=kept, dropped_unknown=self.tokens - kept)

    def report(self, **kept: int) -> ReadingReport:
        """The report on the whole text; ``kept`` are the tokens that are kept and dropped, by the report's names."""
        found = self._sum
        return ReadingReport(
            files=len(self.files.names),
            skipped_files=self.files.skipped,
            bytes=found.bytes,
            lines=found.lines,
            empty_lines=found.empty_lines,
            tokens=found.tokens,
            joined=found.joined,
            replaced_bytes=found.replaced_bytes,
            nulls=found.nulls,
            seconds=time.perf_counter() - self.started,
            **kept,
        )


@dataclass(slots=True)
class ShardText:
    """A shard that has been read and counted."""

    source: ShardSource
    text: EncodedText | JoinedText
    shard: Shard

    @property
    def table(self) -> WordTable | ItemTable:
        """The words of the shard with their counts."""
        return self.text.table

    def report(self, kept: int = 0) -> ShardReport:
        """The report on the shard, once all ids have been drawn."""
        shard, tokens = self.shard, int(self.table.counts.sum())
        return ShardReport(
            bytes=self.source.text_bytes,
            lines=self.text.lines,
            empty_lines=self.text.empty_lines,
            tokens=tokens,
            joined=self.text.joined,
            kept=kept,
            replaced_bytes=self.source.replaced_bytes + self.text.replaced_bytes,
            nulls=self.source.nulls,
            holds="" if not tokens else "words" if hasattr(self.table, "letters") else "ids",
            name=shard.name,
            disk_bytes=shard.disk_bytes,
        )


@contextmanager
def shard_text(shard: Shard, config: TrainConfig, phrases: dict[str, NDArray[Any]] | None) -> Iterator[ShardText]:
    """Read a shard, and join phrases, given as their arrays, in it."""
    source = ShardSource.of(shard, config)
    with EncodedText(source, config, None, lambda: None) as encoded:
        known = None if phrases is None else Phrases.from_tensors(phrases)
        text = encoded if known is None else JoinedText(encoded, config, known)
        yield ShardText(source, text, shard)


def reading_options(config: TrainConfig) -> TrainConfig:
    """The options on which reading and counting depend, for one thread, as they can be sent to workers.

    Raises:
        InputError: Tokens are cut by a function.
    """
    if not isinstance(config.tokens, str):
        raise InputError("a tokenizer of your own cannot be sent to workers; take tokens='whitespace' or 'words'")
    names = {*TEXT_OPTIONS, *COUNT_OPTIONS} - {"threads"}
    return TrainConfig(**{name: getattr(config, name) for name in names}, threads=1)
