"""Shared parts of the readers of other programs' formats: opened files, the header of word2vec, rows as they come."""

from __future__ import annotations

import re
import stat
from array import array
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

from lexigrad.errors import FormatError
from lexigrad.files.packed import DAMAGE, ExpansionError, unpacked
from lexigrad.files.packed import is_packed as begins_packed
from lexigrad.vectors.keyedvectors import KeyedVectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

__all__ = ["WORD_BYTES", "Header", "Rows", "encoded_words", "is_packed", "open_stream", "parse_header", "read_header"]

EXPANSION: Final = 100
"""The content may be so many times as large as the packed file; packing makes vectors 2 to 5 times smaller."""
LEAST_CONTENT_BYTES: Final = 1 << 20
"""So much content is read even from a smaller packed file."""
HEADER_BYTES: Final = 256
MOST_WORDS: Final = 1 << 40
LARGEST_DIM: Final = 1 << 20
WORD_BYTES: Final = 1 << 20  # no longer word is written, so that a reader can bound what it takes for one


class Header(NamedTuple):
    """The first line of word2vec's formats."""

    words: int
    dim: int


@contextmanager
def open_stream(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to read its bytes, unpacked where gzip, bzip2, xz or Zstandard packed them.

    Raises:
        FormatError: the file cannot be read, its packing is damaged, or its content is more than ``EXPANSION`` times as
            large.
        MissingExtraError: Zstandard packed the file, and zstandard is not installed.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # it is read from the beginning more than once
            raise FormatError(f"cannot read {path}: it is not a plain file; give the name of a file of vectors")
        with path.open("rb") as file:
            yield unpacked(file, max(LEAST_CONTENT_BYTES, EXPANSION * status.st_size))
    except ExpansionError as error:
        raise FormatError(
            f"{path}: its content is more than {EXPANSION} times as large as the packed file; if it is really a file "
            "of vectors, unpack it first"
        ) from error
    except DAMAGE as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise FormatError(f"cannot read {path}: {reason}") from error


def is_packed(path: Path) -> bool:
    """Whether a file is packed, so that its size says little about the size of its content."""
    with path.open("rb") as file:
        return begins_packed(file)


def parse_header(line: bytes) -> tuple[bytes, bytes] | None:
    """The two whole numbers of a header as they stand, or None when the line is something else."""
    match = re.fullmatch(rb"(?:\xef\xbb\xbf)?\s*([+-]?\d+)[ \t]+([+-]?\d+)\s*", line)
    return (match[1], match[2]) if match else None


def read_header(path: Path, stream: IO[bytes], least_row_bytes: Callable[[int], int]) -> Header:
    """Read the first line of word2vec's formats; a promise that the file cannot hold is refused before it takes room.

    Args:
        path: the stream's file.
        stream: at its beginning.
        least_row_bytes: gives for a number of numbers how many bytes their row takes at least.
    """
    line = stream.readline(HEADER_BYTES)
    numbers = parse_header(line)
    if numbers is None:
        raise FormatError(f"{path}, line 1: expected 'words dim', two whole numbers, found {line[:40]!r}")
    header = Header(
        _bounded(path, "number of words", numbers[0], 0, MOST_WORDS),
        _bounded(path, "dimension", numbers[1], 1, LARGEST_DIM),
    )
    least, held = header.words * least_row_bytes(header.dim), path.stat().st_size - len(line)
    if least > held + 1 and not is_packed(path):  # the last row may lack its line break
        raise FormatError(
            f"{path}, line 1: the header promises {header.words:,} words of {header.dim:,} numbers, at least {least:,} "
            f"bytes, but {held:,} bytes follow it; the file is cut short or the header wrong"
        )
    return header


def _bounded(path: Path, name: str, digits: bytes, least: int, most: int) -> int:
    number = int(digits) if len(digits) < 20 else most + 1  # Python refuses to turn millions of digits into an int
    if not least <= number <= most:
        shown = digits[:30].decode() + ("…" if len(digits) > 30 else "")
        raise FormatError(f"{path}, line 1: the {name} cannot be {shown}; it goes from {least} to {most:,}")
    return number


class Rows:
    """Collects words and vectors as they are read, in no more than twice the room of the rows that were read.

    Args:
        path: the file.
        dim: how many numbers a row has.
        promised: how many rows the header promises, or None.
        place: the unit in which errors count places: "line" or "byte".
        encoding_errors: "strict", or "replace" to put U+FFFD in place of bytes that are not UTF-8.
    """

    def __init__(
        self, path: Path, dim: int, promised: int | None, place: Literal["line", "byte"], encoding_errors: str
    ) -> None:
        self.path, self.dim, self.promised, self.place, self.encoding_errors = (
            path,
            dim,
            promised,
            place,
            encoding_errors,
        )
        self.words: dict[str, None] = {}  # in the order of the file
        self.places = array("q")
        self.matrix: NDArray[np.float32] = np.empty((0, dim), dtype=np.float32)

    def add(self, encoded: bytes, vector: ArrayLike, place: int) -> None:
        """Take the row that stands at ``place``."""
        row = len(self.words)
        if row == self.promised:
            raise self.error(place, f"more rows than the {row:,} that the header promises; correct the header")
        word = self._decoded(encoded, place)
        self.words[word] = None
        if len(self.words) == row:
            raise self.error(place, f"the word {word[:40]!r} comes a second time; remove one of the two rows")
        if row == len(self.matrix):
            wanted = max(1, 2 * row) if self.promised is None else min(self.promised, max(1, 2 * row))
            self._resize(wanted)
        self.matrix[row] = vector
        self.places.append(place)

    def finish(self) -> KeyedVectors:
        """The words and vectors, after a check that all rows are there and finite."""
        found = len(self.words)
        if self.promised is not None and found < self.promised:
            raise FormatError(
                f"{self.path}: ends after {found:,} rows, where the header promises {self.promised:,}; it is cut short"
            )
        self._resize(found)
        finite = np.isfinite(self.matrix).all(axis=1)
        if not finite.all():
            row = int(np.argmin(finite))
            word = list(self.words)[row]
            raise self.error(
                self.places[row], f"the vector of {word[:40]!r} holds a number that is not finite in 32 bits"
            )
        return KeyedVectors(self.words, self.matrix, check=False)

    def _resize(self, rows: int) -> None:
        # No other object holds the matrix; a debugger that does must not make NumPy refuse.
        self.matrix.resize((rows, self.dim), refcheck=False)

    def error(self, place: int, what: str) -> FormatError:
        """An error that names the file and the place in it."""
        return FormatError(f"{self.path}, {self.place} {place:,}: {what}")

    def _decoded(self, encoded: bytes, place: int) -> str:
        if not encoded:
            raise self.error(place, "the word is empty; a row begins with its word")
        try:
            return encoded.decode(errors=self.encoding_errors)
        except UnicodeDecodeError as error:
            raise self.error(
                place,
                f"the word {encoded[:40]!r} is not UTF-8; read the file with encoding_errors='replace' to put U+FFFD "
                "in place of such bytes",
            ) from error


def encoded_words(words: list[str], format: str) -> list[bytes]:
    """The words in UTF-8, or a FormatError that names a word that the text and binary formats cannot hold."""
    encoded = []
    for word in words:
        try:
            code = word.encode()
        except UnicodeEncodeError as error:
            raise FormatError(f"the word {word[:40]!r} cannot be written in UTF-8; rename it") from error
        if not code or b" " in code or b"\n" in code or len(code) > WORD_BYTES:
            fault = (
                "is empty" if not code else "is too long" if len(code) > WORD_BYTES else "holds a space or line break"
            )
            raise FormatError(f"the word {word[:40]!r} {fault}, which {format} cannot hold; save as native instead")
        encoded.append(code)
    return encoded
