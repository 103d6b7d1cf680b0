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
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.encoding import available_cores
from lexigrad.model import Word2Vec
from lexigrad.progress import TrainProgress
from lexigrad.sampling import START_STREAM, alias_table, keep_thresholds, stream_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig
    from lexigrad.corpus import Corpus
    from lexigrad.kernels.tokens import Draws
    from lexigrad.kernels.training import Settings
    from lexigrad.progress import Progress

__all__ = ["train_sgd"]

SPAN: Final = 65_536
"""Tokens that a thread trains without looking up, when it races with others: some 10 ms."""

LONG_SPAN: Final = 262_144
"""Tokens that threads train together without looking up: whole rounds, some 30 ms."""

REPORT_SECONDS: Final = 0.1

BLOCK: Final = 64
"""Most tokens of which the step is computed at the same tables."""

MOST_REPEATS: Final = 6
"""Most occurrences of a word in a block."""

PARTS: Final = 2
"""Parts of a row whose scores are summed apart, so that two threads can share out the columns."""

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


def train_sgd(corpus: Corpus, config: TrainConfig, progress: Progress | None) -> Word2Vec:
    """Train both tables by stochastic gradient descent under negative sampling; see `lexigrad.train`."""
    run = (_Together if config.deterministic else _Races)(corpus, config)
    run.compile()
    history = run.go(progress)
    size = len(corpus.vocabulary), -1
    V, U = (table.reshape(size)[:, : config.dim] for table in (run.V, run.U))
    return Word2Vec(V, U, corpus.vocabulary, config, history)


class _Run(ABC):
    """One training run: the tables, and the threads that train them span by span."""

    span: int
    """Tokens between two looks at the clock."""

    def __init__(self, corpus: Corpus, config: TrainConfig) -> None:
        from lexigrad.kernels.meeting import Gate
        from lexigrad.kernels.simd import padded, row_parts
        from lexigrad.kernels.tokens import fill_uniform
        from lexigrad.kernels.training import aligned

        self.config = config
        self.ids: NDArray[np.int32] = _read_only(corpus.ids)
        self.words = corpus.words
        self.settings = _settings(config, self.ids)
        self.keep = keep_thresholds(corpus.vocabulary.keep_probability(config.subsample))
        self.alias = alias_table(corpus.vocabulary.noise_distribution(config.noise_exponent))
        self.shape = row_parts(config.dim, 1)
        self.row_floats = padded(config.dim)
        floats = len(corpus.vocabulary) * self.row_floats
        self.V, self.U = aligned(floats), aligned(floats)
        start_key = np.uint64(stream_key(config.seed, 0, START_STREAM))
        fill_uniform(self.V.reshape(-1, self.row_floats), config.dim, start_key)
        self.threads = config.threads or available_cores()
        self.gate = Gate(self.threads, available_cores())
        self.done = 0
        self.error: BaseException | None = None

    @abstractmethod
    def compile(self) -> None:
        """Compile the kernels, or load them from Numba's cache, so that neither counts as training."""

    def go(self, progress: Progress | None) -> list[dict[str, Any]]:
        """Train; an error in a thread, or Ctrl-C, stops all of them."""
        threads = [threading.Thread(target=self._work, args=(i,), name=f"train-{i}") for i in range(self.threads)]
        began = time.perf_counter()
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(REPORT_SECONDS)
                    if progress is not None:
                        progress(self._progress(time.perf_counter() - began))
        except BaseException:
            self.gate.stop()
            for thread in threads:
                if thread.ident is not None:  # it was started
                    thread.join()
            raise
        if self.error is not None:
            raise self.error
        if progress is not None:
            progress(self._progress(time.perf_counter() - began))
        return [
            {"epoch": epoch + 1, "words": self.words, "learning_rate": self._rate(epoch + 1, 0)}
            for epoch in range(self.config.epochs)
        ]

    def _work(self, thread: int) -> None:
        """What one thread does."""
        try:
            self._train(thread)
        except BaseException as error:  # handed to the thread that waits
            self.error = error
            self.gate.stop()

    @abstractmethod
    def _train(self, thread: int) -> None:
        """One thread's part of the whole run."""

    def _spans(self) -> Iterator[tuple[int, int, int]]:
        """(epoch, start, stop) for the whole run, or until it is stopped."""
        for epoch in range(self.config.epochs):
            for start in range(0, self.ids.size, self.span):
                if self.gate.stopped:
                    return
                yield epoch, start, min(start + self.span, self.ids.size)

    def _rates(self, epoch: int, start: int, stop: int) -> tuple[float, float]:
        """The learning rates at the ends of a span."""
        return self._rate(epoch, start), self._rate(epoch, stop)

    def _draws(self, epoch: int) -> Draws:
        from lexigrad.kernels.tokens import Draws

        return Draws.of_epoch(self.config.seed, epoch, self.keep, self.alias)

    def _rate(self, epoch: int, position: int) -> float:
        """The learning rate where ``position`` tokens of an epoch are done: it falls in a straight line."""
        share = (epoch + position / self.ids.size) / self.config.epochs
        first, last = self.config.starting_learning_rate, self.config.min_learning_rate
        return first + (last - first) * share

    def _progress(self, seconds: float) -> TrainProgress:
        total = self.words * self.config.epochs
        epochs_done, position = divmod(self.done, self.ids.size)
        words = total * self.done // (self.ids.size * self.config.epochs)
        epoch = min(epochs_done + 1, self.config.epochs)
        return TrainProgress(words, total, seconds, self._rate(epochs_done, position), epoch)


class _Races(_Run):
    """Threads take one span after the other from each other's hands, and add to the tables without waiting."""

    span = SPAN

    def __init__(self, corpus: Corpus, config: TrainConfig) -> None:
        super().__init__(corpus, config)
        self.lock = threading.Lock()
        self.spans = self._spans()

    def compile(self) -> None:
        self._train_span(0, 0, 0, self._buffers())

    def _train(self, thread: int) -> None:
        buffers = self._buffers()
        while True:
            with self.lock:
                span = next(self.spans, None)
            if span is None:
                return
            self._train_span(*span, buffers)
            with self.lock:
                self.done += span[2] - span[1]

    def _train_span(self, epoch: int, start: int, stop: int, buffers: Any) -> None:
        from lexigrad.kernels.training import train_span

        text, tables = (self.ids, start, stop), (self.V, self.U)
        rates = self._rates(epoch, start, stop)
        train_span(self.shape, *text, *tables, self._draws(epoch), self.settings, *rates, *buffers)

    def _buffers(self) -> Any:
        from lexigrad.kernels.training import new_changes, new_cuts, new_panels, new_piece, new_scores

        settings, row_floats, cbow = self.settings, self.row_floats, self.config.model == "cbow"
        panels = new_panels(settings, row_floats, cbow)
        return new_piece(settings), new_cuts(settings), *panels, new_scores(settings, cbow, 1), new_changes(settings, row_floats)


class _Together(_Run):
    """All threads train the same span at the same time, and meet in every superstep."""

    span = LONG_SPAN

    def __init__(self, corpus: Corpus, config: TrainConfig) -> None:
        from lexigrad.kernels.meeting import Gate
        from lexigrad.kernels.simd import row_parts
        from lexigrad.kernels.supersteps import new_shared, new_shares

        super().__init__(corpus, config)
        parts, cbow = row_parts(config.dim, PARTS), config.model == "cbow"
        self.shared = new_shared(self.settings, len(parts), cbow)
        self.shares = new_shares(self.settings, parts, cbow, self.threads, self.gate.looks)
        self.threads = len(self.shares)
        self.gate = Gate(self.threads, available_cores())

    def compile(self) -> None:
        for share in {share[0]: share for share in self.shares}.values():
            self._train_span(0, 0, 0, share)

    def _train(self, thread: int) -> None:
        share = self.shares[thread]
        for span in self._spans():
            self._train_span(*span, share)
            if thread == 0:
                self.done += span[2] - span[1]

    def _train_span(self, epoch: int, start: int, stop: int, share: Any) -> None:
        from lexigrad.kernels.supersteps import train_together

        text, tables = (self.ids, start, stop), (self.V, self.U, self.V, self.U)
        common = self._draws(epoch), self.settings, *self._rates(epoch, start, stop), self.gate.state, self.shared
        train_together(self.shape, *text, *tables, *common, *share)


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
