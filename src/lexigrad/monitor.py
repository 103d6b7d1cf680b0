"""What happens to a run of SGD besides its steps: progress, records, and when to stop.

A solver trains segment by segment. While threads work (`Monitor.watch`) it is told how far they are; at the end of an
epoch, when they rest, the monitor looks at the tables (`Monitor.end_epoch`); and whenever they rest it may keep them
(`Monitor.rest`).
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from lexigrad.checkpoints import State
from lexigrad.model import Word2Vec
from lexigrad.progress import TrainProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from threading import Thread

    import numpy as np
    from numpy.typing import NDArray

    from lexigrad.checkpoints import Checkpoints
    from lexigrad.config import TrainConfig
    from lexigrad.corpus import Corpus
    from lexigrad.progress import Progress

__all__ = ["REPORT_SECONDS", "Monitor"]

REPORT_SECONDS: Final = 0.1
"""Progress is reported about so often."""


class Monitor:
    """Watches one run of SGD.

    Args:
        corpus: what is trained on.
        config: the options.
        progress: called with `TrainProgress` some ten times a second and at the end of each epoch.
        checkpoints: where to keep the tables, and from which to go on; they have begun.
    """

    def __init__(
        self,
        corpus: Corpus,
        config: TrainConfig,
        progress: Progress | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        self.corpus, self.config = corpus, config
        self.progress = progress
        self.checkpoints = checkpoints
        self.interrupt: KeyboardInterrupt | None = None
        """Ctrl-C that waits for the threads to rest."""
        self.history: list[dict[str, Any]] = []
        self.is_over = False
        """Whether the run is to end here, although epochs are left."""
        self.told = 0.0
        self.rested_epoch = 0  # epochs that were done when the threads last rested

    def begin(self, V: NDArray[np.float32], U: NDArray[np.float32]) -> dict[str, int] | None:
        """Start the clock; the tables, of shape (words, dim), are those that will be trained in place.

        Returns:
            Where a run that was broken off goes on, as ``rest`` was told; the tables are then as they were there.
        """
        self.V, self.U = V, U
        self.clock = _Clock()
        state = None if self.checkpoints is None else self.checkpoints.state
        if state is None:
            return None
        V[:], U[:] = state.arrays["V"], state.arrays["U"]
        self.history = state.values["history"]
        self.clock.began -= state.values["seconds"]
        place: dict[str, int] = state.values["place"]
        self.rested_epoch = place["epoch"]
        return place

    def watch(
        self, threads: Sequence[Thread], where: Callable[[], tuple[int, int, float]], stop: Callable[[], None]
    ) -> None:
        """Let threads work until all have ended, and report meanwhile.

        Ctrl-C, or an error in the progress function, stops them. Where checkpoints are written, the first Ctrl-C waits
        until they have ended by themselves: see ``rest``.

        Args:
            threads: not yet started.
            where: gives what ``report`` is told.
            stop: tells the threads to end at once.
        """
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    self._wait_for(thread, where)
        except BaseException:
            stop()
            for thread in threads:
                if thread.ident is not None:  # it was started
                    thread.join()
            raise

    def rest(self, place: dict[str, int], position: int) -> None:
        """Say that no thread works, and keep a checkpoint if it is time, or if Ctrl-C has come.

        Args:
            place: from where the solver could go on: the whole epochs that are done, as ``epoch``, and what it needs.
            position: about so many tokens of the next epoch are done.

        Raises:
            CorpusError: the saved corpus that is trained on was written to.
            KeyboardInterrupt: Ctrl-C had come.
        """
        self.corpus.check_unchanged()
        checkpoints, interrupt, epoch = self.checkpoints, self.interrupt, place["epoch"]
        epoch_ends, self.rested_epoch = epoch > self.rested_epoch, epoch
        if checkpoints is not None and (interrupt or checkpoints.is_due(epoch_ends=epoch_ends)):
            share = 100 * (epoch + position / self.corpus.ids.size) / self.config.epochs
            where = f"epoch {min(epoch + 1, self.config.epochs)} of {self.config.epochs}, {share:.0f} % done"
            with self.clock.measuring():
                values = {"place": place, "history": self.history, "seconds": self.clock.seconds}
                checkpoints.write(State(where, values, {"V": self.V, "U": self.U}))
        if interrupt is not None:
            raise interrupt

    def report(self, epoch: int, position: int, learning_rate: float) -> None:
        """So many epochs are done, and so many tokens of the next one; tells it if the last time is a while ago."""
        if time.perf_counter() - self.told >= REPORT_SECONDS:
            self._tell(epoch, position, learning_rate)

    def end_epoch(self, epoch: int, learning_rate: float) -> None:
        """Record an epoch, counted from 1, while all threads rest."""
        with self.clock.measuring():
            self.history.append({"epoch": epoch, "words": self.corpus.words, "learning_rate": learning_rate})
        self._tell(epoch, 0, learning_rate)

    def model(self) -> Word2Vec:
        """What came of the run."""
        return Word2Vec(self.V, self.U, self.corpus.vocabulary, self.config, self.history)

    def _wait_for(self, thread: Thread, where: Callable[[], tuple[int, int, float]]) -> None:
        """Wait for a thread for a moment, and report; keep Ctrl-C for later where it is to leave a checkpoint."""
        try:
            thread.join(REPORT_SECONDS)
            if self.interrupt is None:
                self.report(*where())
        except KeyboardInterrupt as interrupt:
            if self.interrupt is not None or self.checkpoints is None or self.checkpoints.every is None:
                raise
            self.interrupt = interrupt

    def _tell(self, epoch: int, position: int, learning_rate: float) -> None:
        self.told = time.perf_counter()
        if self.progress is None:
            return
        words, epochs, tokens = self.corpus.words, self.config.epochs, self.corpus.ids.size
        done = words * epoch + words * position // tokens
        self.progress(TrainProgress(done, words * epochs, self.clock.seconds, learning_rate, min(epoch + 1, epochs)))


class _Clock:
    """How long a run has been training, and how long it has been looked at."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.measuring_seconds = 0.0

    @property
    def seconds(self) -> float:
        """Seconds of training."""
        return time.perf_counter() - self.began - self.measuring_seconds

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Count what is done meanwhile as measuring."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.measuring_seconds += time.perf_counter() - began
