"""What a text of some length holds, after Wikipedia's: distinct words, and pairs of words."""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["cells", "on_line", "types"]

TYPES: Final = (22.5, 0.56)
"""Distinct words of n words: 22.5 n^0.56, within 3 % for 0.7 to 17 million words of `wiki-17m`."""
CELLS: Final = (
    (0.706e6, ((5_000, 1.031e6), (20_000, 1.594e6), (73_561, 1.849e6))),
    (2.82e6, ((5_000, 2.551e6), (20_000, 4.605e6), (73_561, 5.638e6))),
    (17.0e6, ((5_000, 6.241e6), (20_000, 15.47e6), (73_561, 21.13e6))),
)
"""Words of text, and for some vocabularies the pairs of words that stand in each other's windows, of `wiki-17m`."""


def types(words: float) -> float:
    """Distinct words of a text."""
    factor, exponent = TYPES
    return min(words, factor * float(words**exponent))


def cells(words: float, vocabulary: int) -> float:
    """Unordered pairs of words that stand in each other's windows somewhere in a text.

    There are no more of them than pairs of words, or than five for each word of the text.

    Source: counted in the beginnings of `wiki-17m`; between them and beyond, along straight lines of the logarithms.
    """
    by_words = []
    for text, counted in CELLS:
        of_text = on_line(log(vocabulary), [(log(x), log(y)) for x, y in counted])
        by_words.append((log(text), log(of_text)))
    return min(on_line(log(words), by_words), 0.5 * vocabulary * (vocabulary + 1), 5.0 * words)


def on_line(x: float, points: Sequence[tuple[float, float]]) -> float:
    """The exponential of what lies on the straight line between two points, or beyond the last of them."""
    after = next((number for number, (right, _) in enumerate(points[1:-1], 1) if x < right), len(points) - 1)
    (left, low), (right, high) = points[after - 1 : after + 1]
    return exp(low + (high - low) * (x - left) / (right - left))
