"""Which source reads what: paths, sentences, lists of ids, tables and datasets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lexigrad.errors import CorpusError
from lexigrad.itemids import ItemSource, peeked
from lexigrad.sentences import SentenceSource, TokenizedSource
from lexigrad.tablefiles import TableFileSource
from lexigrad.tables import TableSource, table_arrays

if TYPE_CHECKING:
    from lexigrad.config import TrainConfig
    from lexigrad.sources import Source

__all__ = ["open_source"]


def open_source(source: Any, paths: list[str] | None, config: TrainConfig) -> Source:
    """What gives the chunks of ``source``, or of the files at ``paths``.

    Raises:
        CorpusError: It is nothing that can be read.
    """
    by_function = callable(config.tokens)
    if paths is not None:
        files = TableFileSource(paths, by_function, config.column, config.lowercase)
        return TokenizedSource(files, config) if by_function else files
    arrays = table_arrays(source, config.column)
    if arrays is not None:
        table = TableSource(arrays, config.lowercase)
        return TokenizedSource(table, config) if by_function else table
    if isinstance(source, (bytes, bytearray)) or not isinstance(source, Iterable):
        raise CorpusError(f"cannot read text from {type(source).__name__}; give a path, paths, sentences or a table")
    sentences, holds_items = peeked(source)
    return ItemSource(sentences) if holds_items else SentenceSource(sentences, config)
