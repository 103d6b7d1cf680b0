"""SGD without replicas on an engine: one worker trains, and the bytes are those of training in this process.

The tables stay with the worker; they come here to be measured and kept, and a fresh worker begins with the tables that
came last.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from lexigrad.training.replicas.changes import Pair
from lexigrad.training.replicas.trainer import KEPT, Kept, Setup, Share, Trainer, first_tables, forget, setup_of
from lexigrad.training.sgd.negative_sampling import LONG_SPAN, span_of
from lexigrad.training.sgd.run import Run, Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig
    from lexigrad.corpus.corpus import Corpus
    from lexigrad.engines.interface import Engine
    from lexigrad.training.further import Start
    from lexigrad.training.model import Word2Vec
    from lexigrad.training.monitor import Monitor

    Floats = NDArray[np.float32]

__all__ = ["train_alone"]

SEGMENT_SPANS: Final = 16
"""Spans that the worker trains without being asked: some 4 million tokens."""

ANCHOR_EVERY: Final = 32
"""Segments after which the tables come here in any case."""


class Task(NamedTuple):
    """The spans of each segment since the tables were here."""

    step: int  # the number of the last segment
    threads: int
    segments: tuple[tuple[Span, ...], ...]


def train_alone(corpus: Corpus, config: TrainConfig, monitor: Monitor, start: Start | None, engine: Engine) -> Word2Vec:
    """Train both tables by one worker of an engine; see `lexigrad.train`."""
    run = _Alone(corpus, config, engine)
    model = run.train(monitor, start)
    engine.get([engine.call(forget, run.name)])
    return model


def train_segment(setup: Setup, share: Share, task: Task, anchor: Pair) -> int:
    """Train the last segment, on the tables that this worker keeps or from the anchor on; returns its number."""
    with KEPT.trainer(setup, task.threads) as trainer:
        state = _state(trainer, share, task, anchor, task.step)
        trainer.train(share, task.segments[-1], state.V, state.U)
        KEPT.put(setup.run, 0, task.step + 1, state)
    return task.step


def tables_after(setup: Setup, share: Share, task: Task, anchor: Pair) -> Pair:
    """The tables after all segments, of shape (words, dim)."""
    with KEPT.trainer(setup, task.threads) as trainer:
        state = _state(trainer, share, task, anchor, task.step + 1)
        KEPT.put(setup.run, 0, task.step + 1, state)
    return Pair(state.V.rows(), state.U.rows())


def rows_after(setup: Setup, share: Share, task: Task, n: int, anchor: Pair) -> Floats:
    """The first n rows of V after all segments."""
    with KEPT.trainer(setup, task.threads) as trainer:
        state = _state(trainer, share, task, anchor, task.step + 1)
        KEPT.put(setup.run, 0, task.step + 1, state)
    return np.array(state.V.rows(n))


def _state(trainer: Trainer, share: Share, task: Task, anchor: Pair, step: int) -> Kept:
    """The tables as they are when a segment begins."""
    state = KEPT.take(trainer.setup.run, 0, step)
    if state is None:
        V, U = trainer.new_tables()
        V.put(anchor.V)
        U.put(anchor.U)
        state = Kept(V, U, V.floats, U.floats)
        first = task.step + 1 - len(task.segments)
        for spans in task.segments[: step - first]:
            trainer.train(share, spans, V, U)
    return state


class _Alone(Run):
    """One run: the tables as they were when they came here last, and the segments that were trained since."""

    def __init__(self, corpus: Corpus, config: TrainConfig, engine: Engine) -> None:
        super().__init__(corpus, config)
        self.engine = engine
        self.span = span_of(config, self.ids.size, LONG_SPAN)
        self.name = os.urandom(8).hex()
        self._setup = engine.put(setup_of(self.name, corpus, config))
        self._share = engine.put(Share(self.ids, 0))
        self.step = 0
        self._segments: tuple[tuple[Span, ...], ...] = ()
        self.put_tables(*first_tables(corpus, config))

    def tables(self) -> tuple[Floats, Floats]:
        if self._segments:
            task = Task(self.step - 1, self.engine.threads, self._segments)
            ref = self.engine.call(tables_after, self._setup, self._share, task, self._anchor)
            (found,) = self.engine.get([ref])
            self.engine.free([ref])
            self._put(Pair(*found))
        return self._tables.V.copy(), self._tables.U.copy()

    def first_rows(self, n: int) -> Floats:
        if not self._segments:
            return np.array(self._tables.V[:n])
        task = Task(self.step - 1, self.engine.threads, self._segments)
        ref = self.engine.call(rows_after, self._setup, self._share, task, n, self._anchor)
        found: list[Floats] = self.engine.get([ref])
        self.engine.free([ref])
        return found[0].copy()

    def put_tables(self, V: Floats, U: Floats) -> None:
        self.step += 1  # so that no worker goes on with tables that it keeps
        self._put(Pair(V.copy(), U.copy()))

    def _put(self, tables: Pair) -> None:
        self._tables, self._anchor, self._segments = tables, self.engine.put(tables), ()

    def _train(self, thread: int) -> None:
        """Have one segment trained."""
        if len(self._segments) >= ANCHOR_EVERY:
            self.tables()
        stop = min(self.ids.size, self.position + SEGMENT_SPANS * self.span)
        self._segments = (*self._segments, tuple(self._spans(stop, self.span)))
        task = Task(self.step, self.engine.threads, self._segments)
        self.engine.get([self.engine.call(train_segment, self._setup, self._share, task, self._anchor)])
        self.done += stop - self.position
        self.step += 1
