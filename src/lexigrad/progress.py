"""How far a training run has come, as its progress function is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Progress", "SolverProgress", "TrainProgress"]


@dataclass(frozen=True, slots=True)
class TrainProgress:
    """How far a training run has come.

    Attributes:
        words_done: words of the corpus trained so far, those of earlier epochs counted again.
        words_total: words of the corpus times epochs.
        seconds: since training began; reading and compiling do not count.
        learning_rate: at this moment.
        epoch: the one that is being trained, from 1.
    """

    words_done: int
    words_total: int
    seconds: float
    learning_rate: float
    epoch: int

    @property
    def words_per_second(self) -> float:
        """Words of the corpus trained in a second, on the average so far."""
        return self.words_done / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class SolverProgress:
    """How far a solver that works on window counts has come.

    Attributes:
        stage: what is being done, such as ``counting`` or ``negative sampling``.
        passes: passes over the counts in this stage.
        loss: per pair, at the last accepted step; NaN before the first.
        perplexity: the exponential of the loss per pair under the naive softmax; NaN for other losses.
        seconds: since the solver began.
        memory_bytes: what the solver takes beside the counts, at most.
    """

    stage: str
    passes: float
    loss: float
    perplexity: float
    seconds: float
    memory_bytes: int = 0


Progress = Callable[[Any], None]
"""Is called with `TrainProgress` by solvers that go through the text, with `SolverProgress` by the others."""
