"""How many distinct words and pairs of words a text of some length holds, after Wikipedia's."""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["cells", "on_line", "types"]

TYPES: Final = (22.5, 0.56)
"""n words have 22.5 n^0.56 distinct ones, within 3 % for 0.7 to 17 million words of `wiki-17m`."""
CELLS: Final = (
    (0.706e6, ((5_000, 1.031e6), (20_000, 1.594e6), (73_561, 1.849e6))),
    (2.82e6, ((5_000, 2.551e6), (20_000, 4.605e6), (73_561, 5.638e6))),
    (17.0e6, ((5_000, 6.241e6), (20_000, 15.47e6), (73_561, 21.13e6))),
)
"""The words of a text, and for some vocabularies its pairs of words in each other's windows, of `wiki-17m`."""


def types(words: float) -> float:
    """The number of distinct words of a text."""
    factor, exponent = TYPES
    return min(words, factor * float(words**exponent))


def cells(words: float, vocabulary: int) -> float:
    """The number of unordered pairs of words that stand in each other's windows somewhere in a text.

    There are no more than all pairs of the vocabulary's words, or than five for each word of the text.

    Source: counted in the beginnings of `wiki-17m`; straight lines of the logarithms go between these and beyond.
    """
    by_words = []
    for text, counted in CELLS:
        of_text = on_line(log(vocabulary), [(log(x), log(y)) for x, y in counted])
        by_words.append((log(text), log(of_text)))
    return min(on_line(log(words), by_words), 0.5 * vocabulary * (vocabulary + 1), 5.0 * words)


def on_line(x: float, points: Sequence[tuple[float, float]]) -> float:
    """The exponential of the value at x on the straight line between two points, or beyond the last of them."""
    after = next((number for number, (right, _) in enumerate(points[1:-1], 1) if x < right), len(points) - 1)
    (left, low), (right, high) = points[after - 1 : after + 1]
    return exp(low + (high - low) * (x - left) / (right - left))
