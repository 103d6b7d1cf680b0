"""What evaluations find: frozen results that JSON can hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial
from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np

from lexigrad.bootstrap import SEED, correlations, of_all, sampled_interval, spearman

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.analogies import Method
    from lexigrad.evaluationsets import Analogies, RatedPairs

__all__ = ["AnalogyResult", "AnalogyScore", "Difference", "Interval", "SimilarityResult"]

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class AnalogyScore:
    """How many questions of one section, or of all, were answered, and how many rightly.

    Attributes:
        name: of the section; ``total`` for all.
        asked: questions in the file.
        answered: those whose four words all have vectors.
        right: those answered rightly.
        accuracy: ``right / answered``, or ``right / asked`` where unknown words count as wrong; NaN for 0 / 0.
        interval: 95 % of the accuracies on other samples of word pairs.
    """

    name: str
    asked: int
    answered: int
    right: int
    accuracy: float
    interval: Interval

    @property
    def out_of_vocabulary(self) -> int:
        """Questions that have a word without a vector."""
        return self.asked - self.answered

    def to_dict(self) -> dict[str, Any]:
        """The score as plain values that JSON can hold; NaN becomes None."""
        return {
            "name": self.name,
            "asked": self.asked,
            "answered": self.answered,
            "out_of_vocabulary": self.out_of_vocabulary,
            "right": self.right,
            "accuracy": _plain(self.accuracy),
            "interval": [_plain(end) for end in self.interval],
        }


@dataclass(frozen=True, eq=False)
class AnalogyResult:
    """What `evaluate_analogies` found.

    Attributes:
        total: over all questions.
        sections: in the file's order.
        method: ``3cosadd`` or ``3cosmul``.
        restrict: how many of the first words could be asked and could answer; None for all.
        count_unknown: whether questions with unknown words count, as wrong ones.
        asked: the questions.
        outcomes: int8, 1 for each question answered rightly, 0 for wrongly, −1 for not at all.
    """

    total: AnalogyScore
    sections: tuple[AnalogyScore, ...]
    method: Method
    restrict: int | None
    count_unknown: bool
    asked: Analogies = field(repr=False)
    outcomes: NDArray[np.int8] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The scores as plain values that JSON can hold."""
        return {
            "analogies": self.asked.path,
            "method": self.method,
            "restrict": self.restrict,
            "count_unknown": self.count_unknown,
            "total": self.total.to_dict(),
            "sections": [section.to_dict() for section in self.sections],
        }


@dataclass(frozen=True, eq=False)
class SimilarityResult:
    """What `evaluate_similarity` found.

    Attributes:
        asked: pairs in the file.
        answered: those of which both words have vectors.
        rated: the pairs and their ratings.
        cosines: float64, one for each pair; NaN for those that do not count.
    """

    asked: int
    answered: int
    rated: RatedPairs = field(repr=False)
    cosines: NDArray[np.float64] = field(repr=False)

    @cached_property
    def spearman(self) -> float:
        """Correlation of the ranks of cosines and ratings; NaN when either has fewer than two different values."""
        return of_all(partial(spearman, *self._counted), self._counted.shape[1])

    @cached_property
    def spearman_interval(self) -> Interval:
        """95 % of Spearman's correlations on other samples of pairs."""
        return sampled_interval(partial(spearman, *self._counted), self._counted.shape[1], SEED)

    @cached_property
    def pearson(self) -> float:
        """Correlation of cosines and ratings; NaN when either has fewer than two different values."""
        return of_all(partial(correlations, *self._counted), self._counted.shape[1])

    @cached_property
    def pearson_interval(self) -> Interval:
        """95 % of Pearson's correlations on other samples of pairs."""
        return sampled_interval(partial(correlations, *self._counted), self._counted.shape[1], SEED)

    @cached_property
    def _counted(self) -> NDArray[np.float64]:
        """Ratings and cosines of the pairs that count, shape ``(2, counted)``."""
        both = np.stack([np.array(self.rated.ratings), self.cosines])
        return both[:, ~np.isnan(self.cosines)]

    @property
    def out_of_vocabulary(self) -> int:
        """Pairs that have a word without a vector."""
        return self.asked - self.answered

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values that JSON can hold; NaN becomes None."""
        return {
            "similarity": self.rated.path,
            "asked": self.asked,
            "answered": self.answered,
            "out_of_vocabulary": self.out_of_vocabulary,
            "spearman": _plain(self.spearman),
            "spearman_interval": [_plain(end) for end in self.spearman_interval],
            "pearson": _plain(self.pearson),
            "pearson_interval": [_plain(end) for end in self.pearson_interval],
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better the first vectors are than the second, on the items that both could answer.

    Attributes:
        measure: ``accuracy`` or ``spearman``.
        common: number of items.
        first: what the first vectors reach on them.
        second: what the second reach.
        interval: 95 % of the differences, first less second, on other samples of the items.
    """

    measure: str
    common: int
    first: float
    second: float
    interval: Interval

    @property
    def difference(self) -> float:
        """First less second."""
        return self.first - self.second

    @property
    def distinguishable(self) -> bool:
        """Whether the interval leaves out 0."""
        low, high = self.interval
        return low > 0 or high < 0

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values that JSON can hold; NaN becomes None."""
        return {
            "measure": self.measure,
            "common": self.common,
            "first": _plain(self.first),
            "second": _plain(self.second),
            "difference": _plain(self.difference),
            "interval": [_plain(end) for end in self.interval],
            "distinguishable": self.distinguishable,
        }


def _plain(number: float) -> float | None:
    """A number that JSON has."""
    return None if isnan(number) else number
