"""What a process keeps between calls: the tables of its replicas, and the buffers of its trainers.

Calls give the same results without. Nothing is used by two calls at a time: who takes it has it until it is put back.
"""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

from lexigrad.replicas.training import Trainer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from lexigrad.kernels.tables import Table
    from lexigrad.replicas.training import Setup

__all__ = ["KEPT", "Kept", "forget"]

MOST_RUNS: Final = 4
"""Runs of which something is kept; one that ends well forgets itself."""


class Kept(NamedTuple):
    """A replica's tables, and the same as they were after the last merge, in the kernels' order."""

    V: Table
    U: Table
    base_V: NDArray[np.float32]
    base_U: NDArray[np.float32]


class _Keeper:
    """Keeps both for some runs."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._tables: dict[str, dict[int, tuple[int, Kept]]] = {}  # run → replica → step, tables
        self._trainers: dict[str, list[Trainer]] = {}

    def take(self, run: str, replica: int, step: int) -> Kept | None:
        """A replica's tables as they are when a step ends before the merge, if they are here; older ones go."""
        with self._lock:
            kept = self._tables.get(run, {})
            for other, (reached, _) in list(kept.items()):
                if reached < step - 1:  # its replica is trained elsewhere now
                    del kept[other]
            if replica in kept and kept[replica][0] == step:
                return kept.pop(replica)[1]
            return None

    def put(self, run: str, replica: int, step: int, tables: Kept) -> None:
        """Keep them, trained up to a step."""
        with self._lock:
            self._tables.setdefault(run, {})[replica] = step, tables
            for old in list(self._tables)[:-MOST_RUNS]:
                del self._tables[old]

    @contextmanager
    def trainer(self, setup: Setup, threads: int) -> Iterator[Trainer]:
        """A trainer for a run that nobody else uses meanwhile."""
        with self._lock:
            idle = [one for one in self._trainers.get(setup.run, []) if one.threads == threads]
            trainer = idle[0] if idle else None
            if trainer is not None:
                self._trainers[setup.run].remove(trainer)
        trainer = trainer or Trainer(setup, threads)
        yield trainer  # one whose call fails is not kept
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
"""Of this process."""


def forget(run: str) -> None:
    """Let the process that carries this out keep nothing of a run any longer."""
    KEPT.forget(run)
