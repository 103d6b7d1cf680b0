"""Accuracies with intervals: how sure a share of right answers is, and the difference of two on the same sentences.

All of it is in closed form: the same counts give the same interval, without samples and without a seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, isnan, nan, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from lexigrad.evaluation.scores import Interval

__all__ = ["PairedDifference", "accuracy_interval", "paired_difference", "percent"]

LEVEL: Final = 0.95
Z: Final = NormalDist().inv_cdf((1 + LEVEL) / 2)
"""A normal variable lies within so many standard errors of its mean with probability LEVEL."""


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """How much more often the first of two classifiers is right than the second, on the same sentences.

    Attributes:
        sentences: the number of sentences.
        both: how many of them both got right.
        only_first: how many only the first got right.
        only_second: how many only the second got right.
    """

    sentences: int
    both: int
    only_first: int
    only_second: int

    @property
    def difference(self) -> float:
        """The accuracy of the first less that of the second, from −1 to 1."""
        return (self.only_first - self.only_second) / self.sentences

    @property
    def interval(self) -> Interval:
        """The bounds of the difference at 95 %.

        With b and c sentences that only the first and only the second got right, of n, one sentence is added to each:
        d ± 1.96 · √(b + c + 2 − (b + 1 − c − 1)² / (n + 2)) / (n + 2), where d = (b − c) / (n + 2).

        Source: Bonett and Price 2012, "Adjusted Wald confidence interval for a difference of binomial proportions based
        on paired data".
        """
        size, gained = self.sentences + 2, self.only_first - self.only_second
        half = Z * sqrt(self.only_first + self.only_second + 2 - gained**2 / size) / size
        return max(-1.0, gained / size - half), min(1.0, gained / size + half)

    @property
    def distinguishable(self) -> bool:
        """Whether the interval leaves out 0."""
        low, high = self.interval
        return low > 0 or high < 0

    @property
    def p_value(self) -> float:
        """How probable a difference of this size or a larger one is among equally good classifiers.

        McNemar's exact test: of the sentences that only one of the two got right, each is then as probably the first's
        as the second's, like the sides of a coin.

        Source: McNemar 1947, "Note on the sampling error of the difference between correlated proportions".
        """
        tosses, fewer = self.only_first + self.only_second, min(self.only_first, self.only_second)
        return min(1.0, float(2 * sum(comb(tosses, heads) for heads in range(fewer + 1)) / 2**tosses))

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values that JSON can hold."""
        counts = {name: getattr(self, name) for name in self.__slots__}
        return counts | {
            "difference": self.difference,
            "interval": list(self.interval),
            "distinguishable": self.distinguishable,
            "p_value": self.p_value,
        }


def accuracy_interval(right: int, asked: int) -> Interval:
    """The interval of a share of right answers at 95 %, by Wilson's score.

    It holds the shares p that the right answers are within 1.96 standard errors √(p (1 − p) / asked) of:
    (right + z²/2 ± z · √(right (asked − right) / asked + z²/4)) / (asked + z²), where z = 1.96. It stays between 0 and
    1, and holds more than one share even where all answers are right.

    Args:
        right: the number of right answers, from 0 to ``asked``.
        asked: the number of answers.

    Returns:
        The lower and the upper bound, from 0 to 1; NaN where nothing was asked.

    Raises:
        InputError: there are fewer than no right answers, or more than answers.

    Example:
        >>> low, high = accuracy_interval(4, 10)
        >>> round(low, 3), round(high, 3)
        (0.168, 0.687)

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    if not 0 <= right <= asked:
        raise InputError(f"right must be from 0 to {asked:,}, the number of answers, not {right:,}")
    if not asked:
        return nan, nan
    size, middle = asked + Z**2, right + Z**2 / 2
    half = Z * sqrt(right * (asked - right) / asked + Z**2 / 4)
    return (middle - half) / size if right else 0.0, (middle + half) / size if right < asked else 1.0


def paired_difference(first_right: ArrayLike, second_right: ArrayLike) -> PairedDifference:
    """Compare two classifiers that answered the same questions.

    Two accuracies have an interval each, but their difference is surer than these suggest: most questions are right for
    both or wrong for both, and say nothing about which is better.

    Args:
        first_right: whether the first was right, shape ``(sentences,)``.
        second_right: whether the second was right, of the same sentences in the same order.

    Returns:
        The difference of their accuracies, first less second, with its interval.

    Raises:
        InputError: the two are not as long as each other, or are empty.

    Example:
        >>> found = paired_difference([True] * 30 + [False] * 10, [True] * 12 + [False] * 28)
        >>> found.difference, found.only_first, found.only_second, found.distinguishable
        (0.45, 18, 0, True)
    """
    first, second = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    if first.ndim != 1 or first.shape != second.shape or not first.size:
        raise InputError(
            f"a paired difference needs two lists of answers to the same questions, not shapes {first.shape} and "
            f"{second.shape}; classify the same sentences with both"
        )
    counts = (int(count.sum()) for count in (first & second, first & ~second, second & ~first))
    return PairedDifference(first.size, *counts)


def percent(share: float) -> str:
    """A share in percent with one digit, such as ``38.2``; a dash for NaN."""
    return "–" if isnan(share) else f"{100 * share:.1f}"
