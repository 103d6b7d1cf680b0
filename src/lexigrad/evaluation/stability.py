"""How far several trainings of the same words agree on which words are near each other.

Two trainings that differ in their seed alone give different neighbors, above all to rare words. A finding should hold
for a set of vectors, not for one of them.

Example:
    >>> from lexigrad.vectors.keyedvectors import KeyedVectors
    >>> one = KeyedVectors(["cup", "mug", "idea"], [[1, 0], [3, 1], [0, 1]])
    >>> other = KeyedVectors(["cup", "mug", "idea"], [[0, 2], [1, 3], [2, 1]])
    >>> stability([one, other], n=1).mean
    1.0
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.errors import InputError
from lexigrad.vectors.keyedvectors import KeyedVectors
from lexigrad.vectors.search import cosines_with

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["BAND_EDGES", "CountBand", "SharedNeighbor", "Stability", "VectorsSet", "stability"]

BAND_EDGES: Final = (5, 20, 100, 1000)


class SharedNeighbor(NamedTuple):
    """A neighbor in a set of vectors.

    Attributes:
        word: the neighbor.
        cosine: its mean cosine over all vectors of the set.
        agree: the number of vectors in which it is among the n nearest.
    """

    word: str
    cosine: float
    agree: int


class CountBand(NamedTuple):
    """The stability of words that occur about equally often.

    Attributes:
        least: the least number of occurrences.
        below: a number of occurrences that no word reaches; None for no such bound.
        words: the number of words.
        overlap: the mean of their overlaps; NaN for no words.
    """

    least: int
    below: int | None
    words: int
    overlap: float


@dataclass(frozen=True, eq=False)
class Stability:
    """The result of `stability`.

    Attributes:
        words: the words looked at.
        overlap: for each word the share of its nearest words that two vectors have in common, as a mean over all pairs
            of vectors, from 0 to 1; float64.
        counts: how often each word occurs, or None when the vectors do not say it.
        n: the number of nearest words that were looked at.
        members: the number of vectors in the set.
    """

    words: list[str] = field(repr=False)
    overlap: NDArray[np.float64] = field(repr=False)
    counts: NDArray[np.int64] | None = field(repr=False)
    n: int
    members: int

    @property
    def mean(self) -> float:
        """The mean overlap of the words."""
        return float(self.overlap.mean()) if self.words else float("nan")

    def of(self, word: str) -> float:
        """The overlap of one word.

        Raises:
            InputError: the word was not looked at.
        """
        if word not in self._numbers:
            raise InputError(f"the stability of {word!r} was not asked for; give it to stability")
        return float(self.overlap[self._numbers[word]])

    def by_count(self, edges: Sequence[int] = BAND_EDGES) -> list[CountBand]:
        """The words in bands of occurrences: from each edge up to, not including, the next; the last is open.

        Raises:
            InputError: the vectors do not say how often words occur.
        """
        if self.counts is None:
            raise InputError("these vectors do not say how often words occur; native files of models do")
        bands = []
        for least, below in zip(edges, (*edges[1:], None), strict=True):
            inside = (self.counts >= least) & (self.counts < (np.inf if below is None else below))
            overlap = float(self.overlap[inside].mean()) if inside.any() else float("nan")
            bands.append(CountBand(least, below, int(inside.sum()), overlap))
        return bands

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values that JSON can hold."""
        bands = [] if self.counts is None else [band._asdict() for band in self.by_count() if band.words]
        words = dict(zip(self.words, self.overlap.tolist(), strict=True))
        return {"n": self.n, "members": self.members, "mean": self.mean, "bands": bands, "words": words}

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words)}


class VectorsSet:
    """Vectors of the same words from several trainings.

    Args:
        members: two or more models or `KeyedVectors`. Words that are not in all of them are left out, and counted.

    Attributes:
        members: the vectors, all with the same words in the same order, that of the first.
        left_out: for each member the number of its words that not all members have.

    Raises:
        InputError: there are fewer than two members, or fewer than two words that all of them have.

    Example:
        >>> one = KeyedVectors(["cup", "mug", "idea"], [[1, 0], [3, 1], [0, 1]])
        >>> other = KeyedVectors(["cup", "mug", "idea"], [[0, 2], [1, 3], [2, 1]])
        >>> VectorsSet([one, other]).most_similar("cup", n=1)
        [SharedNeighbor(word='mug', cosine=0.9486832980505138, agree=2)]
    """

    def __init__(self, members: Iterable[Any]) -> None:
        given: list[KeyedVectors] = [getattr(member, "vectors", member) for member in members]
        if len(given) < 2:
            raise InputError(f"a set needs the vectors of at least two trainings, not {len(given)}")
        common = set(given[0].words).intersection(*(vectors.words for vectors in given[1:]))
        if len(common) < 2:
            raise InputError("the vectors have fewer than two words in common; give trainings on the same words")
        words = [word for word in given[0].words if word in common]
        self.members = [_with_words(vectors, words) for vectors in given]
        self.left_out = [len(vectors) - len(words) for vectors in given]

    @property
    def words(self) -> list[str]:
        """The words that all members have."""
        return self.members[0].words

    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        return f"VectorsSet({len(self)} members, {len(self.words):,} words)"

    def most_similar(self, word: str, n: int = 10, *, restrict: int | None = None) -> list[SharedNeighbor]:
        """The words whose mean cosine with ``word``, over all members, is largest.

        Args:
            word: a word that all members have.
            n: how many words to return.
            restrict: search only the first so many words.

        Returns:
            The largest mean first; ``agree`` says how many members have the neighbor among their own n nearest.

        Raises:
            UnknownWordError: not all members have the word.
        """
        word_id = self.members[0].id_of(word)
        searched = len(self.words) if restrict is None else min(restrict, len(self.words))
        agree = np.zeros(len(self.words), dtype=np.int64)
        means = np.zeros(searched)
        for vectors in self.members:
            ids, _ = _nearest(vectors, np.array([word_id]), n, restrict)
            agree[ids[ids >= 0]] += 1
            means += cosines_with(vectors.matrix[word_id].astype(np.float64), vectors.matrix[:searched])
        means /= len(self)
        means[word_id : word_id + 1] = -np.inf
        best = np.argsort(-means, kind="stable")[: min(n, np.isfinite(means).sum())]
        return [SharedNeighbor(self.words[i], float(means[i]), int(agree[i])) for i in best]


def stability(
    models: VectorsSet | Iterable[Any], n: int = 10, *, words: Iterable[str] | None = None, restrict: int | None = None
) -> Stability:
    """For each word, the overlap of its nearest words across several trainings.

    The mean over all pairs i < j of |N_i(w) ∩ N_j(w)| / n, where N_i(w) are the n words nearest to w in vectors i.

    Args:
        models: a `VectorsSet`, or two or more models or `KeyedVectors`.
        n: how many nearest words to look at.
        words: the words to look at; all words when not given.
        restrict: search nearest words among the first so many only.

    Returns:
        Each word's overlap, from 0 (no two trainings share a neighbor) to 1 (all agree).

    Raises:
        InputError: there are fewer than two models, or no words in common.
        UnknownWordError: not all models have one of ``words``.

    Example:
        >>> one = KeyedVectors(["cup", "mug", "idea"], [[1, 0], [3, 1], [0, 1]])
        >>> other = KeyedVectors(["cup", "mug", "idea"], [[0, 2], [1, 3], [2, 1]])
        >>> stability([one, other], n=1).overlap.tolist()
        [1.0, 1.0, 1.0]

    Source: Antoniak and Mimno 2018, "Evaluating the stability of embedding-based word similarities"; Wendlandt,
    Kummerfeld, Mihalcea 2018, "Factors influencing the surprising instability of word embeddings".
    """
    vectors_set = models if isinstance(models, VectorsSet) else VectorsSet(models)
    first = vectors_set.members[0]
    chosen = first.words if words is None else list(words)
    rows = np.array([first.id_of(word) for word in chosen], dtype=np.int64)
    nearest = [_nearest(vectors, rows, n, restrict)[0] for vectors in vectors_set.members]
    shares = [_overlap(one, other) for one, other in combinations(nearest, 2)]
    counts = None if first.counts is None else first.counts[rows]
    return Stability(chosen, np.mean(shares, axis=0), counts, n, len(vectors_set))


def _with_words(vectors: KeyedVectors, words: list[str]) -> KeyedVectors:
    """The vectors of these words only, in this order."""
    if vectors.words == words:
        return vectors
    rows = np.array([vectors.word_ids[word] for word in words])
    return KeyedVectors(words, vectors.matrix[rows], None if vectors.counts is None else vectors.counts[rows])


def _nearest(
    vectors: KeyedVectors, rows: NDArray[np.int64], n: int, restrict: int | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The words nearest to the word of each row, which is left out, and their cosines."""
    return vectors.nearest(vectors.matrix[rows], n, restrict=restrict, exclude=rows[:, np.newaxis])


def _overlap(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.float64]:
    """For each row the share of its ids that the other has, too; −1 stands for no word, and is not counted."""
    both = np.sort(np.concatenate([one, other], axis=1), axis=1)
    shared = ((both[:, 1:] == both[:, :-1]) & (both[:, 1:] >= 0)).sum(axis=1)
    return np.asarray(shared / np.maximum((one >= 0).sum(axis=1), 1), dtype=np.float64)
