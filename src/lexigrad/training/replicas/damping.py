"""How strongly replicas' changes are damped when they are merged, by the vocabulary and the options.

The equation is `lexigrad.reference.merged_row`; docs/concepts/replicas.md says where its constants come from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from lexigrad.engines.cores import one_blas_thread
from lexigrad.training.replicas.calls import Directions
from lexigrad.training.replicas.changes import Pair

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig
    from lexigrad.corpus.vocabulary import Vocabulary

    Doubles = NDArray[np.float64]

__all__ = ["Damping"]

STIFFNESS: Final = {"V": 0.0733, "U": 0.12}
"""How much of an eigenvalue resists, for one prediction at a learning rate of 1: σ' times the share that a mean pair
has left of it."""

FRICTION: Final = 0.0033
"""Resistance in every direction, beside that of its eigenvalue."""

DIRECTIONS: Final = 24
"""Leading eigenvectors; the eigenvalues of the others are taken as equal."""


class Damping:
    """Expected updates of each row, and the directions in which replicas' changes conflict.

    Args:
        vocabulary: the vocabulary of the text that is trained on.
        config: the options.
    """

    def __init__(self, vocabulary: Vocabulary, config: TrainConfig) -> None:
        share = vocabulary.counts / vocabulary.counts.sum()
        kept = share * vocabulary.keep_probability(config.subsample)
        noise = vocabulary.noise_distribution(config.noise_exponent)
        pairs = float(config.window + 1 if config.dynamic_window else 2 * config.window)  # of a word, about
        self.noise, self.kept = noise, kept / kept.sum()
        self._config, self._pairs = config, pairs
        self._a_token = Pair(pairs * kept, kept + config.negatives * kept.sum() * noise)

    def updates(self, tokens: float, first: int, last: int) -> Pair:
        """Expected updates of rows of V and of U while a replica trains some tokens, given that a row gets any."""
        return Pair(*(_given_any(rates[first:last] * tokens) for rates in self._a_token))

    def weights(self, rows: int) -> Pair:
        """Weights of the first rows of V and of U in their sums: a row of U mostly meets V as a negative."""
        return Pair(self.kept[:rows] / self.kept[:rows].sum(), self.noise[:rows] / self.noise[:rows].sum())

    def directions(self, moments: Pair, rate: float) -> Pair:
        """Directions in which changes of V and of U are damped, given the sums of both tables and a learning rate."""
        config, pairs = self._config, self._pairs
        for_V, for_U = rate * (1 + config.negatives), rate * pairs
        if config.model == "cbow":
            for_V, for_U = rate * (1 + config.negatives), rate
            if config.cbow_update == "gradient":
                for_V /= pairs
        return Pair(_directions(moments.U, for_V, STIFFNESS["V"]), _directions(moments.V, for_U, STIFFNESS["U"]))


def _given_any(expected: Doubles) -> Doubles:
    """The mean of a Poisson number, given that it is not 0."""
    safe = np.maximum(expected, 1e-6)
    mean: Doubles = np.where(expected > 1e-6, safe / -np.expm1(-safe), 1.0)
    return mean


def _directions(moments: Doubles, rate: float, stiffness: float) -> Directions:
    """The leading eigenvectors of one table's sums, and how y grows along them with each update of the other's rows."""
    whole = np.triu(moments) + np.triu(moments, 1).T
    with one_blas_thread():
        values, vectors = np.linalg.eigh(whole)
    values, vectors = np.maximum(values[::-1], 0), vectors.T[::-1]
    leading = min(DIRECTIONS, values.size)
    rest = values[leading:].mean() if leading < values.size else 0.0
    slopes = rate * (stiffness * np.append(values[:leading], rest) + FRICTION)
    return Directions(np.ascontiguousarray(vectors[:leading], np.float32), slopes)
