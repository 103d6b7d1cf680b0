"""Sentences as vectors: the mean of their words' vectors, and how many words have one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.keyedvectors import KeyedVectors

__all__ = ["Coverage", "SentenceVectorizer"]

SHOWN_UNKNOWN: Final = 20

Sentence = str | Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many of the tokens of sentences have a vector."""

    sentences: int
    sentences_without_vectors: int
    """Sentences none of whose tokens has a vector: they become the zero vector."""
    tokens: int
    known: int
    """Tokens that have a vector."""
    unknown: dict[str, int]
    """The words that have none and how often each comes, the most frequent first."""

    @property
    def share(self) -> float:
        """Of the tokens, the share that has a vector, from 0 to 1."""
        return self.known / self.tokens if self.tokens else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; of the unknown words the 20 most frequent, and how many there are."""
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

    x = 1/|S| · Σ_{w ∈ S} v_w, S being the sentence's tokens that have a vector, each as often as it comes. A token is
    looked up as it is, and in lower case if there is no such word. A sentence without any becomes the zero vector.
    Nothing is learned in ``fit``. Statement 15 of the derivations.

    Args:
        vectors: frozen, so a clone shares them.

    Example:
        >>> from lexigrad.keyedvectors import KeyedVectors
        >>> vectorizer = SentenceVectorizer(KeyedVectors(["good", "film"], [[4, 0], [0, 2]]))
        >>> vectorizer.transform(["A good , good film", ["Film"], "nothing known"]).round(2).tolist()
        [[2.67, 0.67], [0.0, 2.0], [0.0, 0.0]]
    """

    def __init__(self, vectors: KeyedVectors) -> None:
        self.vectors = vectors

    def __repr__(self) -> str:
        return f"SentenceVectorizer({self.vectors!r})"

    def fit(self, sentences: Iterable[Sentence] | None = None, y: object = None) -> SentenceVectorizer:
        """Return the vectorizer itself: there is nothing to learn."""
        return self

    def transform(self, sentences: Iterable[Sentence]) -> NDArray[np.float64]:
        """The mean vector of each sentence.

        Args:
            sentences: each a list of tokens, or a string that is cut at white space.

        Returns:
            Shape ``(sentences, dim)``.

        Raises:
            InputError: a single string is given instead of several sentences.
        """
        rows = [self._word_ids(tokens) for tokens in _tokens(sentences)]
        means = np.zeros((len(rows), self.vectors.dim))
        for row, word_ids in enumerate(rows):
            if word_ids:
                means[row] = self.vectors.matrix[word_ids].mean(axis=0, dtype=np.float64)
        return means

    def fit_transform(self, sentences: Iterable[Sentence], y: object = None) -> NDArray[np.float64]:
        """As ``transform``."""
        return self.transform(sentences)

    def coverage(self, sentences: Iterable[Sentence]) -> Coverage:
        """Count the tokens with and without a vector.

        Example:
            >>> from lexigrad.keyedvectors import KeyedVectors
            >>> coverage = SentenceVectorizer(KeyedVectors(["film"], [[1.0]])).coverage(["A film", "A bore"])
            >>> coverage.share, coverage.sentences_without_vectors, coverage.unknown
            (0.25, 1, {'A': 2, 'bore': 1})
        """
        number, empty, tokens_seen = 0, 0, 0
        unknown: Counter[str] = Counter()
        for tokens in _tokens(sentences):
            missing = [token for token in tokens if self._word_id(token) is None]
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
        """``dim0``, ``dim1``, ..., one for each column of what ``transform`` returns."""
        return np.array([f"dim{column}" for column in range(self.vectors.dim)], dtype=object)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments that make an equal vectorizer."""
        return {"vectors": self.vectors}

    def set_params(self, **params: Any) -> SentenceVectorizer:
        """Change arguments; returns the vectorizer."""
        if unknown := sorted(set(params) - {"vectors"}):
            raise InputError(f"SentenceVectorizer has no argument {unknown[0]!r}; its only one is vectors")
        self.vectors = params.get("vectors", self.vectors)
        return self

    # What scikit-learn asks of a transformer that is not its subclass; to subclass would import it with this module.

    def __sklearn_clone__(self) -> SentenceVectorizer:
        return SentenceVectorizer(self.vectors)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(),
            input_tags=InputTags(two_d_array=False, string=True),
            requires_fit=False,
        )

    def _word_id(self, token: str) -> int | None:
        ids = self.vectors.word_ids
        return ids.get(token, ids.get(token.lower()))

    def _word_ids(self, tokens: Sequence[str]) -> list[int]:
        return [word_id for word_id in map(self._word_id, tokens) if word_id is not None]


def _tokens(sentences: Iterable[Sentence]) -> Iterator[Sequence[str]]:
    if isinstance(sentences, str):
        raise InputError("expected several sentences, not a single string; put it in a list")
    return (sentence.split() if isinstance(sentence, str) else sentence for sentence in sentences)
