"""fastText's and floret's binary models, read by mapping their tables into memory.

Both begin with the same magic number and version; floret has two options more, and nothing says so. Which of the two a
file is follows from where its numbers of entries add up.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from lexigrad.errors import FormatError, InputError
from lexigrad.vectors.formats.registry import FASTTEXT_MAGIC
from lexigrad.vectors.formats.rows import LARGEST_DIM
from lexigrad.vectors.subwords import Subwords
from lexigrad.vectors.subwordvectors import SubwordVectors

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["read_fasttext"]

VERSIONS: Final = (11, 12)
SUPERVISED: Final = 3
OPTIONS_AT: Final = 8
FASTTEXT_OPTIONS: Final = struct.Struct("<12id")
FLORET_OPTIONS: Final = struct.Struct("<14id")
ENTRIES: Final = struct.Struct("<3i2q")
ENTRY: Final = struct.Struct("<qB")
SHAPE: Final = struct.Struct("<2q")
WORD_BYTES: Final = 1 << 15
"""No longer word is read: up to 64 n-grams for each of its characters take memory."""


@dataclass(frozen=True)
class _Head:
    """The options and numbers that stand before the words."""

    dim: int
    model: int
    bucket: int
    minn: int
    maxn: int
    mode: Literal["fasttext", "floret"]
    hashes: int
    entries: int
    words: int
    pruned: int
    end: int
    """Where the words begin."""


def read_fasttext(path: Path, *, encoding_errors: str = "strict") -> SubwordVectors:
    """Read a model of any kind that fastText or floret saved.

    Args:
        path: the file, not packed.
        encoding_errors: what to do with words that are not UTF-8: ``strict`` or ``replace``.

    Returns:
        The words, without labels, and the n-grams; the tables stay on the disk until they are used.

    Raises:
        FormatError: the file is cut short, contradicts itself, or is quantized.
    """
    try:
        content = np.memmap(path, dtype=np.uint8, mode="r")
    except (OSError, ValueError) as error:  # NumPy maps no empty file
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise FormatError(f"cannot read {path}: {reason}") from error
    head = _head(path, content)
    words, counts, end = _entries(path, content, head, encoding_errors)
    table, end = _input_table(path, content, head, end)
    _check_end(path, content, end)
    try:
        subwords = Subwords(head.minn, head.maxn, head.bucket, head.mode, head.hashes)
        rows, ngrams = table[: head.words], table[head.words : head.words + head.bucket]
        return SubwordVectors(words, rows, ngrams, subwords, counts)
    except InputError as error:
        raise FormatError(f"{path}: {error}") from error


def _head(path: Path, content: NDArray[np.uint8]) -> _Head:
    """The options and the numbers of entries, in the layout of fastText or floret in which the numbers add up."""
    start = content[: OPTIONS_AT + FLORET_OPTIONS.size + ENTRIES.size].tobytes()
    magic, version = start[:4], int.from_bytes(start[4:8], "little", signed=True)
    if magic != FASTTEXT_MAGIC or version not in VERSIONS:
        raise FormatError(
            f"{path}, byte 4: fastText models of version {version} are unknown; known are 11 and 12"
            if magic == FASTTEXT_MAGIC
            else f"{path}, byte 0: this is no fastText model"
        )
    for layout in (FASTTEXT_OPTIONS, FLORET_OPTIONS):
        at = OPTIONS_AT + layout.size
        if len(start) < at + ENTRIES.size:
            break
        entries, words, labels, _, pruned = ENTRIES.unpack_from(start, at)
        if entries == words + labels and words >= 0 and labels >= 0:
            options = layout.unpack_from(start, OPTIONS_AT)
            return _sound(path, options, version, _Numbers(entries, words, pruned), at + ENTRIES.size)
    raise FormatError(f"{path}, byte 64: words and labels do not add up; the file is damaged or cut short")


@dataclass(frozen=True)
class _Numbers:
    """How many entries, words and pruned n-grams there are."""

    entries: int
    words: int
    pruned: int


def _sound(path: Path, options: tuple[float, ...], version: int, numbers: _Numbers, end: int) -> _Head:
    """The head, or a FormatError that names an option that cannot be."""
    dim, *_, model, bucket, minn, maxn = (int(option) for option in options[:11])
    is_floret = len(options) > 13
    mode, hashes = (int(options[11]), int(options[12])) if is_floret else (1, 1)
    if not 1 <= dim <= LARGEST_DIM:
        raise FormatError(f"{path}, byte 8: the dimension cannot be {dim}; it goes from 1 to {LARGEST_DIM:,}")
    if not 1 <= model <= SUPERVISED or mode not in (1, 2):
        raise FormatError(f"{path}, byte 36: there is no model {model} of the mode {mode}; the file is damaged")
    if version == VERSIONS[0] and model == SUPERVISED:
        maxn = 0  # as in fastText: classifiers of that version had no n-grams of characters
    return _Head(
        dim,
        model,
        bucket,
        minn,
        maxn,
        "floret" if mode == 2 else "fasttext",
        hashes if mode == 2 else 1,
        numbers.entries,
        numbers.words,
        numbers.pruned,
        end,
    )


def _entries(
    path: Path, content: NDArray[np.uint8], head: _Head, encoding_errors: str
) -> tuple[list[str], NDArray[np.int64], int]:
    """The words, how often each occurs, and where the entries end; labels come after the words and are passed over."""
    data = content.data
    found: dict[str, int] = {}
    place = head.end
    for number in range(head.entries):
        begin = place
        encoded = _word(data, begin)
        if encoded is None:
            raise FormatError(
                f"{path}, byte {begin:,}: no zero ends entry {number + 1:,} of {head.entries:,} within {WORD_BYTES:,} "
                "bytes; the file is damaged or cut short"
            )
        place += len(encoded) + 1 + ENTRY.size
        if place > len(data):
            raise FormatError(f"{path}, byte {begin:,}: the file ends in entry {number + 1:,} of {head.entries:,}")
        count, kind = ENTRY.unpack_from(data, place - ENTRY.size)
        if kind != (number >= head.words) or count < 0:
            raise FormatError(
                f"{path}, byte {begin:,}: entry {number + 1:,} has the kind {kind} and the count {count}; words (0) "
                "come before labels (1), and counts are at least 0"
            )
        if number < head.words:
            word = _decoded(path, encoded, begin, encoding_errors)
            found[word] = count
            if len(found) == number:
                raise FormatError(f"{path}, byte {begin:,}: the word {word[:40]!r} comes a second time")
    return list(found), np.fromiter(found.values(), dtype=np.int64, count=len(found)), place + 8 * max(head.pruned, 0)


def _word(data: memoryview, begin: int) -> bytes | None:
    """The bytes up to the next zero; most words are short."""
    for size in (64, WORD_BYTES + 1):
        piece = bytes(data[begin : begin + size])
        end = piece.find(b"\0")
        if end >= 0:
            return piece[:end]
    return None


def _decoded(path: Path, encoded: bytes, place: int, errors: str) -> str:
    if not encoded:
        raise FormatError(f"{path}, byte {place:,}: the word is empty; the file is damaged")
    try:
        return encoded.decode(errors=errors)
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{path}, byte {place:,}: the word {encoded[:40]!r} is not UTF-8; read the file with "
            "encoding_errors='replace' to put U+FFFD in place of such bytes"
        ) from error


def _input_table(path: Path, content: NDArray[np.uint8], head: _Head, place: int) -> tuple[NDArray[np.float32], int]:
    """The table of words and n-grams over its bytes in the file, and where it ends."""
    is_quantized = content[place : place + 1].tolist()
    if is_quantized == [1] or head.pruned >= 0:
        raise FormatError(
            f"{path} is a quantized fastText model (.ftz), which keeps codes in place of vectors; give the .bin that "
            "it was made from"
        )
    rows, dim, begin = _shape(path, content, place)
    if rows != head.words + head.bucket or dim != head.dim or head.bucket < 0:
        raise FormatError(
            f"{path}, byte {place + 1:,}: a table of {rows:,} rows of {dim:,} numbers, where {head.words:,} words and "
            f"{head.bucket:,} n-grams of {head.dim:,} are due"
        )
    end = begin + 4 * rows * dim
    if end > content.size:
        raise FormatError(
            f"{path}, byte {begin:,}: the table of words and n-grams takes {4 * rows * dim:,} bytes, but "
            f"{content.size - begin:,} follow; the file is cut short"
        )
    return np.asarray(content[begin:end]).view("<f4").reshape(rows, dim), end


def _check_end(path: Path, content: NDArray[np.uint8], place: int) -> None:
    """Refuse a file that does not end with the output table."""
    rows, dim, begin = _shape(path, content, place)
    if rows < 0 or dim < 0 or begin + 4 * rows * dim != content.size:
        raise FormatError(
            f"{path}, byte {place:,}: an output table of {rows:,} rows of {dim:,} numbers does not end the file of "
            f"{content.size:,} bytes; it is cut short or damaged"
        )


def _shape(path: Path, content: NDArray[np.uint8], place: int) -> tuple[int, int, int]:
    """Rows and columns of the table whose mark of quantization is at ``place``, and where its numbers begin."""
    begin = place + 1 + SHAPE.size
    if begin > content.size:
        raise FormatError(f"{path}, byte {place:,}: the file ends where a table begins; it is cut short")
    rows, dim = SHAPE.unpack_from(content[place + 1 : begin].tobytes())
    return rows, dim, begin
