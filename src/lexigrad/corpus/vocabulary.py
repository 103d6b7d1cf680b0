"""Words and their ids: counts, the subsampling and the noise distribution, and the vocabulary's text file.

A vocabulary is ordered by falling count, so a word's id is its rank, counted from 0.
"""

from __future__ import annotations

from array import array
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from lexigrad.errors import FormatError, InputError, UnknownWordError, quoted, unknown_word_message
from lexigrad.files.strings import encoded, first_repeated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Vocabulary"]

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LARGEST_TOTAL = 2.0**63


class Vocabulary:
    """The words of a corpus with their counts, the most frequent first; immutable.

    Args:
        words: each word once.
        counts: how often each word occurs, at least 1, falling; shape ``(len(words),)``.

    Raises:
        InputError: a word is empty, not UTF-8, or given twice, or the counts do not fit.

    Example:
        >>> vocabulary = Vocabulary.from_counts({"cat": 2, "the": 5, "sat": 2})
        >>> vocabulary.words, vocabulary.id_of("sat"), vocabulary.total
        (['the', 'cat', 'sat'], 2, 9)
    """

    def __init__(self, words: Iterable[str], counts: ArrayLike) -> None:
        self.words: list[str] = list(words)
        self.counts: NDArray[np.int64] = _checked_counts(counts, len(self.words))
        self.total: int = int(self.counts.sum())
        if len(self.word_ids) < len(self.words):
            raise InputError(f"the vocabulary holds {quoted(first_repeated(self.words))} twice; give each word once")
        if "" in self.word_ids:
            raise InputError(f"word {self.word_ids['']:,} of the vocabulary is empty; leave it out")
        try:
            "".join(self.words).encode()
        except UnicodeEncodeError as error:
            raise InputError(
                f"a word holds {error.object[error.start]!r}, half of a character; leave it out"
            ) from error

    @classmethod
    def from_counts(
        cls, counts: Mapping[str, int], *, min_count: int = 1, max_vocabulary: int | None = None
    ) -> Vocabulary:
        """The vocabulary of counted words, by falling count; words of equal count in the order of their code points.

        Args:
            counts: how often each word occurs.
            min_count: words that occur less often are left out.
            max_vocabulary: how many words are kept at most, the most frequent ones.
        """
        frequent = [(word, count) for word, count in counts.items() if count >= max(min_count, 1)]
        frequent.sort(key=lambda item: (-item[1], item[0]))
        kept = frequent[:max_vocabulary]
        return cls([word for word, _ in kept], np.array([count for _, count in kept], dtype=np.int64))

    @cached_property
    def word_ids(self) -> dict[str, int]:
        """The id of each word."""
        return {word: word_id for word_id, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.word_ids

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return self.words == other.words and np.array_equal(self.counts, other.counts)

    __hash__ = None  # type: ignore[assignment]  # like a list: equal by content, too large to hash

    def __repr__(self) -> str:
        return f"Vocabulary({len(self):,} words, {self.total:,} occurrences)"

    def id_of(self, word: str) -> int:
        """The id of ``word``.

        Raises:
            UnknownWordError: the word is not in the vocabulary; the message names words spelt nearly so.
        """
        word_id = self.word_ids.get(word)
        if word_id is None:
            raise UnknownWordError(unknown_word_message(word, self.words))
        return word_id

    def keep_probability(self, subsample: float) -> NDArray[np.float64]:
        """The probability that an occurrence of each word is kept in training: min(1, √(t/f) + t/f).

        ``f`` is the word's share of all occurrences and ``t`` is ``subsample``.

        Args:
            subsample: the threshold t, at least 0; 0 keeps every word.

        Returns:
            From 0 to 1, shape ``(len(self),)``.

        Example:
            >>> Vocabulary(["the", "cat"], [99, 1]).keep_probability(0.01).round(3).tolist()
            [0.111, 1.0]

        Source: word2vec.c. The paper (Mikolov et al. 2013, "Distributed representations", section 2.3) has
        √(t/f) alone; the program that its figures come from adds t/f, and so does lexigrad.
        """
        if subsample == 0:
            return np.ones(len(self))
        ratio = subsample * self.total / self.counts
        return np.minimum(1.0, np.sqrt(ratio) + ratio)

    def noise_distribution(self, exponent: float) -> NDArray[np.float64]:
        """The probability that each word is drawn as a negative: count ** exponent / Σ count ** exponent.

        Args:
            exponent: 1 draws words as often as they occur, 0 all words equally often.

        Returns:
            Probabilities that add up to 1, shape ``(len(self),)``.

        Example:
            >>> Vocabulary(["the", "cat"], [16, 1]).noise_distribution(0.75).round(3).tolist()
            [0.889, 0.111]

        Source: Mikolov et al. 2013, "Distributed representations", section 2.2, exponent 0.75.
        """
        if not len(self):
            return np.ones(0)
        logarithms = exponent * np.log(self.counts)
        weights = np.exp(logarithms - logarithms.max())  # the largest is 1, so that no exponent overflows
        return np.asarray(weights / weights.sum(), dtype=np.float64)

    def save(self, path: str | Path) -> None:
        """Write a text file of UTF-8 with one ``word count`` a line, which word2vec.c's ``-read-vocab`` takes too.

        Args:
            path: where to.

        Raises:
            FormatError: a word holds a line break, which this format cannot hold.
        """
        from lexigrad.files.atomic import atomic_write

        for word in self.words:
            if "\n" in word:
                raise FormatError(
                    f"{quoted(word)} holds a line break, so it cannot stand in a vocabulary file; leave it out"
                )
        lines = [f"{word} {count}\n" for word, count in zip(self.words, self.counts.tolist(), strict=True)]
        with atomic_write(path) as file:
            file.write(encoded("".join(lines)))

    @classmethod
    def load(cls, path: str | Path) -> Vocabulary:
        """Read a file that ``save`` wrote.

        Args:
            path: the file.

        Raises:
            FormatError: a line is not ``word count``, a word comes twice, or the counts do not fall.
        """
        words: list[str] = []
        counts = array("q")
        try:
            with open(path, "rb") as file:
                for line in _lines(file, path):
                    word, count = _word_and_count(line, f"{str(path)!r}, line {len(words) + 1}")
                    words.append(word)
                    counts.append(count)
        except OSError as error:
            raise FormatError(f"cannot read the vocabulary {str(path)!r}: {error.strerror}") from error
        try:
            return cls(words, np.array(counts))
        except InputError as error:
            raise FormatError(f"{str(path)!r} is no vocabulary: {error}") from error


def _checked_counts(counts: ArrayLike, number_of_words: int) -> NDArray[np.int64]:
    """The counts as a read-only copy, or an InputError that says how they do not fit."""
    given = np.asarray(counts)
    if given.shape != (number_of_words,):
        raise InputError(f"{number_of_words:,} words need as many counts, not shape {given.shape}")
    if given.size and given.dtype.kind not in "iu":
        raise InputError(f"counts must be whole numbers, not {given.dtype}")
    checked = np.array(given, dtype=np.int64)
    if (checked < 1).any():
        raise InputError(f"every count must be at least 1, not {checked.min()}")
    if (np.diff(checked) > 0).any():
        raise InputError("counts must fall from the most frequent word to the rarest; sort the words by count")
    if checked.sum(dtype=np.float64) >= LARGEST_TOTAL:
        raise InputError("the counts add up to more than 64 bits hold; give the counts of a text")
    checked.flags.writeable = False
    return checked


def _lines(file: BinaryIO, path: str | Path) -> Iterator[str]:
    """The lines of a vocabulary file, without their line feeds."""
    begin = 0
    for line in file:
        text = line.removeprefix(BYTE_ORDER_MARK) if begin == 0 else line
        try:
            yield text.decode().removesuffix("\n")
        except UnicodeDecodeError as error:
            place = begin + len(line) - len(text) + error.start
            raise FormatError(f"the vocabulary {str(path)!r} is not UTF-8 at byte {place:,}") from error
        begin += len(line)


def _word_and_count(line: str, where: str) -> tuple[str, int]:
    """The word and the count in a line of a vocabulary file; the count follows the last space of the line."""
    word, _, count = line.removesuffix("\r").rpartition(" ")
    if not word or not (count.isascii() and count.isdigit()) or len(count) > 18:
        raise FormatError(f"{where}: expected 'word count', found {line[:80]!r}")
    return word, int(count)
