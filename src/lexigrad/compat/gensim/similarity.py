"""gensim's searches and similarities, on lexigrad's exact search."""

from __future__ import annotations

import logging
from numbers import Integral
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import lexigrad
from lexigrad.compat.gensim.table import KEYS, VectorTable, as_list
from lexigrad.errors import InputError, UnknownWordError
from lexigrad.vectors.search import balanced, cosines, cosines_with, unit_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["Similarities"]

EPSILON: Final = 1e-6
"""The number that gensim adds to 3CosMul's denominator; Levy and Goldberg add 0.001."""

logger = logging.getLogger(__name__)


class Similarities(VectorTable):
    """Searches and similarities. A zero vector has the cosine 0 with all others, where gensim has NaN."""

    def most_similar(
        self,
        positive: Any = None,
        negative: Any = None,
        topn: int | None = 10,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
        indexer: Any = None,
    ) -> Any:
        """The keys whose vectors have the largest cosine with the weighted mean of those given, all of length 1.

        Args:
            positive: a key, a vector, or several; or pairs of one and its weight, which is 1 where it is left out.
            negative: keys and vectors as in ``positive``, whose weight is −1 where it is left out.
            topn: the number of keys; None for the cosines of all rows searched, as an array.
            clip_start: the first row searched.
            clip_end: the row after the last one searched.
            restrict_vocab: search only the first so many rows, in place of those from ``clip_start`` to ``clip_end``.
            indexer: an object whose ``most_similar(vector, topn)`` searches in place of lexigrad.

        Returns:
            Pairs ``(key, cosine)``, the largest cosine first, equal ones in the order of the keys; keys given are left
            out.

        Raises:
            UnknownWordError: a key has no vector; a KeyError.
            InputError: nothing is given; a ValueError.
        """
        if isinstance(topn, Integral) and topn < 1:
            return []
        keys, weights = _weighted(as_list(positive), as_list(negative))
        self.fill_norms()
        mean = self.get_mean_vector(keys, weights, pre_normalize=True, post_normalize=True, ignore_missing=False)
        asked = mean
        if len(keys) == 1:  # as it is, since scaling it to length 1 would round it
            asked = np.sign(weights[0]) * self._vector_of(keys[0], norm=False, ignore_missing=False)
        if indexer is not None and isinstance(topn, int):
            return indexer.most_similar(mean, topn)
        if restrict_vocab:
            clip_start, clip_end = 0, restrict_vocab
        start, stop, _ = slice(clip_start, clip_end or None).indices(len(self.vectors))
        if not topn:
            return cosines_with(asked.astype(np.float64), self.vectors[start:stop]).astype(self.vectors.dtype)
        given = {self.get_index(key) for key in keys if isinstance(key, KEYS)}
        return self._nearest(asked, int(topn), start, stop, given)

    def _nearest(self, vector: NDArray[Any], n: int, start: int, stop: int, given: set[int]) -> list[tuple[Any, float]]:
        """The keys of some rows whose vectors have the largest cosine with a vector, other than those given."""
        if start >= stop:
            return []
        searched, offset = self.searcher(), 0
        if start:
            searched, offset = lexigrad.KeyedVectors(map(str, range(start, stop)), self.vectors[start:stop]), start
        excluded = [row - offset for row in given if start <= row < stop]
        exclude = np.array([excluded], dtype=np.int64).reshape(1, -1)
        rows, cosines = searched.nearest(vector[np.newaxis], n, restrict=stop - start, exclude=exclude)
        found = zip(rows[0].tolist(), cosines[0].tolist(), strict=True)
        return [(self.index_to_key[row + offset], cosine) for row, cosine in found if row >= 0]

    def most_similar_cosmul(
        self, positive: Any = None, negative: Any = None, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Any:
        """The keys x with the largest Π ½(1 + cos(x, p)) / (Π ½(1 + cos(x, q)) + 10⁻⁶) over positive p and negative q.

        Args:
            positive: a key, a vector, or several.
            negative: a key, a vector, or several.
            topn: the number of keys; None for the values of all rows, as an array.
            restrict_vocab: search only the first so many rows; gensim takes the argument and searches all.

        Returns:
            Pairs ``(key, value)``, the largest value first; keys given are left out.

        Source: Levy and Goldberg 2014, "Linguistic regularities in sparse and explicit word representations", 3CosMul.
        """
        if isinstance(topn, Integral) and topn < 1:
            return []
        added, taken = as_list(positive), as_list(negative)
        if not added:
            raise InputError("most_similar_cosmul needs a positive key or vector; give at least one")
        self.fill_norms()
        searched = slice(None, restrict_vocab or None)
        numerator, denominator = (self._product_of_halves(items, searched) for items in (added, taken))
        values = numerator / (denominator + EPSILON)
        if not topn:
            return values
        given = [self.get_index(item) for item in (*added, *taken) if isinstance(item, KEYS)]
        ranked = np.argsort(-values, kind="stable")
        best = ranked[~np.isin(ranked, given)][: int(topn)]
        return [(self.index_to_key[row], float(values[row])) for row in best]

    def _product_of_halves(self, items: list[Any], searched: slice) -> NDArray[Any]:
        """Π ½(1 + cos) over the items, for each row searched; 1 for no items."""
        product = np.ones(len(self.vectors[searched]), dtype=self.vectors.dtype)
        for item in items:
            vector = self.get_vector(item, norm=True) if isinstance(item, KEYS) else item
            product *= (1 + self.vectors[searched] @ vector / self.divisors()[searched]) / 2
        return product

    def similar_by_key(self, key: Any, topn: int | None = 10, restrict_vocab: int | None = None) -> Any:
        """`most_similar` to one key."""
        return self.most_similar([key], topn=topn, restrict_vocab=restrict_vocab)

    def similar_by_word(self, word: Any, topn: int | None = 10, restrict_vocab: int | None = None) -> Any:
        """`most_similar` to one key."""
        return self.similar_by_key(word, topn, restrict_vocab)

    def similar_by_vector(self, vector: Any, topn: int | None = 10, restrict_vocab: int | None = None) -> Any:
        """`most_similar` to a vector."""
        return self.most_similar([np.asarray(vector)], topn=topn, restrict_vocab=restrict_vocab)

    def most_similar_to_given(self, key1: Any, keys_list: Sequence[Any]) -> Any:
        """The one of some keys that is most similar to ``key1``."""
        return keys_list[int(np.argmax([self.similarity(key1, key) for key in keys_list]))]

    def similarity(self, w1: Any, w2: Any) -> Any:
        """The cosine of two keys' vectors, a float32."""
        return _cosine(self[w1], self[w2])

    def distance(self, w1: Any, w2: Any) -> Any:
        """1 − `similarity`."""
        return 1 - self.similarity(w1, w2)

    def n_similarity(self, ws1: Sequence[Any], ws2: Sequence[Any]) -> Any:
        """The cosine of the means of two lists of keys; keys that have no vector are passed over.

        Raises:
            ZeroDivisionError: a list is empty.
        """
        if not len(ws1) or not len(ws2):
            raise ZeroDivisionError("n_similarity compares two lists of words, and one is empty")
        return _cosine(*(self.get_mean_vector(words, pre_normalize=False) for words in (ws1, ws2)))

    @staticmethod
    def cosine_similarities(vector_1: NDArray[Any], vectors_all: NDArray[Any]) -> NDArray[Any]:
        """The cosine of a vector, shape ``(dim,)``, with each row of a matrix, shape ``(rows, dim)``."""
        found = cosines_with(np.asarray(vector_1, dtype=np.float64), vectors_all)
        return found.astype(np.result_type(vector_1, vectors_all, np.float32))

    def distances(self, word_or_vector: Any, other_words: Iterable[Any] = ()) -> NDArray[Any]:
        """1 − the cosine of a key or a vector with each of some keys, or with all rows."""
        vector = self[word_or_vector] if isinstance(word_or_vector, KEYS) else word_or_vector
        rows = [self.get_index(word) for word in other_words or ()]
        return np.asarray(1 - self.cosine_similarities(vector, self.vectors[rows] if rows else self.vectors))

    def closer_than(self, key1: Any, key2: Any) -> list[Any]:
        """The keys that are nearer to ``key1`` than ``key2`` is."""
        distances, own = self.distances(key1), self.get_index(key1)
        nearer = np.flatnonzero(distances < distances[self.get_index(key2)])
        return [self.index_to_key[row] for row in nearer if row != own]

    def rank(self, key1: Any, key2: Any) -> int:
        """The place of ``key2`` among all keys by their distance from ``key1``, counted from 1."""
        return len(self.closer_than(key1, key2)) + 1

    def rank_by_centrality(self, words: Sequence[Any], use_norm: bool = True) -> list[tuple[Any, Any]]:
        """Pairs ``(cosine, word)`` of each word with the mean of all, the largest cosine first.

        Words that have no vector are logged and left out.

        Raises:
            InputError: no word is known; a ValueError.
        """
        known = [word for word in words if word in self]
        if len(known) < len(words):
            logger.warning("these words have no vectors and are left out: %s", sorted(set(words) - set(known)))
        if not known:
            raise InputError("none of the words has a vector; give at least one that has")
        vectors = np.vstack([self.get_vector(word, norm=use_norm) for word in known])
        mean = self.get_mean_vector(list(vectors), post_normalize=True)
        return sorted(zip(vectors @ mean, known, strict=True), reverse=True)

    def doesnt_match(self, words: Sequence[Any]) -> Any:
        """The word that goes least with the others: the last by centrality."""
        return self.rank_by_centrality(words)[-1][1]

    def relative_cosine_similarity(self, wa: Any, wb: Any, topn: int = 10) -> float:
        """The cosine of two words over the sum of the cosines of ``wa`` with its ``topn`` nearest words.

        Source: Leeuwenberg et al. 2016, "A minimally supervised approach for synonym extraction with word embeddings".
        """
        nearest = self.similar_by_word(wa, topn)
        if not nearest:
            raise InputError("relative_cosine_similarity needs words to compare with; give a topn of at least 1")
        return float(self.similarity(wa, wb) / sum(cosine for _, cosine in nearest))

    def get_mean_vector(
        self,
        keys: Sequence[Any],
        weights: Any = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
        ignore_missing: bool = True,
    ) -> NDArray[Any]:
        """The weighted mean of some vectors: Σ w v / Σ |w|.

        Args:
            keys: keys and vectors.
            weights: one number for each key or vector; 1 when left out.
            pre_normalize: take keys' vectors with length 1; vectors that are given stay as they are.
            post_normalize: scale the mean to length 1.
            ignore_missing: pass over keys that have no vector.

        Raises:
            InputError: nothing is given, or the numbers of keys and weights differ; a ValueError.
            UnknownWordError: a key has no vector, and ``ignore_missing`` is False; a KeyError.
        """
        if len(keys) == 0:
            raise InputError("a mean needs at least one key or vector; none is given")
        factors = np.ones(len(keys)) if weights is None else np.asarray(weights, dtype=np.float64)
        if factors.shape != (len(keys),):
            raise InputError(f"{len(keys)} keys need as many weights, not shape {factors.shape}")
        total, size = np.zeros(self.vector_size), 0.0
        for key, factor in zip(keys, factors.tolist(), strict=True):
            vector = self._vector_of(key, norm=pre_normalize, ignore_missing=ignore_missing)
            if vector is not None:
                total += factor * vector
                size += abs(factor)
        mean = total / size if size else total
        if post_normalize:
            mean = unit_rows(mean[np.newaxis])[0]
        return np.asarray(mean, dtype=self.vectors.dtype)

    def _vector_of(self, key: Any, *, norm: bool, ignore_missing: bool) -> NDArray[Any] | None:
        """The vector of a key, or a vector as it is; None for a key that has no vector and may be passed over."""
        if isinstance(key, np.ndarray):
            return key
        try:
            return self.get_vector(key, norm=norm)
        except UnknownWordError:
            if ignore_missing:
                return None
            raise


def _weighted(positive: list[Any], negative: list[Any]) -> tuple[list[Any], list[float]]:
    """Keys and vectors with their weights: the weights that were given with them, or 1 and −1."""
    keys, weights = [], []
    for items, usual in ((positive, 1.0), (negative, -1.0)):
        for item in items:
            plain = isinstance(item, (*KEYS, np.ndarray))
            keys.append(item if plain else item[0])
            weights.append(usual if plain else float(item[1]))
    return keys, weights


def _cosine(a: NDArray[Any], b: NDArray[Any]) -> Any:
    """The cosine of two vectors, computed in double precision and rounded to single."""
    rows = balanced(np.array([a, b], dtype=np.float64))
    return np.float32(cosines(rows[:1], rows[1:])[0])
