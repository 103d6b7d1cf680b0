"""Arrays in a .npz, written so that the bytes depend on them alone, and read without trust in what the file says.

Members are stored, not compressed: no file can unpack to more than its own size. Arrays of Python objects, which NumPy
keeps as pickles, are neither written nor read.
"""

from __future__ import annotations

import math
import os
import zipfile
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeAlias

import numpy as np

from lexigrad.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

__all__ = ["DAMAGE", "Fault", "read_arrays", "write_arrays"]

Fault: TypeAlias = "Callable[[np.dtype[Any], tuple[int, ...]], str | None]"
"""What is wrong with an array of this type and shape, or None."""

BLOCK_BYTES: Final = 1 << 23
DAMAGE: Final = (
    FormatError,
    zipfile.BadZipFile,
    EOFError,
    RuntimeError,  # a password is needed
    ValueError,
    TypeError,  # of NumPy, at a type that cannot be
    SyntaxError,
    OverflowError,
    OSError,
)
"""Whatever ``read_arrays`` raises at a file that is damaged."""


def write_arrays(file: BinaryIO, arrays: Mapping[str, Any]) -> None:
    """Write arrays, by name, to an empty file."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)


def read_arrays(
    path: str | os.PathLike[str], wanted: Mapping[str, Fault], optional: Mapping[str, Fault] | None = None
) -> dict[str, NDArray[Any]]:
    """Read arrays by name; others are passed over.

    Args:
        path: the file.
        wanted: what each array that must be there has to be.
        optional: likewise for those that may be missing.

    Raises:
        FormatError: an array is missing, compressed, larger than the file, or not what it has to be. At other damage,
            whatever ``DAMAGE`` lists.
    """
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        missing = [name for name in wanted if f"{name}.npy" not in names]
        if missing:
            raise FormatError(f"it has no array {missing[0]!r}")
        faults = {**wanted, **{name: fault for name, fault in (optional or {}).items() if f"{name}.npy" in names}}
        infos = {name: archive.getinfo(f"{name}.npy") for name in faults}
        if any(info.compress_type != zipfile.ZIP_STORED for info in infos.values()):
            raise FormatError("its arrays are compressed")
        if sum(info.file_size for info in infos.values()) > os.path.getsize(path):
            raise FormatError("its arrays are said to be larger than the file")
        return {name: _array(archive, info, name, faults[name]) for name, info in infos.items()}


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, fault: Fault) -> NDArray[Any]:
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        if version != (1, 0):
            raise FormatError(f"the array {name!r} has version {version} of NumPy's format, where (1, 0) is needed")
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(member)
        wrong = "a type of Python objects" if dtype.hasobject else fault(dtype, shape)
        if wrong:
            raise FormatError(f"the array {name!r} is {wrong}")
        if min(shape, default=0) < 0 or info.file_size - member.tell() != math.prod(shape) * dtype.itemsize:
            raise FormatError(f"the array {name!r} of shape {str(shape)[:60]} does not fill its bytes")
        array = np.empty(shape, dtype=dtype, order="F" if is_fortran else "C")
        if array.nbytes:
            content = array.reshape(-1, order="F" if is_fortran else "C").view(np.uint8).data
            for begin in range(0, array.nbytes, BLOCK_BYTES):
                block = member.read(min(BLOCK_BYTES, array.nbytes - begin))
                content[begin : begin + len(block)] = block
        return array
