"""The values that points are colored by: numbers or categories, one for each word."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from lexigrad.errors import FormatError

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Column", "read_table"]

LABELS: Final = 11
"""So many categories have a color of their own; the rarer ones share one more."""
LONGEST_LABEL: Final = 80


@dataclass(frozen=True, eq=False)
class Column:
    """One value for each word.

    Attributes:
        name: the name of the values, such as ``cluster``.
        values: float32, shape ``(words,)``: a number, or a category's place in ``labels``; NaN where there is none.
        labels: the categories; None for numbers.
    """

    name: str
    values: NDArray[np.float32] = field(repr=False)
    labels: list[str] | None = None

    def to_dict(self) -> dict[str, object]:
        """Name and labels, as JSON holds them."""
        return {"name": self.name, "labels": self.labels}


def read_table(path: str | os.PathLike[str], words: Sequence[str]) -> tuple[list[Column], int]:
    r"""Read a table with a heading, whose first column holds words.

    Args:
        path: UTF-8, with tabs between the columns where its name ends in ``.tsv``, else with commas (RFC 4180).
        words: the words to find values for.

    Returns:
        The further columns, of numbers where all entries are numbers or empty, and the number of rows of other words.

    Raises:
        FormatError: the table cannot be read, has one column only, has a row that is longer or shorter than its
            heading, or has none of the words.

    Example:
        >>> path = getfixture("tmp_path") / "table.csv"
        >>> _ = path.write_text("word,kind,age\ncat,animal,3\ntea,drink,\n")
        >>> [column.name for column in read_table(path, ["tea", "cat"])[0]]
        ['kind', 'age']
    """
    name = str(path)
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, delimiter="\t" if name.endswith(".tsv") else ",", strict=True))
    except OSError as error:
        raise FormatError(f"cannot read the table {name!r}: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"the table {name!r} cannot be read: {error}; write it as UTF-8 with a heading") from error
    heading = rows[0] if rows else []
    if len(heading) < 2:
        raise FormatError(f"the table {name!r} has no column beside its words; give it a heading such as word,kind")
    for number, row in enumerate(rows, 1):
        if row and len(row) != len(heading):
            raise FormatError(f"row {number:,} of the table {name!r} has {len(row)} columns, not {len(heading)}")
    entries = {row[0]: row[1:] for row in rows[1:] if row}
    known = [entries.get(word) for word in words]
    found = sum(entry is not None for entry in known)
    if not found:
        raise FormatError(f"the table {name!r} has none of the words; its first column must hold them")
    columns = [
        _column(title[:LONGEST_LABEL], ["" if entry is None else entry[place] for entry in known])
        for place, title in enumerate(heading[1:])
    ]
    return columns, len(entries) - found


def _column(name: str, entries: list[str]) -> Column:
    """Return a column of numbers if all entries are numbers or empty, else of categories, the most frequent first."""
    try:
        numbers = np.array([float(entry) if entry.strip() else np.nan for entry in entries], dtype=np.float64)
    except ValueError:
        return _categories(name, entries)
    small = np.abs(numbers) < np.finfo(np.float32).max
    return Column(name, np.where(small, numbers, np.nan).astype(np.float32))


def _categories(name: str, entries: list[str]) -> Column:
    kinds = [kind for kind, _ in Counter(entry for entry in entries if entry.strip()).most_common()]
    labels = kinds if len(kinds) <= LABELS + 1 else [*kinds[:LABELS], f"{len(kinds) - LABELS:,} others"]
    code = {kind: min(place, len(labels) - 1) for place, kind in enumerate(kinds)}
    values = np.array([code.get(entry, np.nan) for entry in entries], dtype=np.float32)
    return Column(name, values, [label[:LONGEST_LABEL] for label in labels])
