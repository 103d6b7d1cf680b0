"""Lists of whole numbers in place of sentences: the ids of items, nodes or proteins, of which no string is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice, repeat
from numbers import Number
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lexigrad.corpus.sources.files import Source
from lexigrad.errors import CorpusError, InputError

__all__ = ["LARGEST_ITEM", "ItemChunk", "ItemNames", "ItemSource", "peeked"]

CHUNK_ITEMS: Final = 1 << 17
LARGEST_ITEM: Final = 2**63 - 1
ROW_END: Final = -1
ROW_END_ARRAY: Final = np.array([ROW_END])
DECIMALS: Final = 19  # of the largest item

Items = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ItemChunk:
    """A few rows of items, or a piece of one."""

    items: Items
    """The items, and -1 after each row."""
    name: str = "the given ids"
    """Where the items are from, for messages."""


class ItemNames:
    """The names of items: those of a table, or without one the digits of the items.

    Args:
        table: ``table[item]`` is an item's name: a sequence, a mapping, a pandas Series and so on; or None.

    Raises:
        InputError: The table is nothing of the kind.

    Example:
        >>> ItemNames(["pear", "fig"]).of([1, 0]), ItemNames().of([70])
        (['fig', 'pear'], ['70'])
    """

    def __init__(self, table: Any = None) -> None:
        if table is not None and (isinstance(table, (str, bytes)) or not hasattr(table, "__getitem__")):
            raise InputError(
                f"names must be a list of names, or a mapping from id to name, not of type {type(table).__name__}"
            )
        self.table: Any = table

    def of(self, items: list[int]) -> list[str]:
        """The names of distinct items.

        Raises:
            InputError: An item has no name, or two have the same, or a name is no string.
        """
        if self.table is None:
            return [str(item) for item in items]
        names = [self._name(item) for item in items]
        for item, name in zip(items, names, strict=True):
            if name is None:
                raise InputError(f"id {item} has no name; give a name for each id that is to be trained")
        if len(set(names)) < len(names):
            self._by_name(zip(names, items, strict=True), None)
        return names  # type: ignore[return-value]  # none of them is None

    def items(self, names: list[str], known: list[int]) -> list[int]:
        """The items of these names among those ``known``, -1 for a name that none of them has.

        Raises:
            InputError: Two of the known items have one of the names.
        """
        if self.table is None:
            return [_item_of(name) for name in names]
        by_name = self._by_name(((self._name(item), item) for item in known), set(names))
        return [by_name.get(name, ROW_END) for name in names]

    def _name(self, item: int) -> str | None:
        """The name of an item, None if it has none."""
        try:
            name = self.table[item]
        except (LookupError, OverflowError):  # an index beyond what the machine counts to
            return None
        if not isinstance(name, str):
            raise InputError(f"the name of id {item} is of type {type(name).__name__}; give names as strings")
        return str(name)

    def _by_name(self, pairs: Iterable[tuple[str | None, int]], wanted: set[str] | None) -> dict[str, int]:
        """The item of each wanted name."""
        found: dict[str, int] = {}
        for name, item in pairs:
            if name is not None and (wanted is None or name in wanted) and found.setdefault(name, item) != item:
                raise InputError(f"ids {found[name]} and {item} are both named {name[:100]!r}; give each its own name")
        return found


def _item_of(word: str) -> int:
    """The item whose digits ``word`` is, -1 if it is not the digits of one."""
    is_number = word.isascii() and word.isdigit() and len(word) <= DECIMALS and (word[0] != "0" or word == "0")
    return int(word) if is_number and int(word) <= LARGEST_ITEM else ROW_END


def peeked(sentences: Iterable[Any]) -> tuple[Iterator[Any], bool]:
    """The sentences, and whether they are lists of items, as the first that is not empty says."""
    iterator = iter(sentences)
    empty = 0
    for sentence in iterator:
        first = list(sentence) if isinstance(sentence, Iterator) else sentence
        head = _head(first)
        if head:
            return chain(repeat([], empty), [first], iterator), isinstance(head[0], Number)
        empty += 1
    return repeat([], empty), False


def _head(sentence: Any) -> list[Any]:
    """The first token of a sentence in a list, which is empty if it has none; [None] for what is no list of tokens."""
    if isinstance(sentence, (str, bytes, bytearray)) or not isinstance(sentence, Iterable):
        return [None]
    if hasattr(sentence, "__array__"):
        return list(np.asarray(sentence).flat[:1].tolist())
    return list(islice(sentence, 1))


@dataclass(slots=True)
class ItemSource(Source):
    """Iterates over the chunks of rows of items: lists of ints, or one-dimensional arrays of them.

    Args:
        rows: read once, so it may be a generator, or an array of two dimensions.

    Raises:
        CorpusError: A row is no list of items.
    """

    rows: Iterable[Any]

    def __iter__(self) -> Iterator[ItemChunk]:
        gathered: list[Any] = []
        size, arrays, first = 0, False, 1
        for number, row in enumerate(self.rows, start=1):
            items, is_array = _row(row, f"sentence {number:,}")
            if gathered and (is_array != arrays or size >= CHUNK_ITEMS):
                yield from self._chunks(gathered, first, arrays=arrays)
                gathered, size = [], 0
            if not gathered:
                arrays, first = is_array, number
            gathered.append(items)
            size += len(items)
        if gathered:
            yield from self._chunks(gathered, first, arrays=arrays)

    def _chunks(self, rows: list[Any], first: int, *, arrays: bool) -> Iterator[ItemChunk]:
        """Rows as chunks; ``first`` is the number of the first."""
        items = _joined_arrays(rows) if arrays else _joined_lists(rows)
        if items is None or np.count_nonzero(items < 0) != len(rows):
            raise next(_refusals(rows, first))
        self.text_bytes += 8 * (items.size - len(rows))
        self.done_bytes = self.text_bytes
        for begin in range(0, items.size, CHUNK_ITEMS):
            yield ItemChunk(items[begin : begin + CHUNK_ITEMS])


def _row(row: Any, where: str) -> tuple[Any, bool]:
    """A row as a list or as an array of whole numbers, and whether it is an array."""
    if isinstance(row, (list, tuple)):
        return row, False
    if isinstance(row, (str, bytes, bytearray, Mapping)) or not isinstance(row, Iterable):
        raise CorpusError(
            f"{where} is of type {type(row).__name__} where the first is a list of ids; give lists of ids only"
        )
    if not hasattr(row, "__array__"):
        return list(row), False
    array = np.asarray(row)
    if array.ndim != 1:
        raise CorpusError(f"{where} is an array of {array.ndim} dimensions; give the ids of each sentence in one of 1")
    if array.dtype.kind == "O":
        return array.tolist(), False
    if not array.size:  # of floats, if NumPy was asked to make it of an empty list
        return array.astype(np.int64), True
    if array.dtype.kind not in "iu":
        raise CorpusError(f"{where} is an array of {array.dtype}; give ids as whole numbers")
    return array, True


def _joined_arrays(rows: list[Any]) -> Items:
    """Arrays of whole numbers as one, with -1 after each; a number too large for 64 bits comes out below 0."""
    with_ends = list(chain.from_iterable(zip(rows, repeat(ROW_END_ARRAY), strict=False)))
    return np.concatenate(with_ends, dtype=np.int64, casting="same_kind")


def _joined_lists(rows: list[Any]) -> Items | None:
    """Lists as one array, with -1 after each; None if they hold anything but whole numbers of 64 bits."""
    tokens: list[Any] = []
    for row in rows:
        tokens += row
        tokens.append(ROW_END)
    if not all(issubclass(kind, (int, np.integer)) and kind is not bool for kind in set(map(type, tokens))):
        return None
    try:
        return np.array(tokens, dtype=np.int64)
    except OverflowError:
        return None


def _refusals(rows: list[Any], first: int) -> Iterator[CorpusError]:
    """An error for each token of the rows that is no item."""
    for number, row in enumerate(rows, start=first):
        for token in row:
            if isinstance(token, bool) or not isinstance(token, (int, np.integer)):
                kind = type(token).__name__
                yield CorpusError(f"sentence {number:,} holds a {kind} among ids; give ids as whole numbers")
            elif not 0 <= token <= LARGEST_ITEM:
                shown = f"the id {token}" if abs(int(token)) < 2**64 else "an id of more than 64 bits"
                yield CorpusError(f"sentence {number:,} holds {shown}; ids are whole numbers from 0 to {LARGEST_ITEM}")
