"""The pure functions of a run: train an interval, merge a range of rows, give the tables.

A replica's tables at the start of an interval follow from a call's arguments: the tables at an anchor, where all
replicas had the same, the merges since, and the text that was trained since the last merge of all rows. A process keeps
the tables of its replicas between calls, and a fresh process makes them anew, to the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lexigrad.kernels.sgd import replicas as kernels
from lexigrad.kernels.sgd.replicas import layout_of
from lexigrad.training.replicas.changes import (
    Changes,
    Pair,
    apply_changes,
    changes_of,
    read_only,
    room_for,
    trimmed,
    wired,
)
from lexigrad.training.replicas.trainer import KEPT, Kept

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.kernels.sgd.replicas import Layout
    from lexigrad.kernels.sgd.tables import Table
    from lexigrad.training.replicas.trainer import Setup, Share, Trainer
    from lexigrad.training.sgd.run import Span

    Floats = NDArray[np.float32]

__all__ = ["Directions", "Task", "merge_range", "train_interval"]


class Task(NamedTuple):
    """One replica's interval, and the way to its tables at the start of it."""

    replica: int
    step: int
    threads: int
    ranges: tuple[tuple[int, int], ...]  # of rows, one for each of the anchor's blocks
    merged: tuple[int, ...]  # the number of blocks of each merge since the anchor; at least of the last one
    anchored: int  # how many of these merges are in the anchor already: 1 or 0
    spans: tuple[tuple[Span, ...], ...]  # for each step since the last merge of all rows, and for this one
    results: tuple[tuple[int, int], ...]  # ranges of rows whose changes are returned


class Directions(NamedTuple):
    """The other table's leading directions, along which one table's changes are damped."""

    basis: Floats  # (n, dim)
    slopes: NDArray[np.float64]  # (n + 1,): y for one update, of each direction, and last of all others


def train_interval(setup: Setup, share: Share, task: Task, *blocks: Pair) -> Any:
    """Train a replica for one interval.

    Args:
        setup: the values that all calls of the run need.
        share: the replica's text.
        task: the interval.
        blocks: the tables at the anchor, one `Pair` of float32 arrays a range; then the merges since.

    Returns:
        The replica's changes since the last merge, a `Pair` of `Changes`; a tuple of pairs for more than one range.
    """
    with KEPT.trainer(setup, task.threads) as trainer:
        layout = layout_of(trainer.shape, setup.settings.dim)
        state = KEPT.take(setup.run, task.replica, task.step)
        merges = _merges(task, blocks)
        if state is None:
            state = _made_anew(trainer, layout, share, task, blocks, merges)
        elif merges:
            _apply(layout, merges[-1], state)
        trainer.train(share, task.spans[-1], state.V, state.U)
        found = tuple(_changes(setup, layout, state, *bounds) for bounds in task.results)
        KEPT.put(setup.run, task.replica, task.step + 1, state)
    return found[0] if len(found) == 1 else found


def _merges(task: Task, blocks: tuple[Pair, ...]) -> list[tuple[Pair, ...]]:
    """The blocks of each merge since the anchor."""
    merges, first = [], len(task.ranges)
    for count in task.merged:
        merges.append(blocks[first : first + count])
        first += count
    return merges


def _made_anew(
    trainer: Trainer,
    layout: Layout,
    share: Share,
    task: Task,
    blocks: tuple[Pair, ...],
    merges: list[tuple[Pair, ...]],
) -> Kept:
    """The replica's tables as they are when the interval begins, computed from the call's arguments alone."""
    V, U = trainer.new_tables()
    for (first, _), block in zip(task.ranges, blocks, strict=False):
        V.put(block.V, first)
        U.put(block.U, first)
    state = Kept(V, U, V.floats.copy(), U.floats.copy())
    whole = len(merges) - (len(task.spans) - 1)  # merges up to the last one of all rows
    for merge in merges[task.anchored : whole]:
        _apply(layout, merge, state)
    for spans, merge in zip(task.spans[:-1], merges[whole:], strict=True):
        trainer.train(share, spans, state.V, state.U)
        _apply(layout, merge, state)
    return state


def _apply(layout: Layout, merge: tuple[Pair, ...], state: Kept) -> None:
    """Take over the rows of a merge."""
    for block in merge:
        apply_changes(layout, block.V, state.base_V, state.V.floats)
        apply_changes(layout, block.U, state.base_U, state.U.floats)


def _changes(setup: Setup, layout: Layout, state: Kept, first: int, last: int) -> Pair:
    """The changes of both tables in a range of rows."""

    def of(table: Table, base: Floats) -> Changes:
        return changes_of(layout, setup.settings.dim, table.floats, base, first, last)

    return Pair(of(state.V, state.base_V), of(state.U, state.base_U))


def merge_range(
    first: int, base: Pair, directions: Pair, updates: Pair, weights: Pair | None, *changes: Pair
) -> tuple[Any, ...]:
    """Merge the changes of all replicas in a range of rows: a step of `lexigrad.reference.merged_row` for each row.

    Args:
        first: the first row.
        base: the rows of both tables before the merge, a `Pair` of float32 (n, dim).
        directions: the directions in which each table's changes are damped, a `Pair` of `Directions`.
        updates: expected updates of each row, a `Pair` of float64 (n,).
        weights: each row's weight in the sums from which the next directions follow, a `Pair` of float64 (n,); or None.
        changes: each replica's changes, in the replicas' order.

    Returns:
        The merged rows, and the changes that lead to them, for all replicas; and, given weights, the sums
        Σ_w weights[w] · row_w row_wᵀ, a `Pair` of float64 (dim, dim).
    """
    merged = [
        _merge_table(first, base[i], directions[i], updates[i], [change[i] for change in changes]) for i in range(2)
    ]
    new, changed = Pair(*(table[0] for table in merged)), Pair(*(table[1] for table in merged))
    if weights is None:
        return new, changed
    return new, changed, Pair(*(moments(new[i], weights[i]) for i in range(2)))


def _merge_table(
    first: int, base: Floats, directions: Directions, updates: NDArray[np.float64], changes: list[Changes]
) -> tuple[Floats, Changes]:
    """The merged rows of one table, and the changes that lead to them."""
    rows, dim = base.shape
    sums, touching = np.zeros((rows, dim), np.float32), np.zeros(rows, np.int64)
    for change in changes:
        kernels.add_changes(wired(change), first, sums, touching)
    basis, slopes = read_only(directions.basis), read_only(directions.slopes)
    turned = read_only(np.ascontiguousarray(basis.T))
    kernels.damp(basis, turned, slopes, read_only(updates), touching, sums, np.zeros((4, slopes.size)))
    new, found = base.copy(), room_for(rows, dim)
    count = kernels.settle(first, touching, sums, new, found)
    return new, trimmed(found, count)


def moments(rows: Floats, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ_w weights[w] · row_w row_wᵀ, (dim, dim), above and on the diagonal.

    Example:
        >>> moments(np.array([[1, 2], [3, 4]], np.float32), np.array([1.0, 0.5])).tolist()
        [[5.5, 8.0], [0.0, 12.0]]
    """
    sums = np.zeros((rows.shape[1], rows.shape[1]))
    kernels.moments(read_only(rows), read_only(weights), sums)
    return sums
