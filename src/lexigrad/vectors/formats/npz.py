"""NumPy's .npz with the words as an array of strings, which ``numpy.load`` reads without this library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.errors import FormatError, InputError
from lexigrad.files.arrays import DAMAGE, read_arrays, write_arrays
from lexigrad.files.atomic import atomic_write
from lexigrad.vectors.keyedvectors import KeyedVectors
from lexigrad.vectors.precision import reduced_rows

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from lexigrad.vectors.formats.safetensors import Table
    from lexigrad.vectors.precision import Dtype

__all__ = ["read_npz", "write_npz"]

LONGEST_WORD: Final = 1000
"""The most characters of a word: every word takes as much room as the longest one, four bytes for each character."""
NAMES: Final[dict[Table, str]] = {"V": "vectors", "U": "outside_vectors"}


def write_npz(path: Path, vectors: KeyedVectors, outside: KeyedVectors | None = None, dtype: Dtype = "float32") -> None:
    """Write the arrays ``words``, ``vectors``, and ``outside_vectors`` and ``counts`` where there are such.

    Args:
        path: where to.
        vectors: the table V.
        outside: the table U of the same words, or None.
        dtype: ``float32`` or ``float16``; the file has no place for the scales of int8 rows.
    """
    arrays: dict[str, NDArray[Any]] = {"words": _as_array(vectors.words)}
    for table, given in (("V", vectors), ("U", outside)):
        if given is not None:
            numbers, _ = reduced_rows(given.matrix, dtype, lambda row: repr(vectors.words[row][:40]))
            arrays[NAMES[table]] = numbers.astype(numbers.dtype.newbyteorder("<"), copy=False)  # type: ignore[index]
    if vectors.counts is not None:
        arrays["counts"] = vectors.counts.astype("<i8", copy=False)
    with atomic_write(path) as file:
        write_arrays(file, arrays)


def read_npz(path: Path, *, table: Table = "V") -> KeyedVectors:
    """Read a file of ``write_npz`` or ``numpy.savez``.

    Args:
        path: the file.
        table: which of the tables.

    Raises:
        FormatError: an array is missing, compressed or of another type or shape, a word comes twice or cannot be, or a
            number is not finite.
    """
    try:
        wanted = {"words": _fault_of_words, NAMES[table]: _fault_of_table}
        arrays = read_arrays(path, wanted, {"counts": _fault_of_counts})
        return KeyedVectors(_words(arrays["words"]), arrays[NAMES[table]], arrays.get("counts"))
    except FileNotFoundError as error:
        raise FormatError(f"cannot read {path}: {error.strerror}") from error
    except (*DAMAGE, InputError) as error:
        reason = str(getattr(error, "strerror", None) or error).partition("\n")[0][:300]
        raise FormatError(
            f"{path} is no .npz of vectors: {reason}; numpy.savez(path, words=…, vectors=…) writes one"
        ) from error


def _as_array(words: list[str]) -> NDArray[np.str_]:
    """The words as an array of NumPy's strings, which all have one length."""
    for word in words:
        if len(word) > LONGEST_WORD or word.endswith("\0"):
            fault = f"has more than {LONGEST_WORD:,} characters" if len(word) > LONGEST_WORD else "ends in a zero"
            raise FormatError(f"the word {word[:40]!r} {fault}, which a .npz cannot hold; save as native instead")
        if not word.isascii():
            _check_encodable(word)
    longest = max(map(len, words), default=0)
    return np.array(words, dtype=f"<U{max(longest, 1)}")


def _check_encodable(word: str) -> None:
    try:
        word.encode()
    except UnicodeEncodeError as error:
        raise FormatError(f"the word {word[:40]!r} cannot be written in UTF-8; rename it") from error


def _words(array: NDArray[Any]) -> list[str]:
    """The words of an array, after a check that its characters exist, which NumPy does not make."""
    codes = array.view(np.dtype("u4").newbyteorder(array.dtype.byteorder)) if array.nbytes else np.empty(0, "u4")
    if ((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes < 0xE000))).any():
        raise FormatError("a word holds a code that is no character")
    words: list[str] = array.tolist()
    return words


def _fault_of_words(dtype: np.dtype[Any], shape: tuple[int, ...]) -> str | None:
    if dtype.kind != "U" or len(shape) != 1:
        return f"{str(dtype)[:40]} of {len(shape)} dimensions, where strings (U) of one are needed"
    return None


def _fault_of_table(dtype: np.dtype[Any], shape: tuple[int, ...]) -> str | None:
    if dtype.kind != "f" or dtype.itemsize > 8 or len(shape) != 2:
        return f"{str(dtype)[:40]} of {len(shape)} dimensions, where floats of two are needed"
    return None


def _fault_of_counts(dtype: np.dtype[Any], shape: tuple[int, ...]) -> str | None:
    if dtype.kind not in "iu" or len(shape) != 1:
        return f"{str(dtype)[:40]} of {len(shape)} dimensions, where whole numbers of one are needed"
    return None
