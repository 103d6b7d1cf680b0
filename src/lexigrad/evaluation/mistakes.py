"""What a classifier answered on labelled sentences, and its mistakes, the worst first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.evaluation.treebank import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["Answers", "Mistake", "answers_of"]

NEUTRAL: Final = 2


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

    @property
    def margin(self) -> float:
        """By how much the wrong label is more probable to the classifier than the true one."""
        return self.probability - self.truth_probability

    def line(self) -> str:
        """The labels with their probabilities, and the sentence."""
        wrong = f"{self.prediction} ({self.probability:.0%})"
        return f"{self.truth} ({self.truth_probability:.0%}), taken for {wrong}: {self.sentence}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {name: getattr(self, name) for name in self.__slots__} | {"margin": self.margin}


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The labels that a classifier gave to sentences, beside the true ones.

    Attributes:
        sentences: the tokens of each sentence.
        truths: the true label of each, from 0 to 4.
        predictions: the predicted label of each.
        probabilities: the classifier's probability of each label, shape ``(sentences, 5)``.
    """

    sentences: Sequence[Sequence[str]]
    truths: NDArray[np.int64]
    predictions: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each sentence got its label."""
        return np.asarray(self.predictions == self.truths)

    @property
    def reversed(self) -> NDArray[np.bool_]:
        """Whether praise was taken for blame or blame for praise; a neutral truth or prediction is neither."""
        return np.asarray((self.predictions - NEUTRAL) * (self.truths - NEUTRAL) < 0)

    def by_truth(self, number: int) -> list[Mistake]:
        """The mistakes whose true label got the smallest probability, so many of them."""
        return self._mistakes(self._of_truths, range(len(self.truths)), number)

    def by_margin(self, number: int, among: Iterable[int]) -> list[Mistake]:
        """The mistakes with the largest margins, so many of those among some sentences."""
        rows = np.arange(len(self.truths))
        return self._mistakes(self._of_truths - self.probabilities[rows, self.predictions], among, number)

    @property
    def _of_truths(self) -> NDArray[np.float64]:
        """The probability of each sentence's true label."""
        return np.asarray(self.probabilities[np.arange(len(self.truths)), self.truths])

    def _mistakes(self, order: NDArray[np.float64], among: Iterable[int], number: int) -> list[Mistake]:
        wrong = [row for row in among if self.predictions[row] != self.truths[row]]
        return [
            Mistake(
                sentence=" ".join(self.sentences[row]),
                truth=LABELS[self.truths[row]],
                prediction=LABELS[self.predictions[row]],
                probability=float(self.probabilities[row, self.predictions[row]]),
                truth_probability=float(self._of_truths[row]),
            )
            for row in sorted(wrong, key=lambda row: order[row])[:number]
        ]


def answers_of(
    classifier: Any, x: NDArray[np.float64], truths: NDArray[np.int64], sentences: Sequence[Sequence[str]]
) -> Answers:
    """Ask a fitted classifier for the labels of sentences; a label that it was never shown has probability 0.

    Args:
        classifier: one of scikit-learn's, with ``classes_``, ``predict`` and ``predict_proba``.
        x: the sentences' vectors, shape ``(sentences, dim)``.
        truths: the true label of each sentence, from 0 to 4.
        sentences: the tokens of each sentence.
    """
    probabilities = np.zeros((len(truths), len(LABELS)))
    probabilities[:, classifier.classes_] = classifier.predict_proba(x)
    return Answers(sentences, truths, classifier.predict(x), probabilities)
