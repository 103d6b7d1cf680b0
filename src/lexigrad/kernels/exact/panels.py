"""The three matrix products of exact training, on panels of 48 columns that stay in the first cache.

They give the scores and sums of `lexigrad.reference.naive_softmax` and `lexigrad.reference.negative_sampling` for a
block of rows at once (`lexigrad.kernels.exact.passes`).

With A the center rows of a block, C the outside rows of a panel and G the derivatives with respect to their scores:

    scores = A Cᵀ     `score_panel`
    d_A += G C        `add_to_centers`
    d_C += Gᵀ A       `add_to_outside`

A panel of scores or derivatives holds 48 numbers for each row of the block. Outside rows are needed in two layouts: as
rows, and turned over, where a panel holds 48 numbers for each dimension. Sums of 24 vectors stay in registers, and the
order of additions does not depend on the threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexigrad.kernels.compiler.rowshape import LANES, chunks
from lexigrad.kernels.compiler.simd import Lanes, vector_kernel

if TYPE_CHECKING:
    from llvmlite.ir import Value

__all__ = ["GROUP", "PANEL", "add_to_centers", "add_to_outside", "score_panel"]

VECTORS = 3
PANEL = VECTORS * LANES
"""Columns of a panel."""

GROUP = 8
"""Rows, or dimensions, whose sums are held in registers together: 8 × 3 of 32 registers."""

MOST_VECTORS = 3
"""Vectors of a center row whose sums are held in registers, for eight rows together."""


@vector_kernel
def score_panel(
    lanes: Lanes,
    vectors: int,
    centers: Value,
    rows: Value,
    turned: Value,
    panel: Value,
    width: Value,
    scores: Value,
) -> None:
    """scores[i, j] = Σ_k centers[i, k] turned[panel, k, j], for eight rows at a time."""
    builder = lanes.builder
    columns = lanes.at(turned, builder.mul(panel, builder.mul(width, lanes.integer(PANEL))))

    def eight(first: Value, _: object) -> None:
        block = lanes.at(centers, lanes.row(first, vectors))

        def dimension(k: Value, sums: list[Value]) -> list[Value]:
            offset = builder.mul(k, lanes.integer(PANEL))
            theirs = [lanes.load(columns, offset, LANES * v) for v in range(VECTORS)]
            sums = list(sums)
            for i in range(GROUP):
                mine = lanes.splat(lanes.item(block, k, LANES * vectors * i))
                for v in range(VECTORS):
                    sums[VECTORS * i + v] = lanes.fma(mine, theirs[v], sums[VECTORS * i + v])
            return sums

        sums = lanes.loop(0, width, 1, [lanes.constant(0.0)] * (GROUP * VECTORS), dimension)
        target = lanes.at(scores, builder.mul(first, lanes.integer(PANEL)))
        for i, total in enumerate(sums):
            lanes.store(total, target, LANES * i)

    lanes.loop(0, rows, GROUP, [], eight)


@vector_kernel
def add_to_outside(
    lanes: Lanes,
    vectors: int,
    derivatives: Value,
    centers: Value,
    rows: Value,
    d_turned: Value,
    panel: Value,
    width: Value,
) -> None:
    """d_turned[panel, k, j] += Σ_i derivatives[i, j] centers[i, k], for eight dimensions at a time."""
    builder = lanes.builder
    columns = lanes.at(d_turned, builder.mul(panel, builder.mul(width, lanes.integer(PANEL))))

    def eight(first: Value, _: object) -> None:
        target = lanes.at(columns, builder.mul(first, lanes.integer(PANEL)))

        def row(i: Value, sums: list[Value]) -> list[Value]:
            theirs = lanes.at(derivatives, builder.mul(i, lanes.integer(PANEL)))
            loaded = [lanes.load(theirs, LANES * v) for v in range(VECTORS)]
            mine = lanes.at(centers, lanes.row(i, vectors), first)
            sums = list(sums)
            for k in range(GROUP):
                number = lanes.splat(lanes.item(mine, k))
                for v in range(VECTORS):
                    sums[VECTORS * k + v] = lanes.fma(number, loaded[v], sums[VECTORS * k + v])
            return sums

        before = [lanes.load(target, LANES * i) for i in range(GROUP * VECTORS)]
        for i, total in enumerate(lanes.loop(0, rows, 1, before, row)):
            lanes.store(total, target, LANES * i)

    lanes.loop(0, width, GROUP, [], eight)


@vector_kernel
def add_to_centers(
    lanes: Lanes,
    vectors: int,
    derivatives: Value,
    rows: Value,
    panels: Value,
    outside: Value,
    first_panel: Value,
    d_centers: Value,
) -> None:
    """d_centers[i] += Σ_j derivatives[panel, i, j] outside[panel · 48 + j], for eight rows at a time.

    ``derivatives`` holds ``panels`` panels, one after the other, which begin at ``first_panel`` of the outside rows.
    """
    builder = lanes.builder
    table = lanes.at(outside, lanes.row(builder.mul(first_panel, lanes.integer(PANEL)), vectors))
    stride = builder.mul(rows, lanes.integer(PANEL))
    for begin, count in chunks(vectors, MOST_VECTORS):

        def eight(first: Value, _: object, begin: int = begin, count: int = count) -> None:
            targets = [
                lanes.at(d_centers, lanes.row(first, vectors), LANES * (vectors * i + begin)) for i in range(GROUP)
            ]
            before = [lanes.load(targets[i], LANES * v) for i in range(GROUP) for v in range(count)]

            def panel(p: Value, sums: list[Value]) -> list[Value]:
                numbers = lanes.at(derivatives, builder.mul(p, stride), builder.mul(first, lanes.integer(PANEL)))
                theirs = lanes.at(table, lanes.row(builder.mul(p, lanes.integer(PANEL)), vectors), LANES * begin)

                def column(j: Value, sums: list[Value]) -> list[Value]:
                    loaded = [lanes.load(theirs, lanes.row(j, vectors), LANES * v) for v in range(count)]
                    sums = list(sums)
                    for i in range(GROUP):
                        number = lanes.splat(lanes.item(numbers, j, PANEL * i))
                        for v in range(count):
                            sums[count * i + v] = lanes.fma(number, loaded[v], sums[count * i + v])
                    return sums

                return lanes.loop(0, PANEL, 1, sums, column)

            sums = lanes.loop(0, panels, 1, before, panel)
            for i in range(GROUP):
                for v in range(count):
                    lanes.store(sums[count * i + v], targets[i], LANES * v)

        lanes.loop(0, rows, GROUP, [], eight)
