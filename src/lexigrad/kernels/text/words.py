r"""Text to word ids in one pass over its bytes: cut into words, look each word up, count it, write its id.

The words stand in an open-addressing hash table of three parts (`Words`). ``arena`` holds the bytes of all words, each
followed by WORD_END, and ``starts`` where each word begins there. ``slots`` holds, where a word's hash points, the
hash's upper half and the word's id + 1 in one number; 0 is an empty slot. A word is known only if all its bytes agree:
two words of the same hash are two words.

The words of a table can also be cut into parts; the part of each follows from its letters alone.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from lexigrad.kernels.compiler.compile import kernel
from lexigrad.kernels.text.ends import LINE_END_BYTE, WORD_END_BYTE

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from lexigrad.kernels.arraytypes import Bytes, Int32s, Int64s, UInt64s

__all__ = [
    "LINE_END",
    "LOOK_UP",
    "SEPARATOR",
    "WORD",
    "WORD_END",
    "Alphabet",
    "WordTable",
    "Words",
    "encode",
    "gather_words",
    "parts_of_words",
    "rehash",
    "renumber",
    "separated",
    "whitespace",
    "word_characters",
]

# The kinds of bytes and characters. LOOK_UP: the byte begins a character that ``wide_kinds`` knows.
WORD, SEPARATOR, LINE_END, LOOK_UP = np.uint8(0), np.uint8(1), np.uint8(2), np.uint8(3)

WORD_END = np.uint8(0xFE)  # this byte occurs in no UTF-8 text

HASH_START = np.uint64(0xCBF29CE484222325)  # FNV-1a, Fowler, Noll and Vo
HASH_FACTOR = np.uint64(0x100000001B3)
MIX_FACTOR = np.uint64(0xBF58476D1CE4E5B9)  # a step of SplitMix64's finalizer: spreads FNV's bits to all slots
HALF = np.uint64(32)
LOW_HALF = np.uint64(0xFFFFFFFF)

FIRST_SLOTS = 1 << 16
NUMBER_OF_CHARACTERS = 0x110000
LAST_WHITESPACE = 0x3000


class Alphabet(NamedTuple):
    """Which characters make words, which part them, and which end lines."""

    byte_kinds: NDArray[np.uint8]
    """The kind of each byte: WORD, SEPARATOR, LINE_END, or LOOK_UP for the first byte of a wide character."""
    wide_kinds: NDArray[np.uint8]
    """The kind of each character beyond ASCII, by code point."""


class Words(NamedTuple):
    """The hash table of words."""

    slots: UInt64s  # a power of two of them: the upper half of a word's hash, and its id + 1; 0 where empty
    starts: Int64s  # where each word begins in the arena; half as many as there are slots
    counts: Int64s  # how often each word has occurred
    arena: Bytes  # the bytes of all words, each with WORD_END behind it
    sizes: Int64s  # (2,): the number of words, the bytes used in the arena


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
    byte_kinds = np.full(256, WORD)
    byte_kinds[WORD_END_BYTE[0]] = SEPARATOR
    byte_kinds[LINE_END_BYTE[0]] = LINE_END
    return Alphabet(byte_kinds, np.empty(0, dtype=np.uint8))


def _alphabet(separators: list[tuple[int, int]]) -> Alphabet:
    """The alphabet in which the characters of these ranges part words."""
    kinds = np.full(NUMBER_OF_CHARACTERS, WORD)
    byte_kinds = np.full(256, WORD)
    for begin, end in separators:
        kinds[begin:end] = SEPARATOR
        first, last = max(begin, 0x80), end - 1
        if first <= last and not 0xD800 <= first <= last <= 0xDFFF:  # surrogates occur in no UTF-8
            byte_kinds[_lead_byte(first) : _lead_byte(last) + 1] = LOOK_UP
    byte_kinds[:0x80] = kinds[:0x80]
    byte_kinds[ord("\n")] = LINE_END
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
            words = Words(self._slots, self._starts, self._counts, self._arena, self._sizes)
            position, written = encode(characters, position, alphabet, words, ids, written)
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
        rehash(self._slots, larger)
        self._slots = larger
        self._starts = np.concatenate([self._starts, np.zeros_like(self._starts)])
        self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)])


def _letters(words: list[str]) -> bytes:
    """The bytes of words, with WORD_END_BYTE behind each."""
    return b"".join([word.encode() + WORD_END_BYTE for word in words])


@kernel
def code_point(text: Bytes, position: int) -> np.int64:
    """The character that begins at ``position`` in valid UTF-8, two to four bytes long."""
    first = np.int64(text[position])
    value = (first & 0x1F) << 6 | np.int64(text[position + 1]) & 0x3F
    if first >= 0xE0:
        value = (value & 0x3FF) << 6 | np.int64(text[position + 2]) & 0x3F
    if first >= 0xF0:
        value = (value & 0x7FFF) << 6 | np.int64(text[position + 3]) & 0x3F
    return value


@njit(inline="always")
def upper_half(fingerprint: np.uint64) -> np.uint64:
    """The upper half of a word's hash, whose bits depend on all bits of the fingerprint."""
    return ((fingerprint ^ (fingerprint >> HALF)) * MIX_FACTOR) >> HALF


@kernel
def find(
    text: Bytes, begin: int, end: int, slots: UInt64s, mask: np.uint64, upper: np.uint64, starts: Int64s, arena: Bytes
) -> np.uint64:
    """The slot of the word ``text[begin:end]``, whose hash has the ``upper`` half: its own, or the empty one for it."""
    place = upper & mask
    while slots[place] != 0:
        if slots[place] >> HALF == upper:
            known = starts[(slots[place] & LOW_HALF) - np.uint64(1)]
            length = 0
            while begin + length < end and arena[known + length] == text[begin + length]:
                length += 1
            if begin + length == end and arena[known + length] == WORD_END:
                return place
        place = (place + np.uint64(1)) & mask
    return place


@kernel
def encode(text: Bytes, position: int, alphabet: Alphabet, words: Words, ids: Int32s, written: int) -> tuple[int, int]:
    """Append the ids of the words of ``text`` from ``position`` on, and -1 for every line end, to ``ids``.

    The words' sizes are brought up to date; their arena and ``ids`` must have room for the whole text. Stops early,
    between two words, when the table is half full.

    Returns:
        The position reached in the text and the number of ids written.
    """
    byte_kinds, wide_kinds = alphabet.byte_kinds, alphabet.wide_kinds
    slots, starts, counts, arena = words.slots, words.starts, words.counts, words.arena
    mask = np.uint64(slots.size - 1)
    number_of_words, used = words.sizes[0], words.sizes[1]
    while position < text.size and number_of_words < starts.size:
        begin = position
        fingerprint = HASH_START
        kind = WORD
        while position < text.size:
            byte = text[position]
            kind = byte_kinds[byte]
            if kind == LOOK_UP:
                kind = wide_kinds[code_point(text, position)]
            if kind != WORD:
                break
            fingerprint = (fingerprint ^ np.uint64(byte)) * HASH_FACTOR
            position += 1
        if position > begin:
            upper = upper_half(fingerprint)
            place = find(text, begin, position, slots, mask, upper, starts, arena)
            if slots[place] == 0:
                starts[number_of_words] = used
                used = append(text, begin, position, arena, used)
                number_of_words += 1
                slots[place] = upper << HALF | np.uint64(number_of_words)
            word_id = np.int64(slots[place] & LOW_HALF) - 1
            counts[word_id] += 1
            ids[written] = word_id
            written += 1
        if kind == LINE_END:
            ids[written] = -1
            written += 1
        if kind != WORD:
            position += 1
            while position < text.size and text[position] & 0xC0 == 0x80:  # the rest of a wide separator
                position += 1
    words.sizes[0], words.sizes[1] = number_of_words, used
    return position, written


@kernel
def append(text: Bytes, begin: int, end: int, arena: Bytes, used: int) -> int:
    """Append a new word and its end to the arena; returns the bytes that are used then."""
    for source in range(begin, end):
        arena[used] = text[source]
        used += 1
    arena[used] = WORD_END
    return used + 1


@kernel
def rehash(slots: UInt64s, larger: UInt64s) -> None:
    """Enter every word of ``slots`` in ``larger``, which is empty; the arena keeps its place."""
    mask = np.uint64(larger.size - 1)
    for slot in slots:
        if slot != 0:
            place = slot >> HALF & mask
            while larger[place] != 0:
                place = (place + np.uint64(1)) & mask
            larger[place] = slot


@kernel
def renumber(ids: Int32s, previous: int, new_ids: Int32s) -> Any:
    """Replace each id by its new one, in place; ids whose new one is -1 vanish, and of several -1 in a row all but one.

    Args:
        ids: word ids, -1 at line ends.
        previous: the id that stood before the first.
        new_ids: the new id of each word, -1 for a word to drop.

    Returns:
        The number of ids left (a -1 at the start is always left), the lines that ended, and the lines without words.
    """
    written = lines = empty_lines = 0
    for position in range(ids.size):
        word_id = ids[position]
        if word_id >= 0:
            new_id = new_ids[word_id]
            if new_id >= 0:
                ids[written] = new_id
                written += 1
        else:
            lines += 1
            empty_lines += previous < 0
            if written == 0 or ids[written - 1] >= 0:
                ids[written] = -1
                written += 1
        previous = word_id
    return written, lines, empty_lines


@kernel
def parts_of_words(letters: Bytes, borders: Int64s, parts: int, part_of: Int32s) -> None:
    """The part of each word, by a hash of its letters, the word's end left out.

    Args:
        letters: the bytes of all words, one end behind each.
        borders: where each word begins there, and the last one ends.
        parts: the number of parts.
        part_of: gets the part of each word.
    """
    for word in range(part_of.size):
        fingerprint = HASH_START
        for place in range(borders[word], borders[word + 1] - 1):
            fingerprint = (fingerprint ^ np.uint64(letters[place])) * HASH_FACTOR
        part_of[word] = (upper_half(fingerprint) * np.uint64(parts)) >> HALF


@kernel
def gather_words(letters: Bytes, borders: Int64s, words: Int64s, out: Bytes) -> None:
    """Write the letters of some words, with their ends, one behind the other."""
    end = 0
    for word in words:
        for place in range(borders[word], borders[word + 1]):
            out[end] = letters[place]
            end += 1
