"""Which column of a table is read: of strings, of lists of tokens, or of lists of ids.

A column of an Arrow table as chunks: strings, lists of tokens, or lists of ids, none of which becomes an object.

Arrow keeps the strings of a column one behind the other, with the position at which each begins. Such buffers are cut
into pieces of about a chunk here, and a piece is copied, with ends of lines between its rows, by the thread that
encodes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from lexigrad.corpus.sources.files import CHUNK_BYTES, Chunk
from lexigrad.corpus.sources.ids import LARGEST_ITEM, ItemChunk
from lexigrad.errors import CorpusError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lexigrad.corpus.sources.files import Source

__all__ = [
    "ColumnChunk",
    "check_column",
    "chosen_column",
    "column_chunks",
    "first_line",
    "import_pyarrow",
    "is_list",
    "is_view",
]


NAMES_SHOWN: Final = 8
LONGEST_NAME: Final = 40

Numbers = NDArray[np.int64]
Bytes = NDArray[np.uint8]


def import_pyarrow() -> Any:
    """The package pyarrow.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import pyarrow
    except ImportError as error:
        raise MissingExtraError("tables and datasets are read by pyarrow: pip install 'lexigrad[arrow]'") from error
    return pyarrow


def chosen_column(schema: Any, column: str | None, name: str) -> str:
    """The column of a table to read: the one asked for, or the only one that can be read.

    Args:
        schema: The table's, of pyarrow.
        column: Its name, or None.
        name: The table's, for messages.

    Raises:
        CorpusError: There is no such column, or it holds something else, or there is more than one.
    """
    readable = [field.name for field in schema if kind_of(field.type) and str(field.type) != "null"]
    chosen = _only(readable, name) if column is None else column
    found = schema.get_all_field_indices(chosen)
    if not found:
        others = f"its columns of text are {_listed(readable)}" if readable else "it has none of text"
        raise CorpusError(f"{name!r} has no column {_short(chosen)!r}; {others}")
    if len(found) > 1:
        raise CorpusError(f"{name!r} has {len(found):,} columns {_short(chosen)!r}; give each its own name")
    check_column(schema.field(found[0]).type, f"the column {_short(chosen)!r} of {name!r}")
    return chosen


def _only(readable: list[str], name: str) -> str:
    """The one column of text that a table has."""
    if not readable:
        raise CorpusError(f"{name!r} has no column of strings, of lists of tokens or of lists of ids; give another")
    if len(readable) > 1:
        several = f"{name!r} has {len(readable):,} columns of text, {_listed(readable)}"
        raise CorpusError(f"{several}; choose one by --column (column=... in Python)")
    return readable[0]


def check_column(kind: Any, name: str) -> None:
    """Refuse a column that is none of text.

    Raises:
        CorpusError: It is of another type.
    """
    if kind_of(kind) is None:
        raise CorpusError(
            f"{name} is of type {_short(str(kind))}; give one of strings, of lists of tokens or of lists of ids"
        )


def kind_of(kind: Any) -> Literal["text", "tokens", "ids"] | None:
    """What rows of an Arrow type are, None if they are no text."""
    types = import_pyarrow().types
    if _is_text(kind) or types.is_null(kind):
        return "text"
    if not is_list(kind):
        return None
    inner = kind.value_type
    if _is_text(inner) or types.is_null(inner):
        return "tokens"
    return "ids" if types.is_integer(inner) else None


def _is_text(kind: Any) -> bool:
    types = import_pyarrow().types
    if types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind) or is_view(kind))


def is_view(kind: Any) -> bool:
    """Whether an Arrow type is one of string views, of which the first versions of pyarrow know nothing."""
    return str(kind) == "string_view"


def is_list(kind: Any) -> bool:
    """Whether an Arrow type is one of lists, of any layout."""
    return str(kind).startswith(("list<", "large_list<", "fixed_size_list<", "list_view<", "large_list_view<"))


def _listed(names: list[str]) -> str:
    """Names for a message, the first ones if they are many."""
    shown = ", ".join(repr(_short(name)) for name in names[:NAMES_SHOWN])
    return shown if len(names) <= NAMES_SHOWN else f"{shown} and {len(names) - NAMES_SHOWN:,} more"


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"


def first_line(error: BaseException) -> str:
    """What an error of pyarrow says, cut to a part of a sentence."""
    text = str(error).strip().split("\n")[0]
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return plain[:120].rstrip(" .") or type(error).__name__


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a column, without those that are null."""

    numbers: Numbers
    """The number of each in the column, from 1 on, for messages."""
    room: int
    """The bytes, or items, that they take at most when they are joined."""


@dataclass(frozen=True, slots=True)
class TextRows(Rows):
    """Rows of text, which may have several lines."""

    values: Bytes
    begins: Numbers
    ends: Numbers

    def join(self, out: Any, name: str) -> int:
        """Write the lines of all rows; returns the bytes written."""
        from lexigrad.corpus.sources._kernel_columns import join_lines

        return int(join_lines(self.values, self.begins, self.ends, out))


@dataclass(frozen=True, slots=True)
class TokenRows(Rows):
    """Rows of tokens; ``begins`` and ``ends`` are those of the tokens."""

    values: Bytes
    begins: Numbers
    ends: Numbers
    row_begins: Numbers
    row_ends: Numbers

    def join(self, out: Any, name: str) -> int:
        """Write the tokens of all rows, with their ends; returns the bytes written."""
        from lexigrad.corpus.sources._kernel_columns import join_tokens

        written = int(join_tokens(self.values, self.begins, self.ends, self.row_begins, self.row_ends, out))
        if written < 0:
            row = self.numbers[-1 - written]
            raise CorpusError(f"row {row:,} of {name!r} holds an empty token; leave empty tokens out")
        return written


@dataclass(frozen=True, slots=True)
class ItemRows(Rows):
    """Rows of ids."""

    items: Numbers
    row_begins: Numbers
    row_ends: Numbers

    def join(self, out: Any, name: str) -> int:
        """Write the ids of all rows, with -1 after each row; returns the numbers written."""
        from lexigrad.corpus.sources._kernel_columns import join_items

        written = int(join_items(self.items, self.row_begins, self.row_ends, out))
        if written < 0:
            row = self.numbers[-1 - written]
            raise CorpusError(f"row {row:,} of {name!r} holds an id that is not from 0 to {LARGEST_ITEM}")
        return written


AnyRows = TextRows | TokenRows | ItemRows


@dataclass(frozen=True, slots=True)
class ColumnChunk:
    """A few rows of a column, not yet joined: whoever encodes them does that."""

    pieces: list[AnyRows]
    """All of one class."""
    name: str
    """What the column is from, for messages."""
    lowercase: bool
    """Whether tokens that are cut already become lower case; text does later."""

    @property
    def holds_items(self) -> bool:
        """Whether the rows are of ids."""
        return isinstance(self.pieces[0], ItemRows)

    def read(self) -> Chunk | ItemChunk:
        """The rows as one piece of text, or of ids.

        Raises:
            CorpusError: A token is empty, or an id below 0.
        """
        out: Any = np.empty(sum(piece.room for piece in self.pieces), np.int64 if self.holds_items else np.uint8)
        written = 0
        for piece in self.pieces:
            written += piece.join(out[written:], self.name)
        if self.holds_items:
            return ItemChunk(out[:written], self.name)
        text = out[:written].tobytes()
        separated = isinstance(self.pieces[0], TokenRows)
        if separated and self.lowercase:  # the ends of tokens and lines, no UTF-8, come through as half characters
            text = text.decode(errors="surrogateescape").lower().encode(errors="surrogateescape")
        rows = f"{self.name}, rows {self.pieces[0].numbers[0]:,} to {self.pieces[-1].numbers[-1]:,}"
        return Chunk(text, rows, separated=separated)


def column_chunks(
    arrays: Iterable[Any], name: str, source: Source, *, lowercase: bool, before: int = 0
) -> Iterator[ColumnChunk]:
    """The chunks of a column that comes as arrays of pyarrow, one after another.

    Args:
        arrays: All of one type.
        name: What they are from, for messages.
        source: Where bytes and nulls are counted.
        lowercase: Whether lists of tokens become lower case.
        before: The rows of the column in front of the first, for messages.

    Raises:
        CorpusError: An array contradicts itself, or its tokens are not UTF-8.
    """
    gathered: list[AnyRows] = []
    size, rows = 0, before
    for array in arrays:
        for part, room in _parts(_checked(array, name)):
            piece = _rows_of(part, rows, room, source)
            rows += len(part)
            if not piece.numbers.size:
                continue
            if gathered and (size >= CHUNK_BYTES or type(piece) is not type(gathered[0])):
                yield ColumnChunk(gathered, name, lowercase)
                gathered, size = [], 0
            gathered.append(piece)
            size += room
    if gathered:
        yield ColumnChunk(gathered, name, lowercase)


def _checked(array: Any, name: str) -> Any:
    """An array of which the offsets lie within the buffers; text may be no UTF-8, which is found out later."""
    pyarrow = import_pyarrow()
    types = pyarrow.types
    if types.is_string(array.type):
        array = array.view(pyarrow.binary())
    elif types.is_large_string(array.type):
        array = array.view(pyarrow.large_binary())
    try:
        array.validate(full=True)
    except pyarrow.ArrowException as error:
        raise CorpusError(f"the column of {name!r} contradicts itself: {first_line(error)}; write it again") from error
    return array


def _parts(array: Any) -> Iterator[tuple[Any, int]]:
    """An array cut into slices that are about as long as a chunk when they are written out, or of one row.

    Yields:
        Each slice, and the bytes that it takes at most.
    """
    positions = _row_positions(array)
    begin = 0
    while begin < len(array):
        end = int(np.searchsorted(positions, positions[begin] + CHUNK_BYTES, side="right")) - 1
        end = max(begin + 1, end)
        yield array.slice(begin, end - begin), int(positions[end] - positions[begin])
        begin = end


def _row_positions(array: Any) -> Numbers:
    """Where each row would begin, and the last one end, if all of them were written out."""
    if not is_list(array.type):
        return _text_positions(array)
    inner, begins, ends = _listed_values(array)
    if import_pyarrow().types.is_integer(inner.type):
        return _running_sum(8 * (ends - begins + 1))
    positions = _text_positions(inner)
    return _running_sum(positions[ends] - positions[begins] + 1)


def _text_positions(array: Any) -> Numbers:
    """Where each string would begin, and the last one end, if each were written out with its end behind it."""
    types = import_pyarrow().types
    if types.is_null(array.type):
        return np.arange(len(array) + 1)
    if types.is_dictionary(array.type):
        lengths = np.diff(_text_positions(array.dictionary))
        indices = np.where(_valid(array.indices), _numbers(array.indices, 1, str(array.indices.type)), 0)
        return _running_sum(lengths[indices] if lengths.size else np.ones(len(array), dtype=np.int64))
    if is_view(array.type):  # 16 bytes for each, of which the first four are the length
        lengths = np.where(_valid(array), _numbers(array, 1, np.int32, 4)[::4], 0)
        return _running_sum(lengths.astype(np.int64) + 1)
    offsets = _offsets(array)
    return np.asarray(offsets - offsets[0] + np.arange(offsets.size))


def _running_sum(sizes: Numbers) -> Numbers:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])


def _rows_of(array: Any, before: int, room: int, source: Source) -> AnyRows:
    """The rows of a slice that are not null.

    Args:
        array: The slice.
        before: The number of rows before it.
        room: The bytes that it takes at most.
        source: Where bytes and nulls are counted.
    """
    if not is_list(array.type):
        array = _written_out(array)
    valid = _valid(array)
    numbers = np.flatnonzero(valid) + before + 1
    nulls = len(array) - numbers.size
    if not is_list(array.type):
        rows: AnyRows = TextRows(numbers, room, *_text(array, valid))
    else:
        inner, row_begins, row_ends = _listed_values(array)
        row_begins, row_ends = row_begins[valid], row_ends[valid]
        is_integer = import_pyarrow().types.is_integer(inner.type)
        inner = inner if is_integer else _written_out(inner)
        is_there = _valid(inner)
        if not is_there.all():  # null tokens are left out
            positions = _running_sum(is_there.astype(np.int64))
            nulls += int((row_ends - row_begins).sum())
            row_begins, row_ends = positions[row_begins], positions[row_ends]
            nulls -= int((row_ends - row_begins).sum())
        if is_integer:
            items = _numbers(inner, 1, str(inner.type))[is_there].astype(np.int64)
            rows = ItemRows(numbers, room // 8, items, row_begins, row_ends)
        else:
            rows = TokenRows(numbers, room, *_text(inner, is_there), row_begins, row_ends)
    source.nulls += nulls
    source.text_bytes += room - nulls * (8 if isinstance(rows, ItemRows) else 1)
    return rows


def _written_out(array: Any) -> Any:
    """Strings of any layout as those that lie one behind the other."""
    pyarrow = import_pyarrow()
    types = pyarrow.types
    if types.is_dictionary(array.type):
        dictionary = _written_out(array.dictionary)
        return pyarrow.DictionaryArray.from_arrays(array.indices, dictionary).dictionary_decode()
    return _without_hidden_views(array).cast(pyarrow.large_string()) if is_view(array.type) else array


def _without_hidden_views(array: Any) -> Any:
    """String views of which those that are null refer to nothing: pyarrow copies what they refer to, unchecked."""
    pyarrow = import_pyarrow()
    valid = _valid(array)
    if valid.all():
        return array
    views = _numbers(array, 1, np.int32, 4).reshape(-1, 4).copy()
    views[~valid] = 0
    bits = pyarrow.py_buffer(np.packbits(valid, bitorder="little"))
    buffers = [bits, pyarrow.py_buffer(views), *array.buffers()[2:]]
    return pyarrow.Array.from_buffers(array.type, len(array), buffers)


def _text(array: Any, valid: NDArray[np.bool_]) -> tuple[Bytes, Numbers, Numbers]:
    """The bytes of strings, and where each that is not null begins and ends."""
    if not valid.any():
        return np.empty(0, dtype=np.uint8), *np.zeros((2, 0), dtype=np.int64)
    offsets, content = _offsets(array), array.buffers()[2]
    values = np.empty(0, dtype=np.uint8) if content is None else np.frombuffer(content, dtype=np.uint8)
    return values, offsets[:-1][valid], offsets[1:][valid]


def _listed_values(array: Any) -> tuple[Any, Numbers, Numbers]:
    """What is in the lists of an array, and where each list begins and ends in that."""
    kind = str(array.type)
    if kind.startswith("fixed_size_list<"):
        begins = (array.offset + np.arange(len(array), dtype=np.int64)) * array.type.list_size
        ends = begins + array.type.list_size
    elif "list_view<" in kind:
        number = np.int64 if kind.startswith("large_") else np.int32
        begins = _numbers(array, 1, number).astype(np.int64)
        ends = begins + _numbers(array, 2, number)
    else:
        offsets = _offsets(array)
        begins, ends = offsets[:-1].copy(), offsets[1:]
    valid = _valid(array)
    if not valid.any():
        return array.values.slice(0, 0), *np.zeros((2, len(array)), dtype=np.int64)
    first, last = begins[valid].min(), ends[valid].max()
    begins, ends = np.where(valid, begins - first, 0), np.where(valid, ends - first, 0)  # a null may lie anywhere
    return array.values.slice(first, last - first), begins, ends


def _offsets(array: Any) -> Numbers:
    """Where the strings or lists of an array begin, and where the last ends."""
    if not len(array):
        return np.zeros(1, dtype=np.int64)
    is_large = str(array.type).startswith("large_")
    return _numbers(array, 1, np.int64 if is_large else np.int32, 1, more=1).astype(np.int64)


def _numbers(array: Any, buffer: int, kind: Any, each: int = 1, more: int = 0) -> NDArray[Any]:
    """The numbers in a buffer of an array that belong to its slice, ``each`` for every element."""
    content = array.buffers()[buffer]
    if content is None or not len(array):
        return np.zeros(0, dtype=kind)
    begin, size = array.offset * each, len(array) * each + more
    return np.frombuffer(content, dtype=kind, count=size, offset=begin * np.dtype(kind).itemsize)


def _valid(array: Any) -> NDArray[np.bool_]:
    """Which elements are not null; pyarrow's own answer as an array of NumPy would load pandas."""
    if import_pyarrow().types.is_null(array.type):
        return np.zeros(len(array), dtype=bool)
    if not array.null_count:
        return np.ones(len(array), dtype=bool)
    begin, odd = divmod(array.offset, 8)
    bits = np.frombuffer(array.buffers()[0], dtype=np.uint8)[begin : begin + (odd + len(array) + 7) // 8]
    return np.unpackbits(bits, bitorder="little")[odd : odd + len(array)].astype(bool)
