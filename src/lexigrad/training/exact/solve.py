"""Skip-gram at the optimum of its whole loss: from window counts to a model, without a learning rate or a seed.

1. Training starts from the SVD of the positive PMI of the head, the most frequent words
(`lexigrad.training.exact.svd`). 2. Negative sampling in expectation is minimised over the head's V, U and bias
(`lexigrad.training.exact.lbfgs`). The naive
   softmax is minimised afterwards, from that optimum on.
3. With the head's vectors held, every other word's row of V is a convex problem of its own, and so is its row of U
   with its bias (`lexigrad.training.exact.tail`, `lexigrad.training.exact.tail`).

The passes, the SVD's products and the other words are calls of pure functions, which an engine carries out; this module
makes the steps between the calls.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from lexigrad.corpus.vocabulary import Vocabulary
from lexigrad.engines.cores import available_cores, one_blas_thread
from lexigrad.engines.threads import ThreadEngine
from lexigrad.errors import CorpusError, TrainingInterrupted
from lexigrad.training.checkpoints import State
from lexigrad.training.exact.balance import balanced
from lexigrad.training.exact.dense import on_device
from lexigrad.training.exact.fused import FusedObjective, SpreadCounts
from lexigrad.training.exact.lbfgs import Memory, Step, minimize
from lexigrad.training.exact.memory import check_memory
from lexigrad.training.exact.objective import SUMMED, Counts, Point
from lexigrad.training.exact.progress import SolverWatch
from lexigrad.training.exact.svd import ppmi_factors
from lexigrad.training.exact.tail import ROWS, Tail, Words
from lexigrad.training.loss.allpairs import loss_of_counts
from lexigrad.training.model import Word2Vec
from lexigrad.training.records import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig
    from lexigrad.corpus.windows.counts import WindowCounts
    from lexigrad.engines.interface import Engine
    from lexigrad.training.checkpoints import Checkpoints
    from lexigrad.training.exact.objective import Loss, Objective
    from lexigrad.training.exact.tail import Solved
    from lexigrad.training.loss.allpairs import PairLoss
    from lexigrad.training.loss.heldout import HeldOutText
    from lexigrad.training.records import Listeners

    Doubles = NDArray[np.float64]
    Floats = NDArray[np.float32]

__all__ = ["train_exact", "train_svd"]

START_SCALE: Final = 1.2
"""Vectors of the SVD are short; scaled so, the first steps are not spent on their lengths."""

MOST_PASSES: Final = 40.0
TOLERANCE: Final = 1.5e-3
"""The search ends when a step gains less, in nats per pair."""

TABLES: Final = ("V", "U", "bias")
BEST: Final = ("best_V", "best_U", "best_bias")
"""The names of tables in a checkpoint: those of the last step, and of the best step on held-out text."""

PATIENCE: Final = 2
"""Steps without a smaller loss on held-out text after which the search ends, if ``early_stop`` is not given."""


def train_svd(
    counts: WindowCounts,
    config: TrainConfig,
    listeners: Listeners,
    held_out: HeldOutText | None = None,
    engine: Engine | None = None,
) -> Word2Vec:
    """Word vectors by the truncated SVD of the positive PMI; see `lexigrad.train`."""
    _check_pairs(counts)
    with one_blas_thread(), _carrier(engine, config) as carrier:
        watch = SolverWatch(listeners)
        watch.begin("svd", counts.pairs)
        V, U = ppmi_factors(counts, config.dim, carrier)
        watch(float("nan"), 1.0)
        return watch.measured(Word2Vec(V, U, counts.vocabulary, config, phrases=counts.phrases), held_out)


def train_exact(
    counts: WindowCounts,
    config: TrainConfig,
    listeners: Listeners,
    held_out: HeldOutText | None = None,
    checkpoints: Checkpoints | None = None,
    engine: Engine | None = None,
) -> Word2Vec:
    """Minimise skip-gram's loss over the whole corpus; see `lexigrad.train`.

    Args:
        counts: the window counts of the text to train on.
        config: the options.
        listeners: are told with `SolverProgress` after each pass.
        held_out: a text of the same vocabulary; the search ends where the loss on it no longer falls.
        checkpoints: are written between accepted steps; they have begun, and may have a state to go on from.
        engine: carries the passes out, and does not change the result; threads of this process when not given.

    Raises:
        InputError: the machine lacks the memory.
        TrainingInterrupted: Ctrl-C came when a step had been accepted.
    """
    threads = 0 if engine is not None else config.threads or available_cores()
    memory_bytes = check_memory(counts, config, threads)
    _check_pairs(counts)
    with one_blas_thread(), _carrier(engine, config) as carrier:
        watch = SolverWatch(listeners, memory_bytes)
        return _Solver(counts, config, watch, held_out, checkpoints, carrier).run()


def _carrier(engine: Engine | None, config: TrainConfig) -> AbstractContextManager[Engine]:
    """The engine, which the caller closes, or one of this process."""
    return ThreadEngine(config.threads or available_cores()) if engine is None else nullcontext(engine)


class _Solver:
    """The stages of the exact solver, and the counts and weights that they share."""

    def __init__(
        self,
        counts: WindowCounts,
        config: TrainConfig,
        watch: SolverWatch,
        held_out: HeldOutText | None,
        checkpoints: Checkpoints | None,
        engine: Engine,
    ) -> None:
        self.checkpoints, self.engine, self.watch = checkpoints, engine, watch
        self.spread: SpreadCounts | None = None
        self.unkept: Callable[[], State] | None = None
        self.counts, self.config, self.held_out = counts, config, held_out
        self.words = len(counts.vocabulary)
        self.head = min(config.head, self.words)
        self.center_weights = counts.center_weights
        self.unigram = np.maximum(self.center_weights / counts.pairs, 1e-12)
        self.noise = counts.vocabulary.noise_distribution(config.noise_exponent)
        self.head_counts = counts.head(self.head)
        followed = None if held_out is None else held_out.counts
        self.followed = None if followed is None else followed.head(self.head)
        self.latest: Point | None = None

    def run(self) -> Word2Vec:
        """Go through all stages; after Ctrl-C the error has a model of the words that have vectors."""
        state = None if self.checkpoints is None else self.checkpoints.state
        if state is not None:
            self.watch.records.restore(state.values["records"])
        try:
            point = self._words_so_far(state)
            if self.head < self.words:
                point = self._with_all_words(point)
        except KeyboardInterrupt as interrupt:
            self._keep()
            if self.latest is None:
                raise
            raise TrainingInterrupted(self.watch.measured(self._model(self.latest), None)) from interrupt
        finally:
            self._release()
        return self.watch.measured(self._model(point), self.held_out)

    def _model(self, point: Point) -> Word2Vec:
        V, U, bias = (np.ascontiguousarray(table, dtype=np.float32) for table in (point.V, point.U, point.bias))
        known = self.counts.vocabulary
        vocabulary = known if len(V) == self.words else Vocabulary(known.words[: len(V)], known.counts[: len(V)])
        return Word2Vec(V, U, vocabulary, self.config, bias=bias, phrases=self.counts.phrases)

    def _words_so_far(self, state: State | None) -> Point:
        """The head at the optimum of the loss, and the other words of which the state has vectors."""
        stage = None if state is None else state.values["stage"]
        if state is not None and stage == "other words":
            self.latest = Point(*(state.arrays[name] for name in TABLES))
            return self.latest
        return self._optimum(self.config.loss, state)

    def _optimum(self, loss: Loss, state: State | None) -> Point:
        """The head at the optimum of a loss, from the state, or from the optimum of the loss before it, or the SVD."""
        before = SUMMED[loss].after
        if state is not None and (before is None or state.values["stage"] == loss):
            return self._minimized(loss, state)
        if before is None:
            return self._minimized(loss, self._start())
        point = self._optimum(before, state)
        # negative sampling fits log n/(n_c K P), where the softmax needs log n/n_c
        return self._minimized(loss, Point(point.V, point.U, point.bias + np.log(self.noise[: self.head])))

    def _can_go_on(self, state: Callable[[], State]) -> None:
        """Note a state from which the run could go on, and keep it when it is time to."""
        self.unkept = state
        if self.checkpoints is not None and self.checkpoints.is_due(epoch_ends=True):
            self._keep()

    def _keep(self) -> None:
        """Write a checkpoint of the last state from which the run could go on, unless it is written already."""
        if self.checkpoints is not None and self.checkpoints.every is not None and self.unkept is not None:
            self.checkpoints.write(self.unkept())
            self.unkept = None

    def _start(self) -> Point:
        """The SVD of the head, with the bias that fits words at random."""
        self.watch.begin("svd", self.head_counts.pairs)
        V, U = ppmi_factors(self.head_counts, self.config.dim, self.engine)
        return Point(START_SCALE * V, START_SCALE * U, self._chance(slice(0, self.head)))

    def _chance(self, rows: slice) -> Doubles:
        """The scores at negative sampling's optimum if words stood beside each other at random: log p / (K P)."""
        chance: Doubles = np.log(self.unigram[rows] / self.noise[rows]) - np.log(self.config.negatives)
        return chance

    def _minimized(self, loss: Loss, start: Point | State) -> Point:
        """The head at the optimum of one loss, from a point or from where the search was broken off."""
        softmax = SUMMED[loss].is_normalized
        pairs = self.head_counts.pairs
        self.watch.begin(loss.replace("_", " "), pairs, is_likelihood=softmax)
        objective = self._objective(loss)
        held_out = None if self.followed is None or loss != self.config.loss else _Followed(self, self.followed)
        search: Point | Memory
        if isinstance(start, State):
            search = Memory.restored(start.values["search"], start.arrays, objective)
            self.latest = Point(*(start.arrays[name] for name in TABLES))
            if held_out is not None:
                held_out.restore(start)
        else:
            unigram = self.unigram[: self.head] / self.unigram[: self.head].sum()
            noise = self.noise[: self.head] / self.noise[: self.head].sum()
            tables = balanced(start.V, start.U, start.bias, unigram, unigram if softmax else noise, centered=softmax)
            search = Point(*(objective.asarray(table) for table in tables))

        def report(step: Step) -> bool:
            self.latest = Point(*(objective.host(table) for table in step.point.tables))
            self.watch(step.loss, step.passes, None if held_out is None else held_out.look(self.latest))
            self.watch.listeners.rest(partial(_first_rows, self.latest.V))
            return held_out is None or not held_out.patience.is_over

        def between(memory: Memory) -> None:
            values = {"stage": loss, "records": self.watch.records.state()}
            arrays = dict(zip(TABLES, cast("Point", self.latest).tables, strict=True))
            if held_out is not None:
                held_out.add_to(values, arrays)
            self._can_go_on(partial(_state_of_search, memory, objective, values, arrays))

        tolerance = TOLERANCE * pairs
        minimize(objective, search, most_passes=MOST_PASSES, tolerance=tolerance, report=report, between=between)
        best = cast("Point", self.latest) if held_out is None else held_out.best
        # of all tables with these scores the shortest are kept: the L2 term falls, and nothing else changes
        equal = np.full(self.head, 1 / self.head)
        return Point(*(table.astype(np.float32) for table in balanced(*best.tables, equal, equal, centered=softmax)))

    def _with_all_words(self, known: Point) -> Point:
        """The vectors of the head, and of other words that are known already, with those of all others."""
        V, U, bias = [known.V], [known.U], [known.bias]

        def keep() -> None:
            self._can_go_on(partial(_state_of_words, (list(V), list(U), list(bias)), self.watch.records.state()))

        if known is not self.latest:  # a run that has just gone on has these in its checkpoint
            keep()
        for rows, found in self._other_words(known):
            for what, loss, passes in zip(("center", "outside"), found.losses, found.passes, strict=True):
                self.watch.begin(f"{what} vectors of words {rows.start + 1:,} to {rows.stop:,}", found.pairs)
                self.watch(loss, passes)
            for tables, table in zip((V, U, bias), found[:3], strict=True):
                tables.append(table)
            if rows.stop < self.words:
                keep()
        return Point(np.concatenate(V), np.concatenate(U), np.concatenate(bias))

    def _other_words(self, known: Point) -> Iterator[tuple[slice, Solved]]:
        """The words that have no vectors yet, block by block."""
        head, tail = Point(*(table[: self.head] for table in known.tables)), Tail(self.config.loss, self.config.device)
        softmax = SUMMED[self.config.loss].is_normalized
        centers = self.config.negatives * self.center_weights
        # the bias is one more number of the row, whose column is 1, on top of the bias that fits words at random
        with_ones = np.hstack([head.V, np.ones((self.head, 1), dtype=np.float32)])
        bias = self._log_rates(head) if softmax else np.zeros(self.head, dtype=np.float32)
        self._release()
        starts = range(len(known.V), self.words, ROWS)

        def block(rows: slice) -> Words:
            offsets = np.log(self.unigram[rows]) if softmax else self._chance(rows)
            return Words(*_block(self.counts, rows, self.head), centers[rows], self.noise[rows], offsets)

        words = ((rows, block(rows)) for rows in (slice(start, min(start + ROWS, self.words)) for start in starts))
        fixed = (
            tail.fixed(head.U, head.bias, self.noise[: self.head]),
            tail.fixed(with_ones, bias, centers[: self.head]),
        )
        yield from tail.solved(words, *fixed, self.engine)

    def _log_rates(self, head: Point) -> Floats:
        """The logarithm of n_c / Σ_w exp(s_cw) for the head's centers, w over the head alone: an approximation."""
        objective = self._objective(self.config.loss)
        found = objective.evaluate(Point(*(objective.asarray(table) for table in head.tables)), rows_only=True)
        rates: Doubles = np.log(np.maximum(objective.row_weights, 1e-12)) - objective.host(found.normalizers)
        return rates.astype(np.float32)

    def _objective(self, loss: Loss) -> Objective:
        """The loss of the head."""
        if self.config.device is not None:
            return on_device(self._counts_of_head(), loss, SUMMED[loss].l2, self.config.device)
        if self.spread is None:
            self.spread = SpreadCounts(self._counts_of_head(), self.engine, self.config.parts)
        return FusedObjective(self.spread, loss, SUMMED[loss].l2)

    def _counts_of_head(self) -> Counts:
        """The window counts of the head, with the factors of the noise term."""
        counts, centers = self.head_counts, self.config.negatives * self.center_weights[: self.head]
        return Counts(counts.starts, counts.outside, counts.weights, self.head, centers, self.noise[: self.head])

    def _release(self) -> None:
        """Let the engine drop the head's counts."""
        if self.spread is not None:
            self.spread.close()
            self.spread = None


class _Followed:
    """Follows the loss on held-out text from step to step."""

    def __init__(self, solver: _Solver, counts: WindowCounts) -> None:
        self.solver, self.counts = solver, counts
        self.patience = Patience(solver.config.early_stop or PATIENCE)
        self.best: Point

    def add_to(self, values: dict[str, Any], arrays: dict[str, Floats]) -> None:
        """Put the losses and the best tables so far into a state."""
        values["held out"] = self.patience.state()
        arrays |= dict(zip(BEST, self.best.tables, strict=True))

    def restore(self, state: State) -> None:
        """Go on from the values that ``add_to`` put into the state."""
        self.patience.restore(state.values["held out"])
        self.best = Point(*(state.arrays[name] for name in BEST))

    def look(self, point: Point) -> PairLoss:
        """Measure a point, and keep it if it is the best so far."""
        config, noise = self.solver.config, self.solver.noise[: self.solver.head]
        tables = point.V, point.U, point.bias
        found = loss_of_counts(*tables, self.counts, noise, config.negatives, threads=config.threads)
        if self.patience.is_least(found.losses[config.loss]):
            self.best = point
        return found


def _first_rows(V: Any, n: int) -> Floats:
    """A copy of the first n rows, or of all if there are fewer."""
    return np.array(V[:n], dtype=np.float32)


def _state_of_search(memory: Memory, objective: Objective, values: dict[str, Any], arrays: dict[str, Floats]) -> State:
    """The state in the middle of a search."""
    search, searched = memory.saved(objective)
    where = f"{values['stage'].replace('_', ' ')}, pass {memory.passes:.1f}"
    return State(where, {**values, "search": search}, {**arrays, **searched})


def _state_of_words(tables: tuple[list[Floats], ...], records: dict[str, Any]) -> State:
    """The state when some words have their vectors."""
    arrays = {name: np.concatenate(parts) for name, parts in zip(TABLES, tables, strict=True)}
    return State(f"word {len(arrays['V']):,}", {"stage": "other words", "records": records}, arrays)


def _check_pairs(counts: WindowCounts) -> None:
    if counts.pairs == 0:
        raise CorpusError("no two words stand in one window, so there is nothing to learn; give more text")


def _block(
    counts: WindowCounts, rows: slice, columns: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """The counts of a block of rows, with the first columns only."""
    span = slice(counts.starts[rows.start], counts.starts[rows.stop])
    inside = counts.outside[span] < columns
    ends = np.concatenate([[0], np.cumsum(inside)])
    starts = ends[counts.starts[rows.start : rows.stop + 1] - counts.starts[rows.start]]
    return starts, counts.outside[span][inside], counts.weights[span][inside]
