"""What happens to a run of SGD besides its steps: progress, records, and when to stop.

A solver trains segment by segment. While threads work it says how far they are (`Monitor.report`); at the end of an
epoch, when they rest, the monitor looks at the tables (`Monitor.end_epoch`).
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from lexigrad.model import Word2Vec
from lexigrad.progress import TrainProgress

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

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
    """

    def __init__(self, corpus: Corpus, config: TrainConfig, progress: Progress | None = None) -> None:
        self.corpus, self.config = corpus, config
        self.progress = progress
        self.history: list[dict[str, Any]] = []
        self.is_over = False
        """Whether the run is to end here, although epochs are left."""
        self.told = 0.0

    def begin(self, V: NDArray[np.float32], U: NDArray[np.float32]) -> None:
        """Start the clock; the tables, of shape (words, dim), are those that will be trained in place."""
        self.V, self.U = V, U
        self.clock = _Clock()

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
