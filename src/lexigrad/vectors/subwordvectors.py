"""Word vectors that have a vector for words that they do not list, too."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from lexigrad.errors import InputError, UnknownWordError, unknown_word_message
from lexigrad.vectors.keyedvectors import KeyedVectors
from lexigrad.vectors.subwords import composed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    from lexigrad.vectors.subwords import Subwords

__all__ = ["SubwordVectors"]


class SubwordVectors(KeyedVectors):
    """Words with their vectors, and the n-grams from which the vectors of all other words are composed; frozen.

    The vector of a word that is not listed is the mean of the rows of its n-grams. ``in``, ``len``, ``words`` and
    searches know the listed words only; all methods that take a word take unlisted ones too.

    Args:
        words: each word once.
        rows: float32, shape ``(len(words), dim)``: the words' vectors, or what each word adds to the mean of its
            n-grams.
        ngrams: the rows of the n-grams, float32, shape ``(subwords.bucket, dim)``.
        subwords: which n-grams a word has.
        counts: how often each word occurs, shape ``(len(words),)``, or None.
        whole: whether ``rows`` are the words' vectors. Else the vectors are composed: that of one word when it is asked
            for, all of them (``matrix``) by the first search, which takes as much memory as ``rows`` does.

    Attributes:
        ngrams: the rows of the n-grams.
        subwords: which n-grams a word has.

    Raises:
        InputError: a shape does not fit, or a word comes twice.

    Example:
        >>> from lexigrad.vectors.subwords import Subwords
        >>> ngrams = np.arange(20, dtype=np.float32).reshape(10, 2)
        >>> vectors = SubwordVectors(["cat"], np.ones((1, 2), dtype=np.float32), ngrams, Subwords(3, 3, 10))
        >>> "cats" in vectors, vectors["cats"].tolist()  # the mean of the rows of <ca, cat, ats and ts>
        (False, [8.5, 9.5])
        >>> vectors.most_similar("cats")[0][0]
        'cat'

    fastText's programs give the zero vector to a word without any n-gram, such as ``</s>`` where it is not listed; here
    such a word is unknown.
    """

    def __init__(
        self,
        words: Iterable[str],
        rows: NDArray[np.float32],
        ngrams: NDArray[np.float32],
        subwords: Subwords,
        counts: ArrayLike | None = None,
        *,
        whole: bool = False,
    ) -> None:
        if ngrams.ndim != 2 or ngrams.dtype != np.float32 or ngrams.shape != (subwords.bucket, rows.shape[-1]):
            raise InputError(
                f"the n-grams need a float32 matrix of shape {(subwords.bucket, *rows.shape[1:])}, not {ngrams.dtype} "
                f"of {ngrams.shape}"
            )
        super().__init__(words, rows, counts, check=False)
        self.ngrams, self.subwords = ngrams, subwords
        if not whole:
            self._own = self.__dict__.pop("matrix")

    @cached_property
    def matrix(self) -> NDArray[np.float32]:  # type: ignore[override]  # composed only when it is used
        """The words' vectors: float32, shape ``(len(words), dim)``, read-only."""
        encoded = [word.encode() for word in self.words]
        matrix, _ = composed(encoded, self._own, self._have_own(np.arange(len(encoded))), self.ngrams, self.subwords)
        matrix.flags.writeable = False
        return matrix

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.ngrams.shape[1])

    def __getitem__(self, word: str) -> NDArray[np.float32]:
        word_id = self.word_ids.get(word) if isinstance(word, str) else self.id_of(word)
        if word_id is None:
            return self._unlisted(word)
        if "matrix" in self.__dict__:
            vector: NDArray[np.float32] = self.matrix[word_id]
            return vector
        ids = np.array([word_id])
        vectors, _ = composed([word.encode()], self._own[ids], self._have_own(ids), self.ngrams, self.subwords)
        alone: NDArray[np.float32] = vectors[0]
        return alone

    def __repr__(self) -> str:
        return f"SubwordVectors({len(self):,} words, {self.subwords.bucket:,} n-grams, dim {self.dim})"

    def vectors_for(self, words: Iterable[str]) -> NDArray[np.float32]:
        """The vectors of ``words``, listed or not, one row each: shape ``(k, dim)``.

        Raises:
            UnknownWordError: a word is not listed and has no n-grams.
        """
        vectors = [self[word] for word in words]
        return np.stack(vectors) if vectors else np.empty((0, self.dim), dtype=np.float32)

    def _unlisted(self, word: str) -> NDArray[np.float32]:
        """The mean of the rows of a word's n-grams."""
        try:
            encoded = word.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"the word {word[:40]!r} cannot be written in UTF-8") from error
        none = np.zeros((1, self.dim), dtype=np.float32)
        vectors, totals = composed([encoded], none, np.zeros(1, dtype=bool), self.ngrams, self.subwords)
        if not totals[0]:
            raise UnknownWordError(f"{unknown_word_message(word, self.words)}; nor has it n-grams to compose one from")
        vector: NDArray[np.float32] = vectors[0]
        return vector

    def _have_own(self, word_ids: NDArray[Any]) -> NDArray[np.bool_]:
        return np.array([self.subwords.has_own_row(word_id) for word_id in word_ids.tolist()], dtype=bool)
