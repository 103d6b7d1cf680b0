"""Blocks of rows against all columns, by the kernels: the tables that kernels read, their results, and the layouts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.engines.values import frozen
from lexigrad.training.exact.objective import SUMMED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.training.exact.objective import Loss

    Floats = NDArray[np.float32]

__all__ = ["BLOCK", "Part", "RowSums", "Run", "Tables", "Task", "arranged", "laid_out", "padded_columns", "row_width"]

BLOCK: Final = 128
"""Rows of a block, a multiple of 8."""

LANES: Final = 16
"""Weights are read sixteen at a time, so some zeros follow the last."""

PADDING: Final = -1e15
"""The bias of columns that fill up the last panels: their exponentials vanish."""


class Part(NamedTuple):
    """The counts of a part's rows, block after block, in the order in which the kernels use them."""

    row_weights: Any  # n_c, float64
    row_factors: Any  # a, float32
    panel_starts: Any  # the place where the entries of each panel begin, for each block, int64
    places: Any  # row · 48 + column within block and panel, uint16
    weights: Any  # float32; sixteen more than there are entries


class Tables(NamedTuple):
    """The columns' vectors as the kernels read them."""

    rows: Any  # [u, b, 1], a row for each column
    turned: Any  # these rows, turned over
    squares: Any  # the rows squared; None without curvature
    column_factors: Any  # p


class RowSums(NamedTuple):
    """The results of a pass for rows, part after part."""

    losses: Any
    log_sums: Any
    d_rows: Any
    h_rows: Any  # None without curvature


@dataclass(frozen=True)
class Task:
    """A pass over some parts that follow each other.

    Attributes:
        loss: the name of the loss.
        dim: length of a vector.
        first: number of the first part.
        curvature: whether to compute the curvature too.
        rows_only: leave out the derivatives by the columns.
        cuts: panels at which the columns are cut into ranges, the first and the last included.
    """

    loss: Loss
    dim: int
    first: int
    curvature: bool
    rows_only: bool
    cuts: tuple[int, ...] = ()

    @property
    def width(self) -> int:
        """Numbers of a row [u, b, 1], filled up."""
        return row_width(self.dim)


def row_width(dim: int) -> int:
    """The numbers of a row [u, b, 1] of vectors of some length, filled up to whole groups."""
    from lexigrad.kernels.exact.panels import GROUP

    return -(-(dim + 2) // GROUP) * GROUP


def padded_columns(columns: int) -> int:
    """The number of columns, filled up to whole panels and whole strides of panels."""
    from lexigrad.kernels.exact.panels import PANEL
    from lexigrad.kernels.exact.passes import STRIDE

    return -(-columns // (PANEL * STRIDE)) * PANEL * STRIDE


def arranged(rows: tuple[Any, ...], columns: int) -> tuple[Part, int]:
    """Put the counts of a part's rows in the kernels' order.

    Args:
        rows: the rows' starts, columns and weights as in `Counts`, their n_c and their a.
        columns: the number of columns.

    Returns:
        The part, and the number of its entries.
    """
    from lexigrad.kernels.exact.panels import PANEL
    from lexigrad.kernels.exact.passes import arrange

    *sparse, row_weights, row_factors = frozen(rows)
    count, entries = len(row_weights), sparse[1].size
    places, arranged_weights = np.empty(entries, np.uint16), np.zeros(entries + LANES, np.float32)
    panel_starts = np.zeros((-(-count // BLOCK), padded_columns(columns) // PANEL + 1), np.int64)
    for number, block in enumerate(panel_starts):
        first = number * BLOCK
        arrange(*sparse, first, min(first + BLOCK, count), block, places, arranged_weights)
    part = Part(row_weights, row_factors.astype(np.float32), panel_starts, places, arranged_weights)
    return part, entries


def laid_out(U: Floats, bias: Floats, column_factors: NDArray[Any], *, squares: bool) -> Tables:
    """The columns' vectors in the layouts that the kernels read."""
    from lexigrad.kernels.compiler.rowshape import padded
    from lexigrad.kernels.exact.panels import PANEL

    columns, dim = U.shape
    width, size = row_width(dim), padded_columns(columns)
    rows = _aligned(size * padded(width)).reshape(size, -1)
    rows[:columns, :dim] = U
    rows[:columns, dim] = bias
    rows[columns:, dim] = PADDING
    rows[:, dim + 1] = 1
    turned = _aligned(size * width)
    panels = rows.reshape(size // PANEL, PANEL, -1)[:, :, :width]
    turned.reshape(len(panels), width, PANEL)[:] = panels.transpose(0, 2, 1)
    factors = _aligned(size)
    factors[:columns] = column_factors
    return Tables(rows, turned, _squared(rows) if squares else None, factors)


class Run:
    """Parts that are computed one after another, and the sums over each of them."""

    def __init__(self, task: Task, tables: Tables, V: Floats, shifts: Floats) -> None:
        from lexigrad.kernels.compiler.rowshape import padded, row_shape
        from lexigrad.kernels.exact.panels import PANEL
        from lexigrad.kernels.exact.passes import STRIDE, Buffers

        self.task, self.summed, self.V, self.shifts = task, SUMMED[task.loss], V, shifts
        self.tables = Tables(*(None if table is None else _usable(table) for table in tables))
        self.panels = len(tables.rows) // PANEL
        self.shape, self.row_floats = row_shape(task.width), padded(task.width)
        self.spare: list[tuple[Floats, Floats | None]] = []
        self.buffers = Buffers.of_size(BLOCK, self.panels if self.summed.is_normalized else STRIDE, task.curvature)
        rows = len(V)
        h_rows = np.empty((rows, task.dim), np.float32) if task.curvature else None
        self.found = RowSums(np.zeros(rows), np.zeros(rows), np.empty((rows, task.dim), np.float32), h_rows)
        self.row = 0

    def part(self, part: Part) -> tuple[Any, Any]:
        """Compute a part's blocks, and return its sums over the columns, turned over."""
        from lexigrad.kernels.exact.passes import Outside

        tables, sums = self.tables, (None, None) if self.task.rows_only else self._zeros()
        squares = tables.squares.reshape(-1) if self.task.curvature else None
        flat = tables.rows.reshape(-1)
        outside = Outside(self.panels, self.task.width, flat, tables.turned, sums[0], squares, sums[1])
        rows = len(part.row_weights)
        for number, first in enumerate(range(0, rows, BLOCK)):
            _Block(self, part, number, slice(first, min(first + BLOCK, rows))).compute(outside)
        self.row += rows
        return sums

    def rows_of_zeros(self) -> Floats:
        """Zeros for the rows of a block."""
        return _aligned(BLOCK * self.row_floats).reshape(BLOCK, self.row_floats)

    def _zeros(self) -> tuple[Floats, Floats | None]:
        """Tables of zeros in which a part adds up its sums over the columns."""
        if not self.spare:
            size = self.tables.turned.size
            return _aligned(size), _aligned(size) if self.task.curvature else None
        tables = self.spare.pop()
        for table in tables:
            if table is not None:
                table[:] = 0
        return tables


class _Block:
    """A block of rows: their loss and derivatives, and their share of the sums over the columns."""

    def __init__(self, run: Run, part: Part, number: int, inside: slice) -> None:
        self.run, self.part, self.number, self.inside = run, part, number, inside
        self.rows = slice(run.row + inside.start, run.row + inside.stop)
        self.count, dim = inside.stop - inside.start, run.task.dim
        self.centers = run.rows_of_zeros()  # [v, 1, −shift]; rows of zeros, which have no weight, fill the block
        self.centers[: self.count, :dim] = run.V[self.rows]
        self.centers[: self.count, dim] = 1
        self.centers[: self.count, dim + 1] = -run.shifts[self.rows]
        self.d_centers, self.losses = run.rows_of_zeros(), np.zeros(BLOCK)
        self.squares = _squared(self.centers) if run.task.curvature else None
        self.h_centers = run.rows_of_zeros() if run.task.curvature else None

    def compute(self, outside: Any) -> None:
        """Compute the block, and put its results where the run keeps them."""
        found, dim = self.run.found, self.run.task.dim
        self.run.buffers.lanes[:] = 0
        if self.run.summed.is_normalized:
            found.log_sums[self.rows] = self._softmax(outside)
        else:
            self._tiles(outside)
        found.losses[self.rows] = self.losses[: self.count]
        found.d_rows[self.rows] = self.d_centers[: self.count, :dim]
        if self.h_centers is not None:
            found.h_rows[self.rows] = self.h_centers[: self.count, :dim]

    def _tiles(self, outside: Any) -> None:
        from lexigrad.kernels.exact.passes import Found, Weights, tile_block

        run, has_noise = self.run, self.run.summed.has_noise
        factors = _filled(self.part.row_factors[self.inside]) if has_noise else np.ones(BLOCK, dtype=np.float32)
        weights = Weights(not has_noise, factors, run.tables.column_factors)
        found = Found(self.d_centers.reshape(-1), _flat(self.h_centers), self.losses)
        centers, squares = self.centers.reshape(-1), _flat(self.squares)
        tile_block(run.shape, centers, outside, weights, self._entries(), run.buffers, found, squares)

    def _softmax(self, outside: Any) -> Any:
        """Compute the block under the softmax, and return log Σ exp of each row."""
        from lexigrad.kernels.exact.passes import SoftmaxFound, softmax_block

        run = self.run
        weights = _filled(self.part.row_weights[self.inside])
        means = run.rows_of_zeros() if run.task.curvature else None
        sums = np.zeros(BLOCK)
        found = SoftmaxFound(
            d_centers=self.d_centers.reshape(-1),
            means=_flat(means),
            h_centers=_flat(self.h_centers),
            scaled=run.rows_of_zeros().reshape(-1),
            sums=sums,
            losses=self.losses,
        )
        centers, squares = self.centers.reshape(-1), _flat(self.squares)
        softmax_block(run.shape, centers, outside, weights, self._entries(), run.buffers, found, squares)
        if means is not None and self.h_centers is not None:
            half = (0.5 * weights / sums)[:, None]
            variance = half * self.h_centers - (half * means) ** 2 / np.maximum(weights, 1e-30)[:, None]
            self.h_centers[:] = variance.clip(0)
        with np.errstate(divide="ignore"):
            return np.log(sums[: self.count])

    def _entries(self) -> Any:
        from lexigrad.kernels.exact.passes import Entries

        part = self.part
        return Entries(*frozen((part.panel_starts[self.number], part.places, part.weights)))


def _usable(table: Floats) -> Floats:
    """The table as the kernels want it: read-only, beginning on a cache line, and in memory of this process.

    A table that came in a message lies in pages of 4 kB, of which the processor looks up one after the other: a pass
    over them takes 6 % longer than over large pages, and a copy half a percent.
    """
    if table.ctypes.data % 64 or not _is_of_this_process(table):
        moved = _aligned(table.size).reshape(table.shape)
        moved[:] = table
        table = moved
    view: Floats = frozen(table)
    return view


def _is_of_this_process(table: Floats) -> bool:
    """Whether a table's numbers lie in an array that was made here, and in no message."""
    owner: Any = table
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    return owner.base is None


def _aligned(floats: int) -> Floats:
    from lexigrad.kernels.sgd.tables import aligned

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
