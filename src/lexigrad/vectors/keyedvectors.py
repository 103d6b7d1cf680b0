"""Words with their vectors, and exact search among them.

All code that makes vectors ends here, and all code that uses them starts here.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lexigrad.errors import InputError, UnknownWordError, unknown_word_message
from lexigrad.vectors.ignorecase import AnyCase
from lexigrad.vectors.search import (
    Queries,
    Query,
    at_least_one,
    balanced,
    checked_counts,
    checked_exclusions,
    checked_matrix,
    checked_vectors,
    cosines,
    listed_queries,
    nearest_rows,
    row_lengths,
    unit_rows,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from lexigrad.vectors.index import ApproximateIndex

__all__ = ["KeyedVectors"]


class KeyedVectors:
    """Words and their vectors, one row a word; frozen.

    Args:
        words: each word once, as a rule the most frequent first.
        matrix: shape ``(len(words), dim)``, finite. Numbers in float32 are not copied, others are turned into float32.
        counts: how often each word occurs, shape ``(len(words),)``; None when that is not known.
        check: whether to look through the matrix now for numbers that are not finite. The reader of native files leaves
            that to the first search, so that a mapped table is not read from the disk before it is needed.

    Attributes:
        words: a word's id is its place in this list.
        matrix: float32, shape ``(len(words), dim)``, read-only.
        counts: int64, shape ``(len(words),)``, read-only, or None.

    Raises:
        InputError: a word comes twice, a shape does not fit, or a number is not finite.

    Example:
        >>> vectors = KeyedVectors(["king", "queen", "apple"], [[1, 1], [1, 0.8], [-1, 0]])
        >>> len(vectors), vectors.dim, "king" in vectors
        (3, 2, True)
        >>> [word for word, cosine in vectors.most_similar("king")]
        ['queen', 'apple']
    """

    def __init__(
        self, words: Iterable[str], matrix: ArrayLike, counts: ArrayLike | None = None, *, check: bool = True
    ) -> None:
        self.words: list[str] = list(words)
        self.matrix: NDArray[np.float32] = checked_matrix(matrix, len(self.words))
        self.counts: NDArray[np.int64] | None = None if counts is None else checked_counts(counts, len(self.words))
        if len(self.word_ids) < len(self.words):
            repeated = next(word for word_id, word in enumerate(self.words) if self.word_ids[word] != word_id)
            raise InputError(f"the word {repeated[:40]!r} comes twice; give each word once")
        if check:
            _ = self.lengths

    @property
    def dim(self) -> int:
        """How many numbers a vector has."""
        return int(self.matrix.shape[1])

    @cached_property
    def word_ids(self) -> dict[str, int]:
        """The id of each word: its row in the matrix."""
        return {word: word_id for word_id, word in enumerate(self.words)}

    @cached_property
    def any_case(self) -> AnyCase:
        """Finds words in any case."""
        return AnyCase(self.words, self.word_ids)

    @cached_property
    def lengths(self) -> NDArray[np.float64]:
        """The Euclidean length of each vector, shape ``(len(words),)``.

        Raises:
            InputError: a number is not finite, or a vector is too long for numbers of 32 bits.
        """
        lengths = row_lengths(self.matrix)
        bad = np.flatnonzero(~(lengths <= np.finfo(np.float32).max))
        if bad.size:
            word, row = self.words[bad[0]], int(bad[0])
            raise InputError(
                f"the vector of {word[:40]!r} (row {row:,}) holds numbers that are not finite or far too large"
            )
        lengths.flags.writeable = False
        return lengths

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.word_ids

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __getitem__(self, word: str) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = self.matrix[self.id_of(word)]
        return vector

    def __repr__(self) -> str:
        return f"KeyedVectors({len(self):,} words, dim {self.dim})"

    def id_of(self, word: str) -> int:
        """The row of ``word``.

        Raises:
            UnknownWordError: the word has none; the message names words spelt nearly so.
        """
        if not isinstance(word, str):
            raise InputError(f"a word is a str, not {type(word).__name__}")
        word_id = self.word_ids.get(word)
        if word_id is None:
            raise UnknownWordError(unknown_word_message(word, self.words))
        return word_id

    def vectors_for(self, words: Iterable[str]) -> NDArray[np.float32]:
        """The vectors of ``words``, one row each, as an array of its own: shape ``(k, dim)``.

        Raises:
            UnknownWordError: a word has no vector.

        Example:
            >>> KeyedVectors(["a", "b"], [[1, 2], [3, 4]]).vectors_for(["b", "a", "b"]).tolist()
            [[3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]
        """
        return self.matrix[np.array([self.id_of(word) for word in words], dtype=np.int64)]

    def similarity(self, a: Query, b: Query) -> float:
        """The cosine between two words or vectors: a·b / (|a| |b|).

        Args:
            a: a word, or a vector of shape ``(dim,)``.
            b: the other word or vector.

        Returns:
            From −1 to 1, exactly 1 for equal vectors; 0 when a vector is zero, where gensim has NaN.

        Raises:
            UnknownWordError: a word has no vector.

        Example:
            >>> round(KeyedVectors(["a", "b"], [[1, 0], [3, 4]]).similarity("a", "b"), 6)
            0.6
        """
        first, second = (balanced(self._vector(query)[np.newaxis]) for query in (a, b))
        return float(cosines(first, second)[0])

    def most_similar(
        self, positive: Queries = (), negative: Queries = (), n: int = 10, *, restrict: int | None = None
    ) -> list[tuple[str, float]]:
        """The words whose vectors have the largest cosine with Σ positive − Σ negative.

        Words count as their vectors scaled to length 1. Words given are not among the answers.

        Args:
            positive: a word, a vector of shape ``(dim,)``, or several of them, to be added.
            negative: a word, a vector, or several of them, to be subtracted. A vector counts with its own length.
            n: how many words to return.
            restrict: search only the first so many words.

        Returns:
            ``(word, cosine)``, the largest cosine first, equal ones in the order of the words; fewer than ``n`` when
            there are no more words.

        Raises:
            UnknownWordError: a word has no vector.
            InputError: nothing is given, or a vector does not fit.

        Example:
            >>> vectors = KeyedVectors(["man", "woman", "king", "queen"], [[1, 0], [0, 1], [3, 1], [1, 2.6]])
            >>> vectors.most_similar(["woman", "king"], ["man"], n=1)[0][0]
            'queen'

        Source: Mikolov, Yih, Zweig 2013, "Linguistic regularities in continuous space word representations".

        gensim gives equal cosines in the order that its sort leaves; the answers are otherwise the same.
        """
        query, given = self.combined(positive, negative)
        return self._found(query, n, restrict, given)

    def analogy(self, a: str, b: str, c: str, n: int = 10, *, restrict: int | None = None) -> list[tuple[str, float]]:
        """The words that are to ``c`` as ``b`` is to ``a``: the largest cosine with b − a + c (3CosAdd).

        Args:
            a: a word, such as ``man``.
            b: the word that goes with it, such as ``king``.
            c: another word, such as ``woman``, for which to find the word that goes with it.
            n: how many words to return.
            restrict: search only the first so many words.

        Returns:
            The answers of ``most_similar([b, c], [a])``, as gensim has it; the three words are not among them.

        Raises:
            UnknownWordError: a word has no vector.

        Example:
            >>> vectors = KeyedVectors(["man", "woman", "king", "queen"], [[1, 0], [0, 1], [3, 1], [1, 2.6]])
            >>> vectors.analogy("man", "king", "woman", n=1)[0][0]
            'queen'

        Source: Mikolov, Yih, Zweig 2013; the name 3CosAdd is Levy and Goldberg's, 2014.
        """
        return self.most_similar([b, c], [a], n, restrict=restrict)

    def combined(self, positive: Queries = (), negative: Queries = ()) -> tuple[NDArray[np.float64], list[int]]:
        """Σ positive − Σ negative, the words scaled to length 1, and the ids of these words.

        Args:
            positive: a word, a vector of shape ``(dim,)``, or several of them, to be added.
            negative: a word, a vector, or several of them, to be subtracted.

        Returns:
            A vector of shape ``(dim,)``, and the ids of the words given; a word that has a vector by its n-grams only
            has no id. A word alone keeps its length, as its vector scaled to length 1 would be a rounded one.

        Raises:
            UnknownWordError: a word has no vector.
            InputError: nothing is given, or a vector does not fit.

        Example:
            >>> vector, ids = KeyedVectors(["a", "b"], [[2, 0], [0, 3]]).combined(["a", "b"])
            >>> vector.tolist(), ids
            ([1.0, 1.0], [0, 1])
        """
        added, subtracted = listed_queries(positive), listed_queries(negative)
        if not added and not subtracted:
            raise InputError("most_similar needs a word or a vector; give at least one")
        query = np.zeros(self.dim)
        alone = len(added) + len(subtracted) == 1
        for sign, queries in ((1.0, added), (-1.0, subtracted)):
            for item in queries:
                query += sign * (self._unit(item) if isinstance(item, str) and not alone else self._vector(item))
        words = [item for item in (*added, *subtracted) if isinstance(item, str)]
        return query, [self.word_ids[word] for word in words if word in self.word_ids]

    def doesnt_match(self, words: Iterable[str]) -> str:
        """The word that goes least with the others: the smallest cosine with the mean of all their unit vectors.

        Args:
            words: at least one.

        Returns:
            One of the words; of several that go equally little with the others, the first.

        Raises:
            UnknownWordError: a word has no vector, where gensim leaves it out with a warning.
            InputError: no words are given.

        Example:
            >>> vectors = KeyedVectors(["tea", "milk", "car"], [[1, 0.9], [0.8, 1], [-1, 0.5]])
            >>> vectors.doesnt_match(["tea", "car", "milk"])
            'car'
        """
        candidates = list(words)
        if not candidates:
            raise InputError("doesnt_match needs words; give at least one")
        units = np.stack([self._unit(word) for word in candidates])
        return candidates[int(np.argmin((units * units.mean(axis=0)).sum(axis=1)))]

    def nearest_to_vector(
        self, vector: ArrayLike, n: int = 10, *, restrict: int | None = None
    ) -> list[tuple[str, float]]:
        """The words whose vectors have the largest cosine with ``vector``; no word is left out.

        Args:
            vector: shape ``(dim,)``; with the zero vector all cosines are 0.
            n: how many words to return.
            restrict: search only the first so many words.

        Returns:
            ``(word, cosine)`` as ``most_similar`` gives them.

        Raises:
            InputError: the vector has another shape or is not finite.

        Example:
            >>> KeyedVectors(["a", "b"], [[1, 0], [0, 1]]).nearest_to_vector([0, 5], n=1)
            [('b', 1.0)]
        """
        return self._found(vector, n, restrict, [])

    def nearest(
        self, vectors: ArrayLike, n: int, *, restrict: int | None = None, exclude: ArrayLike | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The ids of the ``n`` words with the largest cosine with each of ``vectors``, exactly.

        The answer is the same whether vectors are asked one by one or together: candidates come from a float32 matrix
        product, and those within its rounding error of the n-th best are ordered by their cosines in float64.

        Args:
            vectors: shape ``(k, dim)``.
            n: how many words for each.
            restrict: search only the first so many words.
            exclude: ids of words that row i must not get, shape ``(k, e)``; −1 means none.

        Returns:
            Ids and cosines, shape ``(k, n)``, or fewer columns when fewer words are searched; by falling cosine, equal
            cosines by rising id. Where exclusions leave too few words, the id is −1 and the cosine −∞.

        Raises:
            InputError: a shape does not fit, a vector is not finite, or an id is out of range.

        Example:
            >>> ids, cosines = KeyedVectors(["a", "b"], [[1, 0], [0, 1]]).nearest([[2, 0], [0, 3]], n=1)
            >>> ids.tolist(), cosines.tolist()
            ([[0], [1]], [[1.0], [1.0]])
        """
        queries = checked_vectors(vectors, self.dim)
        searched = len(self) if restrict is None else min(at_least_one("restrict", restrict), len(self))
        columns = min(at_least_one("n", n), searched)
        struck = None if exclude is None else checked_exclusions(exclude, len(queries), len(self))
        if not columns:
            return np.empty((len(queries), 0), dtype=np.int64), np.empty((len(queries), 0))
        lengths = self.lengths[:searched]
        divisors = np.where(lengths == 0, 1.0, lengths)
        return nearest_rows(queries, self.matrix[:searched], divisors, columns, struck)

    def index(
        self,
        load: str | os.PathLike[str] | None = None,
        *,
        ef: int = 64,
        threads: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> ApproximateIndex:
        """An index for approximate search, built now or read from a file.

        Args:
            load: a file that ``ApproximateIndex.save`` wrote for these vectors. Load only what you built or trust: the
                library that reads it is not made for hostile files.
            ef: how many candidates a search keeps; more candidates find more words and take longer.
            threads: how many threads build and search; one a core when None. One thread builds the same graph every
                time.
            progress: is called while the index is built, with the number of vectors in it and the number of all.

        Raises:
            MissingExtraError: usearch is not installed: ``pip install 'lexigrad[index]'``.
            FormatError: the file is damaged, or an index of other vectors.
            InputError: a vector is not finite, or a number is below 1.

        Example:
            >>> vectors = KeyedVectors(["a", "b", "c"], [[1, 0], [1, 0.5], [0, 1]])
            >>> index = vectors.index()
            >>> [word for word, cosine in index.most_similar("a", n=2)]
            ['b', 'c']
            >>> path = getfixture("tmp_path") / "vectors.index"
            >>> index.save(path)
            >>> vectors.index(path).recall(n=2)
            1.0
        """
        from lexigrad.vectors.index import ApproximateIndex

        if load is not None:
            return ApproximateIndex.load(self, load, ef=ef, threads=threads)
        return ApproximateIndex.build(self, ef=ef, threads=threads, progress=progress)

    def _vector(self, query: Query) -> NDArray[np.float64]:
        """A word's vector, or a vector, in float64."""
        vector: NDArray[np.float64] = checked_vectors([self[query] if isinstance(query, str) else query], self.dim)[0]
        return vector

    def _unit(self, query: Query) -> NDArray[np.float64]:
        """A word's vector, or a vector, in float64 and with length 1; the zero vector stays zero."""
        unit: NDArray[np.float64] = unit_rows(self._vector(query)[np.newaxis])[0]
        return unit

    def _found(self, query: ArrayLike, n: int, restrict: int | None, given: Sequence[int]) -> list[tuple[str, float]]:
        """The words nearest to one vector, with their cosines; the ids ``given`` are left out."""
        exclude = np.array([given], dtype=np.int64).reshape(1, -1)
        ids, cosines = self.nearest(np.asarray(query)[np.newaxis], n, restrict=restrict, exclude=exclude)
        pairs = zip(ids[0].tolist(), cosines[0].tolist(), strict=True)
        return [(self.words[word_id], cosine) for word_id, cosine in pairs if word_id >= 0]
