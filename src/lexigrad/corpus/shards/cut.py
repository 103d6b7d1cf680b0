"""A corpus cut into shards, each of which one call reads.

Where it is cut follows from the files and the length of a shard alone, never from the workers. A sentence is never cut:
a line belongs to the shard in which its first byte lies, however long it is. A compressed file and an Arrow table are
one shard each, as they cannot be read from their middle on; a Parquet file is cut between row groups.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lexigrad.corpus.corpusfile import is_saved_corpus
from lexigrad.corpus.sources.datasets import TableFileSource, is_table, row_groups
from lexigrad.corpus.sources.files import CHUNK_BYTES, cut_chunks, file_size, find_files, largest_uncut, opened
from lexigrad.errors import CorpusError, InputError
from lexigrad.files import remote
from lexigrad.files.packed import is_packed

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator, Sequence

    from lexigrad.config import TrainConfig

__all__ = ["Files", "Shard", "ShardSource", "cut_shards", "find_text"]


@dataclass(frozen=True, slots=True)
class Shard:
    """A piece of a corpus: the lines of a file that begin in a range of bytes, a range of row groups, or a whole file.

    Attributes:
        name: the file's path or address.
        file_bytes: its size when it was cut.
        begin: the first byte, or row group.
        end: behind the last one; 0 for the whole file.
        is_table: whether row groups are counted, not bytes.
        disk_bytes: how much of the file it is, about.
    """

    name: str
    file_bytes: int
    begin: int = 0
    end: int = 0
    is_table: bool = False
    disk_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a corpus.

    Attributes:
        names: their paths and addresses, in order; whole paths, as a worker may have another working folder.
        skipped: the number of files in folders whose names are not those of text files.
        total_bytes: their size on disk.
    """

    names: list[str]
    skipped: int
    total_bytes: int


def find_text(paths: Sequence[str]) -> Files:
    """The files that can be read in shards.

    Raises:
        CorpusError: A path names nothing.
        InputError: A path names something that can be read once only, or a saved corpus.
    """
    names, skipped = find_files(paths)
    total_bytes = 0
    for name in names:
        size = file_size(name)
        if size is None:
            raise InputError(f"{name!r} is no file on disk, so it cannot be cut into shards; name files")
        if not remote.is_address(name) and is_saved_corpus(name):
            raise InputError(f"{name!r} is a saved corpus, which one process reads; give the text itself")
        total_bytes += size
    whole = [name if remote.is_address(name) else os.path.abspath(name) for name in names]
    return Files(whole, skipped, total_bytes)


def cut_shards(files: Files, shard_bytes: int) -> Iterator[Shard]:
    """The shards of a corpus in order, one after another.

    Args:
        files: the corpus.
        shard_bytes: the length of a shard of text, and the least one of a Parquet file, in bytes.

    Raises:
        CorpusError: A file cannot be read.
        MissingExtraError: A file is a table, and pyarrow is not installed.
    """
    for name in files.names:
        size = file_size(name) or 0
        with opened(name) as file:
            if is_table(file):
                groups = row_groups(file, name)
                cuts = [] if groups is None else _cuts(groups, shard_bytes)
                spans, of_table = list(zip([0, *cuts], cuts, strict=False)), bool(cuts)
            elif is_packed(file):
                spans, of_table = [], False
            else:
                of_table = False
                spans = [(begin, min(size, begin + shard_bytes)) for begin in range(0, size, shard_bytes)]
        if not spans and size:
            yield Shard(name, size, disk_bytes=size)
        for begin, end in spans:
            share = size * end // spans[-1][1] - size * begin // spans[-1][1]
            yield Shard(name, size, begin, end, of_table, share)


def _cuts(sizes: list[int], least: int) -> list[int]:
    """The numbers of the pieces to cut behind, so that the pieces between two cuts have at least so many bytes."""
    cuts, gathered = [], 0
    for number, size in enumerate(sizes, start=1):
        gathered += size
        if gathered >= least or number == len(sizes):
            cuts.append(number)
            gathered = 0
    return cuts


@dataclass(slots=True)
class ShardSource(TableFileSource):
    """Iterates over the chunks of one shard, as its file would be read without the other shards.

    Args:
        paths: empty, as the shard names its file.
        shard: the shard to read.

    Raises:
        CorpusError: The file is damaged, or not as long as it was when it was cut.
    """

    shard: Shard | None = None

    def __post_init__(self) -> None:
        self.files = [self._shard.name]
        self.total_bytes = None
        if self._shard.is_table:
            self.groups = range(self._shard.begin, self._shard.end)

    @classmethod
    def of(cls, shard: Shard, config: TrainConfig) -> ShardSource:
        """The source of a shard, with these options of reading.

        Raises:
            CorpusError: The machine that is to read the file does not have it.
        """
        if not remote.is_address(shard.name) and not os.path.exists(shard.name):
            raise CorpusError(
                f"there is no {shard.name!r} on {socket.gethostname()}, where a worker is to read it; put the text "
                "where every machine finds it by the same path, and leave it there"
            )
        return cls((), column=config.column, lowercase=config.lowercase, shard=shard)

    @property
    def _shard(self) -> Shard:
        assert self.shard is not None
        return self.shard

    def chunks_of(self, file: io.BufferedReader, name: str) -> Iterator[tuple[Any, int]]:
        """The chunks of the shard."""
        shard = self._shard
        if file_size(name) != shard.file_bytes:
            raise CorpusError(f"{name!r} was written to while it was read; read it again when it stays as it is")
        if shard.is_table or not shard.end:
            yield from TableFileSource.chunks_of(self, file, name)
            return
        start = _first_line(file, shard.begin, shard.end)
        if start is None:
            return
        blocks = self._lines(file, start, shard.end)
        for chunk in cut_chunks(blocks, name, largest_bytes=largest_uncut(name), offset=start):
            yield chunk, 0

    def _lines(self, file: io.BufferedReader, start: int, end: int) -> Iterator[bytes]:
        """The blocks of all lines that begin from ``start``, where one does, to ``end``."""
        file.seek(start)
        left = end - start
        block = b"\n"
        while left > 0 and (block := self._read(file, min(CHUNK_BYTES, left))):
            left -= len(block)
            yield block
        while not block.endswith(b"\n") and (block := self._read_line(file)):
            yield block

    def _read(self, file: io.BufferedReader, size: int) -> bytes:
        try:
            block = file.read(size)
        except OSError as error:
            raise _unreadable(self._shard.name, error) from error
        self.text_bytes += len(block)
        return block

    def _read_line(self, file: io.BufferedReader) -> bytes:
        """The rest of a line, or a piece of it."""
        try:
            block = file.readline(CHUNK_BYTES)
        except OSError as error:
            raise _unreadable(self._shard.name, error) from error
        self.text_bytes += len(block)
        return block


def _first_line(file: io.BufferedReader, begin: int, end: int) -> int | None:
    """The position of the first line that begins in a shard, None if none does."""
    if begin == 0:
        return 0
    start = begin - 1
    file.seek(start)
    while start < end:
        line = file.readline(min(CHUNK_BYTES, end - start))
        start += len(line)
        if line.endswith(b"\n"):
            return start if start < end else None
        if not line:
            break
    return None


def _unreadable(name: str, error: OSError) -> CorpusError:
    return CorpusError(f"cannot read {name!r} to its end: {error}; see whether its disk or its network is well")
