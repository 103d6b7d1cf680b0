"""Training a model further on other text: the rows that its words have there, and the model of all words together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lexigrad.corpus.vocabulary import Vocabulary
from lexigrad.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig
    from lexigrad.training.model import Word2Vec

    Floats = NDArray[np.float32]

__all__ = ["Start"]


class Start:
    """A model from which training starts.

    Args:
        model: the model.
        config: the options of the training.

    Raises:
        InputError: the options do not suit the model.
    """

    def __init__(self, model: Word2Vec, config: TrainConfig) -> None:
        if not config.has_effect("seed"):  # without a seed the end does not depend on the start
            raise InputError(
                f"{config.solver} ends where it ends, from wherever it starts; train further with solver='sgd'"
            )
        if config.dim != model.config.dim:
            raise InputError(f"the model has dim {model.config.dim}, and dim is {config.dim} here; give the same")
        if model.bias is not None:
            raise InputError("the model has a bias, as exact training makes one, and SGD trains none; take one by SGD")
        if config.phrases and model.phrases is None:
            raise InputError("the model was trained without phrases; leave phrases out, or train a new model")
        self.model = model

    def put(self, vocabulary: Vocabulary, V: Floats, U: Floats) -> None:
        """Copy the model's rows to the rows that its words have in the tables of a vocabulary."""
        rows, known = self._rows(vocabulary)
        V[rows], U[rows] = self.model.V[known], self.model.U[known]

    def joined(self, trained: Word2Vec) -> Word2Vec:
        """The trained model with the words that it lacks, as they were; the counts of both texts add up."""
        start, others = self.model.vocabulary, trained.vocabulary
        counts = dict(zip(start.words, start.counts.tolist(), strict=True))
        for word, count in zip(others.words, others.counts.tolist(), strict=True):
            counts[word] = counts.get(word, 0) + count
        vocabulary = Vocabulary.from_counts(counts)
        shape = len(vocabulary), trained.config.dim
        V, U = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.float32)
        for model in (self.model, trained):  # in this order, so that a word of both has its trained rows
            rows = [vocabulary.word_ids[word] for word in model.vocabulary]
            V[rows], U[rows] = model.V, model.U
        return replace(trained, V=V, U=U, vocabulary=vocabulary)

    def _rows(self, vocabulary: Vocabulary) -> tuple[list[int], list[int]]:
        """The rows that words of both have in the vocabulary, and in the model."""
        ids = self.model.vocabulary.word_ids
        known = [(row, ids[word]) for row, word in enumerate(vocabulary) if word in ids]
        return [row for row, _ in known], [word_id for _, word_id in known]
