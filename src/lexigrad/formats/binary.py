"""Word2vec's binary format: the line ``words dim``, then each word, a space, and its float32 numbers."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

import numpy as np

from lexigrad.files import atomic_write
from lexigrad.formats.stream import WORD_BYTES, Rows, encoded_words, open_stream, read_header

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from lexigrad.keyedvectors import KeyedVectors

__all__ = ["read_binary", "write_binary"]

CHUNK_BYTES: Final = 1 << 20
LINE_BREAK: Final = ord("\n")


def write_binary(path: Path, vectors: KeyedVectors) -> None:
    """Write as word2vec.c does: a line break ends each row, which gensim's reader skips."""
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
    """A stream's bytes, taken from the front."""

    def __init__(self, stream: IO[bytes], offset: int) -> None:
        self.stream = stream
        self.held = b""
        self.position = 0  # in what is held
        self.offset = offset  # of what is held, in the stream

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
        """One vector."""
        while len(self.held) - self.position < 4 * rows.dim:
            if not self._fill():
                raise rows.error(self.place, self._cut_short(rows))
        numbers = np.frombuffer(self.held, dtype="<f4", count=rows.dim, offset=self.position)
        self.position += 4 * rows.dim
        return numbers

    def check_end(self, rows: Rows) -> None:
        """Nothing but line breaks may follow the last row."""
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
