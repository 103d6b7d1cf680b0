"""gensim's callbacks, called by lexigrad's training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lexigrad.errors import InputError
from lexigrad.progress import Callback

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import lexigrad

__all__ = ["CallbackAny2Vec", "EpochTeller"]


class CallbackAny2Vec:
    """An object whose methods a training calls with the model; subclass it as you would subclass gensim's class.

    An object of any class with these four methods will do, gensim's own class among them. An exception that a method
    raises ends the training and comes out of it; the model keeps the vectors that were trained until then.
    """

    def on_train_begin(self, model: Any) -> None:
        """Is called before the first epoch."""

    def on_epoch_begin(self, model: Any) -> None:
        """Is called before each epoch."""

    def on_epoch_end(self, model: Any) -> None:
        """Is called after each epoch; ``model.wv`` and ``model.syn1neg`` are as they are then."""

    def on_train_end(self, model: Any) -> None:
        """Is called after the last epoch."""


class EpochTeller(Callback):
    """Hands each epoch of lexigrad's training on to gensim's callbacks.

    Args:
        model: the model of gensim's kind that the callbacks are given.
        callbacks: gensim's callbacks, in the order in which they are called.
        take: puts the tables of lexigrad's model into ``model``.
        epochs: the number of epochs of the training; ``on_epoch_begin`` is not called after the last.
    """

    def __init__(
        self, model: Any, callbacks: Sequence[Any], take: Callable[[lexigrad.Word2Vec], None], epochs: int
    ) -> None:
        self.model, self.callbacks, self.take, self.epochs = model, callbacks, take, epochs
        self.done = 0

    def on_epoch_end(self, model: lexigrad.Word2Vec) -> None:
        """Take the tables over, then tell the callbacks of the end of this epoch and of the beginning of the next."""
        self.done += 1
        self.take(model)
        self.tell("on_epoch_end")
        if self.done < self.epochs:
            self.tell("on_epoch_begin")

    def tell(self, method: str) -> None:
        """Call one method of all callbacks."""
        rates = self.model.alpha, self.model.min_alpha
        for callback in self.callbacks:
            getattr(callback, method)(self.model)
        if (self.model.alpha, self.model.min_alpha) != rates:
            raise InputError(
                f"{method} changed alpha or min_alpha, which a training that has begun does not follow; call train "
                "once for each rate, or use lexigrad.train with a schedule"
            )
