"""Negative sampling by stochastic gradient descent: threads that train the two tables together.

What is drawn depends on positions in the corpus alone (`lexigrad.sampling`). Threads take spans of the corpus from each
other's hands and race for rows, so that with more than one the digits differ from run to run. With
`TrainConfig.deterministic` they go through the corpus together, in supersteps (`lexigrad.kernels.supersteps`), and the
tables' bytes follow from the corpus and the config, whatever their number.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.encoding import available_cores
from lexigrad.sampling import START_STREAM, alias_table, keep_thresholds, stream_key

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig
    from lexigrad.corpus import Corpus
    from lexigrad.further import Start
    from lexigrad.kernels.tokens import Draws
    from lexigrad.kernels.training import Settings
    from lexigrad.model import Word2Vec
    from lexigrad.monitor import Monitor

__all__ = ["train_sgd"]

SPAN: Final = 65_536
"""Tokens that a thread trains without looking up, when it races with others: some 10 ms."""

LONG_SPAN: Final = 262_144
"""Tokens that threads train together without looking up: whole rounds, some 30 ms."""

SEGMENT_SECONDS: Final = 1.0
"""Threads rest about so often; to end and begin anew takes them some 0.1 ms."""

CURVE_SPANS: Final = 100
"""Spans that a run has at least where its learning rate goes in a curve, if they have 8,192 tokens."""

BLOCK: Final = 64
"""Most tokens of which the step is computed at the same tables."""

MOST_REPEATS: Final = 6
"""Most occurrences of a word in a block."""

SUPERSTEP: Final = 4
"""Most blocks of which the steps are computed at the same tables, at the learning rate of the start."""

SLOTS: Final = 8
"""Most blocks in a superstep at a lower rate: from half of that at the start on."""

SLOT_PLACES: Final = 768
"""Places that the windows of all blocks in a superstep may reach: 8 blocks of 64 with windows up to 12."""

MOST_DRAWS: Final = 2.0
"""Most draws of the mean negative in a superstep."""

# How much learning rate times gradients one row may get in one step (`_step_size`). The usual options are at 0.9, 3.0
# and 5.4, and the limits lie just above; what happens far beyond them is in docs/decisions/step-size.md.
CENTER_LIMIT: Final = 2.0
NEGATIVE_LIMIT: Final = 3.2
REPEAT_LIMIT: Final = 5.5


def train_sgd(corpus: Corpus, config: TrainConfig, monitor: Monitor, start: Start | None = None) -> Word2Vec:
    """Train both tables by stochastic gradient descent under negative sampling; see `lexigrad.train`."""
    run = (_Together if config.deterministic else _Races)(corpus, config)
    run.compile()
    if start is not None:
        start.put(corpus.vocabulary, *run.tables)
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

    def __init__(self, corpus: Corpus, config: TrainConfig) -> None:
        from lexigrad.kernels.meeting import Gate
        from lexigrad.kernels.simd import padded, row_shape
        from lexigrad.kernels.tokens import fill_uniform
        from lexigrad.kernels.training import PIECE, aligned

        self.config = config
        self.ids: NDArray[np.int32] = _read_only(corpus.ids)
        self.settings = _settings(config, self.ids)
        self.keep = keep_thresholds(corpus.vocabulary.keep_probability(config.subsample))
        self.alias = alias_table(corpus.vocabulary.noise_distribution(config.noise_exponent))
        self.shape = row_shape(config.dim)
        self.row_floats = padded(config.dim)
        floats = len(corpus.vocabulary) * self.row_floats
        self.V, self.U = aligned(floats), aligned(floats)
        start_key = np.uint64(stream_key(config.seed, 0, START_STREAM))
        fill_uniform(self.V.reshape(-1, self.row_floats), config.dim, start_key)
        self.threads = config.threads or available_cores()
        self.gate = Gate(self.threads, available_cores())
        if config.schedule not in ("linear", "constant"):
            self.span = _between(1, self.ids.size * config.epochs / CURVE_SPANS / PIECE, self.span // PIECE) * PIECE
        self.buffers: list[Any] = [None] * self.threads
        self.epoch, self.position = 0, 0  # whole epochs that are done, and tokens of the next one
        self.spans: deque[_Span] = deque()
        self.error: BaseException | None = None

    @abstractmethod
    def compile(self) -> None:
        """Compile the kernels, or load them from Numba's cache, so that neither counts as training."""

    @property
    def tables(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """V and U, of shape (words, dim)."""
        V, U = (table.reshape(-1, self.row_floats)[:, : self.config.dim] for table in (self.V, self.U))
        return V, U

    def go(self, monitor: Monitor) -> None:
        """Train, segment by segment, to the end or until the monitor has seen enough."""
        place = monitor.begin(*self.tables)
        if place is not None:
            self.epoch, self.position = place["epoch"], place["position"]
        tokens = self.span  # of a segment
        while self.epoch < self.config.epochs and not monitor.is_over:
            start, began = self.position, time.perf_counter()
            self._train_segment(min(start + tokens, self.ids.size), monitor)
            speed = (self.position - start) / (time.perf_counter() - began)
            tokens = self.span * max(1, int(SEGMENT_SECONDS * speed / self.span))
            if self.position == self.ids.size:
                self.epoch, self.position = self.epoch + 1, 0
                monitor.end_epoch(self.epoch, self._rate(self.epoch, 0))
            place = {"epoch": self.epoch, "position": self.position}
            monitor.rest(place, *self._where())

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
            if self.buffers[thread] is None:
                self.buffers[thread] = self._buffers(thread)
            self._train(thread)
        except BaseException as error:  # handed to the thread that waits
            self.error = error
            self.gate.stop()

    @abstractmethod
    def _train(self, thread: int) -> None:
        """One thread's part of a segment; moves ``position`` on as spans are done."""

    @abstractmethod
    def _buffers(self, thread: int) -> Any:
        """What a thread writes to besides the tables."""

    def _draws(self, epoch: int) -> Draws:
        from lexigrad.kernels.tokens import Draws

        return Draws.of_epoch(self.config.seed, epoch, self.keep, self.alias)

    def _rate(self, epoch: int, position: int) -> float:
        """The learning rate where ``position`` tokens of an epoch are done."""
        return self.config.learning_rate_at((epoch + position / self.ids.size) / self.config.epochs)


class _Races(_Run):
    """Threads take one span after the other from each other's hands, and add to the tables without waiting."""

    span = SPAN

    def __init__(self, corpus: Corpus, config: TrainConfig) -> None:
        super().__init__(corpus, config)
        self.lock = threading.Lock()

    def compile(self) -> None:
        self._train_span(_Span(0, 0, 0, 0.0, 0.0), self._buffers(0))

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

        text, tables, rates = (self.ids, span.start, span.stop), (self.V, self.U), span[3:]
        train_span(self.shape, *text, *tables, self._draws(span.epoch), self.settings, *rates, *buffers)

    def _buffers(self, _: int) -> Any:
        from lexigrad.kernels.training import new_changes, new_cuts, new_panels, new_piece

        settings, row_floats = self.settings, self.row_floats
        panels, means = new_panels(settings, row_floats, self.config.model == "cbow")
        return new_piece(settings), new_cuts(settings), panels, new_changes(settings, row_floats), means


class _Together(_Run):
    """All threads train the same span at the same time, and meet after every half of a superstep."""

    span = LONG_SPAN

    def __init__(self, corpus: Corpus, config: TrainConfig) -> None:
        from lexigrad.kernels.supersteps import new_shared

        super().__init__(corpus, config)
        self.shared = new_shared(self.settings, self.row_floats)

    def compile(self) -> None:
        self._train_span(_Span(0, 0, 0, 0.0, 0.0), self._buffers(0))

    def _train(self, thread: int) -> None:
        for span in self.spans:
            if self.gate.stopped:
                return
            self._train_span(span, self.buffers[thread])
            if thread == 0:
                self.position += span.stop - span.start

    def _train_span(self, span: _Span, buffers: Any) -> None:
        from lexigrad.kernels.supersteps import train_together

        text, tables = (self.ids, span.start, span.stop), (self.V, self.U, self.V, self.U)
        common = self._draws(span.epoch), self.settings, *span[3:], self.gate.state, self.shared
        train_together(self.shape, *text, *tables, *common, *buffers)

    def _buffers(self, thread: int) -> Any:
        from lexigrad.kernels.supersteps import new_share
        from lexigrad.kernels.training import new_panels

        settings, row_floats = self.settings, self.row_floats
        share = new_share(settings, row_floats, thread, self.threads, self.gate.looks)
        return share, *new_panels(settings, row_floats, self.config.model == "cbow")


def _settings(config: TrainConfig, ids: NDArray[np.int32]) -> Settings:
    """The kernels' settings: what follows from the config and the corpus, never from the threads."""
    from lexigrad.kernels.tokens import longest_sentence
    from lexigrad.kernels.training import Settings, drawn_and_weight

    drawn, weight = drawn_and_weight(config.negatives)
    reach = min(config.window, max(1, longest_sentence(ids) - 1))  # no window goes beyond its sentence
    bands, block, repeats = _step_size(config, reach, float(weight))
    return Settings(
        dim=config.dim,
        window=config.window,
        dynamic=config.dynamic_window,
        bands=np.array(bands),
        block=block,
        repeats=repeats,
        first_rate=config.starting_learning_rate,
        step_blocks=SUPERSTEP,
        step_repeats=float(repeats),
        step_draws=MOST_DRAWS,
        slots=_between(1, SLOT_PLACES / (block + 2 * reach), SLOTS),
        drawn=drawn,
        weight=weight,
        historic=config.cbow_update == "word2vec",
    )


def _step_size(config: TrainConfig, reach: int, weight: float) -> tuple[list[int], int, int]:
    """How much one step takes: bands of distances, tokens in a block, occurrences of a word in a block.

    A step adds gradients that were computed at the same tables. A row to which too many are added overshoots, so the
    rate times their number is limited, for three kinds of rows: a center's for one token, a negative's for a block, a
    center's for all its occurrences in a block. The usual options give one band and 64 tokens.
    """
    rate = config.starting_learning_rate
    pull = rate * (1 + config.negatives)  # of one prediction on its input
    if config.model == "cbow":
        block = NEGATIVE_LIMIT / (rate * weight)
        return [1, reach + 1], _multiple_of_8(block), _between(1, REPEAT_LIMIT / pull, MOST_REPEATS)
    bands, largest, band = [1], 0.0, 0.0
    for distance in range(1, reach + 1):
        share = 1 - (distance - 1) / config.window if config.dynamic_window else 1.0
        if distance > bands[-1] and (band + 2 * share) * pull > CENTER_LIMIT:
            bands.append(distance)
            band = 0.0
        band += 2 * share
        largest = max(largest, band)
    block = NEGATIVE_LIMIT / (rate * weight * largest)
    return [*bands, reach + 1], _multiple_of_8(block), _between(1, REPEAT_LIMIT / (largest * pull), MOST_REPEATS)


def _multiple_of_8(tokens: float) -> int:
    """The tokens of a block: full tiles, at most 64."""
    return _between(1, tokens / 8, BLOCK // 8) * 8


def _between(least: int, value: float, most: int) -> int:
    """The value, rounded down, within bounds."""
    return max(least, int(min(value, most)))


def _read_only(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """The ids as one plain kind of array: Numba compiles for each kind anew."""
    view = np.asarray(ids).view(np.ndarray)
    view.flags.writeable = False
    return view
