"""The report on a text that became a corpus: how much was read, and how much was left out and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from lexigrad.errors import FormatError

__all__ = ["ReadingReport", "counted"]


LATER: Final = {"seconds", "nulls", "joined"}
"""Entries that a saved report may lack: seconds are not saved, and the first files knew no nulls and no phrases."""

MOST: Final = 2**63
"""Counts stay below this number; JSON knows numbers that no float can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingReport:
    """How much was read, and how much was left out and why: tokens = kept + the three kinds of dropped ones.

    Example:
        >>> report = ReadingReport(lines=2, tokens=7, kept=5, dropped_rare=2)
        >>> report.tokens == report.kept + report.dropped_rare
        True
    """

    files: int = 0
    skipped_files: int = 0
    """Files in the folders whose names are not those of text files."""
    bytes: int = 0
    """The bytes of text, after decompression."""
    lines: int = 0
    empty_lines: int = 0
    """Lines without a token."""
    tokens: int = 0
    """The number of tokens; a phrase that has been joined is one."""
    joined: int = 0
    """Phrases that were joined: before, the text had one token more for each, and the connector words within them."""
    kept: int = 0
    dropped_rare: int = 0
    """Tokens whose word occurs less often than ``min_count``."""
    dropped_by_max_vocabulary: int = 0
    dropped_unknown: int = 0
    """Tokens that are not in the vocabulary that was given."""
    replaced_bytes: int = 0
    """Bytes that are not UTF-8, replaced by U+FFFD."""
    nulls: int = 0
    """Rows and tokens of tables that are null."""
    seconds: float = field(default=0.0, compare=False)
    """The time spent on reading; the one value that differs from run to run, so it is not saved."""

    def summary(self) -> str:
        """Two lines for a reader.

        Example:
            >>> print(ReadingReport(files=1, bytes=30, lines=2, tokens=7, kept=5, dropped_rare=2).summary())
            read 1 file, 30 bytes, 2 lines, 7 tokens in 0.0 s
            kept 5 tokens; dropped 2 of rare words
        """
        read = [counted(self.files, "file")] if self.files else []
        read += [counted(self.bytes, "byte"), counted(self.lines, "line"), counted(self.tokens, "token")]
        first = f"read {', '.join(read)} in {self.seconds:.1f} s"
        asides = [
            (self.empty_lines, "empty " + ("line" if self.empty_lines == 1 else "lines")),
            (self.skipped_files, "other " + ("file" if self.skipped_files == 1 else "files") + " skipped"),
            (self.nulls, "null " + ("value" if self.nulls == 1 else "values") + " skipped"),
            (self.replaced_bytes, ("byte" if self.replaced_bytes == 1 else "bytes") + " replaced"),
        ]
        if any(count for count, _ in asides):
            first += f" ({', '.join(f'{count:,} {words}' for count, words in asides if count)})"
        drops = [
            (self.dropped_rare, "of rare words"),
            (self.dropped_by_max_vocabulary, "of words beyond the largest vocabulary"),
            (self.dropped_unknown, "that the vocabulary does not have"),
        ]
        dropped = ", ".join(f"{count:,} {reason}" for count, reason in drops if count)
        joined = f"joined {counted(self.joined, 'phrase')}; " if self.joined else ""
        return f"{first}\n{joined}kept {counted(self.kept, 'token')}; dropped {dropped or 'none'}"

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values that JSON can hold."""
        return asdict(self)

    def counts(self) -> dict[str, Any]:
        """The report without ``seconds``: it depends on the text and the options alone.

        ``joined`` is left out where it is 0: files without phrases are as they were before there were any.
        """
        left_out = {"seconds"} if self.joined else {"seconds", "joined"}
        return {name: value for name, value in asdict(self).items() if name not in left_out}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ReadingReport:
        """The report that ``to_dict`` or ``counts`` wrote.

        Raises:
            FormatError: A value is missing, unknown, or no count.
        """
        if values.keys() | LATER != {entry.name for entry in fields(cls)}:
            raise FormatError("its report has other entries than expected")
        if not all(type(value) in (int, float) and 0 <= value < MOST for value in values.values()):
            raise FormatError("its report holds something else than counts")
        return cls(**values)


def counted(count: int, noun: str) -> str:
    """``1 file``, ``2,000 files``."""
    return f"{count:,} {noun if count == 1 else noun + 's'}"
