"""The container of all native files: one safetensors file, written by blocks and read by mapping it into memory.

Vectors, models, phrases, checkpoints, indexes and encoded corpora are such files, of which this module knows nothing.

The safetensors package is not used. Its reader for NumPy copies each tensor into memory, where a mapped table is paged
in as it is used and shared between processes. Its writer takes a contiguous copy of each tensor, where a table of
several GB, or a padded one, is written by blocks here. And this code says at which place a damaged file contradicts
itself. The tests hold that the package reads the files that are written here.
"""

from __future__ import annotations

import json
import math
import os
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

import numpy as np

from lexigrad.errors import FormatError, InputError
from lexigrad.files.atomic import atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import DTypeLike, NDArray

__all__ = [
    "Entry",
    "TensorFile",
    "TensorWriter",
    "begins_as_native",
    "native_image",
    "read_native",
    "read_native_image",
    "write_native",
]

VERSION: Final = "1"
LARGEST_HEADER_BYTES: Final = 1 << 20  # JSON takes up to 35 times as much memory; safetensors allows 100 MB of it
LENGTH_BYTES: Final = 8  # of the number that a file begins with: the length of its header
MOST_DIMENSIONS: Final = 8
SHOWN: Final = 60
BLOCK_BYTES: Final = 1 << 23
ITEMS: Final = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I8": "|i1", "I32": "<i4", "I64": "<i8", "U8": "|u1"}
NAMES: Final = {np.dtype(item): name for name, item in ITEMS.items()}


class Entry(NamedTuple):
    """The entry of one tensor in a header; its bytes are counted from the end of the header."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int
    end: int


def write_native(
    path: str | os.PathLike[str],
    tensors: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, str],
    *,
    sort_keys: bool = False,
) -> None:
    """Write ``tensors`` and ``metadata`` as one safetensors file, whole or not at all.

    The file's bytes depend on nothing but what is given. Tensors may be views with gaps between their rows, such as
    ``table[:, :dim]``; no more than a block of 8 MiB is copied at a time.

    Args:
        path: where to; see ``atomic_write``.
        tensors: by name; float16, float32, float64, int8, int32, int64 or uint8.
        metadata: by name; ``format`` says what kind of file this is, ``version`` is "1".
        sort_keys: whether the names within each entry of the header are sorted; those of an index are.

    Raises:
        InputError: a tensor holds another type of number, or the metadata are too long to be read again.
        LexigradError: the file cannot be written.
    """
    pieces = _pieces(tensors, metadata, sort_keys=sort_keys)
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
            return TensorFile(file, str(path), format).all()
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror or error}") from error


def read_native_image(image: bytes, name: str, format: str) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """The tensors and the metadata in the bytes that ``native_image`` gave; ``name`` is for error messages."""
    return TensorFile(BytesIO(image), name, format).all()


def begins_as_native(start: bytes) -> bool:
    """Whether the first 9 bytes are a header's length, which leaves zeros as no text has them, and a JSON object's."""
    return b"\0" in start[:LENGTH_BYTES] and start[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{"


class TensorFile:
    """An open safetensors file whose header is checked: its tensors cover the file, without gap or overlap.

    The arrays that it gives stay when the file is closed, and even when it is removed.

    Args:
        file: the file, on disk or in memory, at any position.
        name: what to call it in errors; empty where the caller names it.
        format: what its metadata must name as ``format``, with ``version`` "1"; anything goes when None.

    Attributes:
        metadata: by name.
        entries: what the header says of each tensor, by name.

    Raises:
        FormatError: the file is of another kind, or contradicts itself.

    Example:
        >>> image = native_image({"ids": np.array([3, 1, 2])}, {"format": "numbers", "version": "1"})
        >>> file = TensorFile(BytesIO(image), "an image", "numbers")
        >>> file.read("ids").tolist(), [block.tolist() for block in file.blocks("ids", 2)]
        ([3, 1, 2], [[3, 1], [2]])
    """

    def __init__(self, file: BinaryIO, name: str = "", format: str | None = None) -> None:
        self._file, self._name = file, name
        self._size = file.seek(0, os.SEEK_END)
        file.seek(0)
        header = self._header()
        self._start = file.tell()
        self.metadata = self._metadata(header.pop("__metadata__", {}), format)
        self.entries = {name: self._entry(name, entry) for name, entry in header.items()}
        self._check_cover()

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def all(self) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
        """All tensors, mapped, by name, and the metadata."""
        return {name: self.mapped(name) for name in self.entries}, self.metadata

    def mapped(self, name: str) -> NDArray[Any]:
        """A tensor over its bytes in the file, read-only; its numbers are read when they are used."""
        entry = self.entries[name]
        content = self._content[self._start + entry.begin : self._start + entry.end]
        try:
            tensor = content.view(entry.dtype).reshape(entry.shape)
        except (ValueError, OverflowError) as error:  # no bytes, but an extent that NumPy cannot hold
            raise self._refusal(f"tensor {_shown(name)} has a shape that cannot be: {error}") from error
        # Other programs may put a tensor at an odd place, which the processor minds.
        aligned = np.require(tensor, requirements="A")
        aligned.flags.writeable = False
        return aligned

    def read(self, name: str) -> NDArray[Any]:
        """A tensor of one dimension, read into memory."""
        entry = self.entries[name]
        return next(self.blocks(name, math.prod(entry.shape)), np.empty(0, dtype=entry.dtype))

    def blocks(self, name: str, size: int) -> Iterator[NDArray[Any]]:
        """The numbers of a tensor in blocks of ``size``, the last one shorter, each read into memory when it is due."""
        dtype, _, begin, end = self.entries[name]
        for place in range(begin, end, max(size, 1) * dtype.itemsize):
            self._file.seek(self._start + place)
            due = min(size * dtype.itemsize, end - place)
            content = self._file.read(due)
            if len(content) < due:
                raise self._refusal(f"tensor {_shown(name)} ends early; the file was cut while it was read")
            yield np.frombuffer(content, dtype=dtype)

    @cached_property
    def _content(self) -> NDArray[np.uint8]:
        """The bytes of the whole file."""
        if isinstance(self._file, BytesIO):
            return np.frombuffer(self._file.getvalue(), dtype=np.uint8)
        return np.asarray(np.memmap(self._file, dtype=np.uint8, mode="r"))

    def _refusal(self, what: str, byte: int | None = None) -> FormatError:
        """An error that says where and what."""
        place = ", ".join([self._name] * bool(self._name) + [f"byte {byte}"] * (byte is not None))
        return FormatError(f"{place}: {what}" if place else what)

    def _header(self) -> dict[str, Any]:
        """The header, with the file at its end."""
        prefix = self._file.read(LENGTH_BYTES)
        length = int.from_bytes(prefix, "little")
        if len(prefix) < LENGTH_BYTES or length > self._size - LENGTH_BYTES:
            raise self._refusal(
                f"the header is said to be {length:,} bytes long, but the file has {self._size:,}; it is no "
                "safetensors file, or cut short",
                0,
            )
        if length > LARGEST_HEADER_BYTES:
            most = f"{LARGEST_HEADER_BYTES:,} are the most; it is no file of lexigrad's"
            raise self._refusal(f"the header is said to be {length:,} bytes long, where {most}", 0)
        try:
            header = json.loads(self._file.read(length).decode(), object_pairs_hook=_without_repeats)
        except (ValueError, RecursionError) as error:  # invalid UTF-8 and invalid JSON are ValueErrors
            raise self._refusal(f"the header is not valid JSON: {error}", LENGTH_BYTES) from error
        if not isinstance(header, dict):
            raise self._refusal(f"the header must be a JSON object, not {type(header).__name__}", LENGTH_BYTES)
        return header

    def _metadata(self, metadata: Any, format: str | None) -> dict[str, str]:
        """The metadata, if they name the format."""
        if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
            raise self._refusal("the header's __metadata__ must map names to strings", LENGTH_BYTES)
        found, version = metadata.get("format"), metadata.get("version")
        if format is not None and found != format:
            raise self._refusal(f"its metadata names the format {_shown(found)}, where {format!r} is needed")
        if format is not None and version != VERSION:
            raise self._refusal(
                f"its format has version {_shown(version)}, this lexigrad reads {VERSION!r}; update lexigrad"
            )
        return metadata

    def _entry(self, name: str, entry: Any) -> Entry:
        """The header's entry of a tensor, after a check that it agrees with itself."""
        match entry:
            case {"dtype": str(item), "shape": list(shape), "data_offsets": [int(begin), int(end)]}:
                pass
            case _:
                raise self._refusal(
                    f"the entry of tensor {_shown(name)} lacks dtype, shape or data_offsets", LENGTH_BYTES
                )
        if item not in ITEMS:
            raise self._refusal(f"tensor {_shown(name)} holds {_shown(item)}, where lexigrad knows {', '.join(ITEMS)}")
        if len(shape) > MOST_DIMENSIONS or not all(type(extent) is int and extent >= 0 for extent in shape):
            raise self._refusal(
                f"tensor {_shown(name)} has the shape {_shown(shape)}; extents must be whole and not negative, and at "
                f"most {MOST_DIMENSIONS}"
            )
        dtype = np.dtype(ITEMS[item])
        if not 0 <= begin <= end or end - begin != math.prod(shape) * dtype.itemsize:
            raise self._refusal(
                f"tensor {_shown(name)} of shape {_shown(shape)} and type {item} cannot fill bytes {_shown(begin)} to "
                f"{_shown(end)}"
            )
        return Entry(dtype, tuple(shape), begin, end)

    def _check_cover(self) -> None:
        """Tensors must follow one another without gap or overlap, to the end of the file."""
        size, expected = self._size - self._start, 0
        for name, (_, _, begin, end) in sorted(self.entries.items(), key=lambda item: item[1][2:]):
            if begin != expected:
                raise self._refusal(
                    f"tensor {_shown(name)} begins at byte {_shown(begin)} of the data, where {expected} is due"
                )
            if end > size:
                raise self._refusal(
                    f"tensor {_shown(name)} ends at byte {_shown(end)} of the data, which has {size}; it is cut short"
                )
            expected = end
        if expected != size:
            raise self._refusal(f"{size - expected} bytes follow the last tensor; the file is damaged")


class TensorWriter:
    """Writes tensors of one dimension to an empty file as their numbers come, and the header at last.

    The numbers need not fit in memory, and how many there are need not be known beforehand. Room for the header is left
    at the beginning of the file.

    Args:
        file: the file, which must be able to seek.
        header_bytes: the room, with the 8 bytes of the header's length; spaces fill what the header leaves.
    """

    def __init__(self, file: BinaryIO, header_bytes: int) -> None:
        self._file, self._header_bytes = file, header_bytes
        self._tensors: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {}
        file.write(bytes(header_bytes))

    def add(self, name: str, dtype: DTypeLike, blocks: Iterable[NDArray[Any]]) -> int:
        """Write the next tensor.

        Args:
            name: what it is called.
            dtype: one of the types of ``write_native``.
            blocks: its numbers, in order.

        Returns:
            How many numbers it has.
        """
        little = np.dtype(dtype).newbyteorder("<")
        size = 0
        for block in blocks:
            self._file.write(block.astype(little, copy=False).data)
            size += block.size
        self._tensors[name] = little, (size,)
        return size

    def finish(self, metadata: Mapping[str, str]) -> None:
        """Write the header.

        Raises:
            InputError: the metadata are too long for the room that was left.
        """
        text = json.dumps(_entries(self._tensors, metadata)).encode()
        room = self._header_bytes - LENGTH_BYTES
        if len(text) > room:
            raise InputError(f"the header of the file would have {len(text):,} bytes, and {room:,} were left for it")
        self._file.seek(0)
        self._file.write(room.to_bytes(LENGTH_BYTES, "little") + text.ljust(room))


def _pieces(
    tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str], *, sort_keys: bool = False
) -> Iterator[bytes]:
    """The bytes of a native file: first its header with its length, then the tensors' blocks."""
    names = _file_order(tensors)
    shapes = {name: (tensors[name].dtype, tensors[name].shape) for name in names}
    entries = _entries(shapes, dict(sorted(metadata.items())))
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys).encode()
    if len(text) > LARGEST_HEADER_BYTES:
        raise InputError(
            f"the header of the file would have {len(text):,} bytes, more than the {LARGEST_HEADER_BYTES:,} that are "
            "read again; keep fewer records in the history"
        )
    text += b" " * (-len(text) % 8)  # so that the first tensor begins at a multiple of 8 bytes
    yield len(text).to_bytes(LENGTH_BYTES, "little") + text
    for name in names:
        yield from _blocks(tensors[name])


def _file_order(tensors: Mapping[str, NDArray[Any]]) -> list[str]:
    """Names by falling size of a number, so that each tensor begins at a multiple of it; then by name."""
    for name, tensor in tensors.items():
        if tensor.dtype not in NAMES:
            raise InputError(
                f"the tensor {name!r} holds {tensor.dtype}; a native file holds {', '.join(map(str, NAMES))}"
            )
    return sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))


def _entries(tensors: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]], metadata: Mapping[str, str]) -> Any:
    """The header of tensors that follow one another, each given by its type and its shape."""
    entries: dict[str, Any] = {"__metadata__": dict(metadata)}
    begin = 0
    for name, (dtype, shape) in tensors.items():
        end = begin + math.prod(shape) * dtype.itemsize
        entries[name] = {"dtype": NAMES[dtype], "shape": list(shape), "data_offsets": [begin, end]}
        begin = end
    return entries


def _blocks(tensor: NDArray[Any]) -> Iterator[bytes]:
    """The tensor's bytes, little-endian, row by row, some 8 MiB at a time."""
    if not tensor.size:
        return
    little = tensor.dtype.newbyteorder("<")
    rows = max(1, BLOCK_BYTES * len(tensor) // tensor.nbytes)
    for start in range(0, len(tensor), rows):
        yield tensor[start : start + rows].astype(little, copy=False).tobytes()


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise ValueError("a name comes twice")
    return entries


def _shown(value: object) -> str:
    """A value as an error shows it."""
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
