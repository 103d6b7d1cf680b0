"""Columns of Arrow tables: which one is read, and its rows as chunks of text, of tokens or of ids.

No row becomes a Python object. A column is cut into pieces of about a chunk; `pyarrow.compute` joins the rows of a
piece, with their ends between, in the thread that encodes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from lexigrad.corpus.sources.files import CHUNK_BYTES, Chunk
from lexigrad.corpus.sources.ids import LARGEST_ITEM, ItemChunk
from lexigrad.errors import CorpusError, MissingExtraError
from lexigrad.kernels.text.ends import LINE_END_BYTE, WORD_END_BYTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lexigrad.corpus.sources.files import Source

__all__ = ["ColumnChunk", "check_column", "chosen_column", "column_chunks", "first_line", "import_pyarrow"]

NAMES_SHOWN: Final = 8
LONGEST_NAME: Final = 40
LINE_FEED: Final = b"\n"
ITEM_BYTES: Final = 8
LONGEST_BYTES: Final = 1 << 30
"""Longer text than this gets positions of 64 bits, as its joined form may be twice as long."""

Kind = Literal["text", "tokens", "ids"]
Numbers = NDArray[np.int64]


def import_pyarrow() -> Any:
    """The package pyarrow.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import pyarrow
        import pyarrow.compute
    except ImportError as error:
        raise MissingExtraError("tables and datasets are read by pyarrow: pip install 'lexigrad[arrow]'") from error
    return pyarrow


def chosen_column(schema: Any, column: str | None, name: str) -> str:
    """The column of a table to read: the one asked for, or the only one that can be read.

    Args:
        schema: the table's, of pyarrow.
        column: its name, or None.
        name: the table's, for messages.

    Raises:
        CorpusError: There is no such column, or it holds something else, or there is more than one.
    """
    readable = [field.name for field in schema if _kind_of(field.type) and str(field.type) != "null"]
    chosen = _only(readable, name) if column is None else column
    found = schema.get_all_field_indices(chosen)
    if not found:
        others = f"its columns of text are {_listed(readable)}" if readable else "it has none of text"
        raise CorpusError(f"{name!r} has no column {_short(chosen)!r}; {others}")
    if len(found) > 1:
        raise CorpusError(f"{name!r} has {len(found):,} columns {_short(chosen)!r}; give each its own name")
    check_column(schema.field(found[0]).type, f"the column {_short(chosen)!r} of {name!r}")
    return chosen


def check_column(kind: Any, name: str) -> None:
    """Refuse a column whose Arrow type is not one of text, tokens or ids.

    Raises:
        CorpusError: The column is of another type.
    """
    if _kind_of(kind) is None:
        raise CorpusError(
            f"{name} is of type {_short(str(kind))}; give one of strings, of lists of tokens or of lists of ids"
        )


def first_line(error: BaseException) -> str:
    """The first line of an error of pyarrow's, cut to a part of a sentence."""
    text = str(error).strip().split("\n")[0]
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return plain[:120].rstrip(" .") or type(error).__name__


def _only(readable: list[str], name: str) -> str:
    """The one column of text that a table has."""
    if not readable:
        raise CorpusError(f"{name!r} has no column of strings, of lists of tokens or of lists of ids; give another")
    if len(readable) > 1:
        several = f"{name!r} has {len(readable):,} columns of text, {_listed(readable)}"
        raise CorpusError(f"{several}; choose one by --column (column=... in Python)")
    return readable[0]


def _kind_of(kind: Any) -> Kind | None:
    """The kind of the rows of an Arrow type; None for rows that are no text."""
    types = import_pyarrow().types
    if _is_text(kind):
        return "text"
    if not _is_list(kind):
        return None
    if _is_text(kind.value_type):
        return "tokens"
    return "ids" if types.is_integer(kind.value_type) else None


def _is_text(kind: Any) -> bool:
    types = import_pyarrow().types
    if types.is_dictionary(kind):
        return _is_text(kind.value_type) and not types.is_null(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind) or _is_view(kind) or types.is_null(kind))


def _is_view(kind: Any) -> bool:
    """Whether an Arrow type is one of string views, of which the first versions of pyarrow know nothing."""
    return str(kind) == "string_view"


def _is_list(kind: Any) -> bool:
    """Whether an Arrow type is one of lists, of any layout."""
    return str(kind).startswith(("list<", "large_list<", "fixed_size_list<", "list_view<", "large_list_view<"))


def _listed(names: list[str]) -> str:
    """Names for a message, the first ones if they are many."""
    shown = ", ".join(repr(_short(name)) for name in names[:NAMES_SHOWN])
    return shown if len(names) <= NAMES_SHOWN else f"{shown} and {len(names) - NAMES_SHOWN:,} more"


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a column, without those that are null."""

    kind: Kind
    numbers: Numbers
    """The number of each row in the column, from 1 on, for messages."""
    values: Any
    """Rows of text as binary values, or the tokens or ids of all rows, without those that are null; an Arrow array."""
    ends: Numbers
    """The position among the values at which each row ends."""

    def text(self) -> list[Any]:
        """The lines of all rows, in pieces: each row with a line feed behind it, unless it ends with one."""
        compute = import_pyarrow().compute
        rows, has_end = self.values, compute.ends_with(self.values, pattern=LINE_FEED.decode())
        if has_end.true_count:
            rows = compute.if_else(has_end, compute.binary_slice(rows, 0, -1), rows)
        return [_joined(rows, LINE_FEED), LINE_FEED]

    def tokens(self, name: str) -> list[Any]:
        """The tokens of all rows, with the ends of tokens and of lines behind them, in pieces."""
        pyarrow = import_pyarrow()
        is_empty = _numbers(pyarrow.compute.binary_length(self.values)) == 0
        self._check(is_empty, f"of {name!r} holds an empty token; leave empty tokens out")
        compute, kind, both_ends = pyarrow.compute, self.values.type, WORD_END_BYTE + LINE_END_BYTE
        lists = pyarrow.LargeListArray.from_arrays(_borders(self.ends), self.values)
        rows = compute.binary_join(lists, pyarrow.scalar(WORD_END_BYTE, kind))
        is_empty = np.diff(self.ends, prepend=0) == 0
        if not is_empty.any():
            return [_joined(rows, both_ends), both_ends]
        end, ends, nothing = (pyarrow.scalar(text, kind) for text in (LINE_END_BYTE, both_ends, b""))
        behind = compute.if_else(pyarrow.array(is_empty), end, ends)  # an empty row has no token's end
        return [_joined(compute.binary_join_element_wise(rows, behind, nothing), b"")]

    def items(self, name: str) -> Numbers:
        """The ids of all rows, with -1 behind each row."""
        items = _numbers(self.values).astype(np.int64)
        self._check(items < 0, f"of {name!r} holds an id that is not from 0 to {LARGEST_ITEM}")
        out = np.full(items.size + self.ends.size, -1)
        is_item = np.ones(out.size, dtype=bool)
        is_item[self.ends + np.arange(self.ends.size)] = False
        out[is_item] = items
        return out

    def _check(self, wrong: NDArray[np.bool_], trouble: str) -> None:
        """Refuse the first row of which a value is wrong."""
        if wrong.any():
            row = self.numbers[np.searchsorted(self.ends, np.argmax(wrong), side="right")]
            raise CorpusError(f"row {row:,} {trouble}")


@dataclass(frozen=True, slots=True)
class ColumnChunk:
    """A few rows of a column, not yet joined: the thread that encodes them joins them."""

    pieces: list[Rows]
    """All of one kind."""
    name: str
    """The table or file of the column, for messages."""
    lowercase: bool
    """Whether tokens that are cut already become lower case; text does later."""

    @property
    def holds_items(self) -> bool:
        """Whether the rows are of ids."""
        return self.pieces[0].kind == "ids"

    def read(self) -> Chunk | ItemChunk:
        """The rows as one piece of text, or of ids.

        Raises:
            CorpusError: A token is empty, or an id below 0.
        """
        if self.holds_items:
            return ItemChunk(np.concatenate([piece.items(self.name) for piece in self.pieces]), self.name)
        rows = f"{self.name}, rows {self.pieces[0].numbers[0]:,} to {self.pieces[-1].numbers[-1]:,}"
        if self.pieces[0].kind == "text":
            return Chunk(b"".join([text for piece in self.pieces for text in piece.text()]), rows)
        text = b"".join([text for piece in self.pieces for text in piece.tokens(self.name)])
        if self.lowercase:  # the ends of tokens and lines, no UTF-8, come through as half characters
            text = text.decode(errors="surrogateescape").lower().encode(errors="surrogateescape")
        return Chunk(text, rows, separated=True)


def column_chunks(
    arrays: Iterable[Any], name: str, source: Source, *, lowercase: bool, before: int = 0
) -> Iterator[ColumnChunk]:
    """The chunks of a column that comes as arrays of pyarrow, one after another.

    Args:
        arrays: all of one type.
        name: the table or file that they are from, for messages.
        source: counts bytes and nulls.
        lowercase: whether lists of tokens become lower case.
        before: the rows of the column in front of the first, for messages.

    Raises:
        CorpusError: An array contradicts itself, or its tokens are not UTF-8.
    """
    gathered: list[Rows] = []
    size, row = 0, before
    for array in arrays:
        kind = _kind_of(array.type) or "text"
        for part, room in _parts(_checked(array, name)):
            piece, nulls = _rows_of(part, kind, row)
            source.nulls += nulls
            source.text_bytes += room - nulls * (ITEM_BYTES if kind == "ids" else 1)
            row += len(part)
            if not piece.numbers.size:
                continue
            if gathered and (size >= CHUNK_BYTES or kind != gathered[0].kind):
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
    ends = np.cumsum(_sizes(array))
    begin, done = 0, 0
    while begin < len(array):
        end = max(begin + 1, int(np.searchsorted(ends, done + CHUNK_BYTES, side="right")))
        yield array.slice(begin, end - begin), int(ends[end - 1]) - done
        begin, done = end, int(ends[end - 1])


def _sizes(array: Any) -> Numbers:
    """The bytes that each row takes with its end when it is written out."""
    if not _is_list(array.type):
        return _lengths(array) + 1
    values, begins, ends = _spans(array)
    if import_pyarrow().types.is_integer(values.type):
        return ITEM_BYTES * (ends - begins + 1)
    positions = _borders(np.cumsum(_lengths(values) + 1))
    return np.asarray(positions[ends] - positions[begins] + 1)


def _lengths(array: Any) -> Numbers:
    """The bytes of each string, 0 of one that is null."""
    pyarrow = import_pyarrow()
    types = pyarrow.types
    if types.is_null(array.type):
        return np.zeros(len(array), dtype=np.int64)
    if types.is_dictionary(array.type):
        lengths = pyarrow.array(_lengths(array.dictionary)).take(array.indices)
    elif _is_view(array.type):  # 16 bytes for each, of which the first four are the length
        return np.where(_valid(array), _views(array)[:, 0], 0).astype(np.int64)
    else:
        lengths = pyarrow.compute.binary_length(array)
    return _numbers(lengths.fill_null(0)).astype(np.int64)


def _spans(array: Any) -> tuple[Any, Numbers, Numbers]:
    """Values in which the lists of an array lie, and where each list begins and ends among them."""
    if "list_view<" not in str(array.type):
        ends = np.cumsum(_numbers(array.value_lengths().fill_null(0)), dtype=np.int64)
        return array.flatten(), _borders(ends)[:-1], ends
    valid = _valid(array)
    begins = np.where(valid, _numbers(array.offsets), 0).astype(np.int64)
    ends = np.where(valid, begins + _numbers(array.sizes), 0)
    first, last = (begins[valid].min(), ends[valid].max()) if valid.any() else (0, 0)
    return array.values.slice(first, last - first), np.where(valid, begins - first, 0), np.where(valid, ends - first, 0)


def _rows_of(array: Any, kind: Kind, before: int) -> tuple[Rows, int]:
    """The rows of a slice, and the number of nulls among them and their values; ``before`` counts the rows in front."""
    valid = _valid(array)
    numbers = np.flatnonzero(valid) + before + 1
    nulls = len(array) - numbers.size
    if kind == "text":
        return Rows(kind, numbers, _written_out(array).drop_null(), np.arange(1, numbers.size + 1)), nulls
    values = array.flatten()
    values = values if kind == "ids" else _written_out(values)
    ends = np.cumsum(_numbers(array.value_lengths().drop_null()), dtype=np.int64)
    if values.null_count:
        ends = _borders(np.cumsum(_valid(values)))[ends]
        nulls, values = nulls + values.null_count, values.drop_null()
    return Rows(kind, numbers, values, ends), nulls


def _written_out(array: Any) -> Any:
    """Strings of any layout as binary values that lie one behind the other."""
    pyarrow = import_pyarrow()
    if pyarrow.types.is_dictionary(array.type):
        dictionary = _written_out(array.dictionary)
        return pyarrow.DictionaryArray.from_arrays(array.indices, dictionary).dictionary_decode()
    if _is_view(array.type):
        array = _without_hidden_views(array).cast(pyarrow.large_string())
    is_large = str(array.type).startswith("large_") or array.nbytes > LONGEST_BYTES
    return array.cast(pyarrow.large_binary() if is_large else pyarrow.binary())


def _without_hidden_views(array: Any) -> Any:
    """String views of which those that are null refer to nothing: pyarrow copies what they refer to, unchecked."""
    pyarrow = import_pyarrow()
    valid = _valid(array)
    views = np.where(valid[:, np.newaxis], _views(array), np.int32(0))
    bits = pyarrow.py_buffer(np.packbits(valid, bitorder="little"))
    buffers = [bits, pyarrow.py_buffer(views), *array.buffers()[2:]]
    return pyarrow.Array.from_buffers(array.type, len(array), buffers)


def _views(array: Any) -> NDArray[np.int32]:
    """String views, four numbers each, of which the first is the length."""
    return np.frombuffer(array.buffers()[1] or b"", np.int32, 4 * len(array), 16 * array.offset).reshape(-1, 4)


def _valid(array: Any) -> NDArray[np.bool_]:
    """Whether each element is not null."""
    if not array.null_count:
        return np.ones(len(array), dtype=bool)
    return _numbers(array.is_valid().cast("uint8")).astype(bool)


def _numbers(array: Any) -> NDArray[Any]:
    """The numbers of an Arrow array without nulls; its own ``to_numpy`` would load pandas."""
    kind = np.dtype(str(array.type))
    return np.frombuffer(array.buffers()[1] or b"", kind, len(array), kind.itemsize * array.offset)


def _borders(ends: Numbers) -> Numbers:
    """The position at which each of several pieces begins, and the last one ends."""
    return np.concatenate([np.zeros(1, dtype=np.int64), ends])


def _joined(values: Any, between: bytes) -> Any:
    """The bytes of binary values, with ``between`` between each two."""
    pyarrow = import_pyarrow()
    whole = pyarrow.LargeListArray.from_arrays(np.array([0, len(values)]), values)
    return pyarrow.compute.binary_join(whole, pyarrow.scalar(between, values.type))[0].as_buffer()
