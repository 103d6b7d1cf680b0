"""The true words of the windows: scores and changes of one vector against the rows of a run of positions.

With x one vector (an outside word's for skip-gram, a context's mean for CBOW) and y the rows of a run:

    products            partial sums of x · y, one vector of 16 for each y
    g = rate · σ(−x·y)  `positive_scores`: −rate times the derivative of −log σ(x·y)
    d_x += g y,  d_y += g x

which is the first term of `lexigrad.reference.negative_sampling`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexigrad.kernels.simd import LANES, Lanes, chunks, vector_kernel

if TYPE_CHECKING:
    from llvmlite.ir import Value

__all__ = ["add_to_run", "positive_scores", "run_deltas", "run_products", "sum_of_run"]

MOST_VECTORS = 8
"""Vectors of a row handled together: x, its change and the operands fill 24 of AVX-512's 32 registers."""


@vector_kernel
def run_products(
    lanes: Lanes,
    vectors: int,
    x_table: Value,
    x_row: Value,
    table: Value,
    rows: Value,
    start: Value,
    stop: Value,
    products: Value,
    pair: Value,
) -> None:
    """products[pair + i] = 16 partial sums of x · y, y the i-th row from ``start`` to ``stop``."""
    x = lanes.at(x_table, x_row)
    held = [lanes.load(x, LANES * v) for v in range(vectors)] if vectors <= MOST_VECTORS else []
    target = lanes.at(products, lanes.row(lanes.builder.sub(pair, start), 1))

    def multiply(i: Value, _: object) -> None:
        y = lanes.at(table, lanes.item(rows, i))
        sums: list[Value] = []
        for v in range(vectors):
            mine, theirs = held[v] if held else lanes.load(x, LANES * v), lanes.load(y, LANES * v)
            if v < 2:  # two sums, as one would wait for itself
                sums.append(lanes.mul(mine, theirs))
            else:
                sums[v % 2] = lanes.fma(mine, theirs, sums[v % 2])
        lanes.store(lanes.add(*sums) if len(sums) == 2 else sums[0], target, lanes.row(i, 1))

    lanes.loop(start, stop, 1, [], multiply)


@vector_kernel
def positive_scores(lanes: Lanes, _vectors: int, products: Value, pairs: Value, rate: Value, g: Value) -> None:
    """g[pair] = rate · σ(−x·y), 16 pairs at a time; 1 − σ(s) = σ(−s), which keeps its digits where σ(s) is near 1."""
    factor = lanes.splat(rate)

    def sixteen(pair: Value, _: object) -> None:
        first = lanes.at(products, lanes.row(pair, 1))
        scores = lanes.sums([lanes.load(first, LANES * i) for i in range(LANES)])
        lanes.store(lanes.mul(factor, lanes.sigmoid(lanes.sub(lanes.constant(-0.0), scores))), g, pair)

    lanes.loop(0, pairs, LANES, [], sixteen)


@vector_kernel
def run_deltas(
    lanes: Lanes,
    vectors: int,
    x_table: Value,
    x_row: Value,
    table: Value,
    rows: Value,
    start: Value,
    stop: Value,
    g: Value,
    pair: Value,
    d_x: Value,
    d_x_row: Value,
    d_rows: Value,
) -> None:
    """d_x += Σ g y and d_y += g x for the rows y from ``start`` to ``stop``; ``d_rows`` are numbered as ``rows``."""
    x = lanes.at(x_table, x_row)
    d = lanes.at(d_x, d_x_row)
    gradients = lanes.at(g, lanes.builder.sub(pair, start))
    for first, count in chunks(vectors, MOST_VECTORS):
        mine = [lanes.load(x, LANES * (first + v)) for v in range(count)]

        def both(
            i: Value, sums: list[Value], first: int = first, count: int = count, mine: list[Value] = mine
        ) -> list[Value]:
            gradient = lanes.splat(lanes.item(gradients, i))
            theirs = lanes.at(table, lanes.item(rows, i), LANES * first)
            change = lanes.at(d_rows, lanes.row(i, vectors), LANES * first)
            for v in range(count):
                lanes.store(lanes.fma(gradient, mine[v], lanes.load(change, LANES * v)), change, LANES * v)
            return [lanes.fma(gradient, lanes.load(theirs, LANES * v), sums[v]) for v in range(count)]

        before = [lanes.load(d, LANES * (first + v)) for v in range(count)]
        for v, total in enumerate(lanes.loop(start, stop, 1, before, both)):
            lanes.store(total, d, LANES * (first + v))


@vector_kernel
def sum_of_run(
    lanes: Lanes,
    vectors: int,
    table: Value,
    rows: Value,
    start: Value,
    middle: Value,
    stop: Value,
    scale: Value,
    total: Value,
    total_row: Value,
) -> None:
    """Total = scale · Σ y for the rows y from ``start`` to ``stop`` without ``middle``."""
    factor = lanes.splat(scale)
    for first, count in chunks(vectors, MOST_VECTORS):

        def add(i: Value, sums: list[Value], first: int = first, count: int = count) -> list[Value]:
            row = lanes.at(table, lanes.item(rows, i), LANES * first)
            return [lanes.add(sums[v], lanes.load(row, LANES * v)) for v in range(count)]

        sums = lanes.loop(start, middle, 1, [lanes.constant(0.0)] * count, add)
        sums = lanes.loop(lanes.builder.add(middle, lanes.integer(1)), stop, 1, sums, add)
        for v in range(count):
            lanes.store(lanes.mul(factor, sums[v]), total, total_row, LANES * (first + v))


@vector_kernel
def add_to_run(
    lanes: Lanes,
    vectors: int,
    d_rows: Value,
    start: Value,
    middle: Value,
    stop: Value,
    scale: Value,
    d_x: Value,
    d_x_row: Value,
) -> None:
    """d_y += scale · d_x for the rows from ``start`` to ``stop`` without ``middle``."""
    factor = lanes.splat(scale)
    for first, count in chunks(vectors, MOST_VECTORS):
        change = [lanes.mul(factor, lanes.load(d_x, d_x_row, LANES * (first + v))) for v in range(count)]

        def add(i: Value, _: object, first: int = first, change: list[Value] = change) -> None:
            row = lanes.at(d_rows, lanes.row(i, vectors), LANES * first)
            for v, value in enumerate(change):
                lanes.store(lanes.add(lanes.load(row, LANES * v), value), row, LANES * v)

        lanes.loop(start, middle, 1, [], add)
        lanes.loop(lanes.builder.add(middle, lanes.integer(1)), stop, 1, [], add)
