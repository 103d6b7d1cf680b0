"""The sentiment of sentences from the mean of their words' vectors: how good vectors are at another task.

A sentence becomes the mean of its words' vectors, x, and a classifier gives each label a probability: softmax
regression, ŷ = softmax(xW + b), or with ``hidden`` a layer of sigmoids before it. Both learn by minimizing

    Σ CE(y, ŷ) + λ/2 · Σ |W|²

over the training set, for each strength λ of a sweep. The strength with the best accuracy on the dev set is taken, and
the test set is asked once. Confusions and errors are shown on the dev set, so that a reader who learns from them has
still seen nothing of the test set. The classifiers are scikit-learn's; the module knows vectors, and not how they were
made.
"""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.errors import InputError
from lexigrad.evaluation.accuracies import accuracy_interval, paired_difference
from lexigrad.evaluation.classifiers import fit_classifier, is_converged, parameter_count
from lexigrad.evaluation.confusion import count_confusions
from lexigrad.evaluation.erroranalysis import error_groups, group_table
from lexigrad.evaluation.mistakes import Mistake, answers_of
from lexigrad.evaluation.sentencevectors import SentenceVectorizer
from lexigrad.evaluation.sentimentresult import SentimentResult, compare_accuracies, difference_table, side_by_side
from lexigrad.evaluation.treebank import LABELS, SPLITS, check_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from lexigrad.evaluation.sentencevectors import Coverage
    from lexigrad.evaluation.treebank import StanfordSentiment
    from lexigrad.vectors.keyedvectors import KeyedVectors

__all__ = [
    "STRENGTHS",
    "Mistake",
    "SentimentResult",
    "accuracy_interval",
    "classify_sentiment",
    "compare_accuracies",
    "difference_table",
    "group_table",
    "paired_difference",
    "side_by_side",
]

STRENGTHS: Final = tuple(10.0 ** (exponent / 2) for exponent in range(-8, 5))
"""From 1e-4 to 100, two to each power of ten."""

LARGEST: Final = float(np.finfo(np.float32).max) ** 0.5
"""The largest number whose square is finite in 32 bits; with larger ones the sums of squares of a fit are worthless."""

EXAMPLES: Final = 2
"""How many errors to show of each group, if as many are kept at all."""


def classify_sentiment(
    vectors: KeyedVectors,
    treebank: StanfordSentiment,
    strengths: Iterable[float] = STRENGTHS,
    *,
    name: str = "vectors",
    hidden: int | None = None,
    seed: int = 1,
    mistakes: int = 10,
    progress: Callable[[int, int], None] | None = None,
) -> SentimentResult:
    r"""Train a classifier of sentences on word vectors, choose its strength on the dev set, and test it once.

    It minimizes Σ CE(y, ŷ) + λ/2 · Σ |W|² over the training set for each strength λ; biases are not held small. Here
    x is the mean of a sentence's vectors, and ŷ = softmax(xW + b) or, with ``hidden``, ŷ = softmax(σ(xW₁ + b₁)W₂ + b₂).
    These are statements 5, 6 and 15 to 17 of the derivations.

    Args:
        vectors: the words' vectors, of any origin.
        treebank: the sentences with their labels.
        strengths: the sweep of λ, each above 0; in any order.
        name: the name of the vectors in the result and in messages, such as their file's.
        hidden: units of the hidden layer of sigmoids; None for softmax regression.
        seed: draws the hidden layer's first weights; softmax regression needs none, as it has one minimum only.
        mistakes: how many of the worst errors on the dev set to keep.
        progress: called with the number of strengths that are done, and the number of all.

    Returns:
        Accuracies with intervals, confusion matrix, groups of errors, worst errors and coverage.

    Raises:
        InputError: no token has a vector, a vector's numbers are so large that their squares overflow, the training
            set has one label only, or an argument is out of its range.
        CorpusError: a file of the treebank is missing or empty.
        FormatError: a line of the treebank is malformed.
        MissingExtraError: scikit-learn is not installed.

    Example:
        >>> from lexigrad.vectors.keyedvectors import KeyedVectors
        >>> from lexigrad.evaluation.treebank import SPLITS, StanfordSentiment
        >>> folder = getfixture("tmp_path")
        >>> for split in SPLITS:
        ...     _ = (folder / f"{split}.txt").write_text("(4 (3 Great) (2 fun))\n(0 (1 Dull) (2 film))\n")
        >>> vectors = KeyedVectors(["great", "dull", "film"], [[1, 0], [-1, 0], [0, 1]])
        >>> result = classify_sentiment(vectors, StanfordSentiment(folder), name="tiny")
        >>> result.best_dev_accuracy, result.coverage.share
        (1.0, 0.75)
        >>> result.pipeline.predict(["a great film"]).tolist()
        [4]
    """
    swept = _checked_strengths(strengths)
    _check_sizes(hidden, seed, mistakes)
    check_labels(treebank)
    sets = _sets(SentenceVectorizer(vectors), treebank)
    _check_trainable(name, treebank, sets)
    classifiers = []
    for done, strength in enumerate(swept, start=1):
        classifiers.append(fit_classifier(*sets.train, strength, hidden=hidden, seed=seed))
        if progress is not None:
            progress(done, len(swept))
    return _result(name, hidden, swept, classifiers, sets, mistakes)


class _Features(NamedTuple):
    """A set of sentences as the classifier sees it."""

    x: NDArray[np.float64]
    labels: NDArray[np.int64]


class _Sets(NamedTuple):
    """The treebank as these vectors see it."""

    train: _Features
    dev: _Features
    test: _Features
    dev_sentences: Sequence[Sequence[str]]
    dev_unknown: Sequence[int]
    """For each sentence of the dev set, how many of its tokens have no vector."""
    coverage: Coverage
    vectorizer: SentenceVectorizer


def _sets(vectorizer: SentenceVectorizer, treebank: StanfordSentiment) -> _Sets:
    sentences = [treebank.sentences(split) for split in SPLITS]
    train, dev, test = (
        _Features(vectorizer.transform(of_split), treebank.labels(split))
        for split, of_split in zip(SPLITS, sentences, strict=True)
    )
    coverage = vectorizer.coverage(chain.from_iterable(sentences))
    of_each = (vectorizer.coverage([tokens]) for tokens in sentences[1])
    unknown = [found.tokens - found.known for found in of_each]
    return _Sets(train, dev, test, sentences[1], unknown, coverage, vectorizer)


def _result(
    name: str, hidden: int | None, strengths: list[float], classifiers: list[Any], sets: _Sets, mistakes: int
) -> SentimentResult:
    """The accuracies of the classifiers of a sweep, and all results of the one that is best on the dev set."""
    dev_right = [_right(classifier, sets.dev) for classifier in classifiers]
    dev_accuracy = [float(right.mean()) for right in dev_right]
    best = max(range(len(strengths)), key=lambda place: (dev_accuracy[place], strengths[place]))
    chosen, vectors = classifiers[best], sets.vectorizer.vectors
    answers = answers_of(chosen, *sets.dev, sets.dev_sentences)
    test_right = _right(chosen, sets.test)
    return SentimentResult(
        name=name,
        words=len(vectors),
        dim=vectors.dim,
        hidden=hidden,
        parameters=parameter_count(chosen),
        labels=list(LABELS),
        strengths=strengths,
        train_accuracy=[float(_right(classifier, sets.train).mean()) for classifier in classifiers],
        dev_accuracy=dev_accuracy,
        unconverged=[strength for strength, each in zip(strengths, classifiers, strict=True) if not is_converged(each)],
        as_good=_as_good(strengths, dev_right, best),
        strength=strengths[best],
        best_dev_accuracy=dev_accuracy[best],
        test_accuracy=float(test_right.mean()),
        baseline_dev_accuracy=_majority_accuracy(sets.train, sets.dev),
        baseline_test_accuracy=_majority_accuracy(sets.train, sets.test),
        confusion=count_confusions(answers.truths, answers.predictions, len(LABELS)),
        mistakes=answers.by_truth(mistakes),
        groups=error_groups(answers, sets.dev_unknown, min(mistakes, EXAMPLES)),
        coverage=sets.coverage,
        dev_right=dev_right[best],
        test_right=test_right,
        pipeline=_pipeline(sets.vectorizer, chosen),
    )


def _right(classifier: Any, features: _Features) -> NDArray[np.bool_]:
    """Whether each sentence gets its label."""
    return np.asarray(classifier.predict(features.x) == features.labels)


def _as_good(strengths: list[float], right: list[NDArray[np.bool_]], best: int) -> list[float]:
    """The strengths that cannot be told from the best on the dev set."""
    differences = [paired_difference(right[best], other) for other in right]
    return [strength for strength, found in zip(strengths, differences, strict=True) if not found.distinguishable]


def _majority_accuracy(train: _Features, features: _Features) -> float:
    """The accuracy of always giving the most frequent label of the training set."""
    return float((features.labels == np.bincount(train.labels).argmax()).mean())


def _pipeline(vectorizer: SentenceVectorizer, classifier: Any) -> Any:
    from sklearn.pipeline import make_pipeline

    return make_pipeline(vectorizer, classifier)


def _checked_strengths(strengths: Iterable[float]) -> list[float]:
    """The strengths of the sweep in rising order, each once."""
    swept = sorted({float(strength) for strength in strengths})
    if not swept or not all(0 < strength < math.inf for strength in swept):
        raise InputError(f"strengths must be one or more finite numbers above 0, not {swept}")
    return swept


def _check_sizes(hidden: int | None, seed: int, mistakes: int) -> None:
    if hidden is not None and hidden < 1:
        raise InputError(f"hidden must be at least 1, or None for no hidden layer, not {hidden!r}")
    if not 0 <= seed < 2**32:
        raise InputError(f"seed must be from 0 to {2**32 - 1:,}, not {seed!r}")
    if mistakes < 0:
        raise InputError(f"mistakes must be at least 0, not {mistakes!r}")


def _check_trainable(name: str, treebank: StanfordSentiment, sets: _Sets) -> None:
    coverage = sets.coverage
    if not coverage.known:
        raise InputError(
            f"{name}: none of the {coverage.tokens:,} tokens of {treebank.folder} has a vector, "
            f"not even {next(iter(coverage.unknown))!r}; give vectors of words of the same language"
        )
    largest = max(float(np.abs(features.x).max()) for features in (sets.train, sets.dev, sets.test))
    if largest > LARGEST:
        raise InputError(
            f"{name}: the mean vector of a sentence holds a number of size {largest:.2g}, whose square overflows in 32 "
            "bits; scale the vectors, such as by dividing all of them by their mean length"
        )
