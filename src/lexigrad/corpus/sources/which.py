"""The choice of the source that reads a text: paths, sentences, lists of ids, tables or datasets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lexigrad.corpus.sources.datasets import TableFileSource, TableSource, table_arrays
from lexigrad.corpus.sources.ids import ItemSource, peeked
from lexigrad.corpus.sources.sentences import SentenceSource
from lexigrad.corpus.sources.tokenizer import TokenizedSource
from lexigrad.errors import CorpusError

if TYPE_CHECKING:
    from lexigrad.config import TrainConfig
    from lexigrad.corpus.sources.files import Source

__all__ = ["open_source"]


def open_source(source: Any, paths: list[str] | None, config: TrainConfig) -> Source:
    """The source that gives the chunks of ``source``, or of the files at ``paths``.

    Raises:
        CorpusError: ``source`` is nothing that can be read.
    """
    by_name = isinstance(config.tokens, str)
    found = _source(source, paths, config, whole_lines=not by_name)
    return found if by_name else TokenizedSource(found, config)


def _source(source: Any, paths: list[str] | None, config: TrainConfig, *, whole_lines: bool) -> Source:
    """The source that gives the chunks, before a tokenizer cuts them."""
    if paths is not None:
        return TableFileSource(paths, whole_lines, config.column, config.lowercase)
    arrays = table_arrays(source, config.column)
    if arrays is not None:
        return TableSource(arrays, config.lowercase)
    if isinstance(source, (bytes, bytearray)) or not isinstance(source, Iterable):
        raise CorpusError(f"cannot read text from {type(source).__name__}; give a path, paths, sentences or a table")
    sentences, holds_items = peeked(source)
    return ItemSource(sentences) if holds_items else SentenceSource(sentences, config)
