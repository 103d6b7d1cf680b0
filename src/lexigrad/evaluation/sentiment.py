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
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.corpus.report import counted
from lexigrad.errors import InputError
from lexigrad.evaluation.classifiers import fit_classifier, is_converged, parameter_count
from lexigrad.evaluation.sentencevectors import Coverage, SentenceVectorizer
from lexigrad.evaluation.treebank import LABELS, SPLITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from lexigrad.evaluation.treebank import StanfordSentiment
    from lexigrad.vectors.keyedvectors import KeyedVectors

__all__ = [
    "STRENGTHS",
    "Mistake",
    "SentimentResult",
    "classify_sentiment",
    "side_by_side",
]

STRENGTHS: Final = tuple(10.0 ** (exponent / 2) for exponent in range(-8, 5))
"""From 1e-4 to 100, two to each power of ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A sentence that got the wrong label."""

    sentence: str
    truth: str
    prediction: str
    probability: float
    """The classifier's probability of the predicted label."""
    truth_probability: float
    """The classifier's probability of the true label."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SentimentResult:
    """The results of a classifier on top of word vectors. Accuracies are shares from 0 to 1."""

    name: str
    words: int
    dim: int
    hidden: int | None
    """The size of the hidden layer; None for softmax regression."""
    parameters: int
    """How many numbers the classifier learned."""
    labels: list[str]
    strengths: list[float]
    """The strengths of the sweep, rising; the next two lists have an accuracy for each of them."""
    train_accuracy: list[float]
    dev_accuracy: list[float]
    unconverged: list[float]
    """The strengths at which the optimizer stopped before it was done."""
    strength: float
    """The strength that is best on the dev set; of equally good ones the largest."""
    best_dev_accuracy: float
    test_accuracy: float
    baseline_dev_accuracy: float
    """The accuracy on the dev set of always giving the most frequent label of the training set."""
    baseline_test_accuracy: float
    """The accuracy of that answer on the test set."""
    confusion: NDArray[np.int64]
    """The counts of labels on the dev set, shape ``(labels, labels)``: rows are the truth, columns the prediction."""
    mistakes: list[Mistake]
    """Errors on the dev set, those first whose true label got the smallest probability."""
    coverage: Coverage
    """How many of the tokens of all three sets have a vector."""
    pipeline: Any = field(repr=False)
    """Vectorizer and classifier, a scikit-learn Pipeline: ``pipeline.predict(["A dull film"])`` gives labels 0 to 4."""

    def summary(self) -> str:
        """The accuracies, the coverage and the size in one line of text."""
        stopped = ", ".join(f"{strength:g}" for strength in self.unconverged)
        return (
            f"{self.name}: dev {self.best_dev_accuracy:.1%}, test {self.test_accuracy:.1%} at L2 {self.strength:g}; "
            f"{self.coverage.share:.1%} of {self.coverage.tokens:,} tokens have a vector; "
            f"{counted(self.parameters, 'parameter')}"
            + (f"; stopped before the minimum at L2 {stopped}" if stopped else "")
        )

    def confusion_table(self) -> str:
        """The confusion matrix on the dev set as lines of text: a line a true label, a column a predicted one."""
        rows = zip(self.labels, self.confusion.tolist(), strict=True)
        return _aligned([("truth", *self.labels), *((label, *map(str, row)) for label, row in rows)])

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; the pipeline is left out."""
        values = {name: getattr(self, name) for name in self.__slots__ if name != "pipeline"}
        return values | {
            "confusion": self.confusion.tolist(),
            "mistakes": [mistake.to_dict() for mistake in self.mistakes],
            "coverage": self.coverage.to_dict(),
        }


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
        Accuracies, confusion matrix, worst errors and coverage.

    Raises:
        InputError: no token has a vector, the training set has one label only, or an argument is out of its range.
        CorpusError: a file of the treebank is missing or empty.
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
    sets = _sets(SentenceVectorizer(vectors), treebank)
    _check_trainable(name, treebank, sets)
    classifiers = []
    for done, strength in enumerate(swept, start=1):
        classifiers.append(fit_classifier(*sets.train, strength, hidden=hidden, seed=seed))
        if progress is not None:
            progress(done, len(swept))
    return _result(name, hidden, swept, classifiers, sets, mistakes)


def side_by_side(results: Sequence[SentimentResult]) -> str:
    """A table of several results, a line each, with the majority's accuracy last; accuracies in percent.

    Args:
        results: at least one result.

    Raises:
        InputError: no results are given.
    """
    if not results:
        raise InputError("side_by_side needs results; give at least one")
    rows: list[tuple[str, ...]] = [("vectors", "dim", "tokens covered", "L2", "parameters", "train", "dev", "test")]
    for result in results:
        train = result.train_accuracy[result.strengths.index(result.strength)]
        sizes = (f"{result.strength:.3g}", f"{result.parameters:,}")
        shares = (f"{share:.1%}"[:-1] for share in (train, result.best_dev_accuracy, result.test_accuracy))
        rows.append((result.name, str(result.dim), f"{result.coverage.share:.1%}", *sizes, *shares))
    baseline = (results[0].baseline_dev_accuracy, results[0].baseline_test_accuracy)
    rows.append(("most frequent label", *([""] * 5), *(f"{share:.1%}"[:-1] for share in baseline)))
    return _aligned(rows)


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
    coverage: Coverage
    vectorizer: SentenceVectorizer


def _sets(vectorizer: SentenceVectorizer, treebank: StanfordSentiment) -> _Sets:
    sentences = [treebank.sentences(split) for split in SPLITS]
    train, dev, test = (
        _Features(vectorizer.transform(of_split), treebank.labels(split))
        for split, of_split in zip(SPLITS, sentences, strict=True)
    )
    coverage = vectorizer.coverage(chain.from_iterable(sentences))
    return _Sets(train, dev, test, treebank.sentences("dev"), coverage, vectorizer)


def _result(
    name: str, hidden: int | None, strengths: list[float], classifiers: list[Any], sets: _Sets, mistakes: int
) -> SentimentResult:
    """The accuracies of the classifiers of a sweep, and all results of the one that is best on the dev set."""
    dev_accuracy = [_accuracy(classifier, sets.dev) for classifier in classifiers]
    best = max(range(len(strengths)), key=lambda place: (dev_accuracy[place], strengths[place]))
    chosen, vectors = classifiers[best], sets.vectorizer.vectors
    return SentimentResult(
        name=name,
        words=len(vectors),
        dim=vectors.dim,
        hidden=hidden,
        parameters=parameter_count(chosen),
        labels=list(LABELS),
        strengths=strengths,
        train_accuracy=[_accuracy(classifier, sets.train) for classifier in classifiers],
        dev_accuracy=dev_accuracy,
        unconverged=[strength for strength, each in zip(strengths, classifiers, strict=True) if not is_converged(each)],
        strength=strengths[best],
        best_dev_accuracy=dev_accuracy[best],
        test_accuracy=_accuracy(chosen, sets.test),
        baseline_dev_accuracy=_majority_accuracy(sets.train, sets.dev),
        baseline_test_accuracy=_majority_accuracy(sets.train, sets.test),
        confusion=_confusion(sets.dev.labels, chosen.predict(sets.dev.x)),
        mistakes=_worst_mistakes(chosen, sets.dev, sets.dev_sentences, mistakes),
        coverage=sets.coverage,
        pipeline=_pipeline(sets.vectorizer, chosen),
    )


def _accuracy(classifier: Any, features: _Features) -> float:
    return float((classifier.predict(features.x) == features.labels).mean())


def _majority_accuracy(train: _Features, features: _Features) -> float:
    """The accuracy of always giving the most frequent label of the training set."""
    return float((features.labels == np.bincount(train.labels).argmax()).mean())


def _confusion(truth: NDArray[np.int64], prediction: NDArray[np.int64]) -> NDArray[np.int64]:
    confusion = np.zeros((len(LABELS), len(LABELS)), dtype=np.int64)
    np.add.at(confusion, (truth, prediction), 1)
    return confusion


def _worst_mistakes(
    classifier: Any, features: _Features, sentences: Sequence[Sequence[str]], number: int
) -> list[Mistake]:
    """The wrongly labelled sentences whose true label got the smallest probability."""
    rows = np.arange(len(features.labels))
    probabilities = np.zeros((len(rows), len(LABELS)))  # 0 for labels that the training set lacks
    probabilities[:, classifier.classes_] = classifier.predict_proba(features.x)
    predictions = classifier.predict(features.x)
    of_truth = probabilities[rows, features.labels]
    wrong = rows[predictions != features.labels]
    return [
        Mistake(
            sentence=" ".join(sentences[row]),
            truth=LABELS[features.labels[row]],
            prediction=LABELS[predictions[row]],
            probability=float(probabilities[row, predictions[row]]),
            truth_probability=float(of_truth[row]),
        )
        for row in wrong[np.argsort(of_truth[wrong], kind="stable")][:number]
    ]


def _pipeline(vectorizer: SentenceVectorizer, classifier: Any) -> Any:
    from sklearn.pipeline import make_pipeline

    return make_pipeline(vectorizer, classifier)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns padded to the same width; the first to the right, the others, numbers, to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = ([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in rows)
    return "\n".join("  ".join(row).rstrip() for row in padded)


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
    coverage, labels = sets.coverage, sets.train.labels
    if not coverage.known:
        raise InputError(
            f"{name}: none of the {coverage.tokens:,} tokens of {treebank.folder} has a vector, "
            f"not even {next(iter(coverage.unknown))!r}; give vectors of words of the same language"
        )
    if (labels == labels[0]).all():
        raise InputError(
            f"{treebank.file_of('train')}: all {len(labels):,} sentences of the training set have the label "
            f"{labels[0]} ({LABELS[labels[0]]}); a classifier needs two labels at least"
        )
