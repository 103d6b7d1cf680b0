"""NumPy's arrays in files of gensim's: as records of a pickle, and as ``.npy`` files of their own.

The type and the shape that are claimed are compared with the bytes that are there before an array is made.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.errors import FormatError
from lexigrad.files.arrays import read_header
from lexigrad.vectors.formats.gensim.machine import Record

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["array_of", "read_npy", "scalar_of"]

MOST_DIMENSIONS: Final = 8
TYPE: Final = re.compile(r"[<>|=]?(f[248]|[iu][1248])")
MULTIARRAY: Final = ("numpy.core.multiarray", "numpy._core.multiarray")
NUMERIC: Final = ("numpy.core.numeric", "numpy._core.numeric")


def array_of(place: str, value: Any) -> NDArray[Any]:
    """The array that a record of a pickle stands for, over the pickle's own bytes where these allow it.

    Args:
        place: the file and the attribute, for errors.
        value: the value that the pickle holds there.

    Raises:
        FormatError: the value is no array of numbers, or its bytes do not have its shape.
    """
    match value:
        case Record(name=(module, "_reconstruct"), state=(_, tuple(shape), dtype, bool(by_columns), data)) if (
            module in MULTIARRAY
        ):
            pass
        case Record(name=(module, "_frombuffer"), arguments=(data, dtype, tuple(shape), str(order))) if (
            module in NUMERIC
        ):
            by_columns = order == "F"
        case _:
            raise FormatError(f"{place} is no array of numbers")
    return _shaped(place, _bytes_of(place, data), _type_of(place, dtype), shape, by_columns=by_columns)


def scalar_of(place: str, value: Any) -> int | float:
    """The number that a record of a pickle stands for.

    Raises:
        FormatError: the record stands for no number.
    """
    match value:
        case Record(name=(module, "scalar"), arguments=(dtype, data)) if module in MULTIARRAY:
            number: int | float = _shaped(place, _bytes_of(place, data), _type_of(place, dtype), ()).item()
            return number
    raise FormatError(f"{place} is no number")


def read_npy(path: Path) -> NDArray[Any]:
    """Map a ``.npy`` file of numbers into memory.

    Raises:
        FormatError: the file cannot be read, holds something else than numbers, or is not as long as its shape says.
    """
    try:
        with path.open("rb") as file:
            dtype, by_columns, shape = read_header(file, str(path))
            start = file.tell()
            content = np.memmap(file, dtype=np.uint8, mode="r")[start:]
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror or error}") from error
    except TypeError as error:  # raised by NumPy at a type that cannot be
        raise FormatError(f"{path} holds what are no numbers: {error}") from error
    return _shaped(str(path), np.asarray(content).data, _checked_type(str(path), dtype.str), shape, by_columns)


def _shaped(
    place: str, data: memoryview | bytes, dtype: np.dtype[Any], shape: tuple[Any, ...], by_columns: bool = False
) -> NDArray[Any]:
    """The array over ``data``, read-only; by rows, even if it was stored by columns."""
    if len(shape) > MOST_DIMENSIONS or not all(type(extent) is int and extent >= 0 for extent in shape):
        raise FormatError(f"{place} has a shape that cannot be")
    needed = math.prod(shape) * dtype.itemsize
    if needed != len(data):
        raise FormatError(f"{place} has {len(data):,} bytes, which its shape {_shown(shape)} of {dtype} does not fill")
    try:
        flat = np.frombuffer(data, dtype=dtype) if needed else np.empty(0, dtype=dtype)
        array = flat.reshape(shape, order="F" if by_columns else "C")
    except (ValueError, OverflowError) as error:  # no bytes, but an extent that NumPy cannot hold
        raise FormatError(f"{place} has the shape {_shown(shape)}, which cannot be") from error
    return np.require(array, requirements=["A", "C"])


def _type_of(place: str, value: Any) -> np.dtype[Any]:
    """The type of number that a record stands for."""
    match value:
        case Record(name=("numpy", "dtype"), arguments=(str(code), _, _), state=None):
            order = ""
        case Record(name=("numpy", "dtype"), arguments=(str(code), _, _), state=(_, str(order), *_)):
            pass
        case _:
            raise FormatError(f"{place} holds what is no number")
    return _checked_type(place, order + code.lstrip("<>|="))


def _checked_type(place: str, code: str) -> np.dtype[Any]:
    if not TYPE.fullmatch(code):
        raise FormatError(f"{place} holds {code[:20]!r}, which are no numbers")
    return np.dtype(code)


def _bytes_of(place: str, value: Any) -> memoryview | bytes:
    """The bytes that a value stands for; Python 2, and Python 3 for Python 2, write them as text to be encoded."""
    match value:
        case bytes() | memoryview():
            return value
        case Record(name=("_codecs", "encode"), arguments=(str(text), "latin1")):
            pass
        case Record(name=("__builtin__" | "builtins", "bytes" | "bytearray"), arguments=()):
            return b""
        case str(text):
            pass
        case _:
            raise FormatError(f"{place} has no bytes")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise FormatError(f"{place} has text in place of its bytes") from error


def _shown(shape: tuple[int, ...]) -> str:
    text = ", ".join(map(str, shape))
    return f"({text[:60]}…)" if len(text) > 60 else f"({text})"
