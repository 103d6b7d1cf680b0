"""Answers analogies in bulk: which of many questions "a is to b as c is to d" are answered with d.

3CosAdd takes the word x with the largest cos(x, b) − cos(x, a) + cos(x, c), 3CosMul the one with the largest
½(1 + cos(x, b)) · ½(1 + cos(x, c)) / (½(1 + cos(x, a)) + ε). The logarithm of the latter is again a sum of three terms,
each of x and one word. Sets of analogies have few distinct words (Google's 19,544 questions 905), so the terms are
computed once for each of them, in blocks of x, and a question costs two additions for each x.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

from lexigrad.vectors.search import cosines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.vectors.keyedvectors import KeyedVectors

__all__ = ["Method", "are_right"]

Method = Literal["3cosadd", "3cosmul"]

EPSILON: Final = 0.001  # Levy and Goldberg's; gensim's most_similar_cosmul has 1e-6
SMALLEST: Final = 1e-12  # in place of 0, which has no logarithm
TERMS_AT_ONCE: Final = 1 << 21
QUESTIONS_AT_ONCE: Final = 64

# How much the rounding error of a cosine can move a score: three cosines for 3CosAdd; for 3CosMul the slope of
# log(½(1 + cos) + ε) where cos is −1, and four for each of the others, which holds where they are above −¾: words
# with smaller cosines have no chance.
STEEPNESS: Final = {"3cosadd": 3.0, "3cosmul": 8.0 + 0.5 / EPSILON}


class _Asked(NamedTuple):
    """Questions as ids, and the words that share a spelling.

    Attributes:
        vectors: all words and their vectors.
        questions: the rows of a, b, c and d, shape ``(questions, 4)``.
        keys: for each row that is searched the first row of the same spelling, shape ``(searched,)``.
        lengths: the lengths of the searched rows, with 1 in place of 0.
        method: how a, b and c are combined.
    """

    vectors: KeyedVectors
    questions: NDArray[np.int64]
    keys: NDArray[np.int64]
    lengths: NDArray[np.float64]
    method: Method


def are_right(
    vectors: KeyedVectors, questions: NDArray[np.int64], keys: NDArray[np.int64], method: Method
) -> NDArray[np.bool_]:
    """Whether the best answer to each question, other than a, b and c, is spelt like d.

    Args:
        vectors: the words and their vectors.
        questions: the rows of a, b, c and d, shape ``(questions, 4)``; each the first of its spelling.
        keys: for each row that may be an answer, the first row of the same spelling, shape ``(searched,)``. Spellings
            may be equal because case is ignored.
        method: how a, b and c are combined.

    Returns:
        Shape ``(questions,)``. Of equally good answers the first row counts.

    Source: Mikolov, Yih, Zweig 2013; Levy and Goldberg 2014, "Linguistic regularities in sparse and explicit word
    representations".
    """
    lengths = vectors.lengths[: len(keys)]
    asked = _Asked(vectors, questions, keys, np.where(lengths == 0, 1.0, lengths), method)
    if not len(questions):
        return np.zeros(0, dtype=np.bool_)
    expected = _expected_scores(asked)
    others = _best_other_scores(asked)
    margin = _rounding(asked)
    right: NDArray[np.bool_] = expected > others + margin
    for number in np.flatnonzero(np.abs(expected - others) <= margin):
        right[number] = _is_right(asked, int(number))
    given: NDArray[np.bool_] = (questions[:, :3] == questions[:, 3:]).any(axis=1)
    return right & ~given


def _rounding(asked: _Asked) -> float:
    """How far a score in single precision may be from the score."""
    error_of_cosine = 2 * np.sqrt(asked.vectors.dim) * np.finfo(np.float32).eps
    return float(STEEPNESS[asked.method] * error_of_cosine)


def _units(asked: _Asked, rows: NDArray[np.int64] | slice) -> NDArray[np.float32]:
    """The vectors of ``rows`` with length 1."""
    lengths = asked.lengths[rows, np.newaxis].astype(np.float32)
    return np.asarray(asked.vectors.matrix[rows] / lengths, dtype=np.float32)


def _terms(cosines: NDArray[np.floating], method: Method) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """The term that a cosine adds to a score when its word is b or c, and the one that it takes away for a."""
    if method == "3cosadd":
        return cosines, cosines
    halves = np.maximum((1 + cosines) / 2, SMALLEST)
    return np.log(halves), np.log(halves + EPSILON)


def _expected_scores(asked: _Asked) -> NDArray[np.float64]:
    """The best score of a word spelt like d."""
    numbers, rows = _rows_spelt_like(asked, slice(3, 4))
    expected = np.full(len(asked.questions), -np.inf)
    np.maximum.at(expected, numbers, _exact_scores(asked, numbers, rows))
    return expected


def _exact_scores(asked: _Asked, numbers: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The score in double precision of ``rows[i]`` as an answer to question ``numbers[i]``."""
    matrix = asked.vectors.matrix
    answers = matrix[rows].astype(np.float64)
    given = (matrix[asked.questions[numbers, role]].astype(np.float64) for role in range(3))
    (_, a), (b, _), (c, _) = (_terms(cosines(vectors, answers), asked.method) for vectors in given)
    return np.asarray(b + c - a, dtype=np.float64)


def _best_other_scores(asked: _Asked) -> NDArray[np.float32]:
    """The best score of a word spelt like none of a, b, c and d; −∞ when there is none."""
    words, places = np.unique(asked.questions[:, :3], return_inverse=True)
    places = places.reshape(-1, 3)
    pairs, pair_of = np.unique(places[:, :2], axis=0, return_inverse=True)
    pair_of = pair_of.ravel()
    given = _units(asked, words)
    numbers, struck = _rows_spelt_like(asked, slice(0, 4))
    best = np.full(len(places), -np.inf, dtype=np.float32)
    columns = max(64, TERMS_AT_ONCE // len(words))
    for start in range(0, len(asked.keys), columns):
        stop = min(start + columns, len(asked.keys))
        added, taken = _terms(given @ _units(asked, slice(start, stop)).T, asked.method)
        a, b = pairs.T
        here = (struck >= start) & (struck < stop)
        strikes = numbers[here], struck[here] - start
        _raise_best(best, (added[b] - taken[a], pair_of), (added, places[:, 2]), strikes)
    return best


def _raise_best(
    best: NDArray[np.float32],
    of_pairs: tuple[NDArray[np.float32], NDArray[np.int64]],
    of_c: tuple[NDArray[np.float32], NDArray[np.int64]],
    strikes: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> None:
    """Raise each question's best score to the best among some columns.

    Args:
        best: the scores so far, shape ``(questions,)``.
        of_pairs: the terms of a and b, shape ``(pairs, columns)``, and each question's pair.
        of_c: the terms of c, shape ``(words, columns)``, and each question's c.
        strikes: questions, in order, and for each a column that is no answer to it.
    """
    (pair_terms, pair), (c_terms, c), (numbers, columns) = of_pairs, of_c, strikes
    scores, term = np.empty((2, QUESTIONS_AT_ONCE, c_terms.shape[1]), dtype=np.float32)
    for start in range(0, len(best), QUESTIONS_AT_ONCE):
        block = slice(start, start + QUESTIONS_AT_ONCE)
        size = len(best[block])
        now = np.take(pair_terms, pair[block], axis=0, out=scores[:size], mode="clip")  # "raise" would copy first
        now += np.take(c_terms, c[block], axis=0, out=term[:size], mode="clip")
        first, last = np.searchsorted(numbers, (start, start + size))
        now[numbers[first:last] - start, columns[first:last]] = -np.inf
        np.maximum(best[block], now.max(axis=1), out=best[block])


def _rows_spelt_like(asked: _Asked, roles: slice) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For all questions in order, their numbers and each row that is spelt like one of their words in these roles."""
    by_key = np.argsort(asked.keys, kind="stable")
    words = asked.questions[:, roles]
    first = np.searchsorted(asked.keys[by_key], words.ravel(), side="left")
    counts = np.searchsorted(asked.keys[by_key], words.ravel(), side="right") - first
    skipped = np.repeat(counts.cumsum() - counts, counts)
    places = np.arange(counts.sum()) - skipped + np.repeat(first, counts)
    numbers = np.repeat(np.arange(words.size) // words.shape[1], counts)
    return numbers, by_key[places]


def _is_right(asked: _Asked, number: int) -> bool:
    """Whether a question is answered rightly whose best scores are too near to each other for single precision."""
    question = asked.questions[number]
    terms = [_terms(cosines, asked.method) for cosines in _cosines_with(asked, question[:3])]
    (_, a), (b, _), (c, _) = terms
    scores = b + c - a
    scores[np.isin(asked.keys, question[:3])] = -np.inf
    rows = np.flatnonzero(scores >= scores.max() - 2 * _rounding(asked))
    best = rows[np.argmax(_exact_scores(asked, np.full(len(rows), number), rows))]
    return bool(asked.keys[best] == question[3])


def _cosines_with(asked: _Asked, words: NDArray[np.int64]) -> NDArray[np.float32]:
    """The cosines of a few words with all searched rows, in single precision; shape ``(words, searched)``."""
    products = _units(asked, words) @ asked.vectors.matrix[: len(asked.keys)].T
    return np.asarray(products / asked.lengths.astype(np.float32), dtype=np.float32)
