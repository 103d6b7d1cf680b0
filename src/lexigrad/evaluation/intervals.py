"""Intervals by the bootstrap: the values that a measure would have had on other samples of the same items.

All values are computed from how often a sample holds each item, so that no item is copied or sorted again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
    """Takes how often each sample holds each item, shape ``(samples, items)``, and gives a value for each sample."""

__all__ = [
    "SAMPLES",
    "SEED",
    "correlations",
    "interval",
    "midranks",
    "of_all",
    "sampled_counts",
    "sampled_interval",
    "sampled_sums",
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


def sampled_sums(
    values: ArrayLike, pairs: NDArray[np.int64], slices: Sequence[slice], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums over questions that are made of two pairs of words each, in samples of pairs.

    A pair comes back in many questions, which are therefore alike: samples of questions would give intervals that are
    too narrow. A question counts as often as its first pair was drawn, times as often as its second was.

    Args:
        values: the values of the questions, shape ``(questions,)``.
        pairs: the numbers of the two pairs of each question, shape ``(questions, 2)``.
        slices: the parts of the questions to sum over.
        seed: chooses the samples.

    Returns:
        The sums of values and the numbers of questions, each of shape ``(len(slices), SAMPLES)``.

    Source: Owen 2007, "The pigeonhole bootstrap".
    """
    values = np.asarray(values, dtype=np.float32)
    drawn_from, numbers = np.unique(pairs, return_inverse=True)  # the pairs that occur in these questions
    first, second = numbers.reshape(-1, 2).T
    at_once = max(1, NUMBERS_AT_ONCE // max(len(pairs), 1))
    sums, sizes = [], []
    for counts in sampled_counts(len(drawn_from), seed, at_once):
        by_pair = np.ascontiguousarray(counts.T, dtype=np.float32)
        weights = by_pair[first] * by_pair[second]
        sums.append([values[part] @ weights[part] for part in slices])
        sizes.append([weights[part].sum(axis=0, dtype=np.float64) for part in slices])
    return np.concatenate(sums, axis=1).astype(np.float64), np.concatenate(sizes, axis=1)


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


def _spread(
    values: NDArray[np.float64], deviations: NDArray[np.float64], counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Σ n d² over each sample, or NaN where the sum is only the rounding error of equal values."""
    spread = (counts * np.square(deviations)).sum(axis=1)
    smallest = NO_SPREAD * np.square(values).max(axis=-1) * counts.sum(axis=1)
    return np.where(spread > smallest, spread, np.nan)
