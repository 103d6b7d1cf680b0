"""The objective in float32 by kernels of ours, in which scores do not leave the cache, carried out by an engine.

`lexigrad.training.exact.tree` says how the rows are cut and in which order sums are added: the workers do not change
the bytes.
"""

from __future__ import annotations

import itertools
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from lexigrad.training.exact.history import Pieces
from lexigrad.training.exact.layout import BLOCK, RowSums, Task, arranged, laid_out, padded_columns
from lexigrad.training.exact.objective import Objective, Point, Sums
from lexigrad.training.exact.tree import add_range, rows_of_part, run_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.engines.interface import Engine, Ref
    from lexigrad.training.exact.layout import Tables
    from lexigrad.training.exact.objective import Counts, Loss

    Floats = NDArray[np.float32]

__all__ = ["FusedObjective", "RowObjective", "SpreadCounts"]

MOST_RANGES = 8
"""Ranges of columns, at most, whose sums are added side by side."""


class SpreadCounts:
    """Counts in the kernels' order, cut into parts that lie with an engine's workers.

    Args:
        counts: the window counts.
        engine: carries out the passes over them.
        parts: the number of parts, a power of two.
    """

    def __init__(self, counts: Counts, engine: Engine, parts: int) -> None:
        self.counts, self.engine = counts, engine
        self.parts = min(parts, -(-counts.rows // BLOCK))
        workers = min(engine.workers, self.parts)
        cuts = [worker * self.parts // workers for worker in range(workers + 1)]
        self.groups = [range(first, last) for first, last in itertools.pairwise(cuts)]
        """The parts of each worker."""
        of_parts = [rows_of_part(number, self.parts, counts.rows) for number in range(self.parts)]
        self.rows = [np.concatenate(of_parts[group.start : group.stop]) for group in self.groups]
        """The rows of each worker, part after part."""
        self.held: list[Ref] = []
        """The counts of which parts were made, so that parts that are lost with a machine can be made again."""
        self.refs = self._spread(of_parts)

    def close(self) -> None:
        """Let the engine drop the parts."""
        self.engine.free(self.refs + self.held)

    def _spread(self, of_parts: list[NDArray[np.int64]]) -> list[Ref]:
        """Have every part arranged by its worker, a few at a time."""
        refs, pending = [], deque[Any]()
        for worker, group in enumerate(self.groups):
            for number in group:
                if len(pending) > 2 * self.engine.workers:
                    self.engine.get([pending.popleft()])
                counts, rows = self.counts, of_parts[number]
                sparse = rows_of_sparse(counts.starts, counts.columns_of, counts.weights, rows)
                self.held.append(self.engine.put((*sparse, counts.row_weights[rows], counts.row_factors[rows])))
                call = self.engine.call(arranged, self.held[-1], counts.columns, returns=2, on=worker)
                refs.append(call[0])
                pending.append(call[1])
        self.engine.get(pending)
        return refs


def rows_of_sparse(starts: Any, columns_of: Any, weights: Any, rows: NDArray[np.int64]) -> tuple[Any, Any, Any]:
    """Some rows of a sparse matrix, given as runs of rows in any order, as a matrix of its own."""
    ends = np.flatnonzero(np.diff(rows) != 1)
    firsts, lasts = rows[np.concatenate([[0], ends + 1])], rows[np.concatenate([ends, [len(rows) - 1]])]
    spans = [slice(starts[first], starts[last + 1]) for first, last in zip(firsts, lasts, strict=True)]
    lengths = starts[rows + 1] - starts[rows]
    inner = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    columns, kept = (np.concatenate([values[span] for span in spans]) for values in (columns_of, weights))
    return inner, columns, kept


class _InFloat32(Objective):
    """An objective whose numbers are NumPy's, in float32."""

    def asarray(self, values: Any) -> Floats:
        return np.asarray(values, dtype=np.float32)

    def host(self, values: Floats) -> NDArray[Any]:
        return values

    def from_host(self, values: NDArray[Any]) -> Floats:
        return values

    def concatenated(self, parts: list[Floats]) -> Floats:
        return np.concatenate(parts)


class FusedObjective(_InFloat32):
    """The objective on the processors of an engine's workers.

    Args:
        spread: the window counts.
        loss: the name of the loss.
        l2: weight of ½(|V|² + |U|²).
    """

    def __init__(self, spread: SpreadCounts, loss: Loss, l2: float) -> None:
        from lexigrad.kernels.exact.panels import PANEL
        from lexigrad.kernels.exact.passes import STRIDE

        super().__init__(spread.counts, loss, l2)
        self.spread = spread
        strides = padded_columns(spread.counts.columns) // (PANEL * STRIDE)
        ranges = min(len(spread.groups), MOST_RANGES, strides)
        self.cuts = tuple(STRIDE * (number * strides // ranges) for number in range(ranges + 1))

    def pieces(self, length: int) -> Pieces:
        """The vectors lie with the workers."""
        return Pieces(length, self.spread.engine)

    def sums(self, point: Point, curvature: bool, rows_only: bool) -> Sums:
        """The pass over all parts, each by its worker; the sums over parts are made by ranges of columns."""
        spread, engine, dim = self.spread, self.spread.engine, point.V.shape[1]
        tables = engine.put(laid_out(point.U, point.bias, self.counts.column_factors, squares=curvature))
        held, calls = [tables], []  # until the end, so that results that are lost with a machine can be computed again
        for worker, (group, rows) in enumerate(zip(spread.groups, spread.rows, strict=True)):
            task = Task(self.loss, dim, group.start, curvature, rows_only, () if rows_only else self.cuts)
            inside = [engine.put(point.V[rows]), engine.put(self.shifts[rows])]
            parts = spread.refs[group.start : group.stop]
            count = 1 if rows_only else len(self.cuts)
            call = engine.call(run_parts, task, tables, *inside, *parts, returns=count, on=worker)
            calls.append([call] if rows_only else list(call))
            held += inside + calls[-1]
        sums = [
            engine.call(add_range, spread.parts, dim, curvature, *found, on=number)
            for number, found in enumerate(list(zip(*calls, strict=True))[1:])
        ]
        found = self._of_rows(engine.get(call[0] for call in calls), dim)
        ranges = engine.get(sums)
        engine.free(held + sums)
        columns = [self._of_columns([part[number] for part in ranges]) for number in range(4)] if sums else [None] * 4
        gradient = Point(found.d_rows, *columns[:2])
        return Sums(found.losses, found.log_sums, gradient, Point(found.h_rows, *columns[2:]) if curvature else None)

    def _of_rows(self, found: list[RowSums], dim: int) -> RowSums:
        """The results of the workers, row by row."""
        rows = self.counts.rows
        h_rows = None if found[0].h_rows is None else np.empty((rows, dim), np.float32)
        joined = RowSums(np.empty(rows), np.empty(rows), np.empty((rows, dim), np.float32), h_rows)
        for places, part in zip(self.spread.rows, found, strict=True):
            for target, values in zip(joined, part, strict=True):
                if target is not None:
                    target[places] = values
        return joined

    def _of_columns(self, ranges: list[Any]) -> Floats | None:
        """The ranges joined, without the columns that fill up the last panels."""
        if ranges[0] is None:
            return None
        joined: Floats = ranges[0] if len(ranges) == 1 else np.concatenate(ranges)
        return joined[: self.counts.columns]


class RowObjective(_InFloat32):
    """The objective of rows against columns that stand still, on this processor.

    Args:
        counts: the window counts.
        loss: the name of the loss.
        l2: weight of ½|V|².
        tables: the columns' vectors, with their squares.
    """

    def __init__(self, counts: Counts, loss: Loss, l2: float, tables: Tables) -> None:
        super().__init__(counts, loss, l2)
        self.tables = tables
        sparse = counts.starts, counts.columns_of, counts.weights
        self.part, _ = arranged((*sparse, counts.row_weights, counts.row_factors), counts.columns)

    def sums(self, point: Point, curvature: bool, rows_only: bool) -> Sums:
        """The pass over all rows, one block after another."""
        if not rows_only:
            raise ValueError("the columns stand still")
        task = Task(self.loss, point.V.shape[1], 0, curvature, True)
        found = run_parts(task, self.tables, point.V, self.shifts, self.part)
        curved = Point(found.h_rows, None, None) if curvature else None
        return Sums(found.losses, found.log_sums, Point(found.d_rows, None, None), curved)
