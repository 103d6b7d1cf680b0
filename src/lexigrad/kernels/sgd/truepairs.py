"""The true words of the windows: scores and changes of one vector against the rows of a run of positions.

With x one vector (an outside word's for skip-gram, a context's mean for CBOW) and y the rows of a run:

    products            partial sums of x · y, one vector of 16 for each y and each part of the row
    x·y                 `sum_products`: their sums, still one for each part of the row
    g = rate · σ(−x·y)  `positive_g`: −rate times the derivative of −log σ(x·y)
    d_x += g y,  d_y += g x

which is the first term of `lexigrad.reference.negative_sampling`, −log σ(u_o·v_c).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lexigrad.kernels.compiler.rowshape import LANES, chunks, vector_places
from lexigrad.kernels.compiler.simd import Lanes, vector_kernel
from lexigrad.kernels.sgd.products import PartScores, sum_of_parts

if TYPE_CHECKING:
    from llvmlite.ir import Value

__all__ = ["Row", "Run", "add_to_run", "positive_g", "run_deltas", "run_products", "sum_of_run", "sum_products"]

MOST_VECTORS = 8
"""Vectors of a row handled together: x, its change and the operands fill 24 of AVX-512's 32 registers."""

SUMS = 2
"""Sums that a product is spread over, as one would wait for itself."""


class Row(NamedTuple):
    """One row. Emitting functions get a pointer for the array and an LLVM value for the number."""

    table: Any  # float32: a table, or a panel
    row: Any  # int64: the row's offset in it


class Run(NamedTuple):
    """The rows of a table that stand at neighboring places. Emitting functions get pointers and LLVM values."""

    table: Any  # float32, in the order of `lexigrad.kernels.sgd.tables`
    rows: Any  # int64: the offset of the row at each place
    start: Any  # int64: the first place
    stop: Any  # int64: the place after the last


@vector_kernel
def run_products(lanes: Lanes, parts: list[int], x: Row, run: Run, products: PartScores, pair: Value) -> None:
    """products[part, pair + i] = 16 sums of x · y over a part of the row, y the i-th row of the run.

    The sums stay apart in their lanes: `sum_products` adds up those of sixteen pairs with 15 additions of vectors,
    where each pair by itself would take four additions and as many shuffles.
    """
    builder, places = lanes.builder, vector_places(parts)
    x_row = lanes.at(x.table, x.row)
    held = [lanes.load(x_row, place) for place in places] if len(places) <= MOST_VECTORS else []
    before = builder.sub(pair, run.start)
    targets = [
        lanes.at(products.scores, lanes.row(builder.add(before, builder.mul(products.stride, lanes.integer(part))), 1))
        for part in range(len(parts))
    ]

    def multiply(i: Value, _: object) -> None:
        y = lanes.at(run.table, lanes.item(run.rows, i))
        for part, target in enumerate(targets):
            sums: list[Value] = []
            for turn, v in enumerate(range(sum(parts[:part]), sum(parts[: part + 1]))):
                mine, theirs = held[v] if held else lanes.load(x_row, places[v]), lanes.load(y, places[v])
                if turn < SUMS:
                    sums.append(lanes.mul(mine, theirs))
                else:
                    sums[turn % SUMS] = lanes.fma(mine, theirs, sums[turn % SUMS])
            lanes.store(lanes.add(*sums) if len(sums) == SUMS else sums[0], target, lanes.row(i, 1))

    lanes.loop(run.start, run.stop, 1, [], multiply)


@vector_kernel
def sum_products(lanes: Lanes, parts: list[int], products: PartScores, pairs: Value, scores: PartScores) -> None:
    """scores[part, pair] = the sum of products[part, pair], for 16 pairs at a time."""
    builder = lanes.builder
    for part in range(len(parts)):
        number = lanes.integer(part)
        first = lanes.at(products.scores, lanes.row(builder.mul(products.stride, number), 1))
        target = lanes.at(scores.scores, builder.mul(scores.stride, number))

        def sixteen(pair: Value, _: object, first: Value = first, target: Value = target) -> None:
            row = lanes.at(first, lanes.row(pair, 1))
            lanes.store(lanes.sums([lanes.load(row, LANES * i) for i in range(LANES)]), target, pair)

        lanes.loop(0, pairs, LANES, [], sixteen)


@vector_kernel
def positive_g(lanes: Lanes, _vectors: int, scores: PartScores, pairs: Value, rate: Value, g: Value) -> None:
    """g[pair] = rate · σ(−x·y), 16 pairs at a time; 1 − σ(s) = σ(−s), which keeps its digits where σ(s) is near 1."""
    factor = lanes.splat(rate)

    def sixteen(pair: Value, _: object) -> None:
        score = sum_of_parts(lanes, scores, pair)
        lanes.store(lanes.mul(factor, lanes.sigmoid(lanes.sub(lanes.constant(-0.0), score))), g, pair)

    lanes.loop(0, pairs, LANES, [], sixteen)


@vector_kernel
def run_deltas(
    lanes: Lanes, parts: list[int], x: Row, run: Run, g: Value, pair: Value, d_x: Row, d_rows: Value
) -> None:
    """d_x += Σ g y and d_y += g x for the rows y of a run; ``d_rows`` are numbered as the run's places."""
    vectors, places = sum(parts), vector_places(parts)
    x_row = lanes.at(x.table, x.row)
    d = lanes.at(d_x.table, d_x.row)
    gradients = lanes.at(g, lanes.builder.sub(pair, run.start))
    for first, count in chunks(vectors, MOST_VECTORS):
        mine = [lanes.load(x_row, place) for place in places[first : first + count]]

        def both(
            i: Value, sums: list[Value], first: int = first, count: int = count, mine: list[Value] = mine
        ) -> list[Value]:
            gradient = lanes.splat(lanes.item(gradients, i))
            theirs = lanes.at(run.table, lanes.item(run.rows, i))
            change = lanes.at(d_rows, lanes.row(i, vectors), LANES * first)
            for v in range(count):
                lanes.store(lanes.fma(gradient, mine[v], lanes.load(change, LANES * v)), change, LANES * v)
            return [lanes.fma(gradient, lanes.load(theirs, places[first + v]), sums[v]) for v in range(count)]

        before = [lanes.load(d, LANES * (first + v)) for v in range(count)]
        for v, total in enumerate(lanes.loop(run.start, run.stop, 1, before, both)):
            lanes.store(total, d, LANES * (first + v))


@vector_kernel
def sum_of_run(lanes: Lanes, parts: list[int], run: Run, middle: Value, scale: Value, total: Row) -> None:
    """Total = scale · Σ y for the rows y of a run, without the one at the place ``middle``."""
    factor, places = lanes.splat(scale), vector_places(parts)
    for first, count in chunks(len(places), MOST_VECTORS):

        def add(i: Value, sums: list[Value], first: int = first, count: int = count) -> list[Value]:
            row = lanes.at(run.table, lanes.item(run.rows, i))
            return [lanes.add(sums[v], lanes.load(row, places[first + v])) for v in range(count)]

        # Two loops, one on either side of the middle: a look at each place would be a branch that is hard to foresee.
        sums = lanes.loop(run.start, middle, 1, [lanes.constant(0.0)] * count, add)
        sums = lanes.loop(lanes.builder.add(middle, lanes.integer(1)), run.stop, 1, sums, add)
        for v in range(count):
            lanes.store(lanes.mul(factor, sums[v]), total.table, total.row, places[first + v])


@vector_kernel
def add_to_run(
    lanes: Lanes, vectors: int, d_rows: Value, start: Value, middle: Value, stop: Value, scale: Value, d_x: Row
) -> None:
    """d_y += scale · d_x for the rows from ``start`` to ``stop`` without ``middle``."""
    factor = lanes.splat(scale)
    for first, count in chunks(vectors, MOST_VECTORS):
        change = [lanes.mul(factor, lanes.load(d_x.table, d_x.row, LANES * (first + v))) for v in range(count)]

        def add(i: Value, _: object, first: int = first, change: list[Value] = change) -> None:
            row = lanes.at(d_rows, lanes.row(i, vectors), LANES * first)
            for v, value in enumerate(change):
                lanes.store(lanes.add(lanes.load(row, LANES * v), value), row, LANES * v)

        lanes.loop(start, middle, 1, [], add)
        lanes.loop(lanes.builder.add(middle, lanes.integer(1)), stop, 1, [], add)
