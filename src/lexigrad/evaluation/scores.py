"""The results of evaluations: frozen, and with a form that JSON can hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.evaluation.intervals import SEED, correlations, of_all, sampled_interval, spearman

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.evaluation.analogies import Method
    from lexigrad.evaluation.testsets import Analogies, RatedPairs

__all__ = ["METHODS", "AnalogyResult", "AnalogyScore", "Difference", "Interval", "SimilarityResult", "percents", "span"]

Interval = tuple[float, float]

METHODS: Final = {"3cosadd": "3CosAdd", "3cosmul": "3CosMul"}
"""The methods that answer analogies: each option with the name that people write."""


@dataclass(frozen=True, slots=True)
class AnalogyScore:
    """How many questions of one section, or of all, were answered, and how many rightly.

    Attributes:
        name: the name of the section; ``total`` for all questions.
        asked: the number of questions in the file.
        answered: the number of questions whose four words all have vectors.
        right: the number of questions answered rightly.
        accuracy: ``right / answered``, or ``right / asked`` where unknown words count as wrong; NaN for 0 / 0.
        interval: between which bounds the accuracy on all questions of the kind lies, at 95 %.
    """

    name: str
    asked: int
    answered: int
    right: int
    accuracy: float
    interval: Interval

    @property
    def out_of_vocabulary(self) -> int:
        """The number of questions that have a word without a vector."""
        return self.asked - self.answered

    def row(self, label: str, method: str) -> tuple[str, ...]:
        """A row of a table: label, measure, score, 95 %, answered, asked, unknown."""
        return (
            label,
            METHODS[method],
            f"{100 * self.accuracy:.1f} %",
            percents(self.interval),
            *_coverage(self),
        )

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
    """The result of `evaluate_analogies`.

    Attributes:
        total: the score of all questions.
        sections: the scores of the sections, in the file's order.
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

    @property
    def name(self) -> str:
        """The name of the file that was asked, without its folder."""
        return Path(self.asked.path).name

    def rows(self, *, with_sections: bool = True) -> list[tuple[str, ...]]:
        """Rows of a table: set, measure, score, 95 %, answered, asked, unknown; sections first, the total last."""
        sections = self.sections if with_sections else ()
        return [
            *(section.row(f"{self.name}: {section.name}", self.method) for section in sections),
            self.total.row(self.name, self.method),
        ]

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
    """The result of `evaluate_similarity`.

    Attributes:
        asked: the number of pairs in the file.
        answered: the number of pairs of which both words have vectors.
        restrict: how many of the first words had vectors; None for all.
        count_unknown: whether pairs with unknown words count, with a cosine of 0.
        rated: the pairs and their ratings.
        cosines: float64, one for each pair; NaN for pairs that do not count.
    """

    asked: int
    answered: int
    restrict: int | None
    count_unknown: bool
    rated: RatedPairs = field(repr=False)
    cosines: NDArray[np.float64] = field(repr=False)

    @property
    def name(self) -> str:
        """The name of the file that was asked, without its folder."""
        return Path(self.rated.path).name

    @cached_property
    def spearman(self) -> float:
        """The correlation of the ranks of cosines and ratings; NaN when either has fewer than two different values."""
        return of_all(partial(spearman, *self._counted), self._counted.shape[1])

    @cached_property
    def spearman_interval(self) -> Interval:
        """The bounds of 95 % of Spearman's correlations on other samples of pairs."""
        return sampled_interval(partial(spearman, *self._counted), self._counted.shape[1], SEED)

    @cached_property
    def pearson(self) -> float:
        """The correlation of cosines and ratings; NaN when either has fewer than two different values."""
        return of_all(partial(correlations, *self._counted), self._counted.shape[1])

    @cached_property
    def pearson_interval(self) -> Interval:
        """The bounds of 95 % of Pearson's correlations on other samples of pairs."""
        return sampled_interval(partial(correlations, *self._counted), self._counted.shape[1], SEED)

    @cached_property
    def _counted(self) -> NDArray[np.float64]:
        """Ratings and cosines of the pairs that count, shape ``(2, counted)``."""
        both = np.stack([np.array(self.rated.ratings), self.cosines])
        return both[:, ~np.isnan(self.cosines)]

    @property
    def out_of_vocabulary(self) -> int:
        """The number of pairs that have a word without a vector."""
        return self.asked - self.answered

    def rows(self, *, with_sections: bool = True) -> list[tuple[str, ...]]:
        """Rows of a table: set, measure, score, 95 %, answered, asked, unknown; there are no sections."""
        return [
            (self.name, "Spearman", f"{self.spearman:.3f}", span(self.spearman_interval), *_coverage(self)),
            (self.name, "Pearson", f"{self.pearson:.3f}", span(self.pearson_interval), *_coverage(self)),
        ]

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values that JSON can hold; NaN becomes None."""
        return {
            "similarity": self.rated.path,
            "restrict": self.restrict,
            "count_unknown": self.count_unknown,
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
        common: the number of items that both could answer.
        first: the measure of the first vectors on these items.
        second: the measure of the second vectors on these items.
        interval: between which bounds the difference on all items of the kind lies, first less second, at 95 %.
    """

    measure: str
    common: int
    first: float
    second: float
    interval: Interval

    @property
    def difference(self) -> float:
        """The measure of the first vectors less that of the second."""
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


def span(bounds: Interval) -> str:
    """An interval as text, such as ``0.512 to 0.634``."""
    return f"{bounds[0]:.3f} to {bounds[1]:.3f}"


def percents(bounds: Interval) -> str:
    """An interval in percent as text, such as ``51.2 to 63.4``."""
    return f"{100 * bounds[0]:.1f} to {100 * bounds[1]:.1f}"


def _coverage(score: AnalogyScore | SimilarityResult) -> tuple[str, str, str]:
    return f"{score.answered:,}", f"{score.asked:,}", f"{score.out_of_vocabulary:,}"


def _plain(number: float) -> float | None:
    """The number, or None for NaN, which JSON lacks."""
    return None if isnan(number) else number
