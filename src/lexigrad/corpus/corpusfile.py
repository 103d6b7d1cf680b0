"""The file of a saved corpus, one safetensors file; docs/reference/formats.md specifies it byte by byte.

    bytes 0 to 7      4088, the header's length, little-endian
    bytes 8 to 4095   the header, JSON padded with spaces
    then              counts I64 · word_ends I64 · ids I32 · words U8, without gaps; then the phrases, if any

The file is written while the text is read: the ids need not fit in memory, and what stands in the header is known only
at the end. The reader goes by the header alone, so that a file of the same format that another program has written will
do.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

import numpy as np

from lexigrad.corpus.phrases.phrases import PHRASE_TENSORS, Phrases
from lexigrad.corpus.vocabulary import Vocabulary
from lexigrad.errors import FormatError, InputError
from lexigrad.files.strings import pack_words, unpack_words
from lexigrad.files.tensors import TensorFile, TensorWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

__all__ = [
    "CorpusContent",
    "FileState",
    "ids_offset",
    "is_saved_corpus",
    "map_ids",
    "read_corpus_file",
    "state_of",
    "write_corpus_file",
]

FORMAT: Final = "lexigrad-corpus"
VERSION: Final = "1"
IDS: Final = np.dtype("<i4")
DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "counts": np.dtype("<i8"),
    "word_ends": np.dtype("<i8"),
    "ids": IDS,
    "words": np.dtype("u1"),
}

HEADER_BYTES: Final = 4096  # reserved for the length and the header, padded with spaces
CHECKED_IDS: Final = 1 << 20


class FileState(NamedTuple):
    """Which file it is, by device and number, and its size and time of change, which change when it is written to."""

    device: int
    number: int
    size: int
    changed: int


class CorpusContent(NamedTuple):
    """The content of a saved corpus."""

    ids: NDArray[np.int32]
    vocabulary: Vocabulary
    report: dict[str, Any]
    phrases: Phrases | None
    state: FileState


def write_corpus_file(
    file: BinaryIO,
    vocabulary: Vocabulary,
    blocks: Iterable[NDArray[np.int32]],
    report: Callable[[], dict[str, Any]],
    phrases: Phrases | None = None,
) -> int:
    """Write a corpus to an empty file.

    Args:
        file: the file, which must be able to seek.
        vocabulary: the words.
        blocks: the ids, in order.
        report: is called when all blocks of ids are written.
        phrases: the phrases that were joined in the text, if any were to be.

    Returns:
        How many ids there are.
    """
    text, ends = pack_words(vocabulary.words)
    writer = TensorWriter(file, HEADER_BYTES)
    writer.add("counts", DTYPES["counts"], [vocabulary.counts])
    writer.add("word_ends", DTYPES["word_ends"], [ends])
    number_of_ids = writer.add("ids", IDS, blocks)
    writer.add("words", DTYPES["words"], [text])
    for name, array in ({} if phrases is None else phrases.to_tensors()).items():
        writer.add(name, array.dtype, [array])
    writer.finish({"format": FORMAT, "version": VERSION, "report": json.dumps(report())})
    return number_of_ids


def is_saved_corpus(path: str) -> bool:
    """Whether the file at ``path`` begins as a saved corpus does."""
    try:
        with open(path, "rb") as file:
            start = file.read(HEADER_BYTES)
    except OSError:
        return False
    return start[8:9] == b"{" and f'"{FORMAT}"'.encode() in start


def read_corpus_file(path: str) -> CorpusContent:
    """Read a saved corpus; its ids are memory-mapped, read-only.

    Raises:
        FormatError: the file is truncated, contradicts itself, or holds ids that its vocabulary does not know.
    """
    try:
        return _read(path)
    except (FormatError, InputError) as error:
        raise FormatError(f"{path!r} is no whole saved corpus: {error}; read the text again") from error
    except OSError as error:
        raise FormatError(f"cannot read the saved corpus {path!r}: {error.strerror}; check the path") from error


def _read(path: str) -> CorpusContent:
    with open(path, "rb") as opened:
        state = state_of(opened)
        file = TensorFile(opened, format=FORMAT)
        report = _report(file.metadata)
        wanted = DTYPES | {name: dtype for name, dtype in PHRASE_TENSORS.items() if name in file}
        _check_entries(file, wanted)
        arrays = {name: file.read(name) for name in wanted.keys() - {"ids"}}
        vocabulary = Vocabulary(unpack_words(arrays["words"], arrays["word_ends"]), arrays["counts"])
        kept = _checked_ids(file, len(vocabulary))
        ids = file.mapped("ids")  # of the file that was checked, even if another file has its name by now
    if report.get("kept") != kept:
        raise FormatError(f"it holds {kept:,} words of text, but its report says otherwise")
    return CorpusContent(ids, vocabulary, report, Phrases.from_tensors(arrays), state)


def state_of(file: BinaryIO) -> FileState:
    """Which file this is, and its present state."""
    status = os.fstat(file.fileno())
    return FileState(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def map_ids(file: BinaryIO, first: int, size: int) -> NDArray[np.int32]:
    """The ids in a file, memory-mapped, read-only; they stay when the file is closed, and even when it is removed."""
    return np.memmap(file, dtype=IDS, mode="r", offset=first, shape=(size,))


def ids_offset(vocabulary: Vocabulary) -> int:
    """Where ``write_corpus_file`` puts the first id."""
    return HEADER_BYTES + 16 * len(vocabulary)


def _report(metadata: Mapping[str, str]) -> dict[str, Any]:
    """The report in the header's metadata."""
    try:
        report = json.loads(metadata.get("report", ""))
    except (ValueError, RecursionError) as error:
        raise FormatError("its report is not JSON") from error
    if not isinstance(report, dict):
        raise FormatError("its report is not a JSON object")
    return report


def _check_entries(file: TensorFile, wanted: Mapping[str, np.dtype[Any]]) -> None:
    """Refuse a file that lacks an array, or has one of another type or shape."""
    for name, dtype in wanted.items():
        entry = file.entries.get(name)
        if entry is None or entry.dtype != dtype or len(entry.shape) != 1:
            raise FormatError(f"it has no array {name!r} of one dimension and type {dtype}")
    if file.entries["counts"].shape != file.entries["word_ends"].shape:
        raise FormatError("it has not as many counts as words")
    if file.entries["ids"].shape == (0,):
        raise FormatError("it holds no ids")


def _checked_ids(file: TensorFile, number_of_words: int) -> int:
    """The number of words in the text; ids out of range are refused, as training would write outside its tables."""
    kept, last = 0, 0
    for ids in file.blocks("ids", CHECKED_IDS):
        if ids.min() < -1 or ids.max() >= number_of_words:
            raise FormatError("it holds ids that are not in its vocabulary")
        kept += int(np.count_nonzero(ids >= 0))
        last = int(ids[-1])
    if last != -1:
        raise FormatError("its last sentence has no end")
    return kept
