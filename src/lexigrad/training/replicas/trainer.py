"""How one replica trains: the deterministic trainer of SGD (`lexigrad.training.sgd`) on a share of the text.

A process keeps the tables of replicas, and trainers with their buffers, between calls. Calls give the same results
without them. No two calls use the same tables or trainer at a time: a call that takes them has them until it puts them
back.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from lexigrad.engines.cores import available_cores
from lexigrad.kernels.compiler.rowshape import row_parts
from lexigrad.kernels.draws import FIRST_MULTIPLIER, MASK, START_STREAM, alias_table, keep_thresholds, stream_key
from lexigrad.kernels.sgd.barrier import Gate
from lexigrad.kernels.sgd.piece import Draws, Text
from lexigrad.kernels.sgd.span import Rates
from lexigrad.kernels.sgd.step import Tables
from lexigrad.kernels.sgd.superstep import train_together
from lexigrad.kernels.sgd.tables import Table
from lexigrad.kernels.sgd.team import Team, new_members, new_shared
from lexigrad.training.sgd.negative_sampling import PARTS
from lexigrad.training.sgd.run import plain_ids
from lexigrad.training.sgd.stepsize import settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig
    from lexigrad.corpus.corpus import Corpus
    from lexigrad.kernels.sgd.span import Settings
    from lexigrad.kernels.sgd.team import Member
    from lexigrad.training.sgd.run import Span

__all__ = ["KEPT", "Kept", "Setup", "Share", "Trainer", "first_tables", "forget", "setup_of"]


MOST_RUNS: Final = 4
"""Runs of which tables or trainers are kept; a run that ends well has its own forgotten."""


class Setup(NamedTuple):
    """The values that all calls of a run need."""

    run: str  # a name that no other run has
    words: int
    seed: int
    settings: Settings
    keep: NDArray[np.uint32]  # as `lexigrad.kernels.draws.keep_thresholds` gives it
    alias: NDArray[np.uint64]  # as `lexigrad.kernels.draws.alias_table` gives it


class Share(NamedTuple):
    """One replica's share of the text."""

    ids: NDArray[np.int32]
    first: int  # the position of its first token in the whole text


class Trainer:
    """Trains tables on spans of text, with any number of threads to the same bytes.

    Args:
        setup: the values that all calls of the run need.
        threads: the number of threads that share the work.
    """

    def __init__(self, setup: Setup, threads: int) -> None:
        settings = setup.settings  # the kernels are compiled for arrays that can be written to, and a weight in float32
        settings = settings._replace(bands=settings.bands.copy(), weight=np.float32(settings.weight))
        cbow = bool(settings.cbow)
        self.setup = setup._replace(settings=settings, keep=setup.keep.copy(), alias=setup.alias.copy())
        self.threads = threads
        self.shape = row_parts(settings.dim, PARTS)
        self._shared = new_shared(settings, len(self.shape), cbow)
        self._members = new_members(settings, self.shape, cbow, threads, available_cores())
        self._error: BaseException | None = None

    def new_tables(self) -> tuple[Table, Table]:
        """Two tables of zeros."""
        V, U = (Table(self.setup.words, self.setup.settings.dim, self.shape) for _ in range(2))
        return V, U

    def train(self, share: Share, spans: Sequence[Span], V: Table, U: Table) -> None:
        """Train both tables on spans of the share, one after the other."""
        gate = Gate(len(self._members), available_cores())
        works = [partial(self._work, share, spans, V, U, gate, member) for member in self._members]
        others = [threading.Thread(target=work) for work in works[1:]]
        for other in others:
            other.start()
        works[0]()
        for other in others:
            other.join()
        if self._error is not None:
            raise self._error

    def _work(self, share: Share, spans: Sequence[Span], V: Table, U: Table, gate: Gate, member: Member) -> None:
        """Train one thread's part of the spans, and hand an error to the thread that waits."""
        try:
            for span in spans:
                draws = _shifted(self._draws(span.epoch), share.first, self.setup.settings.bands.size - 1)
                text, tables = Text(share.ids, span.start, span.stop), Tables(V.floats, U.floats, V.floats, U.floats)
                rates, team = Rates(span.start_rate, span.stop_rate), Team(gate.state, self._shared)
                train_together(self.shape, text, tables, draws, self.setup.settings, rates, team, member)
        except BaseException as error:
            self._error = error
            gate.stop()

    def _draws(self, epoch: int) -> Draws:
        return Draws.of_epoch(self.setup.seed, epoch, self.setup.keep, self.setup.alias)


def _shifted(draws: Draws, first: int, bands: int) -> Draws:
    """The draws that a share has in the whole text, for tokens that are numbered from 0 within the share.

    A draw is a hash of key + position · constant, so a shift of all positions is one of the key; a block's negatives
    begin at its position times the bands, times 64 (`lexigrad.kernels.sgd.piece.draw_negatives`).
    """
    token, negative = int(draws.token_key), int(draws.negative_key)
    return draws._replace(
        token_key=np.uint64((token + first * FIRST_MULTIPLIER) & MASK),
        negative_key=np.uint64((negative + first * bands * 64 * FIRST_MULTIPLIER) & MASK),
    )


class Kept(NamedTuple):
    """A replica's tables, and their numbers after the last merge, in the kernels' order."""

    V: Table
    U: Table
    base_V: NDArray[np.float32]
    base_U: NDArray[np.float32]


class _Keeper:
    """Keeps tables and trainers for some runs."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._tables: dict[str, dict[int, tuple[int, Kept]]] = {}  # run → replica → step, tables
        self._trainers: dict[str, list[Trainer]] = {}

    def take(self, run: str, replica: int, step: int) -> Kept | None:
        """A replica's tables, trained up to a step and not merged since, if they are here; forgets older tables."""
        with self._lock:
            kept = self._tables.get(run, {})
            for other, (reached, _) in list(kept.items()):
                if reached < step - 1:  # another process trains this replica now
                    del kept[other]
            if replica in kept and kept[replica][0] == step:
                return kept.pop(replica)[1]
            return None

    def put(self, run: str, replica: int, step: int, tables: Kept) -> None:
        """Keep a replica's tables, which are trained up to a step."""
        with self._lock:
            self._tables.setdefault(run, {})[replica] = step, tables
            for old in list(self._tables)[:-MOST_RUNS]:
                del self._tables[old]

    @contextmanager
    def trainer(self, setup: Setup, threads: int) -> Iterator[Trainer]:
        """A trainer for a run, which no other call uses meanwhile."""
        with self._lock:
            idle = [one for one in self._trainers.get(setup.run, []) if one.threads == threads]
            trainer = idle[0] if idle else None
            if trainer is not None:
                self._trainers[setup.run].remove(trainer)
        trainer = trainer or Trainer(setup, threads)
        yield trainer  # a trainer whose call fails is not kept
        with self._lock:
            self._trainers.setdefault(setup.run, []).append(trainer)
            for old in list(self._trainers)[:-MOST_RUNS]:
                del self._trainers[old]

    def forget(self, run: str) -> None:
        """Keep nothing of a run any longer."""
        with self._lock:
            self._tables.pop(run, None)
            self._trainers.pop(run, None)


KEPT: Final = _Keeper()
"""The tables and trainers that this process keeps."""


def forget(run: str) -> None:
    """Let the process in which this is called keep nothing of a run any longer."""
    KEPT.forget(run)


def setup_of(name: str, corpus: Corpus, config: TrainConfig) -> Setup:
    """The values that all calls of a run need."""
    vocabulary, settings = corpus.vocabulary, settings_of(config, plain_ids(corpus.ids))
    settings = settings._replace(weight=float(settings.weight))  # plain numbers go over the wire
    keep = keep_thresholds(vocabulary.keep_probability(config.subsample))
    alias = alias_table(vocabulary.noise_distribution(config.noise_exponent))
    return Setup(name, len(vocabulary), config.seed, settings, keep, alias)


def first_tables(corpus: Corpus, config: TrainConfig) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The tables that training starts from: V drawn, and U of zeros."""
    shape = len(corpus.vocabulary), config.dim
    V = Table(*shape, row_parts(config.dim, PARTS))
    V.fill(stream_key(config.seed, 0, START_STREAM))
    return V.rows(), np.zeros(shape, np.float32)
