"""Intervals: between which bounds a measure lies, as far as the items that were asked can tell.

Correlations have theirs by the bootstrap: the values that they would have had on other samples of the same items, all
computed from how often a sample holds each item, so that no item is copied or sorted again. Analogies are made of word
pairs that come back in many questions; their means have a variance in closed form that knows this.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike, NDArray

    Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
    """Takes how often each sample holds each item, shape ``(samples, items)``, and gives a value for each sample."""

__all__ = [
    "SAMPLES",
    "SEED",
    "PairedMean",
    "correlations",
    "interval",
    "midranks",
    "of_all",
    "paired_mean",
    "sampled_counts",
    "sampled_interval",
    "spearman",
]

SAMPLES: Final = 2000
SEED: Final = 1
LEVEL: Final = 0.95
NUMBERS_AT_ONCE: Final = 1 << 21
NO_SPREAD: Final = 1e-20
"""A variance that is this small beside the largest value's square is 0 with a rounding error."""


def sampled_counts(items: int, seed: int, at_once: int) -> Iterator[NDArray[np.float64]]:
    """How often each of ``items`` is in each sample, drawn with replacement: ``SAMPLES`` rows, in blocks.

    The numbers come from Philox, a counter-based generator whose raw bits are the same on every machine and with every
    version of NumPy, so an interval is the same everywhere.

    Args:
        items: the number of items, at least 1; a sample has as many.
        seed: chooses the samples.
        at_once: the number of samples in a block; the samples do not depend on it.

    Yields:
        Shape ``(at most at_once, items)``.
    """
    bits = np.random.Philox(key=seed)
    for start in range(0, SAMPLES, at_once):
        samples = min(at_once, SAMPLES - start)
        high_half = bits.random_raw(samples * items) >> np.uint64(32)
        drawn = ((high_half * np.uint64(items)) >> np.uint64(32)).astype(np.int64)
        cells = drawn.reshape(samples, items) + items * np.arange(samples)[:, np.newaxis]
        yield np.bincount(cells.ravel(), minlength=samples * items).reshape(samples, items).astype(np.float64)


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The bounds of 95 % of the finite values, with 2.5 % below and 2.5 % above; NaN when no value is finite."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return float("nan"), float("nan")
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def of_all(statistic: Statistic, items: int) -> float:
    """The statistic of all items, each once; NaN for no items."""
    return float(statistic(np.ones((1, items)))[0]) if items else float("nan")


def sampled_interval(statistic: Statistic, items: int, seed: int) -> tuple[float, float]:
    """The interval of a statistic of so many items; NaN for no items."""
    if not items:
        return interval(np.empty(0))
    at_once = max(1, NUMBERS_AT_ONCE // (8 * items))  # a statistic makes some arrays of this size
    return interval(np.concatenate([statistic(counts) for counts in sampled_counts(items, seed, at_once)]))


@dataclass(frozen=True, slots=True)
class PairedMean:
    """The mean of questions that are made of two word pairs each, and how far other pairs would move it.

    Attributes:
        mean: the mean of the questions' values; NaN for no questions.
        variance: the variance that the mean has over draws of the word pairs.
        pairs: the number of different word pairs.
        degrees: the degrees of freedom of the variance: the number of pairs less that of the sections.
    """

    mean: float
    variance: float
    pairs: int
    degrees: int

    @property
    def share(self) -> tuple[float, float]:
        """The interval of a mean of values that are 0 or 1.

        It is Wilson's, with as many independent questions as have this variance: m = y(1 − y) / variance, and Student's
        t in place of 1.96. If all answers are right, or all wrong, the questions do not tell how alike they are, and m
        is half the number of pairs, as if each pair stood in one question only.

        Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
        """
        squared = _student(self.degrees) ** 2
        size = self.mean * (1 - self.mean) / self.variance if self.variance > 0 else self.pairs / 2
        middle = self.mean + squared / (2 * size)
        half = sqrt(squared * (self.mean * (1 - self.mean) / size + squared / (4 * size**2)))
        whole = 1 + squared / size
        return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)

    @property
    def difference(self) -> tuple[float, float]:
        """The interval of a mean of differences: the mean ± t standard errors, with Student's t."""
        half = _student(self.degrees) * sqrt(self.variance)
        return max(-1.0, self.mean - half), min(1.0, self.mean + half)


def paired_mean(values: ArrayLike, pairs: NDArray[np.int64], sections: NDArray[np.int64]) -> PairedMean:
    """The mean of questions that are made of two word pairs each, with its variance over draws of the pairs.

    A pair comes back in many questions, which are therefore alike. With e the deviation of a question from the mean of
    its section, S_p the sum of e over the questions that have the pair p, and S_d over those of the same two pairs:

        Var = (Σ_p S_p² − Σ_d S_d²) / n²

    There, the e of a section of P pairs are multiplied by √(P(P − 1) / ((P − 2)(P − 3))), with 4 for a smaller P, as
    its mean was taken from the same questions. The variance is at least Σ_d S_d² / n², what it would be if pairs did
    not matter.

    Args:
        values: the values of the questions, shape ``(questions,)``, at least one.
        pairs: the numbers of the two pairs of each question, shape ``(questions, 2)``.
        sections: the number of each question's section, shape ``(questions,)``. Other questions would have as many
            sections, and as many questions in each.

    Example:
        >>> found = paired_mean([1, 1, 0, 0], np.array([[0, 1], [1, 0], [2, 3], [3, 2]]), np.zeros(4, dtype=np.int64))
        >>> found.mean, round(found.variance, 6), found.pairs, found.degrees
        (0.5, 0.75, 4, 3)

    Source: Fafchamps and Gubert 2007, "The formation of risk sharing networks"; Aronow, Samii and Assenova 2015,
    "Cluster-robust variance estimation for dyadic data".
    """
    values = np.asarray(values, dtype=np.float64)
    drawn, ends = _numbered(pairs)
    section_names, section = np.unique(sections, return_inverse=True)
    questions = np.bincount(section)
    deviations = values - (np.bincount(section, values) / questions)[section]
    in_sections = np.unique(np.repeat(section, 2) * drawn + ends.ravel())  # each pair once for each of its sections
    size = np.maximum(np.bincount(in_sections // drawn), 4).astype(np.float64)
    scaled = deviations * np.sqrt(size * (size - 1) / ((size - 2) * (size - 3)))[section]
    two = ends[:, 0] != ends[:, 1]
    of_pairs = np.bincount(ends[:, 0], scaled, drawn) + np.bincount(ends[two, 1], scaled[two], drawn)
    _, dyads = np.unique(ends.min(axis=1) * drawn + ends.max(axis=1), return_inverse=True)
    counted_twice = np.bincount(dyads[two], scaled[two])  # questions of two pairs are in the sums of both
    variance = np.square(of_pairs).sum() - np.square(counted_twice).sum()
    variance = max(variance, np.square(np.bincount(dyads, deviations)).sum()) / len(values) ** 2
    return PairedMean(float(values.mean()), float(variance), drawn, max(1, drawn - len(section_names)))


def midranks(values: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rank of each value in samples that hold it ``counts`` times; equal values share the mean of their ranks.

    Args:
        values: shape ``(items,)``.
        counts: shape ``(samples, items)``.

    Returns:
        Ranks from 1, shape ``(samples, items)``.

    Example:
        >>> midranks(np.array([5.0, 7.0, 5.0]), np.ones((1, 3))).tolist()
        [[1.5, 3.0, 1.5]]
    """
    _, groups = np.unique(values, return_inverse=True)
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(groups.max() + 1))
    sizes = np.add.reduceat(counts[:, order], starts, axis=1)
    ranks: NDArray[np.float64] = (sizes.cumsum(axis=1) - (sizes - 1) / 2)[:, groups]
    return ranks


def correlations(x: NDArray[np.float64], y: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's correlation of x and y in each sample: Σ n(x − x̄)(y − ȳ) / √(Σ n(x − x̄)² Σ n(y − ȳ)²).

    Args:
        x: shape ``(items,)`` or ``(samples, items)``.
        y: of the same shape as ``x``.
        counts: n, how often a sample holds an item, shape ``(samples, items)``.

    Returns:
        Shape ``(samples,)``; NaN where x or y has only one value.
    """
    size = counts.sum(axis=1)
    from_x, from_y = (values - ((counts * values).sum(axis=1) / size)[:, np.newaxis] for values in (x, y))
    spread_x, spread_y = _spread(x, from_x, counts), _spread(y, from_y, counts)
    found: NDArray[np.float64] = (counts * from_x * from_y).sum(axis=1) / np.sqrt(spread_x * spread_y)
    return np.clip(found, -1.0, 1.0)


def spearman(x: NDArray[np.float64], y: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spearman's correlation in each sample, which is Pearson's of the ranks.

    Args:
        x: shape ``(items,)``.
        y: shape ``(items,)``.
        counts: how often a sample holds an item, shape ``(samples, items)``.

    Returns:
        Shape ``(samples,)``; NaN where x or y has only one value.
    """
    return correlations(midranks(x, counts), midranks(y, counts), counts)


def _numbered(pairs: NDArray[np.int64]) -> tuple[int, NDArray[np.int64]]:
    """The number of different pairs, and the pairs with numbers from 0 on."""
    drawn, numbers = np.unique(pairs, return_inverse=True)
    return len(drawn), numbers.reshape(-1, 2)


def _student(degrees: int) -> float:
    """The bound that Student's t exceeds, up or down, in one case of twenty; for 3 degrees or more within 0.01.

    Source: Abramowitz and Stegun 1964, "Handbook of mathematical functions", 26.7.5.
    """
    z, ν = NormalDist().inv_cdf((1 + LEVEL) / 2), degrees
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + float(sum(term / ν**power for power, term in enumerate(terms, start=1)))


def _spread(
    values: NDArray[np.float64], deviations: NDArray[np.float64], counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Σ n d² over each sample, or NaN where the sum is only the rounding error of equal values."""
    spread = (counts * np.square(deviations)).sum(axis=1)
    smallest = NO_SPREAD * np.square(values).max(axis=-1) * counts.sum(axis=1)
    return np.where(spread > smallest, spread, np.nan)
