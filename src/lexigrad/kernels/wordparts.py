"""The words of a table in parts: which part each belongs to follows from its letters alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from lexigrad.kernels.compiling import kernel
from lexigrad.kernels.text import HALF, HASH_FACTOR, HASH_START, MIX_FACTOR

__all__ = ["gather_words", "parts_of_words"]


@kernel
def parts_of_words(letters: Any, borders: Any, parts: int, part_of: Any) -> None:
    """The part of each word, by a hash of its letters, the word's end left out.

    Args:
        letters: The bytes of all words, one end behind each.
        borders: Where each word begins there, and the last one ends.
        parts: How many there are.
        part_of: Gets the part of each word.
    """
    for word in range(part_of.size):
        fingerprint = HASH_START
        for place in range(borders[word], borders[word + 1] - 1):
            fingerprint = (fingerprint ^ np.uint64(letters[place])) * HASH_FACTOR
        upper = ((fingerprint ^ (fingerprint >> HALF)) * MIX_FACTOR) >> HALF
        part_of[word] = (upper * np.uint64(parts)) >> HALF


@kernel
def gather_words(letters: Any, borders: Any, words: Any, out: Any) -> None:
    """Write the letters of some words, with their ends, one behind the other."""
    end = 0
    for word in words:
        for place in range(borders[word], borders[word + 1]):
            out[end] = letters[place]
            end += 1
