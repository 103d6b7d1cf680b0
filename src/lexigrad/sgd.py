"""Negative sampling by stochastic gradient descent: threads that train the two tables together.

What is drawn depends on positions in the corpus alone (`lexigrad.sampling`). Threads go through the corpus together, in
supersteps (`lexigrad.kernels.supersteps`), and the tables' bytes follow from the corpus and the config, whatever their
number. Where `TrainConfig.deterministic` is False they take spans of the corpus from each other's hands and race for
rows, so that with more than one the digits differ from run to run.
"""

from __future__ import annotations

import math
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.engines.cores import available_cores
from lexigrad.sampling import START_STREAM, alias_table, keep_thresholds, stream_key
from lexigrad.stepsize import between, settings_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig
    from lexigrad.corpus import Corpus
    from lexigrad.further import Start
    from lexigrad.kernels.tokens import Draws
    from lexigrad.model import Word2Vec
    from lexigrad.monitor import Monitor

__all__ = ["LONG_SPAN", "PARTS", "plain_ids", "span_of", "train_sgd"]

SPAN: Final = 65_536
"""Tokens that a thread trains without looking up, when it races with others: some 10 ms."""

LONG_SPAN: Final = 262_144
"""Tokens that threads train together without looking up: whole rounds, some 30 ms."""

SEGMENT_SECONDS: Final = 1.0
"""Threads rest about so often; to end and begin anew takes them some 0.1 ms."""

CROWDED_SEGMENTS: Final = 2
"""Segments in a row in which others wanted the cores before one thread takes over: most want one for a moment."""

PATIENCE: Final = 15
"""Segments that one thread trains alone before all try again, at most: one at first, twice as many each time."""

TRIAL_SPANS: Final = 3
"""Spans of a segment in which all try: long enough that to begin does not matter."""

CURVE_SPANS: Final = 100
"""Spans that a run has at least where its learning rate goes in a curve, if they have 8,192 tokens."""

PARTS: Final = 2
"""Parts of a row whose scores are summed apart, so that two threads can share out the columns."""


def train_sgd(corpus: Corpus, config: TrainConfig, monitor: Monitor, start: Start | None = None) -> Word2Vec:
    """Train both tables by stochastic gradient descent under negative sampling; see `lexigrad.train`."""
    run = (_Together if config.deterministic else _Races)(corpus, config)
    run.compile()
    if start is not None:
        V, U = run.tables()
        start.put(corpus.vocabulary, V, U)
        run.put_tables(V, U)
    run.go(monitor)
    return monitor.model()


class _Span(NamedTuple):
    """Tokens of an epoch, and the learning rates at both ends; it goes in a straight line between them."""

    epoch: int
    start: int
    stop: int
    start_rate: float
    stop_rate: float


class _Run(ABC):
    """One training run: the tables, and the threads that train them.

    The text is cut into spans, and what is computed depends on them alone. Threads train some spans, a segment, and
    then rest, so that the tables can be measured or kept. Where segments end changes nothing.
    """

    span: int
    """Tokens between two looks at the clock."""

    parts: int
    """Parts of a row whose scores are summed apart."""

    def __init__(self, corpus: Corpus, config: TrainConfig) -> None:
        from lexigrad.kernels.meeting import Gate
        from lexigrad.kernels.simd import row_parts
        from lexigrad.kernels.tables import Table

        self.config, self.cbow = config, config.model == "cbow"
        self.ids: NDArray[np.int32] = plain_ids(corpus.ids)
        self.settings = settings_of(config, self.ids)
        self.keep = keep_thresholds(corpus.vocabulary.keep_probability(config.subsample))
        self.alias = alias_table(corpus.vocabulary.noise_distribution(config.noise_exponent))
        self.shape = row_parts(config.dim, self.parts)
        self.V, self.U = (Table(len(corpus.vocabulary), config.dim, self.shape) for _ in range(2))
        self.V.fill(stream_key(config.seed, 0, START_STREAM))
        self.threads = config.threads or available_cores()
        self.gate = Gate(self.threads, available_cores())
        self.span = span_of(config, self.ids.size, self.span)
        self.buffers: list[Any] = []  # of each thread: what it writes to besides the tables
        self.epoch, self.position = 0, 0  # whole epochs that are done, and tokens of the next one
        self.spans: deque[_Span] = deque()
        self.error: BaseException | None = None

    @abstractmethod
    def compile(self) -> None:
        """Compile the kernels, or load them from Numba's cache, so that neither counts as training."""

    def tables(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """V and U, of shape (words, dim)."""
        return self.V.rows(), self.U.rows()

    def put_tables(self, V: NDArray[np.float32], U: NDArray[np.float32]) -> None:
        """Go on with these."""
        self.V.put(V)
        self.U.put(U)

    def first_rows(self, n: int) -> NDArray[np.float32]:
        """A copy of the first n rows of V."""
        return np.array(self.V.rows(n))

    def go(self, monitor: Monitor) -> None:
        """Train, segment by segment, to the end or until the monitor has seen enough."""
        place = monitor.begin(self)
        if place is not None:
            self.epoch, self.position = place["epoch"], place["position"]
        tokens = self._segment(0.0)
        while self.epoch < self.config.epochs and not monitor.is_over:
            start, began = self.position, time.perf_counter()
            self._train_segment(min(start + tokens, self.ids.size), monitor)
            speed = (self.position - start) / (time.perf_counter() - began)
            tokens = self._segment(speed)
            if self.position == self.ids.size:
                self.epoch, self.position = self.epoch + 1, 0
                monitor.end_epoch(self.epoch, self._rate(self.epoch, 0))
            place = {"epoch": self.epoch, "position": self.position}
            monitor.rest(place, *self._where())

    def _segment(self, speed: float) -> int:
        """Tokens of the next segment, given those that were trained in a second."""
        return self.span * max(1, int(SEGMENT_SECONDS * speed / self.span))

    def _train_segment(self, stop: int, monitor: Monitor) -> None:
        """Train from where the run stands up to a token; an error in a thread, or Ctrl-C, stops all of them."""
        self.spans = deque(self._spans(stop))
        works = [partial(self._work, thread) for thread in range(self.threads)]
        monitor.watch(works, self._where, self.gate.stop)
        if self.error is not None:
            raise self.error

    def _where(self) -> tuple[int, int, float]:
        """How far the run is: epochs, tokens of the next one, and the learning rate."""
        return self.epoch, self.position, self._rate(self.epoch, self.position)

    def _spans(self, stop: int) -> list[_Span]:
        """The spans from where the run stands up to a token."""
        starts = range(self.position, stop, self.span)
        ends = [*starts[1:], stop]
        rates = [self._rate(self.epoch, position) for position in (*starts, stop)]
        places = zip(starts, ends, rates[:-1], rates[1:], strict=True)
        return [_Span(self.epoch, *place) for place in places]

    def _work(self, thread: int) -> None:
        """What one thread does."""
        try:
            self._train(thread)
        except BaseException as error:  # handed to the thread that waits
            self.error = error
            self.gate.stop()

    @abstractmethod
    def _train(self, thread: int) -> None:
        """One thread's part of a segment; moves ``position`` on as spans are done."""

    def _draws(self, epoch: int) -> Draws:
        from lexigrad.kernels.tokens import Draws

        return Draws.of_epoch(self.config.seed, epoch, self.keep, self.alias)

    def _rate(self, epoch: int, position: int) -> float:
        """The learning rate where ``position`` tokens of an epoch are done."""
        return self.config.learning_rate_at((epoch + position / self.ids.size) / self.config.epochs)


class _Races(_Run):
    """Threads take one span after the other from each other's hands, and add to the tables without waiting."""

    span = SPAN
    parts = 1

    def __init__(self, corpus: Corpus, config: TrainConfig) -> None:
        super().__init__(corpus, config)
        self.lock = threading.Lock()
        self.buffers = [self._new_buffers() for _ in range(self.threads)]

    def compile(self) -> None:
        self._train_span(_Span(0, 0, 0, 0.0, 0.0), self.buffers[0])

    def _train(self, thread: int) -> None:
        while not self.gate.stopped:
            with self.lock:
                if not self.spans:
                    return
                span = self.spans.popleft()
            self._train_span(span, self.buffers[thread])
            with self.lock:
                self.position += span.stop - span.start

    def _train_span(self, span: _Span, buffers: Any) -> None:
        from lexigrad.kernels.training import train_span

        text, tables, rates = (self.ids, span.start, span.stop), (self.V.floats, self.U.floats), span[3:]
        train_span(self.shape, *text, *tables, self._draws(span.epoch), self.settings, *rates, *buffers)

    def _new_buffers(self) -> tuple[Any, ...]:
        from lexigrad.kernels.training import new_changes, new_cuts, new_panels, new_piece, new_scores

        settings = self.settings
        panels, means = new_panels(settings, self.shape, self.cbow)
        scores, changes = new_scores(settings, self.cbow, 1), new_changes(settings, self.shape)
        return new_piece(settings), new_cuts(settings), panels, means, scores, changes


class _Together(_Run):
    """All threads train the same span at the same time, and meet in every superstep.

    Where other programs want the cores too, all wait at every meeting for the one that lost its core. Then one thread
    alone may be faster: the same numbers come of it, so whoever is faster just now trains the next segment.
    """

    span = LONG_SPAN
    parts = PARTS

    def __init__(self, corpus: Corpus, config: TrainConfig) -> None:
        from lexigrad.kernels.meeting import Gate
        from lexigrad.kernels.sharing import new_shared

        super().__init__(corpus, config)
        self.shared = new_shared(self.settings, len(self.shape), self.cbow)
        self.all = self._shares(self.threads)
        self.gate = Gate(len(self.all), available_cores())
        self.one: list[Any] = []
        self.speeds = {"all": 0.0, "one": math.inf}
        self.buffers = self.all
        self.is_trial = True
        self.crowded = 0  # segments in a row
        self.turn = 1  # segments that one thread trains the next time that it takes over,
        self.patience = 0  # and those that are left of this time

    def _shares(self, threads: int) -> list[Any]:
        from lexigrad.kernels.sharing import new_shares

        return new_shares(self.settings, self.shape, self.cbow, threads, available_cores())

    def compile(self) -> None:
        self._compile(self.all)

    def _compile(self, shares: list[Any]) -> None:
        for share in {share[0]: share for share in shares}.values():
            self._train_span(_Span(0, 0, 0, 0.0, 0.0), share)

    def _train_segment(self, stop: int, monitor: Monitor) -> None:
        start, began = self.position, time.perf_counter()
        self.threads = len(self.buffers)
        super()._train_segment(stop, monitor)
        self._choose((self.position - start) / (time.perf_counter() - began))

    def _segment(self, speed: float) -> int:
        """Short where it is to be found out whether all are faster: they may be far slower."""
        return TRIAL_SPANS * self.span if self.is_trial else super()._segment(speed)

    def _choose(self, speed: float) -> None:
        """Choose who trains the next segment; so fast were those who trained the last one."""
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
                self.one = self.one or self._shares(1)
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
                self.position += span.stop - span.start

    def _train_span(self, span: _Span, buffers: Any) -> None:
        from lexigrad.kernels.supersteps import train_together

        V, U = self.V.floats, self.U.floats
        text, tables = (self.ids, span.start, span.stop), (V, U, V, U)
        common = self._draws(span.epoch), self.settings, *span[3:], self.gate.state, self.shared
        train_together(self.shape, *text, *tables, *common, *buffers)


def span_of(config: TrainConfig, tokens: int, longest: int) -> int:
    """The tokens of a span: shorter ones where the learning rate goes in a curve."""
    from lexigrad.kernels.training import PIECE

    if config.schedule in ("linear", "constant"):
        return longest
    return between(1, tokens * config.epochs / CURVE_SPANS / PIECE, longest // PIECE) * PIECE


def plain_ids(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """The ids as one plain kind of array: Numba compiles for each kind anew."""
    view = np.asarray(ids).view(np.ndarray)
    view.flags.writeable = False
    return view
