"""Negative sampling by stochastic gradient descent: threads that train the two tables together.

Draws depend on positions in the corpus alone (`lexigrad.kernels.draws`). Threads go through the corpus together, in
supersteps (`lexigrad.kernels.sgd.superstep`), and the tables' bytes follow from the corpus and the config, whatever the
number of threads. Where `TrainConfig.deterministic` is False, threads take spans of the corpus from each other's hands
and race for rows, so that with several threads the digits differ from run to run.
"""

from __future__ import annotations

import math
import threading
import time
from abc import abstractmethod
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.engines.cores import available_cores
from lexigrad.kernels.draws import START_STREAM, alias_table, keep_thresholds, stream_key
from lexigrad.training.sgd.run import Run, Span
from lexigrad.training.sgd.stepsize import between, settings_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig
    from lexigrad.corpus.corpus import Corpus
    from lexigrad.kernels.sgd.piece import Draws
    from lexigrad.kernels.sgd.team import Member
    from lexigrad.training.further import Start
    from lexigrad.training.model import Word2Vec
    from lexigrad.training.monitor import Monitor

__all__ = ["LONG_SPAN", "PARTS", "span_of", "train_sgd"]

SPAN: Final = 65_536
"""Tokens that a thread trains without looking up, when it races with others: some 10 ms."""

LONG_SPAN: Final = 262_144
"""Tokens that threads train together without looking up: whole rounds, some 30 ms."""

CROWDED_SEGMENTS: Final = 2
"""Segments in a row in which other programs wanted the cores before one thread takes over: most soon end."""

PATIENCE: Final = 15
"""Segments that one thread trains alone before all try again, at most: one at first, twice as many each time."""

TRIAL_SPANS: Final = 3
"""Spans of a segment in which all threads try again: so many that starting the threads hardly counts."""

CURVE_SPANS: Final = 100
"""Spans that a run has at least where its learning rate goes in a curve, if each of them has 8,192 tokens."""

PARTS: Final = 2
"""Parts of a row whose scores are summed apart, so that two threads can share out the columns."""


def train_sgd(corpus: Corpus, config: TrainConfig, monitor: Monitor, start: Start | None = None) -> Word2Vec:
    """Train both tables by stochastic gradient descent under negative sampling; see `lexigrad.train`."""
    run = (_Together if config.deterministic else _Races)(corpus, config)
    run.compile()
    return run.train(monitor, start)


class _NegativeSampling(Run):
    """One run: the tables, and the buffers of the threads that train them.

    The text is cut into spans, and the numbers depend on the spans alone. A segment is some whole spans.
    """

    span: int
    """Tokens that are trained between two looks at the clock."""

    parts: int
    """Parts of a row whose scores are summed apart."""

    def __init__(self, corpus: Corpus, config: TrainConfig) -> None:
        from lexigrad.kernels.compiler.rowshape import row_parts
        from lexigrad.kernels.sgd.barrier import Gate
        from lexigrad.kernels.sgd.tables import Table

        super().__init__(corpus, config)
        self.cbow = config.model == "cbow"
        self.settings = settings_of(config, self.ids)
        self.keep = keep_thresholds(corpus.vocabulary.keep_probability(config.subsample))
        self.alias = alias_table(corpus.vocabulary.noise_distribution(config.noise_exponent))
        self.shape = row_parts(config.dim, self.parts)
        self.V, self.U = (Table(len(corpus.vocabulary), config.dim, self.shape) for _ in range(2))
        self.V.fill(stream_key(config.seed, 0, START_STREAM))
        self.threads = config.threads or available_cores()
        self.gate = Gate(self.threads, available_cores())
        self.span = span_of(config, self.ids.size, self.span)
        self.buffers: list[Any] = []  # of each thread: the arrays that it writes to besides the tables
        self.spans: deque[Span] = deque()
        self.speed = 0.0  # tokens a second, in the last segment

    @abstractmethod
    def compile(self) -> None:
        """Compile the kernels, or load them from Numba's cache, so that neither counts as training."""

    def tables(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self.V.rows(), self.U.rows()

    def put_tables(self, V: NDArray[np.float32], U: NDArray[np.float32]) -> None:
        self.V.put(V)
        self.U.put(U)

    def first_rows(self, n: int) -> NDArray[np.float32]:
        return np.array(self.V.rows(n))

    def _train_segment(self, monitor: Monitor) -> None:
        start, began = self.done, time.perf_counter()
        self.spans = deque(self._spans(min(self.position + self._segment(), self.ids.size), self.span))
        super()._train_segment(monitor)
        self.speed = (self.done - start) / (time.perf_counter() - began)

    def _segment(self) -> int:
        """Tokens of the next segment."""
        return self.span * max(1, int(self.segment_seconds * self.speed / self.span))

    def _stop(self) -> None:
        super()._stop()
        self.gate.stop()

    def _draws(self, epoch: int) -> Draws:
        from lexigrad.kernels.sgd.piece import Draws

        return Draws.of_epoch(self.config.seed, epoch, self.keep, self.alias)

    def _arguments(self, span: Span) -> tuple[Any, ...]:
        """The arguments with which the kernels train a span, from the text to the learning rates."""
        from lexigrad.kernels.sgd.piece import Text
        from lexigrad.kernels.sgd.span import Rates
        from lexigrad.kernels.sgd.step import Tables

        V, U = self.V.floats, self.U.floats
        text, rates = Text(self.ids, span.start, span.stop), Rates(span.start_rate, span.stop_rate)
        return text, Tables(V, U, V, U), self._draws(span.epoch), self.settings, rates


class _Races(_NegativeSampling):
    """Threads take one span after the other from each other's hands, and add to the tables without waiting."""

    span = SPAN
    parts = 1

    def __init__(self, corpus: Corpus, config: TrainConfig) -> None:
        super().__init__(corpus, config)
        self.lock = threading.Lock()
        self.buffers = [self._new_buffers() for _ in range(self.threads)]

    def compile(self) -> None:
        self._train_span(Span(0, 0, 0, 0.0, 0.0), self.buffers[0])

    def _train(self, thread: int) -> None:
        while not self.gate.stopped:
            with self.lock:
                if not self.spans:
                    return
                span = self.spans.popleft()
            self._train_span(span, self.buffers[thread])
            with self.lock:
                self.done += span.stop - span.start

    def _train_span(self, span: Span, buffers: Any) -> None:
        from lexigrad.kernels.sgd.span import train_span

        train_span(self.shape, *self._arguments(span), *buffers)

    def _new_buffers(self) -> tuple[Any, ...]:
        from lexigrad.kernels.sgd.span import new_room

        return new_room(self.settings, self.shape, self.cbow)


class _Together(_NegativeSampling):
    """All threads train the same span at the same time, and meet in every superstep.

    Where other programs want the cores too, all threads wait at every meeting for the one that lost its core. Then one
    thread alone may be faster. It computes the same numbers, so either one thread or all of them train the next
    segment, as was faster of late.
    """

    span = LONG_SPAN
    parts = PARTS

    def __init__(self, corpus: Corpus, config: TrainConfig) -> None:
        from lexigrad.kernels.sgd.barrier import Gate
        from lexigrad.kernels.sgd.team import new_shared

        super().__init__(corpus, config)
        self.shared = new_shared(self.settings, len(self.shape), self.cbow)
        self.all = self._members(self.threads)
        self.gate = Gate(len(self.all), available_cores())
        self.one: list[Member] = []
        self.speeds = {"all": 0.0, "one": math.inf}
        self.buffers = self.all
        self.is_trial = True
        self.crowded = 0  # segments in a row in which other programs wanted the cores
        self.turn = 1  # segments that one thread trains the next time that it takes over
        self.patience = 0  # segments that one thread still trains before all try again

    def _members(self, threads: int) -> list[Member]:
        from lexigrad.kernels.sgd.team import new_members

        return new_members(self.settings, self.shape, self.cbow, threads, available_cores())

    def compile(self) -> None:
        self._compile(self.all)

    def _compile(self, members: list[Member]) -> None:
        for member in {member.columns: member for member in members}.values():
            self._train_span(Span(0, 0, 0, 0.0, 0.0), member)

    def _train_segment(self, monitor: Monitor) -> None:
        self.threads = len(self.buffers)
        super()._train_segment(monitor)
        self._choose(self.speed)

    def _segment(self) -> int:
        """Tokens of the next segment; few where all threads are tried, as they may be far slower than one."""
        return TRIAL_SPANS * self.span if self.is_trial else super()._segment()

    def _choose(self, speed: float) -> None:
        """Choose between one thread and all for the next segment, given the speed of the last one."""
        crowded = self.gate.crowded
        self.is_trial = False
        if len(self.all) == 1:
            return
        if self.buffers is self.all:
            self.speeds["all"] = speed
            self.crowded = self.crowded + 1 if crowded else 0
            if not crowded:
                self.turn = 1
            elif (self.turn > 1 or self.crowded >= CROWDED_SEGMENTS) and self.speeds["one"] > speed:
                self.one = self.one or self._members(1)
                self._compile(self.one)
                self.buffers, self.patience = self.one, self.turn
                self.turn = min(2 * self.turn, PATIENCE)
        else:
            self.speeds["one"] = speed
            self.patience -= 1
            if speed < self.speeds["all"] or not self.patience:
                self.buffers, self.is_trial = self.all, True

    def _train(self, thread: int) -> None:
        for span in self.spans:
            if self.gate.stopped:
                return
            self._train_span(span, self.buffers[thread])
            if thread == 0:
                self.done += span.stop - span.start

    def _train_span(self, span: Span, member: Member) -> None:
        from lexigrad.kernels.sgd.superstep import train_together
        from lexigrad.kernels.sgd.team import Team

        train_together(self.shape, *self._arguments(span), Team(self.gate.state, self.shared), member)


def span_of(config: TrainConfig, tokens: int, longest: int) -> int:
    """The tokens of a span: fewer where the learning rate goes in a curve."""
    from lexigrad.kernels.sgd.span import PIECE

    if config.schedule in ("linear", "constant"):
        return longest
    return between(1, tokens * config.epochs / CURVE_SPANS / PIECE, longest // PIECE) * PIECE
