"""How one replica trains: the deterministic trainer of `lexigrad.sgd` on a share of the text."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lexigrad.engines.cores import available_cores
from lexigrad.kernels.meeting import Gate
from lexigrad.kernels.sharing import new_shared, new_shares
from lexigrad.kernels.simd import row_parts
from lexigrad.kernels.supersteps import train_together
from lexigrad.kernels.tables import Table
from lexigrad.kernels.tokens import Draws
from lexigrad.sampling import FIRST_MULTIPLIER, MASK
from lexigrad.sgd import PARTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lexigrad.kernels.training import Settings
    from lexigrad.training.sgd.run import Span

__all__ = ["Setup", "Share", "Trainer"]


class Setup(NamedTuple):
    """The values that all calls of a run need."""

    run: str  # a name that no other run has
    words: int
    seed: int
    settings: Settings
    keep: NDArray[np.uint32]  # as `lexigrad.sampling.keep_thresholds` gives it
    alias: NDArray[np.uint64]  # as `lexigrad.sampling.alias_table` gives it


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
        self._buffers = new_shares(settings, self.shape, cbow, threads, available_cores())
        self._error: BaseException | None = None

    def new_tables(self) -> tuple[Table, Table]:
        """Two tables of zeros."""
        V, U = (Table(self.setup.words, self.setup.settings.dim, self.shape) for _ in range(2))
        return V, U

    def train(self, share: Share, spans: Sequence[Span], V: Table, U: Table) -> None:
        """Train both tables on spans of the share, one after the other."""
        gate = Gate(len(self._buffers), available_cores())
        works = [partial(self._work, share, spans, V, U, gate, buffers) for buffers in self._buffers]
        others = [threading.Thread(target=work) for work in works[1:]]
        for other in others:
            other.start()
        works[0]()
        for other in others:
            other.join()
        if self._error is not None:
            raise self._error

    def _work(self, share: Share, spans: Sequence[Span], V: Table, U: Table, gate: Gate, buffers: Any) -> None:
        """Train one thread's part of the spans, and hand an error to the thread that waits."""
        try:
            for span in spans:
                draws = _shifted(self._draws(span.epoch), share.first, self.setup.settings.bands.size - 1)
                text, tables = (share.ids, span.start, span.stop), (V.floats, U.floats, V.floats, U.floats)
                common = draws, self.setup.settings, span.start_rate, span.stop_rate, gate.state, self._shared
                train_together(self.shape, *text, *tables, *common, *buffers)
        except BaseException as error:
            self._error = error
            gate.stop()

    def _draws(self, epoch: int) -> Draws:
        return Draws.of_epoch(self.setup.seed, epoch, self.setup.keep, self.setup.alias)


def _shifted(draws: Draws, first: int, bands: int) -> Draws:
    """The draws that a share has in the whole text, for tokens that are numbered from 0 within the share.

    A draw is a hash of key + position · constant, so a shift of all positions is one of the key; a block's negatives
    begin at its position times the bands, times 64 (`lexigrad.kernels.tokens.draw_negatives`).
    """
    token, negative = int(draws.token_key), int(draws.negative_key)
    return draws._replace(
        token_key=np.uint64((token + first * FIRST_MULTIPLIER) & MASK),
        negative_key=np.uint64((negative + first * bands * 64 * FIRST_MULTIPLIER) & MASK),
    )
