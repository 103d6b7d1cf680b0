"""The result of classifying sentences by word vectors: figures, tables of text, and a form that JSON can hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

from lexigrad.corpus.report import counted
from lexigrad.errors import InputError
from lexigrad.evaluation.accuracies import PairedDifference, accuracy_interval, paired_difference, percent
from lexigrad.evaluation.columns import aligned
from lexigrad.evaluation.confusion import ClassScore, Extremes, class_scores, extremes
from lexigrad.evaluation.scores import percents

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from lexigrad.evaluation.erroranalysis import ErrorGroup
    from lexigrad.evaluation.mistakes import Mistake
    from lexigrad.evaluation.scores import Interval
    from lexigrad.evaluation.sentencevectors import Coverage

__all__ = ["Differences", "SentimentResult", "compare_accuracies", "difference_table", "side_by_side"]


class Differences(NamedTuple):
    """How much better one result is than another, on the sentences of each set."""

    dev: PairedDifference
    test: PairedDifference

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values that JSON can hold."""
        return {"dev": self.dev.to_dict(), "test": self.test.to_dict()}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SentimentResult:
    """The results of a classifier on top of word vectors. Accuracies are shares from 0 to 1, intervals at 95 %."""

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
    as_good: list[float]
    """The strengths whose accuracy on the dev set cannot be told from the best: the interval of the paired difference
    holds 0. Below the largest of them, less strength brings nothing."""
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
    groups: list[ErrorGroup]
    """Groups of the dev set's sentences, each with its share among the errors and among all."""
    coverage: Coverage
    """How many of the tokens of all three sets have a vector."""
    dev_right: NDArray[np.bool_] = field(repr=False)
    """Which sentences of the dev set got their label, shape ``(sentences,)``."""
    test_right: NDArray[np.bool_] = field(repr=False)
    """Which sentences of the test set got their label."""
    pipeline: Any = field(repr=False)
    """Vectorizer and classifier, a scikit-learn Pipeline: ``pipeline.predict(["A dull film"])`` gives labels 0 to 4."""

    @property
    def dev_interval(self) -> Interval:
        """The interval of the accuracy on the dev set, by Wilson's score; it knows nothing of the choice made there."""
        return accuracy_interval(int(self.dev_right.sum()), len(self.dev_right))

    @property
    def test_interval(self) -> Interval:
        """The interval of the accuracy on the test set, by Wilson's score."""
        return accuracy_interval(int(self.test_right.sum()), len(self.test_right))

    @property
    def classes(self) -> list[ClassScore]:
        """Recall and precision of each label on the dev set."""
        return class_scores(self.confusion, self.labels)

    @property
    def extremes(self) -> Extremes:
        """How often the two extreme labels are predicted on the dev set, against how often they are the truth."""
        return extremes(self.confusion)

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
        return aligned([("truth", *self.labels), *((label, *map(str, row)) for label, row in rows)])

    def class_table(self) -> str:
        """Recall and precision of each label on the dev set as lines of text, in percent with intervals."""
        rows: list[tuple[str, ...]] = [("label", "truths", "recall", "95 %", "predicted", "precision", "95 %")]
        for score in self.classes:
            recall = (percent(score.recall), percents(score.recall_interval) if score.truths else "–")
            precision = (percent(score.precision), percents(score.precision_interval) if score.predictions else "–")
            rows.append((score.label, f"{score.truths:,}", *recall, f"{score.predictions:,}", *precision))
        return aligned(rows)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; the pipeline and the single answers are left out."""
        left_out = {"pipeline", "dev_right", "test_right"}
        values = {name: getattr(self, name) for name in self.__slots__ if name not in left_out}
        return values | {
            "dev_sentences": len(self.dev_right),
            "dev_interval": list(self.dev_interval),
            "test_sentences": len(self.test_right),
            "test_interval": list(self.test_interval),
            "confusion": self.confusion.tolist(),
            "classes": [score.to_dict() for score in self.classes],
            "extremes": self.extremes.to_dict(),
            "mistakes": [mistake.to_dict() for mistake in self.mistakes],
            "groups": [group.to_dict() for group in self.groups],
            "coverage": self.coverage.to_dict(),
        }


def compare_accuracies(first: SentimentResult, second: SentimentResult) -> Differences:
    """Compare two results on the same sentences: the accuracy of the first less that of the second, paired.

    Args:
        first: the result of `classify_sentiment` for one file of vectors, or one classifier.
        second: the result for another, on the same treebank.

    Returns:
        The differences on the dev set and on the test set, with intervals at 95 %.

    Raises:
        InputError: the results are of different numbers of sentences.
    """
    sizes = [(len(result.dev_right), len(result.test_right)) for result in (first, second)]
    if sizes[0] != sizes[1]:
        raise InputError(
            f"{first.name} and {second.name} classified different sentences, {sizes[0]} and {sizes[1]} of dev and "
            "test; classify the same treebank with both"
        )
    dev = paired_difference(first.dev_right, second.dev_right)
    return Differences(dev, paired_difference(first.test_right, second.test_right))


def side_by_side(results: Sequence[SentimentResult]) -> str:
    """A table of several results, a line each, with the majority's accuracy last; accuracies in percent.

    Args:
        results: at least one result.

    Raises:
        InputError: no results are given.
    """
    if not results:
        raise InputError("side_by_side needs results; give at least one")
    rows: list[tuple[str, ...]] = [
        ("vectors", "dim", "tokens covered", "L2", "parameters", "train", "dev", "95 %", "test", "95 %")
    ]
    for result in results:
        train = result.train_accuracy[result.strengths.index(result.strength)]
        sizes = (f"{result.strength:.3g}", f"{result.parameters:,}")
        dev = (percent(result.best_dev_accuracy), percents(result.dev_interval))
        test = (percent(result.test_accuracy), percents(result.test_interval))
        covered = f"{result.coverage.share:.1%}"
        rows.append((result.name, str(result.dim), covered, *sizes, percent(train), *dev, *test))
    baseline = (percent(results[0].baseline_dev_accuracy), "", percent(results[0].baseline_test_accuracy), "")
    rows.append(("most frequent label", *([""] * 5), *baseline))
    return aligned(rows)


def difference_table(results: Sequence[SentimentResult]) -> str:
    """A table of the paired differences between several results, first less second, in points.

    Args:
        results: at least two results on the same treebank.

    Raises:
        InputError: there are fewer than two results, or they are of different sentences.
    """
    pairs = list(combinations(results, 2))
    if not pairs:
        raise InputError("a difference needs two results; give at least two")
    rows: list[tuple[str, ...]] = [("first", "second", "dev", "95 %", "McNemar", "test", "95 %", "McNemar")]
    for first, second in pairs:
        dev, test = compare_accuracies(first, second)
        rows.append((first.name, second.name, *_cells(dev), *_cells(test)))
    return aligned(rows)


def _cells(found: PairedDifference) -> tuple[str, str, str]:
    low, high = (100 * bound for bound in found.interval)
    return f"{100 * found.difference:+.1f}", f"{low:+.1f} to {high:+.1f}", f"p = {found.p_value:.2g}"
