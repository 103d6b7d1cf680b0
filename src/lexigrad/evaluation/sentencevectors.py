"""Sentences as vectors: means of their words' vectors, plain or weighted by frequency, and how many words have one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from numbers import Real
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from lexigrad.corpus.report import counted
from lexigrad.engines.cores import one_blas_thread
from lexigrad.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.vectors.keyedvectors import KeyedVectors

__all__ = ["Coverage", "Sentence", "SentenceVectorizer"]

SHOWN_UNKNOWN: Final = 20
WEIGHTINGS: Final = ("mean", "sif")

Sentence = str | Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many of the tokens of sentences have a vector."""

    sentences: int
    sentences_without_vectors: int
    """The number of sentences none of whose tokens has a vector: they become the zero vector."""
    tokens: int
    known: int
    """The number of tokens that have a vector."""
    unknown: dict[str, int]
    """The words without a vector and how often each occurs, the most frequent first."""

    @property
    def share(self) -> float:
        """The share of the tokens that has a vector, from 0 to 1."""
        return self.known / self.tokens if self.tokens else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; the unknown words are there as their number and the 20 most frequent."""
        return {
            "sentences": self.sentences,
            "sentences_without_vectors": self.sentences_without_vectors,
            "tokens": self.tokens,
            "known": self.known,
            "share": self.share,
            "unknown_words": len(self.unknown),
            "most_frequent_unknown": dict(list(self.unknown.items())[:SHOWN_UNKNOWN]),
        }


class SentenceVectorizer:
    """Turns each sentence into the mean of its words' vectors; a transformer as scikit-learn has them.

    x = 1/|S| · Σ_{w ∈ S} v_w, S being the sentence's tokens that have a vector, each as often as it occurs. A token is
    looked up as it is, and in lower case if there is no such word. A sentence of which no token has a vector becomes
    the zero vector. Nothing is learned in ``fit``. This is statement 15 of the derivations.

    With ``weighting="sif"`` (smooth inverse frequency) a word counts a / (a + p(w)), p(w) being its share of the tokens
    that have a vector in the sentences of ``fit``; and u, the direction that these sentences have most in common, is
    taken out of each vector: x − (x·u) u. The equations are `lexigrad.reference.sif_means`, `common_component` and
    `without_component`.

    Args:
        vectors: the words' vectors; they are frozen, so a clone shares them.
        weighting: ``mean`` or ``sif``.
        smoothing: a of ``sif``, above 0: the frequency of a word that counts half.

    Attributes:
        weights_: after ``fit`` with ``sif``, the weight of each word, float64, shape ``(len(vectors),)``; or None.
        component_: after ``fit`` with ``sif``, u, float64, shape ``(dim,)``; or None.

    Example:
        >>> from lexigrad.vectors.keyedvectors import KeyedVectors
        >>> vectors = KeyedVectors(["good", "film"], [[4, 0], [0, 2]])
        >>> SentenceVectorizer(vectors).transform(["A good , good film", ["Film"], "nothing known"]).round(2).tolist()
        [[2.67, 0.67], [0.0, 2.0], [0.0, 0.0]]
        >>> sif = SentenceVectorizer(vectors, weighting="sif").fit(["good film", "good good"])
        >>> sif.weights_.round(4).tolist()
        [0.0013, 0.004]

    Source: Arora, Liang, Ma 2017, "A simple but tough-to-beat baseline for sentence embeddings".
    """

    def __init__(
        self, vectors: KeyedVectors, *, weighting: Literal["mean", "sif"] = "mean", smoothing: float = 1e-3
    ) -> None:
        self.vectors = vectors
        self.weighting = weighting
        self.smoothing = smoothing
        self.weights_: NDArray[np.float64] | None = None
        self.component_: NDArray[np.float64] | None = None

    def __repr__(self) -> str:
        weighting = f", weighting={self.weighting!r}" if self.weighting != "mean" else ""
        return f"SentenceVectorizer({self.vectors!r}{weighting})"

    def fit(self, sentences: Iterable[Sentence] | None = None, y: object = None) -> SentenceVectorizer:
        """Learn the words' weights and the common component for ``sif``; there is nothing to learn for ``mean``.

        Args:
            sentences: as for ``transform``.
            y: not used.

        Raises:
            InputError: a parameter is out of its range, or ``sif`` is given no sentences or none with a known word.
        """
        if self.weighting not in WEIGHTINGS:
            raise InputError(f"weighting must be one of {', '.join(WEIGHTINGS)}, not {self.weighting!r}")
        self.weights_ = self.component_ = None
        if self.weighting == "sif":
            rows = [self._word_ids(tokens) for tokens in _tokens([] if sentences is None else sentences)]
            self.weights_ = self._sif_weights(rows)
            self.component_ = _common_component(self._means(rows))
        return self

    def transform(self, sentences: Iterable[Sentence]) -> NDArray[np.float64]:
        """The vector of each sentence.

        Args:
            sentences: each a list of tokens, or a string that is cut at white space.

        Returns:
            Shape ``(sentences, dim)``.

        Raises:
            InputError: a single string is given instead of several sentences, a sentence is of another type, or
                ``weighting`` is ``sif`` and ``fit`` has not been called.
        """
        if not self.__sklearn_is_fitted__():
            raise InputError("weighting='sif' learns from sentences; call fit first")
        means = self._means([self._word_ids(tokens) for tokens in _tokens(sentences)])
        if self.component_ is None:
            return means
        along: NDArray[np.float64] = (means * self.component_).sum(axis=1)
        return means - along[:, np.newaxis] * self.component_

    def fit_transform(self, sentences: Iterable[Sentence], y: object = None) -> NDArray[np.float64]:
        """Learn from sentences as ``fit`` does, and return their vectors."""
        given = list(_several(sentences))
        return self.fit(given).transform(given)

    def coverage(self, sentences: Iterable[Sentence]) -> Coverage:
        """Count the tokens with and without a vector.

        Args:
            sentences: as for ``transform``.

        Raises:
            InputError: a single string is given instead of several sentences, or a sentence is of another type.

        Example:
            >>> from lexigrad.vectors.keyedvectors import KeyedVectors
            >>> coverage = SentenceVectorizer(KeyedVectors(["film"], [[1.0]])).coverage(["A film", "A bore"])
            >>> coverage.share, coverage.sentences_without_vectors, coverage.unknown
            (0.25, 1, {'A': 2, 'bore': 1})
        """
        number, empty, tokens_seen = 0, 0, 0
        unknown: Counter[str] = Counter()
        for tokens in _tokens(sentences):
            missing = [token for token, word_id in zip(tokens, self._found(tokens), strict=True) if word_id is None]
            unknown.update(missing)
            number, tokens_seen = number + 1, tokens_seen + len(tokens)
            empty += len(missing) == len(tokens)
        return Coverage(
            sentences=number,
            sentences_without_vectors=empty,
            tokens=tokens_seen,
            known=tokens_seen - unknown.total(),
            unknown=dict(unknown.most_common()),
        )

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """The names ``dim0``, ``dim1``, ... of the columns that ``transform`` returns."""
        return np.array([f"dim{column}" for column in range(self.vectors.dim)], dtype=object)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments that make an equal vectorizer."""
        return {"vectors": self.vectors, "weighting": self.weighting, "smoothing": self.smoothing}

    def set_params(self, **params: Any) -> SentenceVectorizer:
        """Change arguments, and forget what was learned with the old ones; returns the vectorizer."""
        known = self.get_params()
        if unknown := sorted(set(params) - set(known)):
            raise InputError(f"SentenceVectorizer has no argument {unknown[0]!r}; it has {', '.join(known)}")
        for name, value in params.items():
            setattr(self, name, value)
        self.weights_ = self.component_ = None
        return self

    # scikit-learn asks these of a transformer that is not its subclass; a subclass would import it with this module.

    def __sklearn_clone__(self) -> SentenceVectorizer:
        return SentenceVectorizer(**self.get_params())

    def __sklearn_is_fitted__(self) -> bool:
        return self.weighting != "sif" or self.component_ is not None

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(),
            input_tags=InputTags(two_d_array=False, string=True),
            requires_fit=self.weighting == "sif",
        )

    def _word_id(self, token: str) -> int | None:
        ids = self.vectors.word_ids
        return ids.get(token, ids.get(token.lower()))

    def _word_ids(self, tokens: Sequence[str]) -> list[int]:
        return [word_id for word_id in self._found(tokens) if word_id is not None]

    def _found(self, tokens: Sequence[str]) -> list[int | None]:
        """The id of each token, None for a token without a vector."""
        try:
            return [self._word_id(token) for token in tokens]
        except (AttributeError, TypeError) as error:
            raise InputError(f"a token of a sentence is no string ({error}); give tokens as strings") from error

    def _sif_weights(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float64]:
        """The weight a / (a + p(w)) of each word, from the ids of the sentences' words."""
        a = self.smoothing
        if isinstance(a, bool) or not isinstance(a, Real) or not 0 < a < math.inf:
            raise InputError(f"smoothing must be a finite number above 0, not {a!r}")
        word_ids = np.fromiter(chain.from_iterable(rows), dtype=np.int64)
        counts = np.bincount(word_ids, minlength=len(self.vectors))
        if not counts.any():
            raise InputError(
                f"weighting='sif' needs words that have a vector, and in {counted(len(rows), 'sentence')} there is "
                "none; give sentences of the language of the vectors"
            )
        return float(a) / (float(a) + counts / counts.sum())

    def _means(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float64]:
        """The mean of each sentence's vectors, weighted if there are weights."""
        matrix, weights = self.vectors.matrix, self.weights_
        means = np.zeros((len(rows), self.vectors.dim))
        for row, word_ids in enumerate(rows):
            if word_ids and weights is None:
                means[row] = matrix[word_ids].mean(axis=0, dtype=np.float64)
            elif word_ids and weights is not None:
                means[row] = (matrix[word_ids] * weights[word_ids, np.newaxis]).mean(axis=0)
        return means


def _common_component(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """The first right singular vector, the same bytes whatever the number of threads; its largest entry is positive."""
    with one_blas_thread():
        component = np.linalg.eigh(means.T @ means)[1][:, -1]
    return np.ascontiguousarray(component if component[np.argmax(np.abs(component))] > 0 else -component)


def _several(sentences: Iterable[Sentence]) -> Iterable[Sentence]:
    if isinstance(sentences, str):
        raise InputError("expected several sentences, not a single string; put it in a list")
    return sentences


def _tokens(sentences: Iterable[Sentence]) -> Iterator[Sequence[str]]:
    for number, sentence in enumerate(_several(sentences), start=1):
        if isinstance(sentence, bytes) or not isinstance(sentence, Iterable):
            raise InputError(
                f"sentence {number:,} is of type {type(sentence).__name__}; give a string or a list of tokens"
            )
        yield sentence.split() if isinstance(sentence, str) else list(sentence)
