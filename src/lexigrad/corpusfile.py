"""The file of a saved corpus, one safetensors file; docs/reference/formats.md specifies it byte by byte.

    bytes 0 to 7      4088, the header's length, little-endian
    bytes 8 to 4095   the header, JSON padded with spaces
    then              counts I64 · word_ends I64 · ids I32 · words U8, without gaps; then the phrases, if any

It is written as it comes: the ids need not fit in memory, and what stands in the header is known only at the end. A
reader goes by the header alone, so that a file of the same format that another program has written will do.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

import numpy as np

from lexigrad.errors import FormatError, InputError
from lexigrad.phrases import PHRASE_TENSORS, Phrases
from lexigrad.strings import pack_words, unpack_words
from lexigrad.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
DTYPES: Final = {"counts": "I64", "word_ends": "I64", "ids": "I32", "words": "U8"}
NUMPY_DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "U8": np.dtype("u1"),
    "F64": np.dtype("<f8"),
}
DTYPE_NAMES: Final = {dtype: name for name, dtype in NUMPY_DTYPES.items()}

HEADER_BYTES: Final = 4096  # reserved for the length and the header, padded with spaces
LARGEST_HEADER: Final = 1 << 20
CHECKED_IDS: Final = 1 << 20


class FileState(NamedTuple):
    """Which file it is, by device and number, and what changes when it is written to."""

    device: int
    number: int
    size: int
    changed: int


class CorpusContent(NamedTuple):
    """What a saved corpus holds."""

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
    """Write a corpus to an empty file; ``report`` is called when all blocks of ids are written. Returns their size."""
    text, ends = pack_words(vocabulary.words)
    file.write(bytes(HEADER_BYTES))
    file.write(vocabulary.counts.astype("<i8").data)
    file.write(ends.astype("<i8").data)
    number_of_ids = 0
    for ids in blocks:
        file.write(ids.astype("<i4", copy=False).data)
        number_of_ids += ids.size
    file.write(text.data)
    sizes = {"counts": len(vocabulary), "word_ends": len(vocabulary), "ids": number_of_ids, "words": text.size}
    dtypes = dict(DTYPES)
    for name, array in ({} if phrases is None else phrases.to_tensors()).items():
        file.write(array.data)
        sizes[name], dtypes[name] = array.size, DTYPE_NAMES[array.dtype]
    file.seek(0)
    file.write(_header(sizes, dtypes, report()))
    return number_of_ids


def _header(sizes: dict[str, int], dtypes: dict[str, str], report: dict[str, Any]) -> bytes:
    """The file's first HEADER_BYTES: the header's length in 8 bytes, and the header."""
    header: dict[str, Any] = {"__metadata__": {"format": FORMAT, "version": VERSION, "report": json.dumps(report)}}
    begin = 0
    for name, size in sizes.items():
        end = begin + size * NUMPY_DTYPES[dtypes[name]].itemsize
        header[name] = {"dtype": dtypes[name], "shape": [size], "data_offsets": [begin, end]}
        begin = end
    length = HEADER_BYTES - 8
    return length.to_bytes(8, "little") + json.dumps(header).encode().ljust(length)


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
        FormatError: The file is truncated, contradicts itself, or holds ids that its vocabulary does not know.
    """
    try:
        return _read(path)
    except (FormatError, InputError) as error:
        raise FormatError(f"{path!r} is no whole saved corpus: {error}; read the text again") from error
    except OSError as error:
        raise FormatError(f"cannot read the saved corpus {path!r}: {error.strerror}; check the path") from error


def _read(path: str) -> CorpusContent:
    with open(path, "rb") as file:
        state = state_of(file)
        header, data = _read_header(file)
        report = _report(header)
        dtypes = DTYPES | {name: DTYPE_NAMES[dtype] for name, dtype in PHRASE_TENSORS.items() if name in header}
        sizes = _checked_sizes(header, dtypes, os.path.getsize(path) - data)
        arrays = {}
        for name in dtypes.keys() - {"ids"}:
            file.seek(data + header[name]["data_offsets"][0])
            arrays[name] = np.fromfile(file, dtype=NUMPY_DTYPES[dtypes[name]], count=sizes[name])
        vocabulary = Vocabulary(unpack_words(arrays["words"], arrays["word_ends"]), arrays["counts"])
        first = data + header["ids"]["data_offsets"][0]
        file.seek(first)
        kept = _checked_ids(file, sizes["ids"], len(vocabulary))
        mapped = map_ids(file, first, sizes["ids"])  # of the file that was checked, whatever has taken its name by now
    if report.get("kept") != kept:
        raise FormatError(f"it holds {kept:,} words of text, but its report says otherwise")
    # Other writers may begin at odd places, which the processor minds.
    ids = np.require(mapped, requirements="A")
    ids.flags.writeable = False
    return CorpusContent(ids, vocabulary, report, Phrases.from_tensors(arrays), state)


def state_of(file: BinaryIO) -> FileState:
    """Which file this is, and its present state."""
    status = os.fstat(file.fileno())
    return FileState(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def map_ids(file: BinaryIO, first: int, size: int) -> NDArray[np.int32]:
    """The ids in a file, memory-mapped, read-only; they stay when the file is closed, and even when it is removed."""
    return np.memmap(file, dtype=NUMPY_DTYPES["I32"], mode="r", offset=first, shape=(size,))


def ids_offset(vocabulary: Vocabulary) -> int:
    """Where ``write_corpus_file`` puts the first id."""
    return HEADER_BYTES + 16 * len(vocabulary)


def _read_header(file: BinaryIO) -> tuple[dict[str, Any], int]:
    """The header and the position of the data behind it."""
    length = int.from_bytes(file.read(8), "little")
    if length > LARGEST_HEADER:
        raise FormatError(f"its header claims {length:,} bytes")
    content = file.read(length)
    if len(content) < length:
        raise FormatError("it ends within its header")
    try:
        header = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FormatError("its header is not JSON") from error
    if not isinstance(header, dict):
        raise FormatError("its header is not a JSON object")
    return header, 8 + length


def _report(header: dict[str, Any]) -> dict[str, Any]:
    """The report in the header's metadata."""
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise FormatError(f"its format is not {FORMAT!r}")
    if metadata.get("version") != VERSION:
        raise FormatError(f"its version is {repr(metadata.get('version'))[:60]}, this lexigrad knows {VERSION!r}")
    try:
        report = json.loads(metadata.get("report", ""))
    except (TypeError, ValueError, RecursionError) as error:
        raise FormatError("its report is not JSON") from error
    if not isinstance(report, dict):
        raise FormatError("its report is not a JSON object")
    return report


def _checked_sizes(header: dict[str, Any], dtypes: dict[str, str], data_bytes: int) -> dict[str, int]:
    """The number of entries of each array, all of which lie within the file's data."""
    sizes = {}
    for name, dtype in dtypes.items():
        match header.get(name):
            case {"dtype": given, "shape": [int(size)], "data_offsets": [int(begin), int(end)]} if given == dtype:
                if not 0 <= begin <= end <= data_bytes or end - begin != size * NUMPY_DTYPES[dtype].itemsize:
                    raise FormatError(f"the array {name!r} does not lie within the file")
                sizes[name] = size
            case _:
                raise FormatError(f"it has no array {name!r} of one dimension and type {dtype}")
    if sizes["counts"] != sizes["word_ends"]:
        raise FormatError("it has not as many counts as words")
    if not sizes["ids"]:
        raise FormatError("it holds no ids")
    return sizes


def _checked_ids(file: BinaryIO, size: int, number_of_words: int) -> int:
    """The number of words in the text; ids out of range are refused, as training would write outside its tables."""
    kept, last = 0, 0
    for begin in range(0, size, CHECKED_IDS):
        ids = np.fromfile(file, dtype=NUMPY_DTYPES["I32"], count=min(CHECKED_IDS, size - begin))
        if ids.min() < -1 or ids.max() >= number_of_words:
            raise FormatError("it holds ids that are not in its vocabulary")
        kept += int(np.count_nonzero(ids >= 0))
        last = int(ids[-1])
    if last != -1:
        raise FormatError("its last sentence has no end")
    return kept
