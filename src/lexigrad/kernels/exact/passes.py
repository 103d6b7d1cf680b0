"""A block of center words against all outside words: their loss and its gradient, panel by panel.

With n the window counts of a row, which are few among many zeros, and s = u_w·v_c + b_w, a row's loss and the
derivatives that its scores are turned into are (`lexigrad.reference.negative_sampling` and
`lexigrad.reference.naive_softmax`, summed over the pairs of the corpus)

    negative sampling, in expectation over the noise    Σ_w n_w softplus(−s_w) + a p_w softplus(s_w)
                                   d/ds_w = σ(s_w)(n_w + a p_w) − n_w
    naive softmax                  n log Σ_w exp(s_w) − Σ_w n_w s_w,    d/ds_w = n ŷ_w − n_w
    Poisson                        Σ_w exp(s_w) − n_w s_w,              d/ds_w = exp(s_w) − n_w

where a is a factor of the row and p one of the column: for negative sampling a = K n_c and p the noise distribution.
Scores never leave the cache, but for the softmax, which needs a row's sum before its first derivative.

The counts are put in the order in which they are used, once for all passes (`arrange`): panel after panel of a block,
each entry with its place in the panel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lexigrad.kernels.compiler.compile import kernel
from lexigrad.kernels.compiler.rowshape import LANES
from lexigrad.kernels.compiler.simd import Lanes, vector_kernel
from lexigrad.kernels.exact.panels import PANEL, VECTORS, add_to_centers, add_to_outside, score_panel
from lexigrad.kernels.sgd.tables import aligned

if TYPE_CHECKING:
    from llvmlite.ir import Value

    from lexigrad.kernels.arraytypes import Doubles, Floats, Int32s, Int64s, Shape, UInt16s

__all__ = [
    "STRIDE",
    "Buffers",
    "Entries",
    "Found",
    "Outside",
    "SoftmaxFound",
    "Weights",
    "arrange",
    "softmax_block",
    "tile_block",
]

STRIDE = 8
"""Panels after which d_centers and the losses are brought up to date; the number of panels is a multiple of it."""


class Entries(NamedTuple):
    """The counts of a block."""

    starts: Int64s  # (panels + 1,): where each panel's entries begin
    places: UInt16s  # row · 48 + column within the panel
    weights: Floats  # sixteen more than there are entries, as they are read sixteen at a time


class Outside(NamedTuple):
    """The outside rows [u, b, 1] in both layouts, and the sums that belong to them."""

    panels: int  # how many panels of them there are
    width: int  # numbers of a row, a multiple of eight
    rows: Floats  # as rows
    turned: Floats  # turned over
    d_turned: Floats | None  # gradient, turned over; None where only rows are wanted
    squares: Floats | None  # as rows, squared; None without curvature
    h_turned: Floats | None  # curvature, turned over


class Weights(NamedTuple):
    """The factors of scores where a panel is finished before the next one begins."""

    poisson: bool  # whether the loss is Poisson's, or else negative sampling
    rows: Floats  # a of each row; ones for Poisson
    columns: Floats  # p of each column


class Found(NamedTuple):
    """The results of a pass for the rows of a block."""

    d_centers: Floats  # gradient of the center rows
    h_centers: Floats | None  # their curvature; None where it is not wanted
    losses: Doubles  # (rows,)


class SoftmaxFound(NamedTuple):
    """The results of a pass under the naive softmax for the rows of a block, and rows to work with."""

    d_centers: Floats  # gradient of the center rows
    means: Floats | None  # first moments of the outside vectors; None without curvature
    h_centers: Floats | None  # their second moments; None without curvature
    scaled: Floats  # room for the centers divided by their units
    sums: Doubles  # (rows,): Σ exp
    losses: Doubles  # (rows,)


class Buffers(NamedTuple):
    """The memory of one thread."""

    scores: Floats  # panels of scores
    curvatures: Floats  # panels of curvatures
    x: Floats  # scores of a panel's entries
    losses: Floats  # their losses
    lanes: Floats  # sixteen sums a row

    @classmethod
    def of_size(cls, rows: int, panels: int, curvature: bool) -> Buffers:
        """Buffers for blocks of so many rows, of which so many panels are kept."""
        entries = rows * PANEL
        scores = aligned(panels * entries)
        curvatures = aligned(STRIDE * entries) if curvature else aligned(LANES)
        return cls(scores, curvatures, aligned(entries), aligned(entries), aligned(rows * LANES))


@vector_kernel
def weigh_entries(lanes: Lanes, _: int, x: Value, weights: Value, start: Value, count: Value, losses: Value) -> None:
    """Losses = w softplus(x), x ← w σ(x), with the weights from ``start`` on, which need not begin on a cache line."""

    def sixteen(i: Value, _: object) -> None:
        weight = lanes.load(weights, start, i, align=4)
        sigmoid, softplus = lanes.sigmoid_and_softplus(lanes.load(x, i))
        lanes.store(lanes.mul(weight, sigmoid), x, i)
        lanes.store(lanes.mul(weight, softplus), losses, i)

    lanes.loop(0, count, LANES, [], sixteen)


@vector_kernel
def weigh_panel(
    lanes: Lanes, _: int, scores: Value, rows: Value, factors: Value, weights: Value, first: Value, totals: Value
) -> None:
    """Totals += a p softplus(s), s ← a p σ(s), for all rows of a panel."""
    columns = [lanes.load(weights, first, LANES * v) for v in range(VECTORS)]

    def row(i: Value, _: object) -> None:
        factor = lanes.splat(lanes.item(factors, i))
        panel = lanes.at(scores, lanes.builder.mul(i, lanes.integer(PANEL)))
        total = lanes.load(totals, lanes.row(i, 1))
        for v, column in enumerate(columns):
            weight = lanes.mul(factor, column)
            sigmoid, softplus = lanes.sigmoid_and_softplus(lanes.load(panel, LANES * v))
            lanes.store(lanes.mul(weight, sigmoid), panel, LANES * v)
            total = lanes.fma(weight, softplus, total)
        lanes.store(total, totals, lanes.row(i, 1))

    lanes.loop(0, rows, 1, [], row)


@vector_kernel
def panel_curvatures(
    lanes: Lanes, _: int, scores: Value, rows: Value, factors: Value, weights: Value, first: Value, curvatures: Value
) -> None:
    """Curvatures = a p σ(s)(1 − σ(s))."""
    columns = [lanes.load(weights, first, LANES * v) for v in range(VECTORS)]
    one = lanes.constant(1.0)

    def row(i: Value, _: object) -> None:
        factor = lanes.splat(lanes.item(factors, i))
        offset = lanes.builder.mul(i, lanes.integer(PANEL))
        for v, column in enumerate(columns):
            sigmoid = lanes.sigmoid(lanes.load(scores, offset, LANES * v))
            slope = lanes.mul(sigmoid, lanes.sub(one, sigmoid))
            lanes.store(lanes.mul(lanes.mul(factor, column), slope), curvatures, offset, LANES * v)

    lanes.loop(0, rows, 1, [], row)


@vector_kernel
def exponential_panel(lanes: Lanes, _: int, scores: Value, rows: Value, totals: Value) -> None:
    """S ← exp(s), totals += exp(s), for all rows of a panel."""

    def row(i: Value, _: object) -> None:
        panel = lanes.at(scores, lanes.builder.mul(i, lanes.integer(PANEL)))
        total = lanes.load(totals, lanes.row(i, 1))
        for v in range(VECTORS):
            power = lanes.exp(lanes.load(panel, LANES * v))
            lanes.store(power, panel, LANES * v)
            total = lanes.add(power, total)
        lanes.store(total, totals, lanes.row(i, 1))

    lanes.loop(0, rows, 1, [], row)


@kernel
def tile_block(
    shape: Shape,
    centers: Floats,
    outside: Outside,
    weights: Weights,
    entries: Entries,
    buffers: Buffers,
    found: Found,
    squares: Floats | None,
) -> None:
    """The loss and gradient of a block under negative sampling or Poisson: a panel is finished before the next begins.

    It sums `lexigrad.reference.negative_sampling` over the pairs of the corpus, or Poisson's loss. ``squares`` are the
    centers squared, None where no curvature is wanted; they are an argument of their own, as Numba leaves out a branch
    that is not taken for an argument that is None, and not for a field.
    """
    losses, width = found.losses, outside.width
    rows = losses.size
    size = rows * PANEL
    for first in range(0, outside.panels, STRIDE):
        for i in range(STRIDE):
            panel = first + i
            scores = buffers.scores[i * size :]
            curvatures = buffers.curvatures[i * size :]
            score_panel(shape, centers, rows, outside.turned, panel, width, scores)
            if weights.poisson:
                _gather_data(scores, panel, entries, losses)
                exponential_panel((), scores, rows, buffers.lanes)
                if squares is not None:
                    curvatures[:size] = scores[:size]
                _add_counts(scores, panel, entries, np.float32(-1), weights.rows)
            else:
                if squares is not None:
                    panel_curvatures((), scores, rows, weights.rows, weights.columns, panel * PANEL, curvatures)
                _negative_sampling(scores, curvatures, squares is not None, panel, weights, entries, buffers, losses)
            if outside.d_turned is not None:
                add_to_outside(shape, scores, centers, rows, outside.d_turned, panel, width)
            if squares is not None and outside.h_turned is not None:
                add_to_outside(shape, curvatures, squares, rows, outside.h_turned, panel, width)
        add_to_centers(shape, buffers.scores, rows, STRIDE, outside.rows, first, found.d_centers)
        if squares is not None:
            add_to_centers(shape, buffers.curvatures, rows, STRIDE, outside.squares, first, found.h_centers)
        _flush(buffers.lanes, losses)


@kernel
def softmax_block(
    shape: Shape,
    centers: Floats,
    outside: Outside,
    row_weights: Doubles,
    entries: Entries,
    buffers: Buffers,
    found: SoftmaxFound,
    squares: Floats | None,
) -> None:
    """The loss and gradient of a block under the naive softmax: exponentials of whole rows first, then derivatives.

    It sums `lexigrad.reference.naive_softmax` over the pairs of the corpus. Exponentials are in units of Σ exp / n_c:
    counts are subtracted in that unit, ``scaled`` are the centers divided by it, and so is d_centers in the end.
    ``squares`` are None where no curvature is wanted; that is the variance of u under the mean of the model's and the
    data's distributions, whose first and second moments are added to ``means`` and ``h_centers`` in the same unit.
    """
    losses, sums, rows = found.losses, found.sums, found.losses.size
    losses[:] = 0
    for panel in range(outside.panels):
        scores = buffers.scores[panel * rows * PANEL :]
        score_panel(shape, centers, rows, outside.turned, panel, outside.width, scores)
        _gather_data(scores, panel, entries, losses)
        exponential_panel((), scores, rows, buffers.lanes)
        if panel % STRIDE == STRIDE - 1:
            _flush(buffers.lanes, sums)
    units = np.empty(rows, np.float32)
    for i in range(rows):
        losses[i] += row_weights[i] * np.log(sums[i])
        units[i] = np.float32(sums[i] / max(row_weights[i], 1e-30))
    _scale(centers, row_weights, sums, 1.0, found.scaled)
    if squares is not None:
        _scale(squares, row_weights, sums, 0.5, squares)
        counts = _Counts(entries, units, np.float32(1))
        _softmax_products(shape, outside, outside.h_turned, counts, buffers, squares, found.means)
        for first in range(0, outside.panels, STRIDE):
            scores = buffers.scores[first * rows * PANEL :]
            add_to_centers(shape, scores, rows, STRIDE, outside.squares, first, found.h_centers)
    sign = -1 if squares is None else -2  # the curvature has added the counts once
    counts = _Counts(entries, units, np.float32(sign))
    _softmax_products(shape, outside, outside.d_turned, counts, buffers, found.scaled, found.d_centers)
    _scale(found.d_centers, row_weights, sums, 1.0, found.d_centers)


class _Counts(NamedTuple):
    """Counts to be added to scores."""

    entries: Entries
    units: Floats  # (rows,): the factor of a row's counts
    sign: np.float32


@kernel
def _softmax_products(
    shape: Shape,
    outside: Outside,
    turned: Floats | None,
    counts: _Counts,
    buffers: Buffers,
    centers: Floats,
    d_centers: Floats,
) -> None:
    """Add the counts to kept exponentials, and multiply with both tables; not with the centers where turned is None."""
    rows = counts.units.size
    for first in range(0, outside.panels, STRIDE):
        for panel in range(first, first + STRIDE):
            scores = buffers.scores[panel * rows * PANEL :]
            _add_counts(scores, panel, counts.entries, counts.sign, counts.units)
            if turned is not None:
                add_to_outside(shape, scores, centers, rows, turned, panel, outside.width)
        scores = buffers.scores[first * rows * PANEL :]
        add_to_centers(shape, scores, rows, STRIDE, outside.rows, first, d_centers)


@kernel
def _scale(table: Floats, row_weights: Doubles, sums: Doubles, factor: float, scaled: Floats) -> None:
    """Scaled = factor · n_c / Σ exp times the rows of the table."""
    size = table.size // sums.size
    for i in range(sums.size):
        shrink = np.float32(factor * row_weights[i] / sums[i])
        for k in range(i * size, (i + 1) * size):
            scaled[k] = shrink * table[k]


@kernel
def _negative_sampling(
    scores: Floats,
    curvatures: Floats,
    curved: bool,
    panel: int,
    weights: Weights,
    entries: Entries,
    buffers: Buffers,
    losses: Doubles,
) -> None:
    """Turn a panel of scores into derivatives; the few scores with counts are set aside before all are weighed."""
    x = buffers.x  # the scores with counts side by side, so that all are weighed sixteen at a time
    start, places = entries.starts[panel], entries.places
    count = entries.starts[panel + 1] - start
    for k in range(count):
        x[k] = -scores[places[start + k]]
    if curved:
        for k in range(count):
            sigmoid = np.float32(1) / (np.float32(1) + np.exp(-x[k]))
            curvatures[places[start + k]] += entries.weights[start + k] * sigmoid * (np.float32(1) - sigmoid)
    weigh_entries((), x, entries.weights, start, count, buffers.losses)
    weigh_panel((), scores, losses.size, weights.rows, weights.columns, panel * PANEL, buffers.lanes)
    for k in range(count):
        place = places[start + k]
        scores[place] -= x[k]
        losses[place // PANEL] += np.float64(buffers.losses[k])


@kernel
def _gather_data(scores: Floats, panel: int, entries: Entries, data: Doubles) -> None:
    """Data −= Σ n s for each row."""
    for k in range(entries.starts[panel], entries.starts[panel + 1]):
        place = entries.places[k]
        data[place // PANEL] -= np.float64(entries.weights[k]) * np.float64(scores[place])


@kernel
def _add_counts(scores: Floats, panel: int, entries: Entries, sign: np.float32, units: Floats) -> None:
    """S += sign · unit · n, with a unit for each row."""
    for k in range(entries.starts[panel], entries.starts[panel + 1]):
        place = entries.places[k]
        scores[place] += sign * units[place // PANEL] * entries.weights[k]


@kernel
def arrange(
    starts: Int64s,
    columns: Int32s,
    weights: Floats,
    first: int,
    last: int,
    panel_starts: Int64s,
    places: UInt16s,
    arranged: Floats,
) -> None:
    """Put the counts of the rows from ``first`` to ``last`` in the order of the panels: `Entries` of their block."""
    for k in range(starts[first], starts[last]):
        panel_starts[columns[k] // PANEL + 1] += 1
    panel_starts[0] = starts[first]
    for panel in range(1, panel_starts.size):
        panel_starts[panel] += panel_starts[panel - 1]
    following = panel_starts.copy()
    for i in range(first, last):
        for k in range(starts[i], starts[i + 1]):
            panel = columns[k] // PANEL
            place = following[panel]
            following[panel] += 1
            places[place] = (i - first) * PANEL + columns[k] - panel * PANEL
            arranged[place] = weights[k]


@kernel
def _flush(lanes: Floats, totals: Doubles) -> None:
    """Add each row's sixteen sums to its total, in order and in double precision, and set them to zero."""
    for i in range(totals.size):
        total = 0.0
        for j in range(i * LANES, (i + 1) * LANES):
            total += np.float64(lanes[j])
            lanes[j] = 0
        totals[i] += total
