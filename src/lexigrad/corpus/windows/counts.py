"""How often words stand in each other's windows, in expectation: skip-gram's loss depends on nothing else of a text."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from lexigrad.config import TrainConfig
from lexigrad.corpus.vocabulary import Vocabulary
from lexigrad.corpus.windows.counting import Text, count
from lexigrad.corpus.windows.countsfile import COUNT_OPTIONS, CountsContent, read_counts_file, write_counts_file
from lexigrad.errors import InputError
from lexigrad.files.atomic import atomic_write

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lexigrad.corpus.corpus import Corpus
    from lexigrad.corpus.phrases.phrases import Phrases

__all__ = ["WindowCounts", "count_windows"]


@dataclass(frozen=True, eq=False)
class WindowCounts:
    """n(c, o), the expected number of times that the word o stood in the window of the word c.

    A sparse symmetric matrix, row by row. Counts of several texts with one vocabulary and the same options add up.

    Attributes:
        vocabulary: The words, n of them.
        starts: Where rows begin: the entries of row c are ``starts[c]:starts[c + 1]``; int64, shape (n + 1,).
        outside: The outside word of each entry, rising within a row; int32.
        weights: n(c, o) of each entry, above 0; float32.
        options: ``window``, ``dynamic_window`` and ``subsample`` that it was counted with.
        words: The length of the text, in words.
        phrases: The phrases that were joined in the text; None if it was read without phrases.

    Example:
        >>> from lexigrad import read_corpus
        >>> with read_corpus(["to be or not to be"], TrainConfig(min_count=1)) as corpus:
        ...     counts = count_windows(corpus, TrainConfig(window=1, subsample=0))
        >>> to = counts.vocabulary.id_of("to")
        >>> row = slice(*counts.starts[to : to + 2])
        >>> [(counts.vocabulary.words[o], float(n)) for o, n in zip(counts.outside[row], counts.weights[row])]
        [('be', 2.0), ('not', 1.0)]
        >>> counts.pairs
        10.0
    """

    vocabulary: Vocabulary
    starts: NDArray[np.int64]
    outside: NDArray[np.int32]
    weights: NDArray[np.float32]
    options: dict[str, Any]
    words: int
    phrases: Phrases | None = None

    def __repr__(self) -> str:
        return f"WindowCounts({len(self.vocabulary):,} words, {self.outside.size:,} entries, {self.pairs:,.0f} pairs)"

    @cached_property
    def center_weights(self) -> NDArray[np.float64]:
        """n_c = Σ_o n(c, o), the expected number of words in the windows of c; shape (n,)."""
        sums = np.zeros(len(self.vocabulary))
        filled = np.diff(self.starts) > 0
        if filled.any():
            sums[filled] = np.add.reduceat(self.weights, self.starts[:-1][filled], dtype=np.float64)
        return sums

    @property
    def pairs(self) -> float:
        """Σ_c n_c, the expected number of pairs of a center and an outside word."""
        return float(self.center_weights.sum())

    def head(self, n: int) -> WindowCounts:
        """The counts of the ``n`` most frequent words among themselves.

        Raises:
            InputError: ``n`` is less than 1.
        """
        if n < 1:
            raise InputError(f"the head must have at least 1 word, not {n:,}")
        vocabulary = Vocabulary(self.vocabulary.words[:n], self.vocabulary.counts[:n])
        rows = self.starts[: len(vocabulary) + 1]
        kept = self.outside[: rows[-1]] < n
        starts, filled = np.zeros_like(rows), np.diff(rows) > 0
        if filled.any():
            starts[1:][filled] = np.add.reduceat(kept, rows[:-1][filled], dtype=np.int64)
        np.cumsum(starts, out=starts)
        outside, weights = self.outside[: rows[-1]][kept], self.weights[: rows[-1]][kept]
        options = dict(self.options)
        return WindowCounts(vocabulary, starts, outside, weights, options, self.words, self.phrases)

    def __add__(self, other: object) -> WindowCounts:
        if not isinstance(other, WindowCounts):
            return NotImplemented
        if self.vocabulary != other.vocabulary:
            raise InputError(
                "window counts of different vocabularies cannot be added; count both texts with the same --vocabulary"
            )
        if self.phrases != other.phrases:
            raise InputError(
                "window counts of texts with different phrases cannot be added; read the second text with the phrases "
                "of the first"
            )
        for name, value in self.options.items():
            if other.options[name] != value:
                raise InputError(
                    f"window counts cannot be added: {name} is {value} in one and {other.options[name]} in the other; "
                    "count both texts with the same"
                )
        from lexigrad.kernels.counts.sparse import added_rows

        starts, outside, weights = added_rows(
            self.starts, self.outside, self.weights, other.starts, other.outside, other.weights
        )
        options, words = dict(self.options), self.words + other.words
        return WindowCounts(self.vocabulary, starts, outside, weights, options, words, self.phrases)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a .npz file, which ``scipy.sparse.load_npz`` reads as a matrix; docs/reference/formats.md specifies it.

        Raises:
            LexigradError: The file cannot be written.
        """
        matrix = self.starts, self.outside, self.weights
        content = CountsContent(self.vocabulary, *matrix, self.options, self.words, self.phrases)
        with atomic_write(path) as file:
            write_counts_file(file, content)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> WindowCounts:
        """Read a file that ``save`` wrote.

        Raises:
            FormatError: The file holds no window counts, or it is damaged.
        """
        content: Any = read_counts_file(os.fspath(path))
        return cls(*content)


def count_windows(
    corpus: Corpus,
    config: TrainConfig | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
    memory_bytes: int | None = None,
) -> WindowCounts:
    r"""Count how often words stand in each other's windows, in expectation over all random draws.

    For each pair of positions i < j of a sentence, with $k_i$ the probability that subsampling keeps the word at i, and
    $q_d$ the probability that it keeps exactly d of the words between them,

    $$n(c, o) = \sum_{(i, j)} k_i k_j \sum_{d < m} q_d \frac{m - d}{m}$$

    over all pairs of which one word is c and the other o (twice where both are the same word); a window of fixed width
    has 1 in place of $(m - d) / m$. A walk from i ends when less than a millionth of a whole window's weight is to
    come. Sums are whole numbers of 2⁻²⁸, so the bytes depend neither on ``threads`` nor on ``memory_bytes``.

    Args:
        corpus: the text.
        config: ``window`` (m), ``dynamic_window``, ``subsample`` and ``threads`` are used; None is ``TrainConfig()``.
        progress: is called now and then with the positions counted, and all positions of the corpus.
        memory_bytes: how much may be used besides the result, 2 GiB when not given; beyond that temporary files are
            used. A few MB for each thread are used in any case, and the half of the result while it is put together.

    Returns:
        The counts, symmetric.

    Raises:
        InputError: The vocabulary has more than 16,777,216 words, or ``memory_bytes`` is less than 1.
        CorpusError: Temporary files cannot be written.

    Example:
        >>> from lexigrad import read_corpus
        >>> with read_corpus([["a", "b", "c"]], TrainConfig(min_count=1)) as corpus:
        ...     counts = count_windows(corpus, TrainConfig(window=2, subsample=0))
        >>> counts.weights.tolist()  # a next to b, a and c half of the times, and so on
        [1.0, 0.5, 1.0, 1.0, 0.5, 1.0]

    Source: the draws of Mikolov et al. 2013 and word2vec.c; docs/concepts/window-counts.md derives their mean.

    word2vec.c and gensim draw widths and dropped words anew in each epoch; this is the mean of all their draws. GloVe's
    cooccur weights a word at distance d by 1 / d and drops none.
    """
    config = config or TrainConfig()
    if memory_bytes is not None and memory_bytes < 1:
        raise InputError(f"memory_bytes must be at least 1, not {memory_bytes}")
    vocabulary = corpus.vocabulary
    text = Text(corpus.ids, vocabulary.keep_probability(config.subsample), vocabulary.counts)
    counted = count(text, config, memory_bytes, progress)
    options = {name: getattr(config, name) for name in COUNT_OPTIONS}
    return WindowCounts(vocabulary, *counted, options, corpus.words, corpus.phrases)
