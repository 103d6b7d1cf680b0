"""What is to be done, where, and how fast a core is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lexigrad.errors import InputError

if TYPE_CHECKING:
    from lexigrad.config import TrainConfig

__all__ = ["BYTES_OF_WORD", "Cluster", "Job", "Rates", "text_words"]

BYTES_OF_WORD: Final = 5.94
"""Of text, with the space behind it: 101,025,987 bytes are 17,000,058 words of `wiki-17m`."""

SUFFIXES: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
LARGEST: Final = 1e15
"""More is a slip of the finger."""
SIZE: Final = re.compile(r"(\d+(?:\.\d*)?(?:e\+?\d+)?)\s*([kmgt]?)(i?b)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Machines of one kind.

    Attributes:
        machines: how many.
        cores: of each.
        gigabits_per_second: that each can send and, at the same time, receive.
    """

    machines: int
    cores: int
    gigabits_per_second: float = 10.0

    @property
    def all_cores(self) -> int:
        """Of all machines."""
        return self.machines * self.cores

    @property
    def away(self) -> float:
        """The share of what is handed on from call to call that goes to another machine."""
        return 1 - 1 / self.machines

    def network_seconds(self, wire_bytes: float) -> float:
        """For so many bytes, shared out evenly among the machines; one machine alone sends nothing."""
        if self.machines == 1:
            return 0.0
        return 8 * wire_bytes / (self.machines * self.gigabits_per_second * 1e9)

    def reading_seconds(self, words: float) -> float:
        """For a text on shared storage, each machine reading its part over its own line."""
        return 8 * words * BYTES_OF_WORD / (self.machines * self.gigabits_per_second * 1e9)


@dataclass(frozen=True, slots=True)
class Rates:
    """What one core does while the others of its machine work as well.

    Attributes:
        reading: words of text a second, to ids.
        counting: words a second, from ids to window counts.
        sgd: words a second, of one epoch.
        negative_sampling: floating-point operations a second in a pass of the exact solver.
        naive_softmax: likewise.
        vectors: bytes a second that L-BFGS reads and writes.
    """

    reading: float
    counting: float
    sgd: float
    negative_sampling: float
    naive_softmax: float
    vectors: float


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done.

    Attributes:
        words: of the text.
        vocabulary: words that get vectors.
        config: ``dim``, ``epochs``, ``head`` and ``parts`` are used.
        replicas: of SGD; None is one for each machine.
    """

    words: float
    vocabulary: int
    config: TrainConfig
    replicas: int | None = None

    @property
    def head(self) -> int:
        """Words that the exact solver solves together."""
        return min(self.config.head, self.vocabulary)

    @property
    def table_bytes(self) -> float:
        """One table with its bias, in float32."""
        return 4.0 * self.vocabulary * (self.config.dim + 1)


def text_words(size: str) -> float:
    """The words of a text, given in words (``1e9``, ``100M``) or in bytes (``50GB``, ``2GiB``).

    Raises:
        InputError: it is neither.

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
