"""Distinct words with their counts, as they go from one worker to another: letters and numbers, and no strings."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lexigrad.kernels.text.ends import WORD_END_BYTE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from lexigrad.kernels.text.ids import ItemTable
    from lexigrad.kernels.text.words import WordTable

__all__ = ["WordCounts", "add_words", "chosen", "dealt", "letters_of", "letters_of_words", "words_of"]


class WordCounts(NamedTuple):
    """Distinct words, with an end behind each, and how often each occurs."""

    letters: NDArray[np.uint8]
    counts: NDArray[np.int64]


def letters_of_words(words: Iterable[str]) -> NDArray[np.uint8]:
    """The bytes of words, an end behind each."""
    return np.frombuffer(b"".join([word.encode() + WORD_END_BYTE for word in words]), dtype=np.uint8)


def letters_of(table: WordTable | ItemTable) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The bytes of all words, an end behind each, and where each begins, and the last one ends."""
    from lexigrad.kernels.text.words import WordTable

    if isinstance(table, WordTable):
        letters, borders = table.letters()
        return letters[: borders[-1]], borders
    names = [word.encode() + WORD_END_BYTE for word in table.words(np.arange(len(table)))]
    borders = np.cumsum([0, *map(len, names)], dtype=np.int64)
    return np.frombuffer(b"".join(names), dtype=np.uint8), borders


def words_of(letters: bytes) -> list[str]:
    """The words whose bytes, with an end behind each, are given."""
    return [word.decode() for word in letters.split(WORD_END_BYTE)[:-1]]


def add_words(*parts: WordCounts) -> tuple[int, WordCounts]:
    """Add the counts of words up; returns the number of distinct words, and the words."""
    from lexigrad.kernels.text.words import WordTable

    table = WordTable()
    for part in parts:
        table.add(part.letters.tobytes(), part.counts)
    letters, _ = letters_of(table)
    return len(table), WordCounts(letters.copy(), table.counts.copy())


def dealt(
    letters: NDArray[np.uint8],
    borders: NDArray[np.int64],
    counts: NDArray[np.int64],
    parts: int,
    spelt: NDArray[np.uint8] | None = None,
) -> list[WordCounts]:
    """Deal words to parts; the part of a word follows from its letters.

    Args:
        letters: the bytes of all words, an end behind each.
        borders: where each begins, and the last one ends.
        counts: how often each word occurs; words that do not occur are left out.
        parts: the number of parts.
        spelt: letters from which the parts follow, if they are others than ``letters``.
    """
    from lexigrad.kernels.text.words import gather_words, parts_of_words

    letters = np.array(letters)  # one plain kind of array: Numba compiles for each kind anew
    part_of = np.zeros(borders.size - 1, dtype=np.int64)
    parts_of_words(letters if spelt is None else spelt, borders, parts, part_of)
    order = np.argsort(part_of, kind="stable")
    order = order[counts[order] > 0]
    sizes = np.diff(borders)[order]
    out = np.empty(int(sizes.sum()), dtype=np.uint8)
    gather_words(letters, borders, order, out)
    ends = np.searchsorted(part_of[order], np.arange(1, parts))
    letter_ends = np.append(0, np.cumsum(sizes))[ends]
    pieces = zip(np.split(out, letter_ends), np.split(counts[order], ends), strict=True)
    return [WordCounts(*part) for part in pieces]


def chosen(part: WordCounts, numbers: NDArray[np.int64]) -> bytes:
    """The letters of some of the words, with their ends."""
    from lexigrad.kernels.text.words import gather_words

    letters = np.array(part.letters)
    borders = np.concatenate([[0], np.flatnonzero(letters == WORD_END_BYTE[0]) + 1])
    out = np.empty(int(np.diff(borders)[numbers].sum()), dtype=np.uint8)
    gather_words(letters, borders, numbers, out)
    return out.tobytes()
