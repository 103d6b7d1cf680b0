"""Native files: one safetensors file, written by blocks and read by mapping it into memory.

The container is read and written here, not by the safetensors package. Its reader for NumPy copies each
tensor into memory, where a mapped table is paged in as it is used and shared between processes. Its writer takes a
contiguous copy of each tensor, where a table of several GB, or a padded one, is written by blocks. And this code says
at which place a damaged file contradicts itself. The tests hold that the package reads what is written here.
"""

from __future__ import annotations

import json
import math
import os
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.errors import FormatError, InputError
from lexigrad.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

__all__ = ["native_image", "read_native", "read_native_image", "write_native"]

VERSION: Final = "1"
LARGEST_HEADER_BYTES: Final = 1 << 20  # JSON takes up to 35 times as much memory; safetensors allows 100 MB of it
MOST_DIMENSIONS: Final = 8
SHOWN: Final = 60
BLOCK_BYTES: Final = 1 << 23
ITEMS: Final = {
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "I8": "|i1",
    "I32": "<i4",
    "I64": "<i8",
    "U8": "|u1",
}
NAMES: Final = {np.dtype(item): name for name, item in ITEMS.items()}


def write_native(
    path: str | os.PathLike[str], tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]
) -> None:
    """Write ``tensors`` and ``metadata`` as one safetensors file, whole or not at all.

    The file's bytes depend on nothing but what is given. Tensors may be views with gaps between their rows, such as
    ``table[:, :dim]``; no more than a block of 8 MiB is copied at a time.

    Args:
        path: where to; see ``atomic_write``.
        tensors: by name; float16, float32, float64, int8, int32, int64 or uint8.
        metadata: by name; ``format`` says what kind of file this is, ``version`` is "1".

    Raises:
        InputError: a tensor holds another type of number, or the metadata are too long to be read again.
        LexigradError: the file cannot be written.
    """
    pieces = _pieces(tensors, metadata)
    header = next(pieces)  # raises here, before a file is begun
    with atomic_write(path) as file:
        file.write(header)
        for block in pieces:
            file.write(block)


def native_image(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> bytes:
    """The bytes that ``write_native`` would write."""
    return b"".join(_pieces(tensors, metadata))


def read_native(
    path: str | os.PathLike[str], format: str | None = None
) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Map the tensors of a safetensors file into memory.

    Nothing but the header is read until a tensor's numbers are used. A file that is overwritten in place while it is
    mapped changes the arrays; ``atomic_write`` never does that.

    Args:
        path: the file.
        format: what its metadata must name as ``format``, with ``version`` "1"; anything goes when None.

    Returns:
        The tensors by name, read-only, and the metadata.

    Raises:
        FormatError: the file cannot be read, is of another kind, or contradicts itself.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            entries, start = _read_header(path, file.read(8), file.read, size)
            metadata = _metadata(path, entries.pop("__metadata__", {}))
            if format is not None:
                _check_kind(path, metadata, format)
            content = np.memmap(file, dtype=np.uint8, mode="r")
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror or error}") from error
    return _tensors(path, entries, content, start), metadata


def read_native_image(image: bytes, name: str, format: str) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """As ``read_native``, from the bytes that ``native_image`` gave; ``name`` is for error messages."""
    file = BytesIO(image)
    entries, start = _read_header(name, file.read(8), file.read, len(image))
    metadata = _metadata(name, entries.pop("__metadata__", {}))
    _check_kind(name, metadata, format)
    return _tensors(name, entries, np.frombuffer(image, dtype=np.uint8), start), metadata


def _pieces(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> Iterator[bytes]:
    """The bytes of a native file: first its header with its length, then the tensors' blocks."""
    names = _file_order(tensors)
    header = _header({name: tensors[name] for name in names}, metadata)
    yield len(header).to_bytes(8, "little") + header
    for name in names:
        yield from _blocks(tensors[name])


def _tensors(
    path: Path | str, entries: Mapping[str, Any], content: NDArray[np.uint8], start: int
) -> dict[str, NDArray[Any]]:
    """The tensors over their bytes in ``content``, which begin at ``start``."""
    spans = {name: _span(path, name, entry) for name, entry in entries.items()}
    _check_cover(path, spans, content.size - start)
    return {name: _tensor(path, name, entries[name], content[start:][slice(*spans[name])]) for name in spans}


def _file_order(tensors: Mapping[str, NDArray[Any]]) -> list[str]:
    """Names by falling size of a number, so that each tensor begins at a multiple of it; then by name."""
    for name, tensor in tensors.items():
        if tensor.dtype not in NAMES:
            raise InputError(
                f"the tensor {name!r} holds {tensor.dtype}; a native file holds {', '.join(map(str, NAMES))}"
            )
    return sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))


def _header(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> bytes:
    """The JSON text, padded with spaces so that the first tensor begins at a multiple of 8 bytes."""
    entries: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    begin = 0
    for name, tensor in tensors.items():
        end = begin + tensor.nbytes
        entries[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    if len(text) > LARGEST_HEADER_BYTES:
        raise InputError(
            f"the header of the file would have {len(text):,} bytes, more than the {LARGEST_HEADER_BYTES:,} that are "
            "read again; keep fewer records in the history"
        )
    return text + b" " * (-len(text) % 8)


def _blocks(tensor: NDArray[Any]) -> Iterator[bytes]:
    """The tensor's bytes, little-endian, row by row, some 8 MiB at a time."""
    if not tensor.size:
        return
    little = tensor.dtype.newbyteorder("<")
    rows = max(1, BLOCK_BYTES * len(tensor) // tensor.nbytes)
    for start in range(0, len(tensor), rows):
        yield tensor[start : start + rows].astype(little, copy=False).tobytes()


def _read_header(path: Path | str, prefix: bytes, read: Any, size: int) -> tuple[dict[str, Any], int]:
    """The header's entries, and where the tensors' bytes begin."""
    length = int.from_bytes(prefix, "little")
    if len(prefix) < 8 or length > size - 8:
        raise FormatError(
            f"{path}, byte 0: the header is said to be {length:,} bytes long, but the file has {size:,}; it is no "
            "safetensors file, or cut short"
        )
    if length > LARGEST_HEADER_BYTES:
        raise FormatError(
            f"{path}, byte 0: the header is said to be {length:,} bytes long, where {LARGEST_HEADER_BYTES:,} are the "
            "most; it is no file of lexigrad's"
        )
    try:
        entries = json.loads(read(length).decode(), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:  # invalid UTF-8 and invalid JSON are ValueErrors
        raise FormatError(f"{path}, byte 8: the header is not valid JSON: {error}") from error
    if not isinstance(entries, dict):
        raise FormatError(f"{path}, byte 8: the header must be a JSON object, not {type(entries).__name__}")
    return entries, 8 + length


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise ValueError("a name comes twice")
    return entries


def _metadata(path: Path | str, metadata: Any) -> dict[str, str]:
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise FormatError(f"{path}, byte 8: the header's __metadata__ must map names to strings")
    return metadata


def _check_kind(path: Path | str, metadata: Mapping[str, str], format: str) -> None:
    found, version = metadata.get("format"), metadata.get("version")
    if found != format:
        raise FormatError(f"{path}: its metadata names the format {_shown(found)}, where {format!r} is needed")
    if version != VERSION:
        raise FormatError(
            f"{path}: its format has version {_shown(version)}, this lexigrad reads {VERSION!r}; update lexigrad"
        )


def _span(path: Path | str, name: str, entry: Any) -> tuple[int, int]:
    """Where a tensor's bytes begin and end, after a check that its entry agrees with itself."""
    match entry:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [int(begin), int(end)]}:
            pass
        case _:
            raise FormatError(f"{path}, byte 8: the entry of tensor {_shown(name)} lacks dtype, shape or data_offsets")
    if dtype not in ITEMS:
        raise FormatError(
            f"{path}: tensor {_shown(name)} holds {_shown(dtype)}, where lexigrad knows {', '.join(ITEMS)}"
        )
    if len(shape) > MOST_DIMENSIONS or not all(type(extent) is int and extent >= 0 for extent in shape):
        raise FormatError(
            f"{path}: tensor {_shown(name)} has the shape {_shown(shape)}; extents must be whole and not negative, and "
            f"at most {MOST_DIMENSIONS}"
        )
    needed = math.prod(shape) * np.dtype(ITEMS[dtype]).itemsize
    if not 0 <= begin <= end or end - begin != needed:
        raise FormatError(
            f"{path}: tensor {_shown(name)} of shape {_shown(shape)} and type {dtype} cannot fill bytes "
            f"{_shown(begin)} to {_shown(end)}"
        )
    return begin, end


def _check_cover(path: Path | str, spans: Mapping[str, tuple[int, int]], size: int) -> None:
    """Tensors must follow one another without gap or overlap, to the end of the file."""
    expected = 0
    for name, (begin, end) in sorted(spans.items(), key=lambda item: item[1]):
        if begin != expected:
            raise FormatError(
                f"{path}: tensor {_shown(name)} begins at byte {_shown(begin)} of the data, where {expected} is due"
            )
        if end > size:
            raise FormatError(
                f"{path}: tensor {_shown(name)} ends at byte {_shown(end)} of the data, which has {size}; it is cut "
                "short"
            )
        expected = end
    if expected != size:
        raise FormatError(f"{path}: {size - expected} bytes follow the last tensor; the file is damaged")


def _tensor(path: Path | str, name: str, entry: Any, content: NDArray[np.uint8]) -> NDArray[Any]:
    """The tensor over its bytes in the file."""
    try:
        tensor = np.asarray(content).view(ITEMS[entry["dtype"]]).reshape(entry["shape"])
    except (ValueError, OverflowError) as error:  # no bytes, but an extent that NumPy cannot hold
        raise FormatError(f"{path}: tensor {_shown(name)} has a shape that cannot be: {error}") from error
    # Other writers may begin at odd places, which the processor minds.
    return np.require(tensor, requirements="A")


def _shown(value: object) -> str:
    """A value as an error shows it."""
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
