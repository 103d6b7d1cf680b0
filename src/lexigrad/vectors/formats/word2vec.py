"""Word2vec's text format, its binary format, and GloVe's text format.

The binary format has a line ``words dim``, then each word, a space, and its float32 numbers. GloVe's format is the text
format without the first line.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import IO, TYPE_CHECKING, Final

import numpy as np

from lexigrad.errors import FormatError
from lexigrad.files.atomic import atomic_write
from lexigrad.vectors.formats.rows import WORD_BYTES, Rows, encoded_words, open_stream, read_header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from lexigrad.vectors.keyedvectors import KeyedVectors


__all__ = [
    "number_of_numbers",
    "read_binary",
    "read_glove",
    "read_word2vec_text",
    "write_binary",
    "write_glove",
    "write_word2vec_text",
]


NUMBER_BYTES: Final = 32
"""A line may be as long as the longest word and so many bytes for each number."""
SAMPLE_BYTES: Final = 1 << 20
ROWS_AT_ONCE: Final = 1 << 10

CHUNK_BYTES: Final = 1 << 20
LINE_BREAK: Final = ord("\n")


def write_word2vec_text(path: Path, vectors: KeyedVectors) -> None:
    """Write the line ``words dim``, then a row a line: the word and its numbers, with single spaces between."""
    _write_rows(path, vectors, encoded_words(vectors.words, "word2vec text"), header=True)


def write_glove(path: Path, vectors: KeyedVectors) -> None:
    """Write a row a line: the word and its numbers, with single spaces between."""
    if not len(vectors):
        raise FormatError(
            "a GloVe file cannot hold zero words, as nothing would tell the dimension; save as native instead"
        )
    _write_rows(path, vectors, encoded_words(vectors.words, "GloVe text"), header=False)


def _write_rows(path: Path, vectors: KeyedVectors, words: list[bytes], *, header: bool) -> None:
    # Nine digits give every float32 back. "#" keeps the point in 5.00000000: no row is mistaken for a header.
    numbers = b" %#.9g" * vectors.dim + b"\n"
    with atomic_write(path) as file:
        if header:
            file.write(b"%d %d\n" % (len(vectors), vectors.dim))
        for start in range(0, len(words), ROWS_AT_ONCE):
            rows = vectors.matrix[start : start + ROWS_AT_ONCE].tolist()
            file.writelines(word + numbers % tuple(row) for word, row in zip(words[start:], rows, strict=False))


def read_word2vec_text(path: Path, *, encoding_errors: str = "strict") -> KeyedVectors:
    """Read a file of word2vec, gensim or ``write_word2vec_text``.

    Args:
        path: the file, packed or not.
        encoding_errors: what to do with words that are not UTF-8: ``strict`` or ``replace``.

    Raises:
        FormatError: a line is not a word and its numbers, a word comes twice, or rows are missing or too many.
    """
    return _read_rows(path, header=True, encoding_errors=encoding_errors)


def read_glove(path: Path, *, encoding_errors: str = "strict") -> KeyedVectors:
    """Read a file of GloVe or ``write_glove``.

    Args:
        path: the file, packed or not.
        encoding_errors: what to do with words that are not UTF-8: ``strict`` or ``replace``.

    Raises:
        FormatError: a line is not a word and its numbers, a word comes twice, or lines differ in length.
    """
    return _read_rows(path, header=False, encoding_errors=encoding_errors)


def _read_rows(path: Path, *, header: bool, encoding_errors: str) -> KeyedVectors:
    with (
        open_stream(path) as stream,
        np.errstate(over="ignore"),
    ):  # a number that becomes infinite is reported by its line
        if header:
            promised, dim = read_header(path, stream, lambda dim: 2 * dim + 2)
        else:
            promised, dim = None, _usual_dim(path)
        rows = Rows(path, dim, promised, "line", encoding_errors)
        for number, line in _lines(stream, rows, first=1 + header):
            word, vector = _split(line, rows, number)
            rows.add(word, vector, number)
        return rows.finish()


def number_of_numbers(line: bytes) -> int:
    """How many numbers stand at the end of a line that begins with a word."""
    word, _, rest = line.rstrip().partition(b" ")
    fields = (rest or word.partition(b"\t")[2]).split()
    for count, field in enumerate(reversed(fields)):
        if not _is_number(field):
            return count
    return len(fields)


def _usual_dim(path: Path) -> int:
    """How many numbers most of the first lines hold; a word with spaces in it does not lead this astray."""
    with open_stream(path) as stream:
        lines = stream.read(SAMPLE_BYTES).split(b"\n")
    whole = lines[:-1] or lines  # the last one may be cut by the sample
    counts = Counter(number_of_numbers(line) for line in whole if line.strip())
    dim = counts.most_common(1)[0][0] if counts else 0
    if not dim:
        raise FormatError(f"{path}, line 1: expected a word and its numbers, found {lines[0][:40]!r}")
    return dim


def _lines(stream: IO[bytes], rows: Rows, first: int) -> Iterator[tuple[int, bytes]]:
    """Number and content of each line, without the white space at its end; empty lines may stand at the end only."""
    empty = None
    number = first
    longest = WORD_BYTES + NUMBER_BYTES * (rows.dim + 1)
    while line := stream.readline(longest):
        if len(line) == longest and not line.endswith(b"\n"):
            raise rows.error(number, f"longer than {longest:,} bytes, too long for a word and {rows.dim:,} numbers")
        content = line.rstrip()
        if content and empty is not None:
            raise rows.error(empty, "the line is empty, but more follow; remove it")
        if content:
            yield number, content
        elif empty is None:
            empty = number
        number += 1


def _split(line: bytes, rows: Rows, number: int) -> tuple[bytes, NDArray[np.float32]]:
    """A line's word and its numbers."""
    fields = line.split(b" ", rows.dim + 1)
    if len(fields) != rows.dim + 1:  # other white space between the numbers, or spaces in the word
        fields = line.rsplit(None, rows.dim)
    if len(fields) != rows.dim + 1:
        raise rows.error(
            number, f"expected a word and {rows.dim:,} numbers, found {line[:40]!r} of {len(fields)} fields"
        )
    word = fields[0]
    if b" " in word and _is_number(word.rsplit(b" ", 1)[1]):
        raise rows.error(number, f"more than {rows.dim:,} numbers after the word {word.split(b' ', 1)[0][:40]!r}")
    try:
        return word, np.fromiter(map(float, islice(fields, 1, None)), dtype=np.float32, count=rows.dim)
    except ValueError:
        wrong = next(field for field in fields[1:] if not _is_number(field))
        raise rows.error(number, f"{wrong[:40]!r} is not a number; a row is a word and {rows.dim:,} numbers") from None


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def write_binary(path: Path, vectors: KeyedVectors) -> None:
    """Write the bytes that word2vec.c would write: a line break, which gensim's reader skips, ends each row."""
    words = encoded_words(vectors.words, "word2vec binary")
    with atomic_write(path) as file:
        file.write(b"%d %d\n" % (len(vectors), vectors.dim))
        for word, row in zip(words, vectors.matrix, strict=True):
            file.write(word + b" " + row.astype("<f4", copy=False).tobytes() + b"\n")


def read_binary(path: Path, *, encoding_errors: str = "strict") -> KeyedVectors:
    """Read a file of word2vec.c, gensim (which ends rows with nothing) or ``write_binary``.

    Args:
        path: the file, packed or not.
        encoding_errors: what to do with words that are not UTF-8: ``strict`` or ``replace``.

    Raises:
        FormatError: the file is cut short or longer than its header says, or a word comes twice.
    """
    with open_stream(path) as stream:
        header = read_header(path, stream, lambda dim: 4 * dim + 2)
        rows = Rows(path, header.dim, header.words, "byte", encoding_errors)
        content = _Content(stream, stream.tell())
        for _ in range(header.words):
            place, word = content.take_word(rows)
            rows.add(word, content.take_numbers(rows), place)
        content.check_end(rows)
        return rows.finish()


class _Content:
    """The bytes of a stream, from which words and numbers are taken one after another."""

    def __init__(self, stream: IO[bytes], offset: int) -> None:
        self.stream = stream
        self.held = b""
        self.position = 0  # in the held bytes
        self.offset = offset  # of the held bytes in the stream

    @property
    def place(self) -> int:
        return self.offset + self.position

    def take_word(self, rows: Rows) -> tuple[int, bytes]:
        """The bytes up to the next space, and where they stand."""
        while (end := self.held.find(b" ", self.position)) < 0:
            if len(self.held) - self.position > WORD_BYTES:
                raise rows.error(
                    self.place, f"no space ends the word within {WORD_BYTES:,} bytes; the dimension is wrong"
                )
            if not self._fill():
                raise rows.error(self.place, self._cut_short(rows))
        while self.held[self.position] == LINE_BREAK:  # of the row before
            self.position += 1
        place, word = self.place, self.held[self.position : end]
        self.position = end + 1
        return place, word

    def take_numbers(self, rows: Rows) -> NDArray[np.float32]:
        """The numbers of one vector."""
        while len(self.held) - self.position < 4 * rows.dim:
            if not self._fill():
                raise rows.error(self.place, self._cut_short(rows))
        numbers = np.frombuffer(self.held, dtype="<f4", count=rows.dim, offset=self.position)
        self.position += 4 * rows.dim
        return numbers

    def check_end(self, rows: Rows) -> None:
        """Refuse a file in which anything but line breaks follows the last row."""
        while not self.held[self.position :].strip(b"\r\n"):
            self.position = len(self.held)
            if not self._fill():
                return
        raise rows.error(
            self.place, f"more bytes than {rows.promised:,} rows of {rows.dim:,} numbers; the header is wrong"
        )

    def _fill(self) -> bool:
        """Hold more of the stream; False at its end."""
        more = self.stream.read(CHUNK_BYTES)
        self.held = self.held[self.position :] + more
        self.offset += self.position
        self.position = 0
        return bool(more)

    def _cut_short(self, rows: Rows) -> str:
        return (
            f"the file ends in row {len(rows.words) + 1:,} of {rows.promised:,}; it is cut short or its header is wrong"
        )
