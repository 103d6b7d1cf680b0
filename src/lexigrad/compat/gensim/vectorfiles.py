"""Files of gensim's kinds: native ones for models and vectors, and word2vec's, read as gensim reads them.

`lexigrad.load_vectors` reads the native files too; the rest of a thing's state lies in them as JSON. Of word2vec's
files gensim reads some rows only, in any encoding, and takes the first of two rows with one word.
"""

from __future__ import annotations

import json
import os
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.compat.gensim.errors import DamagedFileError, NotKeptError, ShortFileError
from lexigrad.errors import FormatError
from lexigrad.files.strings import pack_words
from lexigrad.files.tensors import begins_as_native, read_native, write_native
from lexigrad.vectors.formats.rows import WORD_BYTES, open_stream, parse_header
from lexigrad.vectors.formats.safetensors import NATIVE_FORMAT, vectors_from_tensors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from lexigrad.compat.gensim.table import VectorTable

__all__ = [
    "Layout",
    "Stored",
    "is_native",
    "read_counts",
    "read_rows",
    "read_stored",
    "refuse_save_options",
    "write_stored",
]


BLOCK_BYTES: Final = 1 << 20
BLOCK_ROWS: Final = 1 << 12
LONGEST_LINE_BYTES: Final = 1 << 26
HEADER_BYTES: Final = 256
LARGEST_DIM: Final = 1 << 20

Row = tuple[str, "NDArray[Any]"]

WIDTHS: Final = {"float32": np.float32, "float16": np.float16}
NUMBERS: Final = "biuf"
"""The kinds of NumPy's types that attributes may have; all others are objects."""

STATE: Final = "gensim"
"""The tensor that holds the state as JSON in UTF-8; tensors have no limit of size, as the header has."""


class Layout(NamedTuple):
    """How a file is to be read.

    Attributes:
        binary: whether numbers are four bytes each, or text.
        encoding: the encoding of the words.
        errors: what to do with words that are not in the encoding, as `bytes.decode` takes it.
        dtype: the type of the vectors that come out.
        limit: rows to read at most; None or 0 for all.
        header: whether the first line is ``words dim``.
    """

    binary: bool = False
    encoding: str = "utf8"
    errors: str = "strict"
    dtype: Any = np.float32
    limit: int | None = None
    header: bool = True


def read_rows(path: str | os.PathLike[str], layout: Layout) -> tuple[list[str], NDArray[Any], int]:
    """The words and vectors of a file, packed by gzip, bzip2 or xz or not.

    Args:
        path: the file.
        layout: how to read it.

    Returns:
        The words, their vectors, of shape ``(words, dim)``, and the number of rows that were passed over, as their
        word had come before.

    Raises:
        DamagedFileError: the file is not in word2vec's format; a ValueError.
        ShortFileError: the file ends too early; an EOFError.
        UnicodeDecodeError: a word is not in the encoding, and ``errors`` is ``strict``.
        FileNotFoundError: there is no such file.
    """
    os.stat(path)
    if layout.binary and not layout.header:
        raise NotKeptError("a binary file cannot be read without its header; leave no_header out")
    words: dict[str, None] = {}
    blocks: list[NDArray[Any]] = []
    block: list[NDArray[Any]] = []
    found = 0
    with open_stream(Path(path)) as stream:
        wanted, rows = _begin(stream, path, layout)
        for word, vector in islice(rows, wanted):
            found += 1
            if word not in words:
                words[word] = None
                block.append(vector)
            if len(block) == BLOCK_ROWS:
                blocks.append(np.array(block))
                block = []
    least = wanted if layout.header and wanted else 1
    if found < least:
        raise ShortFileError(f"{path} ends after {found:,} rows of {least:,}; it is cut short or its header is wrong")
    vectors = np.concatenate([*blocks, np.array(block)] if block else blocks)
    return list(words), vectors, found - len(words)


def read_counts(path: str | os.PathLike[str], errors: str = "strict") -> dict[str, int]:
    """The counts of a vocabulary file, which has ``word count`` on each line.

    Raises:
        FormatError: a line is something else.
    """
    counts = {}
    with open_stream(Path(path)) as stream:
        for number, line in enumerate(stream, start=1):
            word, _, count = line.decode(errors=errors).strip().rpartition(" ")
            if not word or not count.isdecimal():
                raise FormatError(f"{path}, line {number:,}: expected 'word count', found {line[:40]!r}")
            counts[word] = int(count)
    return counts


def _begin(stream: IO[bytes], path: Any, layout: Layout) -> tuple[int | None, Iterator[Row]]:
    """The number of rows wanted, None for all, and the rows."""
    limit = layout.limit or None
    if not layout.header:
        return limit, _text_rows(_lines(stream, path), path, layout, None)
    header = parse_header(stream.readline(HEADER_BYTES))
    if header is None:
        raise DamagedFileError(f"{path}, line 1: expected 'words dim', two whole numbers; is this a word2vec file?")
    words, dim = (int(number[:19]) for number in header)
    if not 1 <= dim <= LARGEST_DIM or words < 1:
        raise DamagedFileError(f"{path}, line 1: it promises {words:,} rows of {dim:,} numbers, which no file holds")
    rows = _binary_rows(stream, dim, layout) if layout.binary else _text_rows(_lines(stream, path), path, layout, dim)
    return (words if limit is None else min(words, limit)), rows


def _lines(stream: IO[bytes], path: Any) -> Iterator[bytes]:
    while line := stream.readline(LONGEST_LINE_BYTES):
        if len(line) == LONGEST_LINE_BYTES:
            raise DamagedFileError(f"{path} has a line of more than {LONGEST_LINE_BYTES:,} bytes; is this a text file?")
        if line.strip():
            yield line


def _text_rows(lines: Iterator[bytes], path: Any, layout: Layout, dim: int | None) -> Iterator[Row]:
    """Rows of text; a row may hold spaces in its word where the dimension is known."""
    lines = iter(lines)
    if dim is None:
        first = next(lines, None)
        if first is None:
            return
        dim, lines = len(first.split(b" ")) - 1, chain([first], lines)
    for line in lines:
        fields = line.rstrip().rsplit(b" ", dim)
        try:
            vector = np.array([float(field) for field in fields[1:]], dtype=layout.dtype)
        except ValueError:
            vector = np.empty(0)
        if len(vector) != dim:
            raise DamagedFileError(f"{path}: expected a word and {dim:,} numbers, found {line[:40]!r}")
        yield fields[0].decode(layout.encoding, layout.errors), vector


def _binary_rows(stream: IO[bytes], dim: int, layout: Layout) -> Iterator[Row]:
    """Rows of a word, a space and four bytes for each number; ends where the stream does."""
    held, position = b"", 0
    while True:
        end = held.find(b" ", position)
        stop = end + 1 + 4 * dim
        if end < 0 or stop > len(held):
            more = stream.read(BLOCK_BYTES)
            held, position = held[position:] + more, 0
            if not more or (end < 0 and len(held) > WORD_BYTES + BLOCK_BYTES):
                return
            continue
        word = held[position:end].lstrip(b"\n").decode(layout.encoding, layout.errors)
        yield word, np.frombuffer(held, dtype="<f4", count=dim, offset=end + 1).astype(layout.dtype)
        position = stop


class Stored:
    """The content of a file.

    Attributes:
        tensors: the tensors by name.
        state: the values that are neither vectors nor counts, and ``class``: ``Word2Vec`` or ``KeyedVectors``.
        metadata: the metadata of the native file.
    """

    def __init__(self, path: Path, tensors: dict[str, NDArray[Any]], metadata: dict[str, str]) -> None:
        self.path, self.tensors, self.metadata = path, tensors, metadata
        self.state: dict[str, Any] = {}
        if STATE in tensors:
            try:
                self.state = json.loads(tensors[STATE].astype(np.uint8).tobytes())
            except (ValueError, RecursionError) as error:
                raise FormatError(f"{path}: the tensor {STATE!r} is not JSON: {error}") from error
            if not isinstance(self.state, dict):
                raise FormatError(f"{path}: the tensor {STATE!r} must hold a JSON object")

    def fill(self, table: VectorTable, mmap: str | None) -> None:
        """Put keys, vectors and attributes into an empty table.

        Args:
            table: the table to fill.
            mmap: ``r`` leaves the vectors mapped and read-only; with other values they are copied.
        """
        vectors = vectors_from_tensors(self.path, self.tensors)
        try:
            table.index_to_key = self.state.get("keys") or vectors.words
            table.key_to_index = {key: row for row, key in enumerate(table.index_to_key) if key is not None}
            dtype = np.dtype(WIDTHS[self.state.get("dtype", "float32")])
            table.vectors = vectors.matrix if mmap == "r" and dtype == np.float32 else vectors.matrix.astype(dtype)
            table.vector_size, table.next_index = vectors.dim, len(table.index_to_key)
            if vectors.counts is not None:
                table.expandos["count"] = vectors.counts.copy()
            for name, attribute in self.state.get("attributes", {}).items():
                table.expandos[name] = _array(attribute["values"], attribute["dtype"])
            fits = all(len(values) == len(vectors) for values in (table.index_to_key, *table.expandos.values()))
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise FormatError(f"{self.path}: the tensor {STATE!r} contradicts the others: {error}") from error
        if not fits:
            raise FormatError(f"{self.path}: keys, vectors and attributes differ in number; the file is damaged")


def is_native(path: str | os.PathLike[str]) -> bool:
    """Whether a file is one of lexigrad's own, by its first bytes."""
    with open(path, "rb") as file:
        return begins_as_native(file.read(9))


def read_stored(path: str | os.PathLike[str], mmap: str | None = None) -> Stored:
    """Read a native file.

    Args:
        path: the file, with the state of a model of gensim's kind or without.
        mmap: the mode, as gensim takes it; ``r+`` would change the file, and is refused.

    Raises:
        FormatError: the file is not native, or damaged.
    """
    if mmap not in (None, "r", "c"):
        raise NotKeptError(f"load(mmap={mmap!r}) is not kept, files are never changed in place; take mmap='r' or None")
    return Stored(Path(path), *read_native(path, NATIVE_FORMAT))


def write_stored(
    path: str | os.PathLike[str],
    table: VectorTable,
    state: dict[str, Any],
    tensors: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, str],
) -> None:
    """Write keys, vectors, attributes and further state as one native file, whole or not at all.

    Raises:
        NotKeptError: the vectors, or an attribute, are of a type that the file cannot hold.
    """
    if table.vectors.dtype not in (np.float32, np.float16):
        raise NotKeptError(f"files hold vectors as float32, and these are {table.vectors.dtype}; use astype first")
    keys = [key.item() if isinstance(key, np.integer) else key for key in table.index_to_key]
    are_words = all(isinstance(key, str) for key in keys)
    text, ends = pack_words([str(key) if are_words else str(row) for row, key in enumerate(keys)])
    vectors = table.vectors.astype(np.float32, copy=False)
    arrays: dict[str, NDArray[Any]] = {"V": vectors, "words": text, "word_ends": ends}
    attributes = dict(table.expandos)
    counts = attributes.get("count")
    if counts is not None and counts.dtype.kind in "iu" and (counts >= 0).all():
        arrays["counts"] = attributes.pop("count").astype(np.int64)
    whole = {
        **state,
        "dtype": str(table.vectors.dtype),
        "keys": None if are_words else keys,
        "attributes": {
            name: {"dtype": values.dtype.str if values.dtype.kind in NUMBERS else "object", "values": values.tolist()}
            for name, values in attributes.items()
        },
    }
    try:
        encoded = json.dumps(whole, ensure_ascii=False, default=_plain).encode()
    except (TypeError, ValueError) as error:
        raise NotKeptError(f"files hold attributes of numbers and strings only, and one is neither: {error}") from error
    arrays[STATE] = np.frombuffer(encoded, dtype=np.uint8)
    write_native(path, {**arrays, **tensors}, {"format": NATIVE_FORMAT, "version": "1", **metadata})


def refuse_save_options(ignore: Any) -> None:
    """Refuse to leave attributes out of a file."""
    if ignore:
        raise NotKeptError("save(ignore=...) is not kept: a file holds the whole; save model.wv for the vectors alone")


def _array(values: list[Any], name: str) -> NDArray[Any]:
    """The values as an array of one dimension, of a type of numbers or of objects."""
    dtype = np.dtype(object) if name == "object" else np.dtype(str(name))
    if dtype.kind not in (*NUMBERS, "O"):
        raise ValueError(f"an attribute cannot be {name}")
    array = np.empty(len(values), dtype=dtype)
    array[:] = values
    return array


def _plain(value: Any) -> Any:
    """A number of NumPy's as one of Python's, which JSON knows."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be saved")
