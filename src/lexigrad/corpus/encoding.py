"""Text to ids in two parallel passes over chunks.

The first pass counts words and numbers them in the order in which each thread meets them; such ids wait in temporary
files. When all counts are known, the words get the vocabulary's ids, and the second pass puts these in place. Chunks
are handed out and taken back in order, so the result depends neither on the threads nor on where the text was cut.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from lexigrad.corpus.corpusfile import map_ids
from lexigrad.corpus.sources.arrow import ColumnChunk
from lexigrad.corpus.sources.files import Chunk, decoded
from lexigrad.corpus.sources.ids import ItemChunk, ItemNames
from lexigrad.engines.cores import available_cores, in_order, in_order_with
from lexigrad.errors import CorpusError, InputError
from lexigrad.files.temporary import Spill, temporary_file, temporary_space

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lexigrad.config import TrainConfig
    from lexigrad.kernels.text.ids import ItemTable
    from lexigrad.kernels.text.words import Alphabet, WordTable

__all__ = ["NAMES_OF_WORDS", "EncodedText", "renumbered", "stored_ids"]

Ids = NDArray[np.int32]
AnyChunk = Chunk | ItemChunk | ColumnChunk

NAMES_OF_WORDS: Final = "names are for lists of ids, and this text has words; leave them out"


class Encoded(NamedTuple):
    """A chunk of which the ids lie in an encoder's temporary file."""

    encoder: Encoder
    begin: int
    """The position in the file of the first id, in bytes."""
    size: int
    """The number of ids."""
    replaced_bytes: int


class EncodedText:
    """Text that has been counted and waits for the vocabulary's ids; a context manager.

    Args:
        chunks: the text, read in the calling thread.
        config: ``tokens``, ``lowercase``, ``encoding_errors`` and ``threads`` are used.
        names: the names of ids; None for text.
        progress: is called after each chunk.
    """

    def __init__(
        self, chunks: Iterable[AnyChunk], config: TrainConfig, names: Any, progress: Callable[[], None]
    ) -> None:
        self.phrases = None
        self.joined = 0
        """The number of phrases joined: none here, `lexigrad.corpus.phrases.learning` may join some later."""
        self.lines = 0
        """The number of lines of the text, known when ``renumbered`` has ended."""
        self.empty_lines = 0
        """The number of lines without a word, known when ``renumbered`` has ended."""
        self._threads = config.threads or available_cores()
        self._chunks: list[Encoded] = []
        all_chunks = iter(chunks)
        first = list(islice(all_chunks, 1))
        make = _encoder_maker(first, config, names)
        self._encoders = [make() for _ in range(self._threads)]
        try:
            self._encode(chain(first, all_chunks), progress)
        except BaseException:
            self.close()
            raise
        self.replaced_bytes = sum(chunk.replaced_bytes for chunk in self._chunks)
        self.table: WordTable | ItemTable = self._encoders[0].table
        """The words of the whole text with their counts."""
        for encoder in self._encoders[1:]:
            encoder.table_ids = self.table.merge(encoder.table)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the temporary files."""
        for encoder in self._encoders:
            encoder.spill.close()

    def renumbered(self, new_ids: Ids) -> Iterator[Ids]:
        """The ids of the text in order, block by block, each word of ``table`` by its new id; -1 drops a word."""
        for encoder in self._encoders:
            encoder.new_ids = new_ids if encoder.table_ids is None else new_ids[encoder.table_ids]
        blocks = ((chunk.encoder.read(chunk.begin, chunk.size), chunk.encoder.new_ids) for chunk in self._chunks)
        for ids, lines, empty_lines in renumbered(blocks, self._threads):
            self.lines += lines
            self.empty_lines += empty_lines
            yield ids

    def _encode(self, chunks: Iterable[AnyChunk], progress: Callable[[], None]) -> None:
        for encoded in in_order_with(self._encoders, lambda encoder, chunk: encoder.encode(chunk), chunks):
            self._chunks.append(encoded)
            progress()


def _encoder_maker(first: list[AnyChunk], config: TrainConfig, names: Any) -> Callable[[], Encoder]:
    """A function that makes encoders for a text; ``first`` holds its first chunk, or nothing if it has none."""
    if any(isinstance(chunk, ItemChunk) or (isinstance(chunk, ColumnChunk) and chunk.holds_items) for chunk in first):
        return partial(ItemEncoder, ItemNames(names))
    if names is not None:
        raise InputError(NAMES_OF_WORDS)
    return partial(TextEncoder, config)


class Encoder(ABC):
    """The scratch space of one thread that encodes chunks: a word table and a temporary file for the ids."""

    table: Any

    def __init__(self) -> None:
        self.table_ids: Ids | None = None
        """The ids that this table's words have in the merged table; None if this table is the merged one."""
        self.new_ids: Ids = np.empty(0, dtype=np.int32)
        self.spill = Spill()  # closed by EncodedText

    def encode(self, chunk: AnyChunk) -> Encoded:
        """Count the chunk's words and put their ids in the temporary file."""
        ids, replaced_bytes = self.counted(chunk.read() if isinstance(chunk, ColumnChunk) else chunk)
        return Encoded(self, self.spill.append(ids), ids.size, replaced_bytes)

    @abstractmethod
    def counted(self, chunk: Chunk | ItemChunk) -> tuple[Ids, int]:
        """The ids of a chunk's words, which are counted, and the number of bytes replaced in it."""

    def read(self, begin: int, size: int) -> Ids:
        """The ids that ``encode`` put in the temporary file at byte ``begin``, ``size`` of them."""
        ids = np.empty(size, dtype=np.int32)
        self.spill.read(begin, ids)
        return ids


class TextEncoder(Encoder):
    """Encodes text."""

    def __init__(self, config: TrainConfig) -> None:
        from lexigrad.kernels.text import words

        super().__init__()
        self.config = config
        self.table: WordTable = words.WordTable()
        self.alphabet: Alphabet = words.word_characters() if config.tokens == "words" else words.whitespace()
        self.separated: Alphabet = words.separated()

    def counted(self, chunk: Chunk | ItemChunk) -> tuple[Ids, int]:
        """The ids of the words of a chunk of text."""
        if isinstance(chunk, ItemChunk):
            raise CorpusError(f"{chunk.name!r} holds ids, and what comes before it holds words; read them apart")
        if chunk.separated:
            return self.table.encode(chunk.text, self.separated), 0
        text, replaced_bytes = self._clean(chunk)
        return self.table.encode(text, self.alphabet), replaced_bytes

    def _clean(self, chunk: Chunk) -> tuple[bytes, int]:
        """The chunk's text as valid UTF-8, in lower case if asked for, and the number of bytes replaced in it."""
        if chunk.text.isascii():
            return (chunk.text.lower() if self.config.lowercase else chunk.text), 0
        text, replaced_bytes = decoded(chunk, self.config.encoding_errors)
        if self.config.lowercase:
            return text.lower().encode(), replaced_bytes
        return (text.encode() if replaced_bytes else chunk.text), replaced_bytes


class ItemEncoder(Encoder):
    """Encodes lists of items."""

    def __init__(self, names: ItemNames) -> None:
        from lexigrad.kernels.text.ids import ItemTable

        super().__init__()
        self.table: ItemTable = ItemTable(names)

    def counted(self, chunk: Chunk | ItemChunk) -> tuple[Ids, int]:
        """The word ids of the items of a chunk."""
        if isinstance(chunk, Chunk):
            raise CorpusError(f"{chunk.name!r} holds words, and what comes before it holds ids; read them apart")
        return self.table.encode(chunk.items), 0


def renumbered(blocks: Iterable[tuple[Ids, Ids]], threads: int) -> Iterator[tuple[Ids, int, int]]:
    """Give the words in blocks of ids their new ids, in parallel; sentences left without words vanish.

    Args:
        blocks: ids, -1 at each line's end, with the new id of each word, -1 for a word to drop. The ids are
            overwritten.
        threads: the number of blocks that are worked on at once.

    Yields:
        The new ids of each block, the number of lines that end in it, and how many of these held no word.
    """
    from lexigrad.kernels.text.words import renumber

    def work(block: tuple[Ids, int, Ids]) -> tuple[Ids, int, int]:
        ids, previous, new_ids = block
        size, lines, empty_lines = renumber(ids, previous, new_ids)
        return ids[:size], lines, empty_lines

    in_sentence = False
    for ids, lines, empty_lines in in_order(work, _with_previous(blocks), threads):
        kept = ids[1:] if ids.size and ids[0] < 0 and not in_sentence else ids
        if kept.size:
            in_sentence = bool(kept[-1] >= 0)
        yield kept, lines, empty_lines


def _with_previous(blocks: Iterable[tuple[Ids, Ids]]) -> Iterator[tuple[Ids, int, Ids]]:
    """Each block with the id before its first one, which says whether a line that ends at once holds a word."""
    previous = -1
    for ids, new_ids in blocks:
        last = int(ids[-1]) if ids.size else previous  # read now: the block will be overwritten
        yield ids, previous, new_ids
        previous = last


def stored_ids(blocks: Iterable[Ids]) -> Ids:
    """Put blocks of ids in a temporary file, and map it."""
    size = 0
    with temporary_space(), temporary_file() as file:
        for block in blocks:
            file.write(block.data)
            size += block.size
        file.flush()
        ids = map_ids(file, 0, size).view(np.ndarray) if size else np.empty(0, dtype=np.int32)
    ids.flags.writeable = False  # one plain kind of array: Numba compiles for each kind anew
    return ids
