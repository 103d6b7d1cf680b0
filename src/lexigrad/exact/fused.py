"""The objective in float32 by kernels of ours, in which scores do not leave the cache.

The rows are cut into a fixed number of parts, each of which adds up its own sums in order, and the parts' sums are
added in order: any number of threads gives the same bytes.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.exact.objective import Objective, Point, Sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.exact.objective import Counts, Loss

    Floats = NDArray[np.float32]

__all__ = ["PARTS", "FusedObjective"]

PARTS: Final = 8
"""Parts of the rows; no more threads than this can share a pass."""

BLOCK: Final = 128
"""Rows of a block, a multiple of 8."""

LANES: Final = 16
"""Weights are read sixteen at a time, so some zeros follow the last."""

PADDING: Final = -1e15
"""The bias of columns that fill up the last panels: their exponentials vanish."""


class FusedObjective(Objective):
    """The objective on the processor.

    Args:
        counts: the window counts.
        loss: which loss.
        l2: weight of ½(|V|² + |U|²).
        threads: how many share a pass; they do not change the result.
    """

    def __init__(self, counts: Counts, loss: Loss, l2: float, threads: int) -> None:
        from lexigrad.kernels.passes import STRIDE
        from lexigrad.kernels.products import PANEL

        super().__init__(counts, loss, l2)
        self.panels = -(-counts.columns // (PANEL * STRIDE)) * STRIDE
        self.padded = self.panels * PANEL
        self.row_factors = counts.row_factors.astype(np.float32)
        self.column_factors = _aligned(self.padded)
        self.column_factors[: counts.columns] = counts.column_factors
        self.local = threading.local()
        self._pool = ThreadPoolExecutor(min(threads, PARTS))
        self._arrange()

    def sums(self, point: Point, curvature: bool, rows_only: bool) -> Sums:
        """All blocks of all parts."""
        shared = _Shared(self, point, curvature, rows_only)
        parts = list(self._pool.map(lambda number: _Part(shared, number).run(), range(PARTS)))
        gradient, curved = Point(shared.d_rows, None, None), None
        if not rows_only:
            gradient = Point(shared.d_rows, *shared.turned_back([part.outside.d_turned for part in parts]))
        if curvature:
            curved = Point(shared.h_rows, None, None)
            if not rows_only:
                curved = Point(curved.V, *shared.turned_back([part.outside.h_turned for part in parts]))
        return Sums(shared.losses, shared.log_sums, gradient, curved)

    def _arrange(self) -> None:
        """Put the counts of each block in the order in which the kernels use them; the old order is not kept."""
        from lexigrad.kernels.passes import arrange
        from lexigrad.kernels.products import PANEL

        counts = self.counts
        entries = len(counts.weights)
        self.places, self.weights = np.empty(entries, np.uint16), np.zeros(entries + LANES, np.float32)
        self.panel_starts = np.zeros((-(-counts.rows // BLOCK), self.padded // PANEL + 1), np.int64)

        def block(number: int) -> None:
            rows = number * BLOCK, min((number + 1) * BLOCK, counts.rows)
            sparse = counts.starts, counts.columns_of, counts.weights
            arrange(*sparse, *rows, self.panel_starts[number], self.places, self.weights)

        list(self._pool.map(block, range(len(self.panel_starts))))

    def buffers_of_thread(self) -> dict[tuple[int, bool], Any]:
        """The calling thread's buffers, by the panels they hold and whether they have room for the curvature."""
        if not hasattr(self.local, "buffers"):
            self.local.buffers = {}
        buffers: dict[tuple[int, bool], Any] = self.local.buffers
        return buffers

    def asarray(self, values: Any) -> Floats:  # noqa: D102 - as in the base class
        return np.asarray(values, dtype=np.float32)

    def host(self, values: Floats) -> NDArray[Any]:  # noqa: D102
        return values

    def from_host(self, values: NDArray[Any]) -> Floats:  # noqa: D102
        return values

    def concatenated(self, parts: list[Floats]) -> Floats:  # noqa: D102
        return np.concatenate(parts)


class _Shared:
    """What the parts of one pass read, and the rows of its results that each of them fills in."""

    def __init__(self, objective: FusedObjective, point: Point, curvature: bool, rows_only: bool) -> None:
        from lexigrad.kernels.products import GROUP
        from lexigrad.kernels.simd import padded, row_shape

        counts = objective.counts
        self.objective, self.curvature, self.rows_only = objective, curvature, rows_only
        self.V = point.V
        self.dim = dim = point.V.shape[1]
        self.width = -(-(dim + 2) // GROUP) * GROUP  # [u, b, 1]
        self.shape, self.row_floats = row_shape(self.width), padded(self.width)
        self.outside = self.rows_of(objective.padded)
        self.outside[: counts.columns, :dim] = point.U
        self.outside[: counts.columns, dim] = point.bias
        self.outside[counts.columns :, dim] = PADDING
        self.outside[:, dim + 1] = 1
        self.squares = _squared(self.outside) if curvature else None
        self.turned = self._turned_over()
        self.d_rows = np.empty((counts.rows, dim), dtype=np.float32)
        self.h_rows = np.empty((counts.rows, dim), dtype=np.float32) if curvature else None
        self.losses, self.log_sums = np.zeros(counts.rows), np.zeros(counts.rows)

    def rows_of(self, count: int) -> Floats:
        """Zeros for so many rows."""
        return _aligned(count * self.row_floats).reshape(count, self.row_floats)

    def panels_of_zeros(self) -> Floats:
        """Zeros in the layout that is turned over."""
        return _aligned(self.objective.padded * self.width)

    def _turned_over(self) -> Floats:
        turned = self.panels_of_zeros()
        rows = self.outside.reshape(self.objective.panels, -1, self.row_floats)[:, :, : self.width]
        turned.reshape(len(rows), self.width, -1)[:] = rows.transpose(0, 2, 1)
        return turned

    def turned_back(self, parts: list[Floats]) -> tuple[Floats, Floats]:
        """The sum of the parts, as rows of U and as the bias."""
        total = parts[0]
        for part in parts[1:]:
            total += part
        panels = total.reshape(self.objective.panels, self.width, -1)
        rows = panels.transpose(0, 2, 1).reshape(-1, self.width)[: self.objective.counts.columns]
        return rows[:, : self.dim], rows[:, self.dim]


class _Part:
    """Blocks of rows that are computed one after another, and the sums over them."""

    def __init__(self, shared: _Shared, number: int) -> None:
        self.shared, self.number = shared, number

    def run(self) -> _Part:
        """Compute this part's blocks."""
        from lexigrad.kernels.passes import Outside

        shared = self.shared
        wants_curvature = shared.curvature and not shared.rows_only
        self.outside = Outside(
            shared.outside.reshape(-1),
            shared.turned,
            None if shared.rows_only else shared.panels_of_zeros(),
            None if shared.squares is None else shared.squares.reshape(-1),
            shared.panels_of_zeros() if wants_curvature else None,
        )
        rows = shared.objective.counts.rows
        for first in range(self.number * BLOCK, rows, BLOCK * PARTS):
            self._block(slice(first, min(first + BLOCK, rows)))
        return self

    def _block(self, rows: slice) -> None:
        """The rows' loss and derivatives, and what they add to the sums."""
        shared, objective = self.shared, self.shared.objective
        count, dim = rows.stop - rows.start, shared.dim
        centers = shared.rows_of(BLOCK)  # [v, 1, −shift]; rows of zeros, which have no weight, fill the block
        centers[:count, :dim] = shared.V[rows]
        centers[:count, dim] = 1
        centers[:count, dim + 1] = -objective.shifts[rows]
        d_centers, losses = shared.rows_of(BLOCK), np.zeros(BLOCK)
        squares = _squared(centers) if shared.curvature else None
        h_centers = shared.rows_of(BLOCK) if shared.curvature else None
        if objective.loss == "naive_softmax":
            self._softmax(rows, centers, d_centers, squares, h_centers, losses)
        else:
            self._tiles(rows, centers, d_centers, squares, h_centers, losses)
        shared.losses[rows] = losses[:count]
        shared.d_rows[rows] = d_centers[:count, :dim]
        if h_centers is not None and shared.h_rows is not None:
            shared.h_rows[rows] = h_centers[:count, :dim]

    def _tiles(self, rows: slice, centers: Any, d_centers: Any, squares: Any, h_centers: Any, losses: Any) -> None:
        from lexigrad.kernels.passes import STRIDE, tile_block

        shared, objective = self.shared, self.shared.objective
        poisson = objective.loss == "poisson"
        factors = np.ones(BLOCK, dtype=np.float32) if poisson else _filled(objective.row_factors[rows])
        tile_block(
            shared.shape,
            centers.reshape(-1),
            BLOCK,
            shared.width,
            self.outside,
            objective.panels,
            factors,
            objective.column_factors,
            self._entries(rows),
            poisson,
            self._buffers(STRIDE),
            d_centers.reshape(-1),
            _flat(squares),
            _flat(h_centers),
            losses,
        )

    def _softmax(self, rows: slice, centers: Any, d_centers: Any, squares: Any, h_centers: Any, losses: Any) -> None:
        from lexigrad.kernels.passes import softmax_block

        shared, objective = self.shared, self.shared.objective
        count = rows.stop - rows.start
        weights = _filled(objective.row_weights[rows])
        means = shared.rows_of(BLOCK) if shared.curvature else None
        sums = np.zeros(BLOCK)
        softmax_block(
            shared.shape,
            centers.reshape(-1),
            BLOCK,
            shared.width,
            self.outside,
            objective.panels,
            weights,
            self._entries(rows),
            self._buffers(objective.panels),
            d_centers.reshape(-1),
            shared.rows_of(BLOCK).reshape(-1),
            _flat(squares),
            _flat(means),
            _flat(h_centers),
            sums,
            losses,
        )
        with np.errstate(divide="ignore"):
            shared.log_sums[rows] = np.log(sums[:count])
        if means is not None and h_centers is not None:
            half = (0.5 * weights / sums)[:, None]
            variance = half * h_centers - (half * means) ** 2 / np.maximum(weights, 1e-30)[:, None]
            h_centers[:] = variance.clip(0)

    def _entries(self, rows: slice) -> Any:
        from lexigrad.kernels.passes import Entries

        objective = self.shared.objective
        return Entries(objective.panel_starts[rows.start // BLOCK], objective.places, objective.weights)

    def _buffers(self, panels: int) -> Any:
        from lexigrad.kernels.passes import Buffers

        kept = self.shared.objective.buffers_of_thread()
        kind = panels, self.shared.curvature
        if kind not in kept:
            kept[kind] = Buffers.of_size(BLOCK, *kind)
        kept[kind].lanes[:] = 0
        return kept[kind]


def _aligned(floats: int) -> Floats:
    from lexigrad.kernels.tables import aligned

    zeros: Floats = aligned(floats)
    return zeros


def _squared(table: Floats) -> Floats:
    squares = _aligned(table.size).reshape(table.shape)
    return np.square(table, out=squares)


def _filled(values: NDArray[Any]) -> NDArray[Any]:
    """The values, and zeros for the rows that fill the block."""
    filled = np.zeros(BLOCK, dtype=values.dtype)
    filled[: len(values)] = values
    return filled


def _flat(table: Floats | None) -> Floats | None:
    return None if table is None else table.reshape(-1)
