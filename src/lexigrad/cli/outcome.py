"""The sentences of `train` on a training: how a model will be trained further, and what a model lost in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lexigrad.config.losses import LOSSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lexigrad.config import TrainConfig
    from lexigrad.training.model import Word2Vec

__all__ = ["further", "outcome"]


def further(model: Word2Vec, text: Any, config: TrainConfig) -> str:
    """A sentence on training further: which words it changes, at which learning rates."""
    known = sum(word in model.vocabulary for word in text.vocabulary)
    first, last = config.learning_rate_at(0.0), config.learning_rate_at(1.0)
    return (
        f"training further: {known:,} words of the text are known, {len(text.vocabulary) - known:,} are new, and "
        f"{len(model.vocabulary) - known:,} others stay as they are; learning rate {first:g} to {last:g} over "
        f"{config.epochs} epochs"
    )


def outcome(model: Word2Vec) -> Iterator[str]:
    """Sentences on the model that is to be written, from its history, and on epochs that the history lacks."""
    from lexigrad.training.records import kept_record

    history = model.history
    if not history:
        return
    kept, epochs = kept_record(history), history[-1].get("epoch", 0)
    if kept.get("kept"):
        yield f"trained {epochs:,} of {model.config.epochs:,} epochs, and kept the vectors of epoch {kept['epoch']:,}"
    if epochs > len(history):
        yield f"the history in the model holds {len(history):,} of {epochs:,} epochs; --log writes all of them"
    if epochs and kept.get("loss") is not None:
        yield f"loss in training {kept['loss']:.4f}"
    if "validation" in kept:
        yield _measured(kept["validation"])


def _measured(loss: dict[str, Any]) -> str:
    """One line on the losses of a model on the held-out text."""
    losses = ", ".join(f"{LOSSES[name].heading} {loss[name]:.4f}" for name in LOSSES if name in loss)
    return (
        f"held out {loss['words']:,} words and {loss['unknown']:,} unknown ones, {loss['pairs']:,.0f} pairs: {losses}, "
        f"perplexity {loss['perplexity']:,.1f}"
    )
