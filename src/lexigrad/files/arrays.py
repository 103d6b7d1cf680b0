"""Arrays in a .npz: the bytes written depend on the arrays alone, and no claim of a file that is read is trusted.

Members are stored, not compressed: no file can unpack to more than its own size. Arrays of Python objects, which NumPy
keeps as pickles, are neither written nor read.
"""

from __future__ import annotations

import math
import os
import re
import zipfile
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple, TypeAlias

import numpy as np

from lexigrad.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

__all__ = ["DAMAGE", "Fault", "Pieces", "map_arrays", "read_arrays", "read_header", "write_arrays"]

Fault: TypeAlias = "Callable[[np.dtype[Any], tuple[int, ...]], str | None]"
"""Says what is wrong with an array of a type and a shape, or None."""

BLOCK_BYTES: Final = 1 << 23
MAGIC: Final = b"\x93NUMPY"
HEADER: Final = re.compile(
    rb"\s*\{\s*'descr'\s*:\s*'([<>|=]?[biufcSUVO]\d{0,9})'\s*,\s*'fortran_order'\s*:\s*(True|False)\s*,"
    rb"\s*'shape'\s*:\s*\(((?:\s*\d{1,19}L?\s*,)*\s*(?:\d{1,19}L?)?)\s*\)\s*,?\s*\}\s*"
)
"""NumPy's own reader takes any literal of Python's here; some make it warn, or raise an error that is not documented.

Python 2 put an L behind each extent."""
LENGTH_BYTES: Final = {b"\1\0": 2, b"\2\0": 4, b"\3\0": 4}
"""How many bytes the header's length takes in each version of the format."""
LONGEST_HEADER_BYTES: Final = 10_000
LOCAL_HEADER_BYTES: Final = 30
"""The size of the record before a member's name in a zip file; it ends with the lengths of the name and of more."""
DAMAGE: Final = (
    FormatError,
    zipfile.BadZipFile,
    EOFError,
    RuntimeError,  # a password is needed
    ValueError,
    TypeError,  # raised by NumPy at a type that cannot be
    OverflowError,
    OSError,
)
"""The errors that ``read_arrays`` raises at a file that is damaged."""


class Pieces(NamedTuple):
    """An array of one dimension that need not fit in memory: its pieces are written as they come."""

    dtype: np.dtype[Any]
    size: int
    pieces: Iterable[NDArray[Any]]


def write_arrays(file: BinaryIO, arrays: Mapping[str, Any]) -> None:
    """Write arrays, by name, to an empty file; arrays given as `Pieces` get the same bytes as whole ones."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                if isinstance(array, Pieces):
                    _write_pieces(member, array)
                else:
                    np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)


def _write_pieces(member: IO[bytes], array: Pieces) -> None:
    header = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": (array.size,)}
    np.lib.format.write_array_header_1_0(member, header)
    for piece in array.pieces:
        member.write(np.ascontiguousarray(piece, dtype=array.dtype).data)


def read_arrays(
    path: str | os.PathLike[str], wanted: Mapping[str, Fault], optional: Mapping[str, Fault] | None = None
) -> dict[str, NDArray[Any]]:
    """Read arrays by name; other arrays in the file are passed over.

    Args:
        path: the file.
        wanted: for each array that must be there, what is wrong with it.
        optional: the same for arrays that may be missing.

    Raises:
        FormatError: an array is missing, compressed, larger than the file, or has another type or shape than it must
            have. Other damage raises one of the errors in ``DAMAGE``.
    """
    with zipfile.ZipFile(path) as archive:
        infos = _members(archive, path, wanted, optional or {})
        faults = {**wanted, **(optional or {})}
        return {name: _array(archive, info, name, faults[name]) for name, info in infos.items()}


def map_arrays(path: str | os.PathLike[str], wanted: Mapping[str, Fault]) -> dict[str, NDArray[Any]]:
    """The arrays of ``read_arrays``, by name, memory-mapped: only numbers that are used are read.

    Raises:
        FormatError: see ``read_arrays``.
    """
    with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
        infos = _members(archive, path, wanted, {})
        return {name: _mapped(file, info, name, wanted[name]) for name, info in infos.items()}


def _members(
    archive: zipfile.ZipFile, path: str | os.PathLike[str], wanted: Mapping[str, Fault], optional: Mapping[str, Fault]
) -> dict[str, zipfile.ZipInfo]:
    """The places of the wanted arrays, and of the optional ones that are there."""
    names = set(archive.namelist())
    missing = [name for name in wanted if f"{name}.npy" not in names]
    if missing:
        raise FormatError(f"it has no array {missing[0]!r}")
    found = [*wanted, *(name for name in optional if f"{name}.npy" in names)]
    infos = {name: archive.getinfo(f"{name}.npy") for name in found}
    if any(info.compress_type != zipfile.ZIP_STORED for info in infos.values()):
        raise FormatError("its arrays are compressed")
    if sum(info.file_size for info in infos.values()) > os.path.getsize(path):
        raise FormatError("its arrays are said to be larger than the file")
    return infos


def _mapped(file: BinaryIO, info: zipfile.ZipInfo, name: str, fault: Fault) -> NDArray[Any]:
    """An array as it lies in the file, behind the local header, which repeats the member's name."""
    file.seek(info.header_offset)
    local = file.read(LOCAL_HEADER_BYTES)
    lengths = int.from_bytes(local[-4:-2], "little") + int.from_bytes(local[-2:], "little")
    begin = info.header_offset + len(local) + lengths
    file.seek(begin)
    dtype, _, shape = _checked_header(file, name, fault)
    size = math.prod(shape) * dtype.itemsize
    place = file.tell()
    if info.file_size - (place - begin) != size or place + size > os.fstat(file.fileno()).st_size:
        raise FormatError(f"the array {name!r} of shape {str(shape)[:60]} does not fill its bytes")
    return np.memmap(file, dtype, "r", place, shape) if size else np.empty(shape, dtype=dtype)


def _checked_header(file: IO[bytes], name: str, fault: Fault) -> tuple[np.dtype[Any], bool, tuple[int, ...]]:
    dtype, is_fortran, shape = read_header(file, f"the array {name!r}")
    wrong = "a type of Python objects" if dtype.hasobject else fault(dtype, shape)
    if wrong:
        raise FormatError(f"the array {name!r} is {wrong}")
    return dtype, is_fortran, shape


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, fault: Fault) -> NDArray[Any]:
    with archive.open(info) as member:
        dtype, is_fortran, shape = _checked_header(member, name, fault)
        if info.file_size - member.tell() != math.prod(shape) * dtype.itemsize:
            raise FormatError(f"the array {name!r} of shape {str(shape)[:60]} does not fill its bytes")
        array = np.empty(shape, dtype=dtype, order="F" if is_fortran else "C")
        if array.nbytes:
            content = array.reshape(-1, order="F" if is_fortran else "C").view(np.uint8).data
            for begin in range(0, array.nbytes, BLOCK_BYTES):
                block = member.read(min(BLOCK_BYTES, array.nbytes - begin))
                content[begin : begin + len(block)] = block
        return array


def read_header(file: IO[bytes], place: str) -> tuple[np.dtype[Any], bool, tuple[int, ...]]:
    """Type, order and shape of an array of NumPy's, from the header before its numbers.

    Args:
        file: at the array's beginning; afterwards at its numbers.
        place: what the array is, for errors.

    Raises:
        FormatError: there is no such header, or it holds something else. NumPy raises a TypeError at a type that cannot
            be.
    """
    start = file.read(len(MAGIC) + 2)
    count = LENGTH_BYTES.get(start[len(MAGIC) :], 0)
    length = int.from_bytes(file.read(count), "little")
    if not start.startswith(MAGIC) or not count or length > LONGEST_HEADER_BYTES:
        raise FormatError(f"{place} does not begin as NumPy's arrays do")
    header = file.read(length)
    found = HEADER.fullmatch(header)
    if found is None:
        raise FormatError(f"{place} has a header without type, order and shape of plain numbers or text")
    shape = tuple(int(extent.rstrip(b"L ")) for extent in found[3].split(b",") if extent.strip())
    return np.dtype(found[1].decode()), found[2] == b"True", shape
