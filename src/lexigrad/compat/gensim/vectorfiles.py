"""word2vec's files as gensim reads them: some rows only, any encoding, the first of two rows with one word."""

from __future__ import annotations

import os
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.compat.gensim.refusals import DamagedFileError, NotKeptError, ShortFileError
from lexigrad.errors import FormatError
from lexigrad.formats.stream import WORD_BYTES, open_stream, parse_header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["Layout", "read_counts", "read_rows"]

BLOCK_BYTES: Final = 1 << 20
BLOCK_ROWS: Final = 1 << 12
LONGEST_LINE_BYTES: Final = 1 << 26
HEADER_BYTES: Final = 256
LARGEST_DIM: Final = 1 << 20

Row = tuple[str, "NDArray[Any]"]


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
