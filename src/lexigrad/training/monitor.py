"""The work around the steps of a run of SGD: progress, losses, records, and the decision to stop.

A run trains segment by segment (`lexigrad.training.sgd.run`). While threads work, the monitor tells how far they are
(`Monitor.watch`); when they rest, it looks at the tables and may keep them (`Monitor.rest`); at the end of an epoch it
measures and records them (`Monitor.end_epoch`).
"""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from lexigrad.errors import ConfigError
from lexigrad.training.checkpoints import State
from lexigrad.training.loss.sample import LossSample
from lexigrad.training.model import Word2Vec
from lexigrad.training.progress import TrainProgress
from lexigrad.training.records import Listeners, Patience, Records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig
    from lexigrad.corpus.corpus import Corpus
    from lexigrad.training.checkpoints import Checkpoints
    from lexigrad.training.loss.heldout import HeldOutText

    Floats = NDArray[np.float32]

__all__ = ["REPORT_SECONDS", "Monitor"]

REPORT_SECONDS: Final = 0.1
"""Progress is reported about so often."""

MEASURE_EVERY: Final = 500
"""Within an epoch the loss is measured when so many times its cost have passed: a fifth of a percent."""

BEST: Final = ("best_V", "best_U")
"""The tables of the best epoch in a checkpoint."""


class Watched(Protocol):
    """A run that a monitor watches (`lexigrad.training.sgd.run.Run`)."""

    merges: int
    """How often all rows of all replicas were merged."""

    def tables(self) -> tuple[Floats, Floats]:
        """V and U, of shape (words, dim), as they stand while no thread works: a view or a copy."""
        ...

    def put_tables(self, V: Floats, U: Floats) -> None:
        """Go on with the numbers of these tables."""
        ...

    def first_rows(self, n: int) -> Floats:
        """A copy of the first n rows of V, fewer if there are fewer, while no thread works."""
        ...


class Monitor:
    """Watches one run of SGD.

    Args:
        corpus: the text that is trained on.
        config: the options.
        held_out: the text on which the tables are measured after each epoch.
        listeners: the functions that are told some ten times a second, and after each epoch, and the log.
        checkpoints: where to keep the tables, and from which to go on; their ``begin`` was called.
    """

    def __init__(
        self,
        corpus: Corpus,
        config: TrainConfig,
        held_out: HeldOutText | None = None,
        listeners: Listeners | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        self.corpus, self.config = corpus, config
        self.listeners = listeners or Listeners()
        self.records = Records(self.listeners.log)
        self.is_over = False
        """Whether the run is to end here, although epochs are left."""
        self._checkpoints = checkpoints
        self._interrupt: KeyboardInterrupt | None = None  # Ctrl-C that waits for the threads to rest
        self._rested_epoch = 0  # epochs that were done when the threads last rested
        self._held_out = held_out
        self._sample = LossSample(corpus, config) if config.loss_sample else None
        self._patience = Patience(config.early_stop)
        self._best: tuple[Floats, Floats] | None = None
        self._losses = math.nan, math.nan  # in training, held out
        self._told = self._measured = self._cost = 0.0

    def begin(self, run: Watched) -> dict[str, int] | None:
        """Start the clock.

        Returns:
            The place where a run that was broken off goes on, as ``rest`` got it; the run then has the tables that it
            had there. None for a run that begins.
        """
        self._run = run
        state = None if self._checkpoints is None else self._checkpoints.state
        place = None if state is None else self._restore(state)
        if self._sample is not None:
            self._training_loss(*run.tables())
        self.listeners.rest(run.first_rows)
        self._clock = _Clock(0.0 if state is None else state.values["seconds"])
        return place

    def watch(
        self, works: Sequence[Callable[[], None]], where: Callable[[], tuple[int, int, float]], stop: Callable[[], None]
    ) -> None:
        """Do some work in threads until all have ended, and report meanwhile.

        Ctrl-C, or an error of a listener, stops the threads. Where checkpoints are written, the first Ctrl-C waits
        until the threads have ended by themselves: see ``rest``.

        Args:
            works: a function for each thread.
            where: gives the arguments of ``report``.
            stop: tells the threads to end at once.
        """
        crew = _Crew(works)
        try:
            crew.start()
            while not crew.has_ended:
                with self._until_rest():
                    crew.wait()
                    if not crew.has_ended and self._interrupt is None:
                        self.report(*where())
        except BaseException:
            stop()
            crew.abandon()
            raise

    def report(self, epoch: int, position: int, learning_rate: float) -> None:
        """Tell the listeners how far the run is, if the last report is a while ago.

        Args:
            epoch: whole epochs that are done.
            position: tokens of the next one that are done.
            learning_rate: the rate at that place.
        """
        if time.perf_counter() - self._told >= REPORT_SECONDS:
            self._report(epoch, position, learning_rate)

    def rest(self, place: dict[str, int], epoch: int, position: int, learning_rate: float) -> None:
        """Look at the tables while no thread works.

        Measures the training loss, for the listeners, if that costs next to nothing; keeps a checkpoint if it is time,
        or if Ctrl-C has come.

        Args:
            place: the place from which the solver could go on; ``begin`` gives it back.
            epoch: whole epochs that are done.
            position: tokens of the next one that are done, about.
            learning_rate: the rate at that place.

        Raises:
            CorpusError: the saved corpus that is trained on was written to.
            KeyboardInterrupt: Ctrl-C had come.
        """
        self.corpus.check_unchanged()
        with self._until_rest():
            if self._sample is not None and time.perf_counter() - self._measured > MEASURE_EVERY * self._cost:
                with self._clock.measuring():
                    self._training_loss(*self._run.tables())
                self._report(epoch, position, learning_rate)
            else:
                self.report(epoch, position, learning_rate)
            self.listeners.rest(self._run.first_rows)
        epoch_ends, self._rested_epoch = epoch > self._rested_epoch, epoch
        if self._checkpoints is not None and (self._interrupt or self._checkpoints.is_due(epoch_ends=epoch_ends)):
            with self._clock.measuring():
                self._checkpoints.write(self._state(place, epoch, position))
        if self._interrupt is not None:
            raise self._interrupt

    def end_epoch(self, epoch: int, learning_rate: float) -> None:
        """Measure and record an epoch, counted from 1, while all threads rest."""
        with self._clock.measuring():
            tables = self._run.tables()
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
        with self._until_rest():
            self._report(epoch, 0, learning_rate)
            self._call_back(tables)

    def model(self) -> Word2Vec:
        """The model: the tables as they are, or under early stopping those of the best epoch."""
        if self._best is None:
            return self._model(*self._run.tables())
        self.records.mark_best()
        return self._model(*self._best)

    @contextmanager
    def _until_rest(self) -> Iterator[None]:
        """Put Ctrl-C off to the end of ``rest``, if it shall leave a checkpoint; a second Ctrl-C comes through."""
        try:
            yield
        except KeyboardInterrupt as interrupt:
            if self._interrupt is not None or self._checkpoints is None or self._checkpoints.every is None:
                raise
            self._interrupt = interrupt

    def _state(self, place: dict[str, int], epoch: int, position: int) -> State:
        """The state of the run, for a checkpoint."""
        epochs = self.config.epochs
        share = 100 * (epoch + position / self.corpus.ids.size) / epochs
        where = f"epoch {min(epoch + 1, epochs)} of {epochs}, {share:.0f} % done"
        best = {} if self._best is None else dict(zip(BEST, self._best, strict=True))
        values = {
            "place": place,
            "epoch": epoch,
            "records": self.records.state(),
            "patience": self._patience.state(),
            "is_over": self.is_over,
            "seconds": self._clock.seconds,
        }
        V, U = self._run.tables()
        return State(where, values, {"V": V, "U": U, **best})

    def _restore(self, state: State) -> dict[str, int]:
        """Go on from a checkpoint's state; returns the solver's place."""
        values = state.values
        self._run.put_tables(state.arrays["V"], state.arrays["U"])
        if BEST[0] in state.arrays:
            self._best = state.arrays[BEST[0]], state.arrays[BEST[1]]
        self.records.restore(values["records"])
        self._patience.restore(values["patience"])
        self.is_over = values["is_over"]
        self._rested_epoch = values["epoch"]
        place: dict[str, int] = values["place"]
        return place

    def _training_loss(self, V: Floats, U: Floats) -> float | None:
        """The loss on the sample of the text; None where the text has no pairs."""
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
        """Under early stopping keep tables that are better than all before; returns whether these are."""
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
        return Word2Vec(V, U, self.corpus.vocabulary, self.config, self.records.history, phrases=self.corpus.phrases)

    def _report(self, epoch: int, position: int, learning_rate: float) -> None:
        self._told = time.perf_counter()
        words, epochs, tokens = self.corpus.words, self.config.epochs, self.corpus.ids.size
        done, current = words * epoch + words * position // tokens, min(epoch + 1, epochs)
        told = done, words * epochs, self._clock.seconds, learning_rate, current, *self._losses
        self.listeners.report(TrainProgress(*told, merges=self._run.merges))


class _Crew:
    """Threads that do some work.

    The crew itself counts the threads that have ended, as `threading` does not know them for certain: when a signal
    breaks off ``Thread.join``, CPython 3.11 takes the thread for ended while it works on.
    """

    def __init__(self, works: Sequence[Callable[[], None]]) -> None:
        self._threads = [Thread(target=self._do, args=(work,), name=f"train-{i}") for i, work in enumerate(works)]
        self._count = Lock()
        self._working = self._ended = 0
        self._is_abandoned = False
        self._all_ended = Lock()  # held until all have ended
        self._all_ended.acquire()

    @property
    def has_ended(self) -> bool:
        """Whether all work is done."""
        return self._ended == len(self._threads)

    def start(self) -> None:
        """Let the threads begin."""
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Wait a moment for the threads to end."""
        self._all_ended.acquire(timeout=REPORT_SECONDS)

    def abandon(self) -> None:
        """Wait until no thread works any more; a thread that has not begun will not work."""
        with self._count:
            self._is_abandoned = True
        while self._working:
            self.wait()

    def _do(self, work: Callable[[], None]) -> None:
        with self._count:
            if self._is_abandoned:
                return
            self._working += 1
        try:
            work()
        finally:
            with self._count:
                self._working -= 1
                self._ended += 1
                if self.has_ended:
                    self._all_ended.release()


class _Clock:
    """Measures the seconds of training, from ``seconds`` on, and apart from them those of looking at the tables."""

    def __init__(self, seconds: float) -> None:
        self._began = time.perf_counter() - seconds
        self._measuring_seconds = 0.0

    @property
    def seconds(self) -> float:
        """Seconds of training."""
        return time.perf_counter() - self._began - self._measuring_seconds

    def times(self) -> dict[str, float]:
        """Seconds of training and of measuring, for the log."""
        return {"seconds": round(self.seconds, 3), "measuring_seconds": round(self._measuring_seconds, 3)}

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Count the time of a block as measuring."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._measuring_seconds += time.perf_counter() - began
