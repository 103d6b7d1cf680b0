"""Random numbers that depend on the place where they are used and on nothing else.

A draw is a hash of (seed, epoch, stream, position). However the work is cut over threads, machines or restarts, the
word at a position is kept or dropped, has its window's width and meets its negatives by the same draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "LOSS_STREAM",
    "NEGATIVE_STREAM",
    "START_STREAM",
    "TOKEN_STREAM",
    "VALIDATION_STREAM",
    "alias_table",
    "draw",
    "keep_thresholds",
    "stream_key",
]

START_STREAM: Final = 0
"""Draws of the vectors that training starts from."""
TOKEN_STREAM: Final = 1
"""Draws for one token: its high half keeps or drops the token, its low half is its window's width."""
NEGATIVE_STREAM: Final = 2
"""Draws of negative words."""
VALIDATION_STREAM: Final = 3
"""Draws of the sentences that are held out."""
LOSS_STREAM: Final = 4
"""Draws of the windows on which the training loss is measured, and of their negatives."""

FIRST_MULTIPLIER: Final = 0xA0761D6478BD642F
SECOND_MULTIPLIER: Final = 0xE7037ED1A0B428DB
MASK: Final = 2**64 - 1


def multiply_mix(a: int, b: int) -> int:
    """High half xor low half of the 128-bit product: the mixing step of Wang Yi's wyhash."""
    product = (a & MASK) * (b & MASK)
    return (product >> 64) ^ (product & MASK)


def draw(key: int, position: int) -> int:
    """The 64 random bits of a position in the stream of a ``key``; the kernels compute the same."""
    state = (key + position * FIRST_MULTIPLIER) & MASK
    return multiply_mix(state, state ^ SECOND_MULTIPLIER)


def stream_key(seed: int, epoch: int, stream: int) -> int:
    """The key of one stream in one epoch; near seeds, epochs and streams have unrelated keys."""
    key = 0
    for part in (seed, epoch, stream):
        key = draw(key ^ SECOND_MULTIPLIER, part + 1)
    return key


def keep_thresholds(keep_probability: NDArray[np.float64]) -> NDArray[np.uint32]:
    """For each word the largest 32-bit draw that keeps it.

    Example:
        >>> keep_thresholds(np.array([1.0, 0.5])).tolist()
        [4294967295, 2147483647]
    """
    kept_draws = np.ceil(keep_probability * 2.0**32)
    thresholds: NDArray[np.uint32] = np.maximum(kept_draws - 1, 0).astype(np.uint32)
    return thresholds


def alias_table(probabilities: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Walker's alias table: one draw picks a word with its probability in constant time.

    Cell i holds a 32-bit threshold (high half) and another word (low half): the draw's high half picks the cell, its
    low half takes word i up to the threshold and the other word above it.

    Args:
        probabilities: the words' probabilities, shape (n,), summing to 1.

    Returns:
        The table, shape (n,), 8 bytes a word.

    Source: Walker 1977; Vose 1991, "A linear algorithm for generating random numbers with a given distribution".
    """
    share = (probabilities * len(probabilities)).tolist()
    other = list(range(len(share)))
    small = [i for i, mass in enumerate(share) if mass < 1]
    large = [i for i, mass in enumerate(share) if mass >= 1]
    while small and large:
        poor, rich = small.pop(), large[-1]
        other[poor] = rich
        share[rich] -= 1 - share[poor]
        if share[rich] < 1:
            small.append(large.pop())
    for i in small + large:
        share[i] = 1.0
    thresholds = np.minimum(np.array(share) * 2.0**32, 2.0**32 - 1).astype(np.uint64)
    return (thresholds << np.uint64(32)) | np.array(other, dtype=np.uint64)
