"""Changes of the rows of both tables, as they go over the wire: int8, with a scale for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lexigrad.errors import ConfigError
from lexigrad.kernels.sgd import replicas as kernels
from lexigrad.kernels.sgd.replicas import Changes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.kernels.sgd.replicas import Layout

    Floats = NDArray[np.float32]

__all__ = ["Changes", "Pair", "apply_changes", "changes_of", "read_only", "room_for", "trimmed", "wired"]


class Pair(NamedTuple):
    """One value for table V, and one of the same kind for table U."""

    V: Any
    U: Any


def changes_of(layout: Layout, dim: int, table: Floats, base: Floats, first: int, last: int) -> Changes:
    """The changes of rows ``first`` to ``last`` of a table in the kernels' order.

    Raises:
        ConfigError: a number is not finite.
    """
    found = room_for(last - first, dim)
    count = kernels.find_changes(layout, table, base, first, last, np.empty(dim, np.float32), found)
    if count < 0:
        raise ConfigError("training ran away: a number is not finite; give a smaller learning_rate")
    return trimmed(found, count)


def apply_changes(layout: Layout, changes: Changes, base: Floats, table: Floats) -> None:
    """Add merged changes to the base, and let the table be as the base is in these rows."""
    kernels.apply_changes(layout, wired(changes), base, table)


def room_for(rows: int, dim: int) -> Changes:
    """Arrays for the changes of at most ``rows`` rows."""
    return Changes(np.empty(rows, np.int32), np.empty(rows, np.float32), np.empty((rows, dim), np.int8))


def trimmed(changes: Changes, count: int) -> Changes:
    """A copy of the first ``count`` changes, without the room behind them."""
    return Changes(changes.rows[:count].copy(), changes.scales[:count].copy(), changes.codes[:count].copy())


def wired(changes: Changes) -> Changes:
    """The changes in arrays of the one kind for which the kernels are compiled."""
    return Changes(read_only(changes.rows), read_only(changes.scales), read_only(changes.codes))


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """The array as the one kind for which kernels are compiled: arrays from an engine cannot be written to."""
    view = array.view(np.ndarray)
    view.flags.writeable = False
    return view
