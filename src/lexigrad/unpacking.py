"""Files unpacked while they are read: gzip, bzip2, xz and Zstandard, known by their first bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import zlib
from typing import IO, TYPE_CHECKING, Any, Final

from lexigrad.errors import CorpusError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["BLOCK_BYTES", "UnpackedFile", "is_packed", "unpacked_blocks", "unpacked_bzip2", "unpacked_xz"]

BLOCK_BYTES: Final = 1 << 20
PACKED_BYTES: Final = 1 << 16
XZ_MEMORY_BYTES: Final = 80 << 20  # xz -9, its own strongest setting, needs 65 MiB; a header may ask for 4 GiB
ZSTD_WINDOW_BYTES: Final = 8 << 20
"""Zstandard unpacks into a window, which may be so much larger than the file: enough for all levels up to 19."""
ZSTD_INPUT_BYTES: Final = 1 << 8  # a block of 4 bytes can hold 128 KiB of text, so this many bytes hold 8 MiB at most


def unpacked_blocks(file: io.BufferedReader, name: str) -> Iterator[bytes]:
    """The blocks of a file's text, decompressed as its first bytes say.

    Raises:
        CorpusError: The file is truncated or damaged.
    """
    try:
        yield from _decompressor(file)(file)
    except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise CorpusError(
            f"cannot read {name!r} to its end: {error}; it is truncated or damaged, so fetch or compress it again"
        ) from error


def is_packed(file: io.BufferedReader) -> bool:
    """Whether a file of this beginning is compressed, so that nobody can begin to read it in its middle."""
    return _decompressor(file) is not _blocks


def _decompressor(file: io.BufferedReader) -> Callable[[io.BufferedReader], Iterator[bytes]]:
    """What turns a file into blocks of text."""
    start = file.peek(6)
    if start.startswith(b"\x1f\x8b"):
        return lambda compressed: _blocks(gzip.GzipFile(fileobj=compressed))
    if start.startswith(b"BZh"):
        return lambda compressed: _blocks(unpacked_bzip2(compressed))
    if start.startswith(b"\xfd7zXZ\0"):
        return lambda compressed: _blocks(unpacked_xz(compressed))
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        return _zstd_blocks
    return _blocks


class UnpackedFile(io.RawIOBase):
    """What is packed in a file as one stream or several.

    Python's own files pass over whatever follows a stream if it is damaged, and give xz all the memory it asks for.

    Args:
        file: the packed file.
        stream: begins a stream; what it returns unpacks as ``bz2.BZ2Decompressor`` does.
    """

    def __init__(self, file: IO[bytes], stream: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor]) -> None:
        self._file, self._begin = file, stream
        self._stream = stream()
        self._packed = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer, or a part of it, with what was packed; 0 at the end."""
        while not self._stream.eof or self._at_next_stream():
            packed = self._packed
            if not packed and self._stream.needs_input and not (packed := self._file.read(PACKED_BYTES)):
                raise EOFError("it ends before what is packed in it does")
            self._packed = b""
            content = self._stream.decompress(packed, len(buffer))
            if content:
                buffer[: len(content)] = content
                return len(content)
        return 0

    def _at_next_stream(self) -> bool:
        """Begin another stream where there is one; zeros may stand between."""
        rest = self._stream.unused_data.lstrip(b"\0")
        while not rest:
            more = self._file.read(PACKED_BYTES)
            if not more:
                return False
            rest = more.lstrip(b"\0")
        self._stream, self._packed = self._begin(), rest
        return True


def unpacked_bzip2(file: IO[bytes]) -> UnpackedFile:
    """The content of a bzip2 file."""
    return UnpackedFile(file, bz2.BZ2Decompressor)


def unpacked_xz(file: IO[bytes]) -> UnpackedFile:
    """The content of an xz file, unless unpacking it takes more memory than ``XZ_MEMORY_BYTES``."""
    return UnpackedFile(file, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY_BYTES))


def _blocks(file: io.BufferedIOBase | io.RawIOBase) -> Iterator[bytes]:
    while block := file.read(BLOCK_BYTES):
        yield block


def _zstd_blocks(file: io.BufferedReader) -> Iterator[bytes]:
    """As ``_blocks``, for Zstandard; its own reader would take a truncated file for a whole one."""
    try:
        import zstandard
    except ImportError as error:
        raise MissingExtraError("reading .zst files needs zstandard: pip install 'lexigrad[zstd]'") from error
    window = ZSTD_WINDOW_BYTES + _size(file)
    unpacker = zstandard.ZstdDecompressor(max_window_size=window)
    frame = unpacker.decompressobj()
    try:
        while compressed := file.read(ZSTD_INPUT_BYTES):
            while compressed:
                if frame.eof:
                    frame = unpacker.decompressobj()
                yield frame.decompress(compressed)
                compressed = frame.unused_data
    except zstandard.ZstdError as error:
        if "too much memory" in str(error):
            raise CorpusError(
                f"cannot read {getattr(file, 'name', '-')!r}: unpacking so small a file takes more than "
                f"{window >> 20:,} MB of memory; compress it again by zstd without --ultra and --long"
            ) from error
        raise EOFError(str(error)) from error
    if not frame.eof:
        raise EOFError("the compressed file ended before its last frame did")


def _size(file: io.BufferedReader) -> int:
    """The bytes of a file on disk, 0 where it cannot say."""
    try:
        return os.fstat(file.fileno()).st_size
    except OSError:
        return 0
