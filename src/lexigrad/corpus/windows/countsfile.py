"""The file of saved window counts: a .npz that SciPy reads as a sparse matrix, with the words and options besides.

docs/reference/formats.md specifies it. Members are stored, not compressed, so that no file can unpack to more than its
own size; arrays are written and read without pickle.
"""

from __future__ import annotations

import json
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

import numpy as np

from lexigrad.config import TrainConfig
from lexigrad.corpus.phrases.phrases import PHRASE_TENSORS, Phrases
from lexigrad.corpus.vocabulary import Vocabulary
from lexigrad.errors import ConfigError, FormatError, InputError
from lexigrad.files.arrays import DAMAGE, Fault, Pieces, map_arrays, read_arrays, write_arrays
from lexigrad.files.strings import pack_words, unpack_words

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = [
    "COUNT_OPTIONS",
    "CountsContent",
    "CountsRows",
    "is_saved_counts",
    "read_counts_file",
    "read_counts_rows",
    "write_counts_file",
]

COUNT_OPTIONS: Final = ("window", "dynamic_window", "subsample")
"""The options on which the counts of a text depend."""

MEMBERS: Final[dict[str, tuple[np.dtype[Any], int]]] = {
    "format": (np.dtype("S3"), 0),
    "shape": (np.dtype("<i8"), 1),
    "indptr": (np.dtype("<i8"), 1),
    "indices": (np.dtype("<i4"), 1),
    "data": (np.dtype("<f4"), 1),
    "words": (np.dtype("u1"), 1),
    "word_ends": (np.dtype("<i8"), 1),
    "word_counts": (np.dtype("<i8"), 1),
    "options": (np.dtype("u1"), 1),
    "text_words": (np.dtype("<i8"), 0),
}
"""The type of number and the number of dimensions of each array."""

KNOWN: Final = MEMBERS | {name: (dtype, 1) for name, dtype in PHRASE_TENSORS.items()}
"""All arrays that a file may hold: ``MEMBERS``, and the arrays of phrases, if there are phrases."""


class CountsContent(NamedTuple):
    """The content of a file of window counts; the fields of `WindowCounts`."""

    vocabulary: Vocabulary
    starts: NDArray[np.int64]
    outside: NDArray[np.int32] | Pieces
    weights: NDArray[np.float32] | Pieces
    options: dict[str, Any]
    words: int
    phrases: Phrases | None = None


class CountsRows(NamedTuple):
    """Some rows of window counts; the fields of `WindowCounts`, with ``starts`` counted from the first of them."""

    starts: NDArray[np.int64]
    outside: NDArray[np.int32]
    weights: NDArray[np.float32]


def write_counts_file(file: BinaryIO, content: CountsContent) -> None:
    """Write window counts to an empty file; its bytes depend on nothing but them."""
    text, ends = pack_words(content.vocabulary.words)
    size = len(content.vocabulary)
    arrays: dict[str, Any] = {
        "format": b"csr",
        "shape": (size, size),
        "indptr": content.starts,
        "indices": content.outside,
        "data": content.weights,
        "words": text,
        "word_ends": ends,
        "word_counts": content.vocabulary.counts,
        "options": np.frombuffer(json.dumps(content.options, sort_keys=True).encode(), dtype=np.uint8),
        "text_words": content.words,
    }
    if content.phrases is not None:
        arrays |= content.phrases.to_tensors()
    typed = {
        name: array if isinstance(array, Pieces) else np.asarray(array, dtype=KNOWN[name][0])
        for name, array in arrays.items()
    }
    write_arrays(file, typed)


def is_saved_counts(path: str | os.PathLike[str]) -> bool:
    """Whether the file at ``path`` is a .npz with window counts and their words."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return False
    return {"indptr.npy", "words.npy", "text_words.npy"} <= names


def read_counts_file(path: str) -> CountsContent:
    """Read saved window counts.

    Raises:
        FormatError: The file is truncated, contradicts itself, or is no such file.
    """
    with _refused(path):
        faults = {name: _fault(*member) for name, member in KNOWN.items()}
        wanted = {name: faults[name] for name in MEMBERS}
        return _checked(read_arrays(path, wanted, {name: faults[name] for name in PHRASE_TENSORS}))


def read_counts_rows(path: str, first: int, last: int) -> CountsRows:
    """Read rows ``first`` to ``last`` (not included) of saved window counts, and nothing else of the file.

    Raises:
        FormatError: The file is truncated, contradicts itself in these rows, or is no such file.
    """
    with _refused(path):
        arrays = map_arrays(path, {name: _fault(*MEMBERS[name]) for name in ("indptr", "indices", "data")})
        starts, outside, weights = arrays["indptr"], arrays["indices"], arrays["data"]
        words = starts.size - 1
        if not 0 <= first <= last <= words:
            raise FormatError(f"it has no rows from {first:,} to {last:,}")
        of_rows = np.array(starts[first : last + 1])
        if not 0 <= of_rows[0] <= of_rows[-1] <= min(outside.size, weights.size) or (np.diff(of_rows) < 0).any():
            raise FormatError("its rows do not divide its entries")
        entries = slice(of_rows[0], of_rows[-1])
        rows = CountsRows(of_rows - of_rows[0], np.array(outside[entries]), np.array(weights[entries]))
        _check_rows(words, rows)
        return rows


def _check_rows(words: int, rows: CountsRows) -> None:
    is_first = np.zeros(rows.outside.size + 1, dtype=bool)
    is_first[rows.starts] = True
    rises = (np.diff(rows.outside) > 0) | is_first[1:-1]
    in_range = (rows.outside >= 0) & (rows.outside < words) & (rows.weights > 0) & np.isfinite(rows.weights)
    if not rises.all() or not in_range.all():
        raise FormatError("an entry is out of range or order, or its weight is not finite and above 0")


@contextmanager
def _refused(path: str) -> Iterator[None]:
    """Say in one sentence what is wrong with a file."""
    try:
        yield
    except FileNotFoundError as error:
        raise FormatError(f"cannot read the window counts {path!r}: {error.strerror}; check the path") from error
    except (*DAMAGE, InputError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FormatError(f"{path!r} is no whole file of window counts: {reason}; count the text again") from error


def _fault(dtype: np.dtype[Any], dimensions: int) -> Fault:
    """The fault of an array that is to have this type and so many dimensions, if it has one."""
    return lambda found, shape: (
        f"{found} of shape {str(shape)[:60]}, where {dimensions}-d {dtype} is needed"
        if found != dtype or len(shape) != dimensions
        else None
    )


def _checked(arrays: dict[str, NDArray[Any]]) -> CountsContent:
    """The content of arrays that agree with each other: kernels trust them, and would read outside of them."""
    words = unpack_words(arrays["words"], arrays["word_ends"])
    vocabulary = Vocabulary(words, arrays["word_counts"])
    starts, outside, weights = (arrays[name] for name in ("indptr", "indices", "data"))
    if arrays["format"] != b"csr" or arrays["shape"].tolist() != [len(words)] * 2:
        raise FormatError(f"it is no csr matrix of {len(words):,} words")
    _check_matrix(len(words), starts, outside, weights)
    if arrays["text_words"] < 0:
        raise FormatError(f"it counted {arrays['text_words']} words of text")
    options, phrases = _options(arrays["options"].tobytes()), Phrases.from_tensors(arrays)
    return CountsContent(vocabulary, starts, outside, weights, options, int(arrays["text_words"]), phrases)


def _check_matrix(
    words: int, starts: NDArray[np.int64], outside: NDArray[np.int32], weights: NDArray[np.float32]
) -> None:
    from lexigrad.kernels.counts.sparse import is_sound, is_symmetric

    rows_fit = starts.size == words + 1 and starts[0] == 0 and starts[-1] == outside.size == weights.size
    if not rows_fit or (np.diff(starts) < 0).any():
        raise FormatError("its rows do not divide its entries")
    if not is_sound(starts, outside, weights):
        raise FormatError("an entry is out of range or order, or its weight is not finite and above 0")
    if not is_symmetric(starts, outside, weights):
        raise FormatError("its matrix is not symmetric")


def _options(content: bytes) -> dict[str, Any]:
    try:
        options = json.loads(content)
        if not isinstance(options, dict) or set(options) != set(COUNT_OPTIONS):
            raise FormatError(f"its options are not {', '.join(COUNT_OPTIONS)}")
        config = TrainConfig(**options)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ConfigError) else "its options are not JSON"
        raise FormatError(reason) from error
    return {name: getattr(config, name) for name in COUNT_OPTIONS}
