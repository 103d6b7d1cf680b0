"""Files unpacked while they are read: gzip, bzip2, xz and Zstandard, known by their first bytes.

Here alone packed files are opened. A small file may hold very much, so each packing gets no more memory than its
own programs ask for, and the reader of a file says how many bytes of content it takes at most.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import zlib
from typing import IO, TYPE_CHECKING, Any, Final, Protocol, cast

from lexigrad.errors import CorpusError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "BLOCK_BYTES",
    "DAMAGE",
    "ExpansionError",
    "UnpackedFile",
    "is_packed",
    "unpacked",
    "unpacked_blocks",
    "unpacked_bzip2",
    "unpacked_xz",
    "unpacked_zstd",
]

BLOCK_BYTES: Final = 1 << 20
PACKED_BYTES: Final = 1 << 16
START_BYTES: Final = 10
XZ_MEMORY_BYTES: Final = 80 << 20  # xz -9, its own strongest setting, needs 65 MiB; a header may ask for 4 GiB
ZSTD_WINDOW_BYTES: Final = 8 << 20
"""Zstandard unpacks into a window, which may be so much larger than the file: enough for all levels up to 19."""
ZSTD_INPUT_BYTES: Final = 1 << 8  # a block of 4 bytes can hold 128 KiB of text, so this many bytes hold 8 MiB at most
DAMAGE: Final = (EOFError, OSError, zlib.error, lzma.LZMAError)
"""The errors that reading the content of a packed file can raise."""


class ExpansionError(OSError):
    """A packed file holds more than its reader takes."""


class WindowError(OSError):
    """To unpack a file of Zstandard takes more memory than it gets."""


class Stream(Protocol):
    """Unpacks a single packed stream, with the methods of ``bz2.BZ2Decompressor``."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing is left of the input to unpack."""

    @property
    def unused_data(self) -> bytes:
        """The input behind the end of the stream."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Up to ``max_length`` bytes of content; ``data`` is more input, if any is needed."""


class UnpackedFile(io.RawIOBase):
    """The content of a file that is packed as one stream or several.

    Python's own files pass over bytes behind a stream if these are damaged, and give xz all the memory it asks for.

    Args:
        file: the packed file.
        stream: begins a stream.
    """

    def __init__(self, file: IO[bytes], stream: Callable[[], Stream]) -> None:
        self._file, self._begin = file, stream
        self._stream = stream()
        self._packed = b""

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer, or a part of it, with content; 0 at the end."""
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


class ZstdStream:
    """One frame of Zstandard, which is unpacked from few bytes at a time, as they may hold very many.

    Args:
        frame: zstandard's object that unpacks a frame.
        refusal: the error that it raises.
        window_bytes: the memory that it gets, for the sentence that says when that is too little.
    """

    def __init__(self, frame: Any, refusal: type[Exception], window_bytes: int) -> None:
        self._frame, self._refusal, self._window_bytes = frame, refusal, window_bytes
        self._packed = self._content = memoryview(b"")

    @property
    def eof(self) -> bool:
        """Whether the frame has ended and all its content was handed out."""
        return bool(self._frame.eof) and not self._content

    @property
    def needs_input(self) -> bool:
        """Whether all input is unpacked and all content was handed out."""
        return not self._packed and not self._content

    @property
    def unused_data(self) -> bytes:
        """The input behind the end of the frame."""
        return bytes(self._frame.unused_data) + bytes(self._packed)

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Up to ``max_length`` bytes of content; ``data`` is more input, if any is needed."""
        if data:
            self._packed = memoryview(data)
        pieces, room = [], max_length
        while room and (self._content or (self._packed and not self._frame.eof)):
            if not self._content:
                some, self._packed = self._packed[:ZSTD_INPUT_BYTES], self._packed[ZSTD_INPUT_BYTES:]
                self._content = memoryview(self._unpacked(some))
            piece, self._content = self._content[:room], self._content[room:]
            pieces.append(piece)
            room -= len(piece)
        return b"".join(pieces)

    def _unpacked(self, packed: memoryview) -> bytes:
        try:
            return bytes(self._frame.decompress(packed))
        except self._refusal as error:
            if "too much memory" in str(error):
                raise WindowError(
                    f"unpacking so small a file takes more than {self._window_bytes >> 20:,} MB of memory; compress "
                    "it again by zstd without --ultra and --long"
                ) from error
            raise EOFError(str(error)) from error


class _LimitedFile(io.RawIOBase):
    """The content of a file, as long as it is no more than it may be."""

    def __init__(self, content: io.RawIOBase, most_bytes: int) -> None:
        self._content, self._most_bytes = content, most_bytes
        self._done = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._done

    def readinto(self, buffer: Any) -> int:
        size = self._content.readinto(buffer) or 0
        self._done += size
        if self._done > self._most_bytes:
            raise ExpansionError(f"its content is more than {self._most_bytes:,} bytes")
        return size


def unpacked_bzip2(file: IO[bytes]) -> UnpackedFile:
    """The content of a bzip2 file."""
    return UnpackedFile(file, bz2.BZ2Decompressor)


def unpacked_xz(file: IO[bytes]) -> UnpackedFile:
    """The content of an xz file, unless unpacking it takes more memory than ``XZ_MEMORY_BYTES``."""
    return UnpackedFile(file, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY_BYTES))


def unpacked_zstd(file: IO[bytes]) -> UnpackedFile:
    """The content of a file of Zstandard, unless its window is larger than the file and ``ZSTD_WINDOW_BYTES``.

    Zstandard's own reader would take a truncated file for a whole one.

    Raises:
        MissingExtraError: zstandard is not installed.
    """
    try:
        import zstandard
    except ImportError as error:
        raise MissingExtraError("reading .zst files needs zstandard: pip install 'lexigrad[zstd]'") from error
    window_bytes = ZSTD_WINDOW_BYTES + _size(file)
    unpacker = zstandard.ZstdDecompressor(max_window_size=window_bytes)
    return UnpackedFile(file, lambda: ZstdStream(unpacker.decompressobj(), zstandard.ZstdError, window_bytes))


def _unpacked_gzip(file: IO[bytes]) -> io.RawIOBase:
    return cast("io.RawIOBase", gzip.GzipFile(fileobj=file))


PACKINGS: Final[tuple[tuple[re.Pattern[bytes], Callable[[IO[bytes]], io.RawIOBase]], ...]] = (
    (re.compile(rb"\x1f\x8b"), _unpacked_gzip),
    # Behind the size of its blocks comes the mark of a block, or of the end. A text may begin with the letters BZh.
    (re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90|.{0,5}\Z)", re.DOTALL), unpacked_bzip2),
    (re.compile(rb"\xfd7zXZ\0"), unpacked_xz),
    (re.compile(rb"\x28\xb5\x2f\xfd"), unpacked_zstd),
)
"""The first bytes of the files of each packing, and the function that unpacks them."""


def is_packed(file: io.BufferedReader) -> bool:
    """Whether a file is packed: no reader can begin in its middle, and its size says little of that of its content."""
    return _unpacker(file) is not None


def unpacked(file: io.BufferedReader, most_bytes: int | None = None) -> IO[bytes]:
    """The content of a file: unpacked as its first bytes say, or the file itself if it is not packed.

    Args:
        file: at its beginning.
        most_bytes: how much a packed file may hold; any amount when None.

    Returns:
        A file whose reading raises one of ``DAMAGE`` where the packed file is truncated or damaged, and
        `ExpansionError` where it holds more than ``most_bytes``.

    Raises:
        MissingExtraError: it is packed by Zstandard, and zstandard is not installed.
    """
    unpack = _unpacker(file)
    if unpack is None:
        return file
    content = unpack(file)
    if most_bytes is None:
        return cast("IO[bytes]", content)
    return io.BufferedReader(_LimitedFile(content, most_bytes))


def unpacked_blocks(file: io.BufferedReader, name: str) -> Iterator[bytes]:
    """The blocks of a file's text, unpacked as its first bytes say.

    Raises:
        CorpusError: the file is truncated or damaged.
    """
    try:
        content = unpacked(file)
        while block := content.read(BLOCK_BYTES):
            yield block
    except WindowError as error:
        raise CorpusError(f"cannot read {name!r}: {error}") from error
    except DAMAGE as error:
        raise CorpusError(
            f"cannot read {name!r} to its end: {error}; it is truncated or damaged, so fetch or compress it again"
        ) from error


def _unpacker(file: io.BufferedReader) -> Callable[[IO[bytes]], io.RawIOBase] | None:
    """The function that unpacks a file with these first bytes, None if it is not packed."""
    start = file.peek(START_BYTES)[:START_BYTES]
    return next((unpack for pattern, unpack in PACKINGS if pattern.match(start)), None)


def _size(file: IO[bytes]) -> int:
    """The bytes of a file on disk, 0 where it cannot say."""
    try:
        return os.fstat(file.fileno()).st_size
    except OSError:
        return 0
