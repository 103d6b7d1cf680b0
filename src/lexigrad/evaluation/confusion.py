"""The confusion matrix of a classifier, read: recall and precision of each class, and whether extremes are avoided."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np

from lexigrad.errors import InputError
from lexigrad.evaluation.accuracies import PairedDifference, accuracy_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from lexigrad.evaluation.scores import Interval

__all__ = ["ClassScore", "Extremes", "class_scores", "count_confusions", "extremes"]


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How a classifier does on one class.

    Attributes:
        label: the name of the class.
        truths: how many sentences belong to the class.
        predictions: how many sentences were put into it.
        right: how many of these belong there.
    """

    label: str
    truths: int
    predictions: int
    right: int

    @property
    def recall(self) -> float:
        """Of the sentences of the class, the share that was put into it; NaN where there is none."""
        return self.right / self.truths if self.truths else nan

    @property
    def recall_interval(self) -> Interval:
        """The bounds of the recall at 95 %, by Wilson's score."""
        return accuracy_interval(self.right, self.truths)

    @property
    def precision(self) -> float:
        """Of the sentences that were put into the class, the share that belongs there; NaN where there is none."""
        return self.right / self.predictions if self.predictions else nan

    @property
    def precision_interval(self) -> Interval:
        """The bounds of the precision at 95 %, by Wilson's score."""
        return accuracy_interval(self.right, self.predictions)

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values that JSON can hold; what is 0 / 0 becomes None."""
        counts = {name: getattr(self, name) for name in self.__slots__}
        return counts | {
            "recall": self.recall if self.truths else None,
            "recall_interval": list(self.recall_interval) if self.truths else None,
            "precision": self.precision if self.predictions else None,
            "precision_interval": list(self.precision_interval) if self.predictions else None,
        }


@dataclass(frozen=True, slots=True)
class Extremes:
    """How often a classifier says one of the two extreme classes, against how often it is the truth.

    Attributes:
        predictions: the share of the predictions that are the first or the last class.
        truths: the share of the truths that are.
        interval: the bounds of the first less the second at 95 %, of pairs as `PairedDifference` has it.
    """

    predictions: float
    truths: float
    interval: Interval

    @property
    def are_avoided(self) -> bool:
        """Whether extremes are predicted more rarely than they occur, and the interval leaves out 0."""
        return self.interval[1] < 0

    def sentence(self) -> str:
        """The two shares and the interval of their difference, in percent."""
        low, high = (100 * bound for bound in self.interval)
        return (
            f"extremes: {self.predictions:.1%} of the predictions, {self.truths:.1%} of the truths; "
            f"the first less the second at 95 %: {low:+.1f} to {high:+.1f} points"
        )

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values that JSON can hold."""
        return {
            "predictions": self.predictions,
            "truths": self.truths,
            "interval": list(self.interval),
            "are_avoided": self.are_avoided,
        }


def count_confusions(truth: ArrayLike, prediction: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Count how many sentences of each true class (row) were put into each class (column).

    Args:
        truth: the class of each sentence, from 0 to ``classes`` − 1.
        prediction: the class that each was put into.
        classes: the number of classes.

    Returns:
        Shape ``(classes, classes)``.

    Example:
        >>> count_confusions([0, 0, 1], [0, 1, 1], classes=2).tolist()
        [[1, 1], [0, 1]]
    """
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (np.asarray(truth), np.asarray(prediction)), 1)
    return counts


def class_scores(confusion: ArrayLike, labels: Sequence[str]) -> list[ClassScore]:
    """Recall and precision of each class.

    With C the counts, recall is C_kk / Σ_j C_kj, over the row of the true class, and precision C_kk / Σ_j C_jk, over
    the column of the predicted one.

    Args:
        confusion: the counts, shape ``(classes, classes)``: rows are the truth, columns the prediction.
        labels: the names of the classes.

    Returns:
        A score for each class, in their order.

    Raises:
        InputError: the matrix is not square, or has another number of classes than there are labels.

    Example:
        >>> [round(score.recall, 2) for score in class_scores([[8, 2], [5, 5]], ["bad", "good"])]
        [0.8, 0.5]
        >>> [round(score.precision, 2) for score in class_scores([[8, 2], [5, 5]], ["bad", "good"])]
        [0.62, 0.71]
    """
    counts = _square(confusion)
    if len(counts) != len(labels):
        raise InputError(f"a confusion matrix of {len(counts)} classes has {len(labels)} labels; give one for each")
    return [
        ClassScore(label, int(counts[k].sum()), int(counts[:, k].sum()), int(counts[k, k]))
        for k, label in enumerate(labels)
    ]


def extremes(confusion: ArrayLike) -> Extremes:
    """Compare how often the first and the last class are predicted with how often they are the truth.

    Args:
        confusion: the counts, shape ``(classes, classes)``: rows are the truth, columns the prediction.

    Returns:
        The two shares, and the interval of their difference.

    Raises:
        InputError: the matrix is not square, has fewer than three classes, or counts nothing.

    Example:
        >>> extremes([[0, 9, 1], [0, 10, 0], [0, 10, 0]]).predictions
        0.03333333333333333
    """
    counts = _square(confusion)
    if len(counts) < 3 or not counts.sum():
        raise InputError("extremes need a confusion matrix of three classes or more that counts something")
    ends, middle = [0, -1], slice(1, -1)
    both = int(counts[np.ix_(ends, ends)].sum())
    only_predicted, only_true = int(counts[middle, ends].sum()), int(counts[ends, middle].sum())
    pairs = PairedDifference(int(counts.sum()), both, only_predicted, only_true)
    predictions, truths = ((both + only) / pairs.sentences for only in (only_predicted, only_true))
    return Extremes(predictions, truths, pairs.interval)


def _square(confusion: ArrayLike) -> NDArray[np.int64]:
    counts = np.asarray(confusion, dtype=np.int64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise InputError(f"a confusion matrix must be square, but has shape {counts.shape}")
    return counts
