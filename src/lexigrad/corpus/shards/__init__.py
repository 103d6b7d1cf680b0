"""Counting on an engine: from any number of shards of a corpus, the same bytes as one process writes.

`count_words` finds the vocabulary and phrases, `write_window_counts` the window counts. Shards are mapped to numbers
that are added as integers, part by part, so neither shards nor grouping nor order change a byte. `lexigrad.engines`
carries the calls out.
"""

from __future__ import annotations

from lexigrad.corpus.shards.vocabulary import CountedWords, count_words
from lexigrad.corpus.shards.windows import WrittenCounts, write_window_counts

__all__ = ["CountedWords", "WrittenCounts", "count_words", "write_window_counts"]
