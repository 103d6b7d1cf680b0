"""Reports of a training run: how far it has come, and the model after each epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Callback", "Progress", "SolverProgress", "TrainProgress"]


@dataclass(frozen=True, slots=True)
class TrainProgress:
    """How far a training run has come.

    Attributes:
        words_done: words of the corpus trained so far, those of earlier epochs counted again.
        words_total: words of the corpus times epochs.
        seconds: time since training began; reading and compiling do not count.
        learning_rate: the rate at this moment.
        epoch: the epoch that is being trained, from 1.
        loss: the training loss when it was measured last (`lexigrad.training.loss.sample`); NaN before that.
        held_out_loss: the loss on held-out text, by the training's own objective, after the last epoch; NaN before
            that.
        merges: how often all rows of all replicas were merged; 0 without replicas.

    Example:
        >>> progress = TrainProgress(words_done=500, words_total=1_000, seconds=2.0, learning_rate=0.0125, epoch=1)
        >>> progress.words_per_second
        250.0
    """

    words_done: int
    words_total: int
    seconds: float
    learning_rate: float
    epoch: int
    loss: float = float("nan")
    held_out_loss: float = float("nan")
    merges: int = 0

    @property
    def words_per_second(self) -> float:
        """Words of the corpus trained in a second, on the average so far."""
        return self.words_done / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class SolverProgress:
    """How far a solver that works on window counts has come.

    Attributes:
        stage: the name of the work under way, such as ``counting`` or ``negative sampling``.
        passes: passes over the counts in this stage.
        loss: the loss per pair at the last accepted step; NaN before the first.
        perplexity: the exponential of the loss per pair under the naive softmax; NaN for other losses.
        seconds: time since the solver began.
        memory_bytes: the memory that the solver takes beside the counts, at most.

    Example:
        >>> SolverProgress("negative sampling", passes=2.0, loss=1.5, perplexity=float("nan"), seconds=0.1).stage
        'negative sampling'
    """

    stage: str
    passes: float
    loss: float
    perplexity: float
    seconds: float
    memory_bytes: int = 0


class Callback:
    """Methods that a training calls; subclass it, and give instances to `lexigrad.train`.

    All methods are called from the thread that called ``train``. An error that one raises ends the training and comes
    out of it.

    Example:
        >>> import lexigrad
        >>> class UntilGood(Callback):
        ...     def on_epoch_end(self, model):
        ...         return model.history[-1]["loss"] < 3
        >>> text = 200 * ["the cat sat on the mat", "the dog sat on the rug"]
        >>> config = lexigrad.TrainConfig(dim=8, min_count=1, epochs=1_000, threads=1, schedule="constant")
        >>> len(lexigrad.train(text, config, callbacks=[UntilGood()]).history) < 1_000
        True

    Keras has on_train_batch_end and on_epoch_end, Lightning on_train_batch_end and on_train_epoch_end; gensim hands the
    model to on_epoch_end, as here.
    """

    def on_report(self, progress: TrainProgress | SolverProgress) -> None:
        """Is called whenever ``train`` calls its ``progress``."""

    def on_rest(self, rows: Callable[[int], Any]) -> None:
        """Is called while the tables stand still: before the first step, about once a second, after each epoch.

        The exact solver calls it at accepted steps; svd does not.

        Args:
            rows: copies the center vectors of the first n words, float32 of shape (n, dim); fewer, where fewer words
                have vectors yet. The copy is the callback's own. Training waits meanwhile, so ask for few.
        """

    def on_epoch_end(self, model: Any) -> bool | None:
        """Is called after each epoch of SGD, when it has been measured and recorded; threads rest meanwhile.

        Args:
            model: the `lexigrad.Word2Vec` so far; the last entry of its ``history`` is this epoch's. Its tables are
                read-only, and those of the training: after the call they change, so copy or save tables to keep them.

        Returns:
            True to end the training here, with the tables as they are; under early stopping, with the best ones.
        """


Progress = Callable[[Any], None]
"""Is called with `TrainProgress` by solvers that go through the text, with `SolverProgress` by the others."""
