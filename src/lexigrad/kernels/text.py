"""Text to word ids in one pass over its bytes: cut into words, look each word up, count it, write its id.

The words stand in an open-addressing hash table of three parts. ``arena`` holds the bytes of all words, each followed
by WORD_END, and ``starts`` where each word begins there. ``slots`` holds, where a word's hash points, the hash's upper
half and the word's id + 1 in one number; 0 is an empty slot. A word is known only if all its bytes agree: two words of
the same hash are two words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lexigrad.kernels.compiling import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LINE_END", "LOOK_UP", "SEPARATOR", "WORD", "WORD_END", "encode", "rehash", "renumber"]

# What a byte is. LOOK_UP: it begins a character that ``wide_kinds`` knows.
WORD, SEPARATOR, LINE_END, LOOK_UP = np.uint8(0), np.uint8(1), np.uint8(2), np.uint8(3)

WORD_END = np.uint8(0xFE)  # this byte occurs in no UTF-8 text

HASH_START = np.uint64(0xCBF29CE484222325)  # FNV-1a, Fowler, Noll and Vo
HASH_FACTOR = np.uint64(0x100000001B3)
MIX_FACTOR = np.uint64(0xBF58476D1CE4E5B9)  # a step of SplitMix64's finalizer: spreads FNV's bits to all slots
HALF = np.uint64(32)
LOW_HALF = np.uint64(0xFFFFFFFF)


@kernel
def code_point(text, position):  # type: ignore[no-untyped-def]
    """The character that begins at ``position`` in valid UTF-8, two to four bytes long."""
    first = np.int64(text[position])
    value = (first & 0x1F) << 6 | np.int64(text[position + 1]) & 0x3F
    if first >= 0xE0:
        value = (value & 0x3FF) << 6 | np.int64(text[position + 2]) & 0x3F
    if first >= 0xF0:
        value = (value & 0x7FFF) << 6 | np.int64(text[position + 3]) & 0x3F
    return value


@kernel
def find(text, begin, end, slots, mask, upper, starts, arena):  # type: ignore[no-untyped-def]
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
def encode(text, position, byte_kinds, wide_kinds, slots, starts, counts, arena, sizes, ids, written):  # type: ignore[no-untyped-def]
    """Append the ids of the words of ``text`` from ``position`` on, and -1 for every line end, to ``ids``.

    ``sizes`` (the number of words, the bytes used in the arena) is brought up to date; the arena and ``ids`` must have
    room for the whole text. Stops early, between two words, when the table is half full.

    Returns:
        The position reached in the text and the number of ids written.
    """
    mask = np.uint64(slots.size - 1)
    number_of_words, used = sizes[0], sizes[1]
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
            upper = ((fingerprint ^ (fingerprint >> HALF)) * MIX_FACTOR) >> HALF
            place = find(text, begin, position, slots, mask, upper, starts, arena)
            if slots[place] == 0:
                starts[number_of_words] = used
                for source in range(begin, position):
                    arena[used] = text[source]
                    used += 1
                arena[used] = WORD_END
                used += 1
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
    sizes[0], sizes[1] = number_of_words, used
    return position, written


@kernel
def rehash(slots: NDArray[np.uint64], larger: NDArray[np.uint64]) -> None:
    """Enter every word of ``slots`` in ``larger``, which is empty; the arena keeps its place."""
    mask = np.uint64(larger.size - 1)
    for slot in slots:
        if slot != 0:
            place = slot >> HALF & mask
            while larger[place] != 0:
                place = (place + np.uint64(1)) & mask
            larger[place] = slot


@kernel
def renumber(ids: NDArray[np.int32], previous: int, new_ids: NDArray[np.int32]) -> Any:
    """Replace each id by its new one, in place; ids whose new one is -1 vanish, and of several -1 in a row all but one.

    Args:
        ids: Word ids, -1 at line ends.
        previous: The id that stood before the first.
        new_ids: The new id of each word, -1 for a word to drop.

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
