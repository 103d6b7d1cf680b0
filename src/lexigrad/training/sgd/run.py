"""The loop of every SGD run: from a checkpoint or the beginning, segment by segment, to the end.

A solver says what a segment is (`Run._train`). While threads train one, the monitor tells how far they are; between two
of them no thread works, and the tables can be measured and kept.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig
    from lexigrad.corpus.corpus import Corpus
    from lexigrad.training.further import Start
    from lexigrad.training.model import Word2Vec
    from lexigrad.training.monitor import Monitor

    Floats = NDArray[np.float32]

__all__ = ["Run", "Span", "plain_ids"]


class Span(NamedTuple):
    """Tokens of an epoch, and the learning rates at both ends; it goes in a straight line between them."""

    epoch: int
    start: int
    stop: int
    start_rate: float
    stop_rate: float


class Run(ABC):
    """One run of SGD: how far it has come, and the threads that train its tables.

    A solver holds the tables and trains a segment of the text: as many tokens as it likes, but none beyond the end of
    an epoch. Where segments end changes no byte of the tables.

    Args:
        corpus: the text.
        config: the options.
    """

    segment_seconds = 1.0
    """Threads rest about so often; to end a segment and to begin another takes them some 0.1 ms."""

    threads = 1
    """Threads that train a segment."""

    merges = 0
    """How often all rows of all replicas were merged; 0 without replicas."""

    def __init__(self, corpus: Corpus, config: TrainConfig) -> None:
        self.config, self.vocabulary = config, corpus.vocabulary
        self.ids: NDArray[np.int32] = plain_ids(corpus.ids)
        self.done = 0  # tokens that are trained, those of earlier epochs counted again
        self._is_stopped = False
        self._error: BaseException | None = None

    @abstractmethod
    def tables(self) -> tuple[Floats, Floats]:
        """V and U, of shape (words, dim), as they stand while no thread works: a view or a copy."""

    @abstractmethod
    def put_tables(self, V: Floats, U: Floats) -> None:
        """Go on with the numbers of these tables."""

    @abstractmethod
    def first_rows(self, n: int) -> Floats:
        """A copy of the first n rows of V, fewer if there are fewer, while no thread works."""

    @abstractmethod
    def _train(self, thread: int) -> None:
        """One thread's part of a segment: it moves ``done`` on, and ends early once ``_stop`` was called."""

    @property
    def epoch(self) -> int:
        """Whole epochs that are done."""
        return self.done // self.ids.size

    @property
    def position(self) -> int:
        """Tokens of the next epoch that are done."""
        return self.done % self.ids.size

    def train(self, monitor: Monitor, start: Start | None = None) -> Word2Vec:
        """Train to the end, or until the monitor has seen enough.

        Args:
            monitor: watches the run, and knows the checkpoint from which it goes on.
            start: a model to begin with.

        Returns:
            The model that the monitor makes of the tables.
        """
        if start is not None:
            V, U = self.tables()
            start.put(self.vocabulary, V, U)
            self.put_tables(V, U)
        place = monitor.begin(self)
        if place is not None:
            self._go_on_from(place)
        while self.epoch < self.config.epochs and not monitor.is_over:
            before = self.epoch
            self._train_segment(monitor)
            epoch, position, rate = self._where()
            if epoch > before:
                monitor.end_epoch(epoch, rate)
            monitor.rest(self._place(), epoch, position, rate)
        return monitor.model()

    def _train_segment(self, monitor: Monitor) -> None:
        """Have threads train a segment; an error in one of them, or Ctrl-C, stops all and comes out here."""
        works = [partial(self._work, thread) for thread in range(self.threads)]
        monitor.watch(works, self._where, self._stop)
        if self._error is not None:
            raise self._error

    def _work(self, thread: int) -> None:
        """Train one thread's part of a segment, and hand an error to the thread that waits."""
        try:
            if not self._is_stopped:
                self._train(thread)
        except BaseException as error:
            self._error = error
            self._stop()

    def _stop(self) -> None:
        """Tell all threads to end at once."""
        self._is_stopped = True

    def _place(self) -> dict[str, int]:
        """The place that a checkpoint keeps, and from which `_go_on_from` goes on."""
        return {"epoch": self.epoch, "position": self.position}

    def _go_on_from(self, place: dict[str, int]) -> None:
        """Stand where a checkpoint was written; its tables are put already."""
        self.done = place["epoch"] * self.ids.size + place["position"]

    def _where(self) -> tuple[int, int, float]:
        """How far the run is: whole epochs, tokens of the next one, and the learning rate."""
        epoch, position = divmod(self.done, self.ids.size)
        return epoch, position, self._rate(epoch, position)

    def _rate(self, epoch: int, position: int) -> float:
        """The learning rate where ``position`` tokens of an epoch are done."""
        return self.config.learning_rate_at((epoch + position / self.ids.size) / self.config.epochs)

    def _spans(self, stop: int, tokens: int) -> list[Span]:
        """The text from where the run stands up to a position of the epoch, in spans of so many tokens."""
        epoch, position = divmod(self.done, self.ids.size)
        ends = [*range(position, stop, tokens), stop]
        rates = [self._rate(epoch, end) for end in ends]
        return [Span(epoch, *place) for place in zip(ends[:-1], ends[1:], rates[:-1], rates[1:], strict=True)]


def plain_ids(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """The ids as one plain kind of array: Numba compiles for each kind anew."""
    view = np.asarray(ids).view(np.ndarray)
    view.flags.writeable = False
    return view
