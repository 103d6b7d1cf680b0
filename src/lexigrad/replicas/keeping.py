"""Tables of replicas and trainers with their buffers, which a process keeps between calls.

Calls give the same results without them. No two calls use the same tables or trainer at a time: a call that takes them
has them until it puts them back.
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
"""Runs of which tables or trainers are kept; a run that ends well has its own forgotten."""


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
