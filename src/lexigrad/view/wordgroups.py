"""What there is to see in a picture of words, as numbers: how near groups are, and whether an axis is frequency."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.errors import InputError
from lexigrad.evaluation.columns import aligned
from lexigrad.evaluation.intervals import SEED, correlations, of_all, sampled_interval
from lexigrad.evaluation.scores import span
from lexigrad.vectors.search import balanced, cosines_with
from lexigrad.view.projection import principal_axes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from lexigrad.evaluation.scores import Interval
    from lexigrad.vectors.keyedvectors import KeyedVectors

__all__ = ["COURSE_GROUPS", "COURSE_WORDS", "WordAxes", "group_cosines", "word_axes"]

COURSE_GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "articles": ("the", "a", "an"),
    "signs": (",", ".", "?", "!", "``", "''", "--"),
    "praise": ("good", "great", "cool", "brilliant", "wonderful", "well", "amazing", "worth", "sweet", "enjoyable"),
    "blame": ("boring", "bad", "waste", "dumb", "annoying"),
}
"""The words that the assignment of the course draws, by what they are."""

COURSE_WORDS: Final = tuple(word for words in COURSE_GROUPS.values() for word in words)
"""The words that the assignment of the course draws."""


@dataclass(frozen=True, slots=True, eq=False)
class WordAxes:
    """What a picture of words on their two principal axes shows, in numbers.

    Attributes:
        words: the words in the picture.
        shares: the share of the words' variance that lies along the first and along the second axis.
        frequency: Pearson's correlation of the words' places on the first axis with the logarithms of their counts; the
            sign of an axis is arbitrary, so it is taken without its own. None where the vectors have no counts, a word
            has the count 0, all words have the same one, or all have the same vector.
        frequency_interval: its bounds at 95 %, by the bootstrap over the words; None where there is no correlation.
        groups: the names of the groups of words.
        cosines: the mean cosine of a word of one group and another word of another or the same, shape ``(groups,
            groups)``; NaN for a group of one word with itself.
    """

    words: Sequence[str]
    shares: tuple[float, float]
    frequency: float | None
    frequency_interval: Interval | None
    groups: Sequence[str]
    cosines: NDArray[np.float64]

    def text(self) -> str:
        """All of it as lines of text."""
        first, second = self.shares
        lines = [f"{len(self.words)} words: {first:.0%} and {second:.0%} of their variance lie along the two axes"]
        if self.frequency is not None and self.frequency_interval is not None:
            bounds = span(self.frequency_interval)
            lines.append(f"the first axis and the logarithm of the words' counts: r = {self.frequency:.3f} ({bounds})")
        rows = [[name, *map(_cosine, row)] for name, row in zip(self.groups, self.cosines.tolist(), strict=True)]
        return "\n".join([*lines, aligned([["mean cosine", *self.groups], *rows])])

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values that JSON can hold; NaN becomes None."""
        return {
            "words": list(self.words),
            "shares": list(self.shares),
            "frequency": self.frequency,
            "frequency_interval": None if self.frequency_interval is None else list(self.frequency_interval),
            "groups": list(self.groups),
            "cosines": [[None if cosine != cosine else cosine for cosine in row] for row in self.cosines.tolist()],
        }


def word_axes(
    vectors: KeyedVectors, words: Sequence[str], groups: Mapping[str, Sequence[str]] = COURSE_GROUPS
) -> WordAxes:
    """Say in numbers what `lexigrad.plots.plot_words` shows.

    Args:
        vectors: where the words' vectors are, and their counts.
        words: the words in the picture, at least two.
        groups: words that belong together, under a name; those that are not in the picture are passed over.

    Returns:
        The shares of the variance, the correlation of the first axis with frequency, the cosines of the groups.

    Raises:
        UnknownWordError: a word has no vector.
        InputError: there are fewer than two words.

    Example:
        >>> from lexigrad.vectors.keyedvectors import KeyedVectors
        >>> vectors = KeyedVectors(["the", "a", "dull"], [[9, 1], [8, 2], [1, 2]], [1000, 500, 2])
        >>> found = word_axes(vectors, ["the", "a", "dull"])
        >>> round(found.frequency, 3), round(found.shares[0], 3)
        (1.0, 0.989)
    """
    chosen = list(dict.fromkeys(words))
    axes = principal_axes(vectors.vectors_for(chosen))
    first, second = (float(share) for share in axes.shares)
    drawn = set(chosen)
    known = {name: inside for name, members in groups.items() if (inside := [one for one in members if one in drawn])}
    r = bounds = None
    if vectors.counts is not None:
        counts = vectors.counts[[vectors.id_of(word) for word in chosen]]
        if counts.min() > 0 and np.ptp(counts) > 0 and np.ptp(axes.coordinates[:, 0]) > 0:
            statistic = partial(_size_of_correlation, np.log(counts), axes.coordinates[:, 0])
            r, bounds = of_all(statistic, len(chosen)), sampled_interval(statistic, len(chosen), SEED)
    return WordAxes(chosen, (first, second), r, bounds, list(known), group_cosines(vectors, list(known.values())))


def group_cosines(vectors: KeyedVectors, groups: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """The mean cosine of each two different words, one of one group and one of another or the same.

    Args:
        vectors: where the words' vectors are.
        groups: the words of each group; one given twice counts once, and one of two groups makes no pair with itself.

    Returns:
        Shape ``(groups, groups)``, from −1 to 1; NaN where there is no pair, as for a group of one word with itself.

    Raises:
        UnknownWordError: a word has no vector.
        InputError: a group is empty.

    Example:
        >>> from lexigrad.vectors.keyedvectors import KeyedVectors
        >>> vectors = KeyedVectors(["the", "a", "dull"], [[1, 0], [1, 0], [0, 1]])
        >>> group_cosines(vectors, [["the", "a"], ["dull", "the"]]).round(3).tolist()
        [[1.0, 0.333], [0.333, 0.0]]
    """
    if not all(groups):
        raise InputError("a group of words is empty; leave it out")
    words = list(dict.fromkeys(word for members in groups for word in members))
    place = {word: number for number, word in enumerate(words)}
    rows = balanced(vectors.vectors_for(words).astype(np.float64)) if words else np.empty((0, vectors.dim))
    cosines = np.array([cosines_with(row, rows) for row in rows]).reshape(len(words), len(words))
    members = [sorted({place[word] for word in group}) for group in groups]
    return np.array([[_mean_of_pairs(cosines, one, other) for other in members] for one in members])


def _mean_of_pairs(cosines: NDArray[np.float64], one: list[int], other: list[int]) -> float:
    """The mean over pairs of different words; NaN where there is none."""
    pairs = np.not_equal.outer(one, other)
    return float(cosines[np.ix_(one, other)][pairs].mean()) if pairs.any() else np.nan


def _size_of_correlation(
    x: NDArray[np.float64], y: NDArray[np.float64], counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.abs(correlations(x, y, counts))


def _cosine(cosine: float) -> str:
    return "–" if cosine != cosine else f"{cosine:.2f}"
