"""A hash table of words that turns text into ids and counts: the Python side of ``lexigrad.kernels.text``."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lexigrad.kernels import text as kernels
from lexigrad.kernels.ends import LINE_END_BYTE, WORD_END_BYTE

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Alphabet", "WordTable", "separated", "whitespace", "word_characters"]


FIRST_SLOTS = 1 << 16
NUMBER_OF_CHARACTERS = 0x110000
LAST_WHITESPACE = 0x3000


class Alphabet(NamedTuple):
    """Which characters make words, which part them, and which end lines."""

    byte_kinds: NDArray[np.uint8]
    """The kind of each byte: WORD, SEPARATOR, LINE_END, or LOOK_UP for the first byte of a wide character."""
    wide_kinds: NDArray[np.uint8]
    """The kind of each character beyond ASCII, by code point."""


@cache
def whitespace() -> Alphabet:
    """Words are what ``str.split()`` returns, lines end at a line feed."""
    return _alphabet([(code, code + 1) for code in range(LAST_WHITESPACE + 1) if chr(code).isspace()])


@cache
def word_characters() -> Alphabet:
    r"""Words are the runs of ``\w`` that Python's ``re`` finds, lines end at a line feed."""
    every_character = "".join(map(chr, range(NUMBER_OF_CHARACTERS)))
    return _alphabet([gap.span() for gap in re.finditer(r"\W+", every_character)])


@cache
def separated() -> Alphabet:
    """Words that are cut already, each with WORD_END_BYTE behind it, each line with LINE_END_BYTE."""
    byte_kinds = np.full(256, kernels.WORD)
    byte_kinds[WORD_END_BYTE[0]] = kernels.SEPARATOR
    byte_kinds[LINE_END_BYTE[0]] = kernels.LINE_END
    return Alphabet(byte_kinds, np.empty(0, dtype=np.uint8))


def _alphabet(separators: list[tuple[int, int]]) -> Alphabet:
    """The alphabet in which the characters of these ranges part words."""
    kinds = np.full(NUMBER_OF_CHARACTERS, kernels.WORD)
    byte_kinds = np.full(256, kernels.WORD)
    for begin, end in separators:
        kinds[begin:end] = kernels.SEPARATOR
        first, last = max(begin, 0x80), end - 1
        if first <= last and not 0xD800 <= first <= last <= 0xDFFF:  # surrogates occur in no UTF-8
            byte_kinds[_lead_byte(first) : _lead_byte(last) + 1] = kernels.LOOK_UP
    byte_kinds[:0x80] = kinds[:0x80]
    byte_kinds[ord("\n")] = kernels.LINE_END
    return Alphabet(byte_kinds, kinds)


def _lead_byte(code: int) -> int:
    """The first byte of a character in UTF-8."""
    return chr(code).encode("utf-8", "surrogatepass")[0]


class WordTable:
    r"""Words with ids in the order of their first occurrence, and their counts.

    Example:
        >>> table = WordTable()
        >>> table.encode(b"to be or not to be\n", whitespace()).tolist()
        [0, 1, 2, 3, 0, 1, -1]
        >>> table.words([3, 0]), table.counts.tolist()
        (['not', 'to'], [2, 2, 1, 1])
    """

    def __init__(self) -> None:
        self._sizes = np.zeros(2, dtype=np.int64)  # words, bytes used in the arena
        self._slots = np.zeros(FIRST_SLOTS, dtype=np.uint64)
        self._starts = np.zeros(FIRST_SLOTS // 2, dtype=np.int64)
        self._counts = np.zeros(FIRST_SLOTS // 2, dtype=np.int64)
        self._arena = np.zeros(0, dtype=np.uint8)

    def __len__(self) -> int:
        return int(self._sizes[0])

    @property
    def counts(self) -> NDArray[np.int64]:
        """How often each word has occurred, by id."""
        return self._counts[: len(self)]

    def words(self, word_ids: ArrayLike) -> list[str]:
        """The words of these ids."""
        letters, borders = self.letters()
        arena, chosen = letters.data, np.asarray(word_ids, dtype=np.int64)
        limits = zip(borders[chosen].tolist(), (borders[1:][chosen] - 1).tolist(), strict=True)
        return [str(arena[begin:end], "utf-8") for begin, end in limits]

    def letters(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The bytes of all words, WORD_END behind each, and where each word begins there, and the last one ends."""
        return self._arena, np.append(self._starts[: len(self)], self._sizes[1])

    def encode(self, text: bytes, alphabet: Alphabet) -> NDArray[np.int32]:
        """Count the words of ``text``, valid UTF-8; returns their ids, with -1 for each line end."""
        characters = np.frombuffer(text, dtype=np.uint8)
        ids = np.empty(characters.size + 1, dtype=np.int32)
        self._make_room(characters.size)
        position = written = 0
        while position < characters.size:
            if len(self) == self._starts.size:
                self._double()
            position, written = kernels.encode(
                characters, position, *alphabet, self._slots, self._starts, self._counts,
                self._arena, self._sizes, ids, written,
            )  # fmt: skip
        return ids[:written]

    def ids_of(self, words: list[str]) -> NDArray[np.int32]:
        """The ids of distinct words, -1 for those that the table does not have."""
        return self.find(_letters(words))

    def find(self, letters: bytes) -> NDArray[np.int32]:
        """The ids of distinct words, given as their bytes with WORD_END_BYTE behind each; -1 for those it lacks."""
        known = len(self)
        ids = self._enter(letters)
        ids[ids >= known] = -1  # entered just now
        return ids

    def enter(self, words: list[str]) -> NDArray[np.int32]:
        """The ids of distinct words, entered with count 0 where they are new."""
        return self._enter(_letters(words))

    def add(self, letters: bytes, counts: NDArray[np.int64]) -> NDArray[np.int32]:
        """Count distinct words so many times, given as for ``find``; returns their ids."""
        ids = self._enter(letters)
        self._counts[ids] += counts
        return ids

    def recount(self, counts: NDArray[np.int64]) -> None:
        """Let the words occur so often: the text has been changed."""
        self._counts[: len(self)] = counts

    def merge(self, other: WordTable) -> NDArray[np.int32]:
        """Add the words and counts of ``other``; returns the id that each of its words has here."""
        return self.add(other._arena[: other._sizes[1]].tobytes(), other.counts)

    def _enter(self, letters: bytes) -> NDArray[np.int32]:
        """The ids of distinct words, entered with count 0 where they are new."""
        ids = self.encode(letters, separated())
        self._counts[ids] -= 1
        return ids

    def _make_room(self, text_bytes: int) -> None:
        """Let the arena hold the words of a text even if all of them are new."""
        needed = int(self._sizes[1]) + text_bytes + 1
        if needed > self._arena.size:
            arena = np.empty(max(needed, 2 * self._arena.size), dtype=np.uint8)
            arena[: self._sizes[1]] = self._arena[: self._sizes[1]]
            self._arena = arena

    def _double(self) -> None:
        """Double the slots, so that at most half of them are ever taken."""
        larger = np.zeros(2 * self._slots.size, dtype=np.uint64)
        kernels.rehash(self._slots, larger)
        self._slots = larger
        self._starts = np.concatenate([self._starts, np.zeros_like(self._starts)])
        self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)])


def _letters(words: list[str]) -> bytes:
    """The bytes of words, with WORD_END_BYTE behind each."""
    return b"".join([word.encode() + WORD_END_BYTE for word in words])
