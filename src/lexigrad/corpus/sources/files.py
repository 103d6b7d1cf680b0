"""Where text comes from: files, folders, globs, compressed or not, standard input, and Python iterables.

Whatever the source, it is read as chunks of UTF-8 that are cut between words, so that they can be worked on in
parallel.
"""

from __future__ import annotations

import glob
import io
import os
import stat
import sys
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from lexigrad.errors import CorpusError
from lexigrad.files import remote
from lexigrad.files.packed import BLOCK_BYTES, unpacked_blocks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = [
    "CHUNK_BYTES",
    "STANDARD_INPUT",
    "TEXT_ENDINGS",
    "Chunk",
    "FileSource",
    "Source",
    "cut_chunks",
    "decoded",
    "file_size",
    "find_files",
    "largest_uncut",
    "named_paths",
    "opened",
]

STANDARD_INPUT: Final = "-"
TABLE_ENDINGS: Final = (".parquet", ".pq", ".arrow", ".arrows", ".feather", ".ipc")
TEXT_ENDINGS: Final = (".txt", ".text", ".gz", ".bz2", ".xz", ".zst", *TABLE_ENDINGS)
"""The endings of the files that are read from a folder; a file given by name may be called anything."""

CHUNK_BYTES: Final = BLOCK_BYTES
LARGEST_UNCUT_BYTES: Final = 1 << 24
"""A piece of text without a place to cut it may be this long, or as long as EXPANSION times its file."""
EXPANSION: Final = 16
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
REPLACEMENT: Final = "\ufffd"
WHITESPACE: Final = tuple(bytes([byte]) for byte in b"\n \t\r\v\f\x1c\x1d\x1e\x1f")  # ASCII's; the likely ones first


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of text that begins and ends between two words."""

    text: bytes
    name: str
    """The file it is from, for messages."""
    offset: int = 0
    """Where it begins there, in bytes of the decompressed text."""
    separated: bool = False
    """Whether the words are cut already, as ``words.separated`` says."""


@dataclass(slots=True)
class Source(ABC):
    """Iterates over chunks, once, and counts the files, bytes and nulls that they are made of."""

    files: list[str] = field(init=False, default_factory=list)
    skipped_files: int = field(init=False, default=0)
    """Files in the folders whose names do not end as text files' names do."""
    total_bytes: int | None = field(init=False, default=None)
    """The files' size on disk; None when it is not known, as with standard input."""
    done_bytes: int = field(init=False, default=0)
    """How far reading has come, in bytes on disk."""
    text_bytes: int = field(init=False, default=0)
    """The bytes of text read, decompressed; eight for each id."""
    replaced_bytes: int = field(init=False, default=0)
    """Bytes that were replaced while the chunks were made, or lone surrogates, one of which Python puts for a byte."""
    nulls: int = field(init=False, default=0)
    """Rows and tokens of tables that are null, and were skipped."""

    @abstractmethod
    def __iter__(self) -> Iterator[Any]:
        """Read the chunks."""


@dataclass(slots=True)
class FileSource(Source):
    """Iterates over the chunks of files; iterating reads them once.

    Args:
        paths: files, folders and globs; ``-`` is standard input.
        whole_lines: whether text is cut only at line ends.

    Raises:
        CorpusError: A path names nothing, or a file cannot be read, or changes while it is read.
    """

    paths: Sequence[str]
    whole_lines: bool = False

    def __post_init__(self) -> None:
        self.files, self.skipped_files = find_files(self.paths)
        sizes = [size for size in map(file_size, self.files) if size is not None]
        self.total_bytes = sum(sizes) if len(sizes) == len(self.files) else None

    def __iter__(self) -> Iterator[Any]:
        for name in self.files:
            before = self.done_bytes
            with opened(name) as file, _unchanged(file, name):
                for chunk, position in self.chunks_of(file, name):
                    self.done_bytes = before + position
                    yield chunk

    def chunks_of(self, file: io.BufferedReader, name: str) -> Iterator[tuple[Any, int]]:
        """The chunks of one file, each with the number of its bytes on disk that have been read."""
        blocks = self._blocks(file, name)
        for chunk in cut_chunks(blocks, name, whole_lines=self.whole_lines, largest_bytes=largest_uncut(name)):
            yield chunk, _position(file)

    def _blocks(self, file: io.BufferedReader, name: str) -> Iterator[bytes]:
        """The blocks of a file's text, counted."""
        for block in unpacked_blocks(file, name):
            self.text_bytes += len(block)
            yield block


def named_paths(source: Any) -> list[str] | None:
    """The paths that ``source`` names, or None if it holds text itself.

    A string or a ``Path`` is a path. So are all items of a list of them, unless one is a string with white space (or an
    empty one) that names nothing that exists: then the strings are sentences.
    """
    if isinstance(source, (str, os.PathLike)):
        return [os.fsdecode(source)]
    if not isinstance(source, (list, tuple)) or not source:
        return None
    if not all(isinstance(item, (str, os.PathLike)) for item in source):
        return None
    if any(isinstance(item, str) and _is_sentence(item) for item in source):
        return None
    return [os.fsdecode(item) for item in source]


def find_files(paths: Sequence[str]) -> tuple[list[str], int]:
    """The files that the paths name, in their order, and how many files in the folders are passed over.

    Raises:
        CorpusError: A path names nothing, or a folder holds no text.
    """
    files: list[str] = []
    skipped = 0
    for path in paths:
        if remote.is_address(path):
            found, others = remote.find(path, _looks_like_text)
            files += found
            skipped += others
            continue
        matches = [path] if path == STANDARD_INPUT or os.path.exists(path) else _matches(path)
        if not matches:
            raise CorpusError(
                f"there is no file, folder or glob {path!r}; check its spelling, or give text as lists of tokens"
            )
        for match in matches:
            if os.path.isdir(match):
                found, others = _text_files(match)
                files += found
                skipped += others
            else:
                files.append(match)
    return files, skipped


def _text_files(folder: str) -> tuple[list[str], int]:
    """The text files in a folder and its subfolders, sorted, and the number of other files."""
    walk = os.walk(folder, onerror=_cannot_read)
    found = sorted(os.path.join(parent, name) for parent, _, names in walk for name in names)
    texts = [path for path in found if _looks_like_text(path) and os.path.isfile(path)]
    if not texts:
        raise CorpusError(
            f"the folder {folder!r} holds no text: no file's name there ends in {', '.join(TEXT_ENDINGS)}; "
            "name the files themselves, or use a glob"
        )
    return texts, len(found) - len(texts)


def _looks_like_text(path: str) -> bool:
    name = os.path.basename(path)
    return name.lower().endswith(TEXT_ENDINGS) and ".tar." not in name.lower() and not name.startswith(".")


def _matches(pattern: str) -> list[str]:
    """The files and folders that a glob names, sorted."""
    return sorted(glob.glob(pattern, recursive=True)) if glob.has_magic(pattern) and "\0" not in pattern else []


def _is_sentence(text: str) -> bool:
    has_whitespace = len(text.split(maxsplit=1)) != 1 or text[0].isspace() or text[-1].isspace()
    return has_whitespace and not os.path.exists(text) and not _matches(text) and not remote.is_address(text)


def _cannot_read(error: OSError) -> NoReturn:
    raise CorpusError(
        f"cannot read {error.filename!r}: {error.strerror}; check the path and its permissions"
    ) from error


def file_size(name: str) -> int | None:
    """The bytes of a file on disk, None where they are not known."""
    if remote.is_address(name):
        return remote.size(name)
    return os.path.getsize(name) if name != STANDARD_INPUT and os.path.isfile(name) else None


@contextmanager
def opened(name: str) -> Iterator[io.BufferedReader]:
    """A file for reading; standard input is left open.

    Raises:
        CorpusError: The file cannot be opened.
    """
    if name == STANDARD_INPUT:
        # An object that stands in for standard input, in a test or a notebook, need not have `peek`; this one has.
        unread: io.BufferedReader = io.BufferedReader(cast("Any", sys.stdin.buffer))
        try:
            yield unread
        finally:
            unread.detach()
        return
    if remote.is_address(name):
        with remote.opened(name) as far:
            yield far
        return
    try:
        file = open(name, "rb")  # noqa: SIM115  # only opening it may fail here, not what the caller does with it
    except OSError as error:
        _cannot_read(error)
    with file:
        yield file


@contextmanager
def _unchanged(file: io.BufferedReader, name: str) -> Iterator[None]:
    """Make sure that nobody writes to a file while it is read: part of the text would be of another time."""
    before = _state(file)
    yield
    if before is not None and _state(file) != before:
        raise CorpusError(f"{name!r} was written to while it was read; read it again when it stays as it is")


def _state(file: io.BufferedReader) -> tuple[int, int] | None:
    """The size and time of a file, which change when it is written to; None for one that is not on disk."""
    try:
        status = os.fstat(file.fileno())
    except OSError:  # a test's or a notebook's standard input
        return None
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


def _position(file: io.BufferedReader) -> int:
    """The number of bytes of a file that have been read, 0 where it cannot say."""
    return file.tell() if file.seekable() else 0


def largest_uncut(name: str) -> int:
    """The longest piece of a file's text that need not be cut: a small packed file must not fill the memory."""
    if name == STANDARD_INPUT or not os.path.isfile(name):
        return sys.maxsize
    return max(LARGEST_UNCUT_BYTES, EXPANSION * os.path.getsize(name))


def cut_chunks(
    blocks: Iterable[bytes],
    name: str,
    *,
    whole_lines: bool = False,
    largest_bytes: int = sys.maxsize,
    offset: int = 0,
) -> Iterator[Chunk]:
    """Cut a text, which comes in blocks of any size, between words; its last line ends with a line feed in any case.

    A chunk is about CHUNK_BYTES long, and longer only if there is no place to cut it. A byte order mark at the start,
    which some programs write, is left out; ``offset`` is where the text begins in its file.

    Raises:
        CorpusError: More than ``largest_bytes`` have no place to cut them.
    """
    separators = WHITESPACE[:1] if whole_lines else WHITESPACE
    for text in _cut(blocks, separators, largest_bytes, name):
        content = text.removeprefix(BYTE_ORDER_MARK) if offset == 0 else text
        yield Chunk(content, name, offset + len(text) - len(content))
        offset += len(text)


def _cut(blocks: Iterable[bytes], separators: tuple[bytes, ...], largest_bytes: int, name: str) -> Iterator[bytes]:
    """Join blocks until they are long enough and can be cut behind a separator."""
    gathered: list[bytes] = []
    gathered_bytes, wanted_bytes, line_open = 0, CHUNK_BYTES, False
    for block in blocks:
        gathered.append(block)
        gathered_bytes += len(block)
        if gathered_bytes < wanted_bytes:
            continue
        text = b"".join(gathered)
        end = _last_cut(text, separators)
        if end:
            yield text[:end]
            line_open = text[end - 1 : end] != b"\n"
        gathered, gathered_bytes = [text[end:]], len(text) - end
        if gathered_bytes > largest_bytes:
            where = "line end" if len(separators) == 1 else "white space"
            raise CorpusError(f"{name!r} has {gathered_bytes:,} bytes of text without {where}; cut it into lines")
        # Doubled, so that a long word is not copied often.
        wanted_bytes = min(max(CHUNK_BYTES, 2 * gathered_bytes), max(CHUNK_BYTES, largest_bytes + 1))
    rest = b"".join(gathered)
    if rest or line_open:
        yield rest if rest.endswith(b"\n") else rest + b"\n"


def _last_cut(text: bytes, separators: tuple[bytes, ...]) -> int:
    """The position behind the last separator, 0 if there is none."""
    return next((cut for cut in (text.rfind(separator) + 1 for separator in separators) if cut), 0)


def decoded(chunk: Chunk, encoding_errors: str) -> tuple[str, int]:
    """The characters of a chunk, and how many of its bytes had to be replaced by U+FFFD.

    Raises:
        CorpusError: The chunk is not UTF-8 and ``encoding_errors`` is ``strict``.
    """
    try:
        return chunk.text.decode(), 0
    except UnicodeDecodeError as error:
        if encoding_errors == "strict":
            raise CorpusError(
                f"{chunk.name!r} is not UTF-8 at byte {chunk.offset + error.start:,} of its text "
                f"(0x{chunk.text[error.start]:02x}); convert it, or go on with --encoding-errors replace"
            ) from error
    text = chunk.text.decode(errors="replace")
    inserted = text.count(REPLACEMENT) - chunk.text.count(REPLACEMENT.encode())  # the text may hold some of its own
    valid_bytes = len(text.encode()) - inserted * len(REPLACEMENT.encode())
    return text, len(chunk.text) - valid_bytes
