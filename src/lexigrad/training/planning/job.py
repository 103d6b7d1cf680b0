"""The job that is planned: its text, the cluster that it runs on, and the rates of a core.

How many distinct words and pairs of words a text of some length holds is reckoned after Wikipedia.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING, Final

from lexigrad.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lexigrad.config import TrainConfig

__all__ = ["BYTES_OF_WORD", "Cluster", "Job", "Rates", "cells", "on_line", "text_words", "types"]


BYTES_OF_WORD: Final = 5.94
"""The bytes of a word of text, with the space behind it: `wiki-17m` has 17,000,058 words in 101,025,987 bytes."""

SUFFIXES: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
LARGEST: Final = 1e15
"""The largest number that is taken; a larger one is a slip of the finger."""
SIZE: Final = re.compile(r"(\d+(?:\.\d*)?(?:e\+?\d+)?)\s*([kmgt]?)(i?b)?", re.IGNORECASE)

TYPES: Final = (22.5, 0.56)
"""n words have 22.5 n^0.56 distinct ones, within 3 % for 0.7 to 17 million words of `wiki-17m`."""
CELLS: Final = (
    (0.706e6, ((5_000, 1.031e6), (20_000, 1.594e6), (73_561, 1.849e6))),
    (2.82e6, ((5_000, 2.551e6), (20_000, 4.605e6), (73_561, 5.638e6))),
    (17.0e6, ((5_000, 6.241e6), (20_000, 15.47e6), (73_561, 21.13e6))),
)
"""The words of a text, and for some vocabularies its pairs of words in each other's windows, of `wiki-17m`."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Machines of one kind.

    Attributes:
        machines: the number of machines.
        cores: the cores of each machine.
        gigabits_per_second: the rate at which each machine can send and, at the same time, receive.
    """

    machines: int
    cores: int
    gigabits_per_second: float = 10.0

    @property
    def all_cores(self) -> int:
        """The cores of all machines."""
        return self.machines * self.cores

    @property
    def away(self) -> float:
        """The share of the bytes that calls hand to each other which goes to another machine."""
        return 1 - 1 / self.machines

    def network_seconds(self, wire_bytes: float) -> float:
        """The seconds to send some bytes, shared out evenly among the machines; one machine alone sends nothing."""
        if self.machines == 1:
            return 0.0
        return 8 * wire_bytes / (self.machines * self.gigabits_per_second * 1e9)

    def reading_seconds(self, words: float) -> float:
        """The seconds to read a text from shared storage, each machine reading its part over its own line."""
        return 8 * words * BYTES_OF_WORD / (self.machines * self.gigabits_per_second * 1e9)


@dataclass(frozen=True, slots=True)
class Rates:
    """The work of one core in a second, while the other cores of its machine work as well.

    Attributes:
        reading: words of text that become ids.
        counting: words whose ids become window counts.
        sgd: words of one epoch of SGD.
        negative_sampling: floating-point operations in a pass of the exact solver under negative sampling.
        naive_softmax: floating-point operations in a pass of the exact solver under the naive softmax.
        vectors: bytes that L-BFGS reads and writes.
    """

    reading: float
    counting: float
    sgd: float
    negative_sampling: float
    naive_softmax: float
    vectors: float


@dataclass(frozen=True, slots=True)
class Job:
    """The training that is planned.

    Attributes:
        words: words of the text.
        vocabulary: words that get vectors.
        config: its ``dim``, ``epochs``, ``head`` and ``parts`` are used.
        replicas: replicas of SGD; None for one on each machine.
    """

    words: float
    vocabulary: int
    config: TrainConfig
    replicas: int | None = None

    @property
    def head(self) -> int:
        """The number of words that the exact solver solves together."""
        return min(self.config.head, self.vocabulary)

    @property
    def table_bytes(self) -> float:
        """The bytes of one table with its bias, in float32."""
        return 4.0 * self.vocabulary * (self.config.dim + 1)


def text_words(size: str) -> float:
    """The number of words of a text.

    Args:
        size: the size in words (``1e9``, ``100M``) or in bytes (``50GB``, ``2GiB``).

    Raises:
        InputError: ``size`` is neither.

    Example:
        >>> text_words("100M"), round(text_words("594MB")), round(text_words("1KiB"))
        (100000000.0, 100000000, 172)
    """
    found = SIZE.fullmatch(size.strip())
    if found is None or not 0 < float(found[1]) <= LARGEST:
        raise InputError(f"{size!r} is no size of a text: give words, such as 1e9 or 100M, or bytes, such as 50GB")
    number, suffix, unit = float(found[1]), found[2].lower(), (found[3] or "").lower()
    if unit == "ib":
        return number * 1024.0 ** list(SUFFIXES).index(suffix) / BYTES_OF_WORD
    return number * SUFFIXES[suffix] / (BYTES_OF_WORD if unit else 1)


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
