"""What happens to a run of SGD besides its steps: progress, losses, records, and when to stop.

A solver trains segment by segment. While threads work it says how far they are (`Monitor.report`); when they rest, the
monitor looks at the tables (`Monitor.rest`), and at the end of an epoch it measures and records them
(`Monitor.end_epoch`).
"""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.errors import ConfigError
from lexigrad.losssample import LossSample
from lexigrad.model import Word2Vec
from lexigrad.progress import TrainProgress
from lexigrad.records import Listeners, Patience, Records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig
    from lexigrad.corpus import Corpus
    from lexigrad.heldout import HeldOutText

    Floats = NDArray[np.float32]

__all__ = ["REPORT_SECONDS", "Monitor"]

REPORT_SECONDS: Final = 0.1
"""Progress is reported about so often."""

MEASURE_EVERY: Final = 500
"""Within an epoch the loss is measured when so many times its cost have passed: a fifth of a percent."""


class Monitor:
    """Watches one run of SGD.

    Args:
        corpus: what is trained on.
        config: the options.
        held_out: what the tables are measured on after each epoch.
        listeners: are told some ten times a second, and after each epoch.
    """

    def __init__(
        self,
        corpus: Corpus,
        config: TrainConfig,
        held_out: HeldOutText | None = None,
        listeners: Listeners | None = None,
    ) -> None:
        self.corpus, self.config = corpus, config
        self.listeners = listeners or Listeners()
        self.records = Records(self.listeners.log)
        self.is_over = False
        """Whether the run is to end here, although epochs are left."""
        self._held_out = held_out
        self._sample = LossSample(corpus, config) if config.loss_sample else None
        self._patience = Patience(config.early_stop)
        self._best: tuple[Floats, Floats] | None = None
        self._losses = math.nan, math.nan  # in training, held out
        self._told = self._measured = self._cost = 0.0

    def begin(self, tables: Callable[[], tuple[Floats, Floats]]) -> None:
        """Start the clock; the function gives V and U, of shape (words, dim), as they stand while all threads rest."""
        self._tables = tables
        if self._sample is not None:
            self._training_loss(*tables())
        self._clock = _Clock()

    def report(self, epoch: int, position: int, learning_rate: float) -> None:
        """So many epochs are done, and so many tokens of the next one; tells it if the last time is a while ago."""
        if time.perf_counter() - self._told >= REPORT_SECONDS:
            self._report(epoch, position, learning_rate)

    def rest(self, epoch: int, position: int, learning_rate: float) -> None:
        """Measure the training loss within an epoch, for who watches, if that costs next to nothing."""
        if self._sample is not None and time.perf_counter() - self._measured > MEASURE_EVERY * self._cost:
            with self._clock.measuring():
                self._training_loss(*self._tables())
            self._report(epoch, position, learning_rate)

    def end_epoch(self, epoch: int, learning_rate: float) -> None:
        """Measure and record an epoch, counted from 1, while all threads rest."""
        with self._clock.measuring():
            tables = self._tables()
            record: dict[str, Any] = {"epoch": epoch, "words": self.corpus.words, "learning_rate": learning_rate}
            if self._sample is not None:
                record["loss"] = self._training_loss(*tables)
            is_best = False
            if self._held_out is not None:
                found = self._held_out.loss(self._model(*tables))
                record["validation"] = found.to_dict()
                self._losses = self._losses[0], getattr(found, self.config.loss)
                is_best = self._keep_if_best(self._losses[1], tables)
        self.records.add(record, is_best=is_best, **self._clock.times())
        self._report(epoch, 0, learning_rate)
        self._call_back(tables)

    def model(self) -> Word2Vec:
        """What came of the run: the tables as they are, or under early stopping those of the best epoch."""
        if self._best is None:
            return self._model(*self._tables())
        self.records.mark_best()
        return self._model(*self._best)

    def _training_loss(self, V: Floats, U: Floats) -> float | None:
        """The loss on the sample."""
        assert self._sample is not None
        began = time.perf_counter()
        loss = self._sample.loss(V, U)
        self._measured = time.perf_counter()
        self._cost = self._measured - began
        if loss is not None:
            if not math.isfinite(loss):
                raise ConfigError("training ran away: the loss is not finite; give a smaller learning_rate")
            self._losses = loss, self._losses[1]
        return loss

    def _keep_if_best(self, loss: float, tables: tuple[Floats, Floats]) -> bool:
        """Under early stopping keep the tables that are better than all before; says whether they were kept."""
        if self.config.early_stop is None:
            return False
        is_best = self._patience.is_least(loss)
        if is_best and self._best is None:
            V, U = tables
            self._best = V.copy(), U.copy()
        elif is_best and self._best is not None:
            for kept, table in zip(self._best, tables, strict=True):
                np.copyto(kept, table)
        self.is_over |= self._patience.is_over
        return is_best

    def _call_back(self, tables: tuple[Floats, Floats]) -> None:
        """Show the model to the callbacks; each of them may end the run."""
        V, U = (table.view() for table in tables)
        V.flags.writeable = U.flags.writeable = False
        for callback in self.listeners.callbacks:
            self.is_over |= bool(callback.on_epoch_end(self._model(V, U)))

    def _model(self, V: Floats, U: Floats) -> Word2Vec:
        return Word2Vec(V, U, self.corpus.vocabulary, self.config, self.records.history)

    def _report(self, epoch: int, position: int, learning_rate: float) -> None:
        self._told = time.perf_counter()
        words, epochs, tokens = self.corpus.words, self.config.epochs, self.corpus.ids.size
        done, current = words * epoch + words * position // tokens, min(epoch + 1, epochs)
        seconds = self._clock.seconds
        self.listeners.report(TrainProgress(done, words * epochs, seconds, learning_rate, current, *self._losses))


class _Clock:
    """How long a run has been training, and how long it has been looked at."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._measuring_seconds = 0.0

    @property
    def seconds(self) -> float:
        """Seconds of training."""
        return time.perf_counter() - self._began - self._measuring_seconds

    def times(self) -> dict[str, float]:
        """Both, for the log."""
        return {"seconds": round(self.seconds, 3), "measuring_seconds": round(self._measuring_seconds, 3)}

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Count what is done meanwhile as measuring."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._measuring_seconds += time.perf_counter() - began
