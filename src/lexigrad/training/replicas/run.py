"""Training replicas: an engine carries out the intervals of a plan, and the replicas are merged."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.engines.cores import available_cores, shared_out
from lexigrad.engines.interface import LostValueError
from lexigrad.engines.threads import ThreadEngine
from lexigrad.errors import EngineError
from lexigrad.kernels.compiler.rowshape import CHUNK
from lexigrad.training.replicas.calls import Task, merge_range, moments, train_interval
from lexigrad.training.replicas.changes import Pair
from lexigrad.training.replicas.damping import Damping
from lexigrad.training.replicas.schedule import HOT_ROWS, plan_of
from lexigrad.training.replicas.trainer import Share, first_tables, forget, setup_of
from lexigrad.training.sgd.negative_sampling import LONG_SPAN
from lexigrad.training.sgd.run import Run, Span

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig
    from lexigrad.corpus.corpus import Corpus
    from lexigrad.engines.interface import Engine, Ref
    from lexigrad.training.further import Start
    from lexigrad.training.model import Word2Vec
    from lexigrad.training.monitor import Monitor

    Floats = NDArray[np.float32]

__all__ = ["train_replicas"]

ANCHOR_EVERY: Final = 4
"""Merges of all rows after which the tables are kept here: a fresh worker begins with these, and so does the whole run
where values were lost with a machine."""

MOST_LOSSES: Final = 5
"""So often a run goes back to the same tables before it gives up."""


def train_replicas(
    corpus: Corpus,
    config: TrainConfig,
    monitor: Monitor,
    start: Start | None = None,
    engine: Engine | None = None,
    merge: Callable[..., Any] = merge_range,
) -> Word2Vec:
    """Train replicas of both tables, each on its share of the text, and merge them; see `lexigrad.train`.

    Args:
        corpus: the text.
        config: the options.
        monitor: watches the run.
        start: a model to begin with.
        engine: the workers that train and merge, whose number changes no byte; threads of this process when not given.
        merge: a rule to compare with `merge_range`.

    Raises:
        ConfigError: the run is too short for so many replicas, or training ran away.
        EngineError: the engine gave up.
        LostValueError: values were lost with machines again and again.
    """
    with ExitStack() as stack:
        if engine is None:
            cores = config.threads or available_cores()
            engine = ThreadEngine(*shared_out([cores], cores, None, None, most_workers=config.replicas))
            stack.enter_context(engine)
        run = _Replicas(corpus, config, engine, merge)
        stack.callback(run.forget)
        return run.train(monitor, start)


class _Replicas(Run):
    """One run: the step that comes next, and references to the values that the engine holds.

    These are the tables at an anchor, and the merges since; the rows of both tables by ranges, the commonest first; and
    the sums of the commonest rows, from which the directions of the next merge follow.
    """

    def __init__(self, corpus: Corpus, config: TrainConfig, engine: Any, merge: Callable[..., Any]) -> None:
        super().__init__(corpus, config)
        self.engine, self._rule = engine, merge
        self.plan = plan_of(config, self.ids)
        self.damping = Damping(corpus.vocabulary, config)
        self.words, self.step = len(corpus.vocabulary), 0
        self.ranges = _ranges(self.words, engine.workers)
        self._setup_values = setup_of("", corpus, config)
        self._name_run()
        cuts = self.plan.cuts.tolist()
        self._shares = [engine.put(Share(self.ids[a:b], a)) for a, b in pairwise(cuts)]
        self._weights = engine.put(self.damping.weights(self.ranges[0][1]))
        self._updates: dict[tuple[int, int], Ref] = {}
        self.put_tables(*first_tables(corpus, config))

    def _name_run(self) -> None:
        """Take a name under which no process keeps anything."""
        self.run = os.urandom(8).hex()
        self._setup = self.engine.put(self._setup_values._replace(run=self.run))

    def tables(self) -> tuple[Floats, Floats]:
        blocks = self._get(lambda: self._rows)
        return np.concatenate([block.V for block in blocks]), np.concatenate([block.U for block in blocks])

    def first_rows(self, n: int) -> Floats:
        holding = sum(first < n for first, _ in self.ranges)
        return np.concatenate([block.V for block in self._get(lambda: self._rows[:holding])])[:n]

    def put_tables(self, V: Floats, U: Floats) -> None:
        self._put([Pair(V[first:last].copy(), U[first:last].copy()) for first, last in self.ranges])
        self._begin_at_anchor()

    def _put(self, blocks: list[Pair]) -> None:
        """Let these blocks of the tables be the anchor."""
        self._rows = [self.engine.put(block) for block in blocks]
        self._anchor, self._anchor_step, self._losses = list(self._rows), self.step, 0

    def _begin_at_anchor(self) -> None:
        """Stand at the anchor, with no merge since."""
        self._rows = list(self._anchor)
        self._stand_at(self._anchor_step)
        self._merges: list[list[Ref]] = []
        self._anchored = 0
        (hot,), weights = self.engine.get(self._anchor[:1]), self.damping.weights(self.ranges[0][1])
        self._moments = self.engine.put(Pair(moments(hot.V, weights.V), moments(hot.U, weights.U)))

    def _go_back(self, loss: LostValueError) -> None:
        """Begin at the anchor anew, as a value was lost; raises the loss if the run did that too often.

        Tables that workers kept are of no use: the merges since the anchor, some of which they lack, are gone.
        """
        if self._losses == MOST_LOSSES:
            raise loss
        self._losses += 1
        for worker in range(self.engine.workers):
            self.engine.call(forget, self.run, on=worker)
        self._name_run()
        self._begin_at_anchor()

    def _reach(self, step: int) -> None:
        """Train up to a step."""
        while self.step < step and not self._is_stopped:
            try:
                self._take_step()
            except LostValueError as loss:
                self._go_back(loss)

    def _get(self, refs: Callable[[], list[Ref]]) -> list[Any]:
        """Values of the engine as they are at this step; lost ones are computed again."""
        step = self.step
        while True:
            self._reach(step)
            try:
                values: list[Any] = self.engine.get(refs())
            except LostValueError as loss:
                self._go_back(loss)
            else:
                return values

    def _place(self) -> dict[str, int]:
        return {"step": self.step}

    def _go_on_from(self, place: dict[str, int]) -> None:
        self._stand_at(place["step"])
        self._anchor_step, self.merges = self.step, self.plan.merges(self.step)

    def _stand_at(self, step: int) -> None:
        """Let a step be the next one."""
        epoch, position = self.plan.place(step)
        self.step, self.done = step, epoch * self.ids.size + position

    def _train(self, thread: int) -> None:
        """Go on to the next merge of all rows."""
        while not self._is_stopped:
            self._reach(self.step + 1)
            if self.plan.is_full(self.step - 1):
                break
        self._get(lambda: [self._moments])
        self.merges = self.plan.merges(self.step)

    def _take_step(self) -> None:
        """Train all replicas for an interval, and merge them."""
        step, ranges = self.step, self.ranges if self.plan.is_full(self.step) else self.ranges[:1]
        changes = [self._train_replica(replica, ranges) for replica in range(self.plan.replicas)]
        (sums,) = self.engine.get([self._moments])  # while they train
        directions = self.engine.put(self.damping.directions(sums, self._rate_after(step)))
        merged = [self._merge(number, directions, [one[number] for one in changes]) for number in range(len(ranges))]
        self.engine.free([directions, *(ref for one in changes for ref in one)])
        self._merges, self._anchored = [*self._merges[self._anchored :], merged], 0
        self._stand_at(step + 1)
        full = [here for here in range(self._anchor_step, self.step) if self.plan.is_full(here)]
        if full and full[-1] == step and len(full) >= ANCHOR_EVERY:
            self._move_anchor(merged)

    def _train_replica(self, replica: int, ranges: list[tuple[int, int]]) -> tuple[Ref, ...]:
        """Have a replica trained for an interval; returns its changes in each range."""
        steps = range(self.plan.after_full(self.step), self.step + 1)
        task = Task(
            replica=replica,
            step=self.step,
            threads=self.engine.threads,
            ranges=tuple(self.ranges),
            merged=tuple(map(len, self._merges)),
            anchored=self._anchored,
            spans=tuple(self._spans_of(replica, step) for step in steps),
            results=tuple(ranges),
        )
        blocks = [*self._anchor, *(ref for merge in self._merges for ref in merge)]
        how: dict[str, Any] = {"returns": len(ranges), "on": replica}
        found = self.engine.call(train_interval, self._setup, self._shares[replica], task, *blocks, **how)
        return found if len(ranges) > 1 else (found,)

    def _spans_of(self, replica: int, step: int) -> tuple[Span, ...]:
        """The spans that a replica trains in a step, with the learning rates that the whole text has there."""
        epoch, start, stop = self.plan.span(replica, step)
        ends = [*range(start, stop, LONG_SPAN), stop]
        first, last = self._rate_after(step - 1), self._rate_after(step)
        rates = [first + (last - first) * (end - start) / max(1, stop - start) for end in ends]
        places = zip(ends[:-1], ends[1:], rates[:-1], rates[1:], strict=True)
        return tuple(Span(epoch, *place) for place in places)

    def _rate_after(self, step: int) -> float:
        """The learning rate at the end of a step."""
        return self.config.learning_rate_at((step + 1) / self.plan.steps)

    def _merge(self, number: int, directions: Ref, changes: list[Ref]) -> Ref:
        """Have a range of rows merged; returns the changes for all replicas."""
        is_hot = number == 0
        intervals = 1 if is_hot else self.step - self.plan.after_full(self.step) + 1
        arguments = self.ranges[number][0], self._rows[number], directions, self._updates_of(number, intervals)
        how: dict[str, Any] = {"returns": 3 if is_hot else 2, "on": number}
        found = self.engine.call(self._rule, *arguments, self._weights if is_hot else None, *changes, **how)
        self._rows[number] = found[0]
        if is_hot:
            self._moments = found[2]
        return found[1]

    def _updates_of(self, number: int, intervals: int) -> Ref:
        """The expected updates of each row of a range in some intervals."""
        if (number, intervals) not in self._updates:
            updates = self.damping.updates(self.plan.tokens * intervals, *self.ranges[number])
            self._updates[number, intervals] = self.engine.put(updates)
        return self._updates[number, intervals]

    def _move_anchor(self, merged: list[Ref]) -> None:
        """Keep the tables here as they are now, and free the values that led to them."""
        old = [*self._anchor, *(ref for merge in self._merges[:-1] for ref in merge)]
        self._put(self.engine.get(self._rows))
        self._merges, self._anchored = [merged], 1
        self.engine.free(old)

    def forget(self) -> None:
        """Let no process keep anything of this run."""
        calls = [self.engine.call(forget, self.run, on=worker) for worker in range(self.engine.workers)]
        if self._error is None and not self._is_stopped:
            with suppress(EngineError):  # the model is trained, so an error no longer matters
                self.engine.get(calls)
        else:  # after an error, other processes are not waited for
            forget(self.run)


def _ranges(words: int, workers: int) -> list[tuple[int, int]]:
    """The commonest rows, and the others in a range for each worker; all in whole chunks of a table."""
    hot = min(words, -(-HOT_ROWS // CHUNK) * CHUNK)
    chunks = -(-(words - hot) // CHUNK)
    count = min(workers, chunks)
    ends = [min(words, hot + chunks * number // count * CHUNK) for number in range(1, count + 1)]
    return list(zip([0, hot, *ends[:-1]], [hot, *ends], strict=True)) if ends else [(0, hot)]
