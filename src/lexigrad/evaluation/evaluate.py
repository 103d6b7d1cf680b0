"""Measures word vectors by analogies and by people's ratings of similarity, always with coverage and an interval.

The measures read `KeyedVectors` and nothing else, so vectors of any origin can be measured, and compared on the same
items.
"""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np

from lexigrad.errors import InputError
from lexigrad.evaluation.analogies import Method, are_right
from lexigrad.evaluation.intervals import SEED, of_all, paired_mean, sampled_interval, spearman
from lexigrad.evaluation.scores import METHODS, AnalogyResult, AnalogyScore, Difference, SimilarityResult
from lexigrad.evaluation.testsets import read_analogies, read_rated_pairs
from lexigrad.vectors.search import cosines

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from lexigrad.evaluation.testsets import Analogies
    from lexigrad.vectors.keyedvectors import KeyedVectors

__all__ = [
    "AnalogyResult",
    "AnalogyScore",
    "Difference",
    "SimilarityResult",
    "compare",
    "evaluate_analogies",
    "evaluate_similarity",
]

RESTRICT: Final = 300_000
UNKNOWN: Final = (float("nan"), float("nan"))


def evaluate_analogies(
    vectors: KeyedVectors,
    path: str | os.PathLike[str],
    *,
    restrict: int | None = RESTRICT,
    method: Method = "3cosadd",
    ignore_case: bool = True,
    count_unknown: bool = False,
) -> AnalogyResult:
    r"""Ask "a is to b as c is to ?" for each line ``a b c d`` of a file, and count how often the answer is d.

    3CosAdd answers with the word x that has the largest cos(x, b) − cos(x, a) + cos(x, c), 3CosMul with the largest
    ½(1 + cos(x, b)) · ½(1 + cos(x, c)) / (½(1 + cos(x, a)) + 0.001); x is none of a, b and c.

    Args:
        vectors: the words, as a rule the most frequent first, and their vectors.
        path: the file, such as Google's ``questions-words.txt``; see `lexigrad.evaluation.testsets.read_analogies`.
        restrict: only the first so many words can be asked and can answer; None for all.
        method: ``3cosadd`` or ``3cosmul``.
        ignore_case: spellings that differ in case only are one word, for which the first of them stands.
        count_unknown: count questions with unknown words as wrong ones, in place of leaving them out.

    Returns:
        Accuracy with its coverage, by section and in total. The intervals know which word pairs the questions are made
        of: questions with a pair in common are alike, and intervals that took them for independent would be too narrow.

    Raises:
        FormatError: a line of the file is no question; the message names it.
        InputError: an option has a value that it cannot have, or a vector is not finite.

    Example:
        >>> from lexigrad.vectors.keyedvectors import KeyedVectors
        >>> path = getfixture("tmp_path") / "questions.txt"
        >>> _ = path.write_text(": royals\nMan King Woman Queen\nman king child prince\n")
        >>> vectors = KeyedVectors(["man", "woman", "king", "queen"], [[1, 0], [0, 1], [3, 1], [1, 2.6]])
        >>> total = evaluate_analogies(vectors, path).total
        >>> total.asked, total.answered, total.right, total.accuracy
        (2, 1, 1, 1.0)

    Source: Mikolov et al. 2013, "Efficient estimation of word representations in vector space"; Levy and Goldberg 2014.

    gensim's ``evaluate_word_analogies`` gives the same answers, with these differences: it has no 3CosMul and no
    interval; it breaks ties as its sort happens to, and looks at the five best answers only, which matters where more
    than five spellings differ in case alone; it passes over lines that are no questions.
    """
    if method not in METHODS:
        raise InputError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    asked = read_analogies(path)
    searched = _searched(vectors, restrict)
    keys = _ids(vectors, vectors.words[:searched], searched, ignore_case)
    ids = _ids(vectors, chain.from_iterable(asked.questions), searched, ignore_case).reshape(-1, 4)
    answered = (ids >= 0).all(axis=1)
    outcomes = np.full(len(ids), -1, dtype=np.int8)
    outcomes[answered] = are_right(vectors, ids[answered], keys, method)
    total, *sections = _analogy_scores(asked, outcomes, count_unknown)
    return AnalogyResult(total, tuple(sections), method, restrict, count_unknown, asked, outcomes)


def evaluate_similarity(
    vectors: KeyedVectors,
    path: str | os.PathLike[str],
    *,
    restrict: int | None = RESTRICT,
    ignore_case: bool = True,
    count_unknown: bool = False,
) -> SimilarityResult:
    r"""Correlate the cosines of pairs of words with people's ratings of their similarity.

    Spearman's correlation is Pearson's of the ranks, where equal values share the mean of their ranks.

    Args:
        vectors: the words, as a rule the most frequent first, and their vectors.
        path: the file, ``word word score`` a line; see `lexigrad.evaluation.testsets.read_rated_pairs`.
        restrict: only the first so many words have vectors; None for all.
        ignore_case: spellings that differ in case only are one word, for which the first of them stands.
        count_unknown: count pairs with unknown words as if their cosine were 0, in place of leaving them out.

    Returns:
        Both correlations and the coverage; the intervals, which take longer, are computed when first asked for.

    Raises:
        FormatError: a line of the file is no rated pair; the message names it.
        InputError: an option has a value that it cannot have, or a vector is not finite.

    Example:
        >>> from lexigrad.vectors.keyedvectors import KeyedVectors
        >>> path = getfixture("tmp_path") / "pairs.txt"
        >>> _ = path.write_text("cup mug 9.5\ncup idea 0.5\nmug idea 1.5\ncup saucer 6\n")
        >>> result = evaluate_similarity(KeyedVectors(["cup", "mug", "idea"], [[1, 0], [3, 1], [0, 1]]), path)
        >>> result.asked, result.answered, round(result.spearman, 6)
        (4, 3, 1.0)

    Source: Finkelstein et al. 2002, "Placing search in context"; Spearman 1904.

    gensim's ``evaluate_word_pairs`` gives the same correlations, with p-values in place of intervals; it computes the
    cosines in single precision and passes over lines that are no rated pairs.
    """
    rated = read_rated_pairs(path)
    ids = _ids(vectors, chain.from_iterable(rated.pairs), _searched(vectors, restrict), ignore_case).reshape(-1, 2)
    answered = (ids >= 0).all(axis=1)
    found = np.full(len(ids), 0.0 if count_unknown else np.nan)
    found[answered] = _cosines(vectors, *ids[answered].T)
    return SimilarityResult(len(ids), int(answered.sum()), restrict, count_unknown, rated, found)


def compare(first: AnalogyResult | SimilarityResult, second: AnalogyResult | SimilarityResult) -> Difference:
    r"""Compare two sets of vectors on the items that both could answer, with an interval of the paired difference.

    Args:
        first: the result of one set of vectors.
        second: the result of the other set on the same file.

    Returns:
        The difference of the two accuracies, or of the two Spearman correlations.

    Raises:
        InputError: the results are not of the same items.

    Example:
        >>> from lexigrad.vectors.keyedvectors import KeyedVectors
        >>> path = getfixture("tmp_path") / "pairs.txt"
        >>> _ = path.write_text("cup mug 9.5\ncup idea 0.5\nmug idea 1.5\n")
        >>> result = evaluate_similarity(KeyedVectors(["cup", "mug", "idea"], [[1, 0], [3, 1], [0, 1]]), path)
        >>> compare(result, result).distinguishable
        False
    """
    if (
        isinstance(first, AnalogyResult)
        and isinstance(second, AnalogyResult)
        and first.asked.questions == second.asked.questions
    ):
        return _compare_analogies(first, second)
    if (
        isinstance(first, SimilarityResult)
        and isinstance(second, SimilarityResult)
        and (first.rated.pairs, first.rated.ratings) == (second.rated.pairs, second.rated.ratings)
    ):
        return _compare_similarities(first, second)
    raise InputError("the two results are not of the same items; evaluate both vectors on one file")


def _compare_analogies(first: AnalogyResult, second: AnalogyResult) -> Difference:
    outcomes = [_counted_outcomes(result.outcomes, result.count_unknown) for result in (first, second)]
    common = (outcomes[0] >= 0) & (outcomes[1] >= 0)
    x, y = (outcome[common].astype(np.float64) for outcome in outcomes)
    if not common.any():
        return Difference("accuracy", 0, *UNKNOWN, UNKNOWN)
    bounds = paired_mean(x - y, _pairs(first.asked)[common], _sections(first.asked)[common]).difference
    return Difference("accuracy", len(x), float(x.mean()), float(y.mean()), bounds)


def _compare_similarities(first: SimilarityResult, second: SimilarityResult) -> Difference:
    common = ~np.isnan(first.cosines) & ~np.isnan(second.cosines)
    ratings = np.array(first.rated.ratings)[common]
    one, other = (partial(spearman, ratings, result.cosines[common]) for result in (first, second))
    items = len(ratings)
    bounds = sampled_interval(lambda counts: one(counts) - other(counts), items, SEED)
    return Difference("spearman", items, of_all(one, items), of_all(other, items), bounds)


def _searched(vectors: KeyedVectors, restrict: int | None) -> int:
    """How many of the first words can be asked and can answer."""
    if restrict is not None and (isinstance(restrict, bool) or restrict < 1):
        raise InputError(f"restrict must be at least 1, or None for all words, not {restrict!r}")
    return len(vectors) if restrict is None else min(restrict, len(vectors))


def _ids(vectors: KeyedVectors, words: Iterable[str], searched: int, ignore_case: bool) -> NDArray[np.int64]:
    """The row of each word, the first of those that differ in case only; −1 where it is not among those searched."""
    found = vectors.any_case.first_ids(words) if ignore_case else [vectors.word_ids.get(word, -1) for word in words]
    ids = np.array(found, dtype=np.int64)
    return np.where(ids < searched, ids, -1)


def _cosines(vectors: KeyedVectors, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float64]:
    """The cosines of rows with rows; only these rows are read, so that of a mapped file the rest stays on the disk."""
    a, b = (vectors.matrix[ids].astype(np.float64) for ids in (first, second))
    if not np.isfinite([a, b]).all():
        _ = vectors.lengths  # raises, and names the word
    return cosines(a, b)


def _analogy_scores(asked: Analogies, outcomes: NDArray[np.int8], count_unknown: bool) -> list[AnalogyScore]:
    """The score of all questions, then the scores of the sections."""
    ends = (*asked.starts[1:], len(outcomes))
    parts = [slice(0, len(outcomes)), *(slice(*bounds) for bounds in zip(asked.starts, ends, strict=True))]
    counted = _counted_outcomes(outcomes, count_unknown)
    pairs, sections = _pairs(asked), _sections(asked)
    scores = []
    for name, part in zip(("total", *asked.sections), parts, strict=True):
        counts = np.arange(part.start, part.stop)[counted[part] >= 0]
        values = counted[counts]
        scores.append(
            AnalogyScore(
                name,
                asked=part.stop - part.start,
                answered=int((outcomes[part] >= 0).sum()),
                right=int(values.sum()),
                accuracy=float(values.mean()) if len(values) else float("nan"),
                interval=paired_mean(values, pairs[counts], sections[counts]).share if len(values) else UNKNOWN,
            )
        )
    return scores


def _counted_outcomes(outcomes: NDArray[np.int8], count_unknown: bool) -> NDArray[np.int8]:
    """The outcomes, with 0 for unknown words if those count as wrong; questions that do not count keep their −1."""
    return np.maximum(outcomes, 0) if count_unknown else outcomes


def _pairs(asked: Analogies) -> NDArray[np.int64]:
    """The numbers of the two word pairs that each question is made of, shape ``(questions, 2)``."""
    numbers: dict[tuple[str, str], int] = {}
    halves = [half for a, b, c, d in asked.questions for half in ((a, b), (c, d))]
    return np.array([numbers.setdefault(half, len(numbers)) for half in halves], dtype=np.int64).reshape(-1, 2)


def _sections(asked: Analogies) -> NDArray[np.int64]:
    """The number of each question's section, shape ``(questions,)``."""
    return np.searchsorted(asked.starts, np.arange(len(asked.questions)), side="right")
