"""Small matrix products on rows of the tables, which skip-gram and CBOW have in common.

A block of tokens shares its negatives. With X the block's input vectors (center vectors for skip-gram, means of the
context for CBOW), N the outside vectors of the negatives, and g the factor of a vector in a step of SGD (−rate times
the derivative of the loss with respect to a score):

    X Nᵀ                        `negative_scores`
    g = weights · σ(X Nᵀ)       `negative_g`, weights = −rate · negatives / drawn · predictions of the token
    d_X = g N                   `negative_d_inputs`
    d_N += gᵀ X                 `negative_d_outside`

which is the sum over k in `lexigrad.reference.negative_sampling`, for all tokens of the block at once. The rows stay in
the tables (`Rows`); only the negatives, read most often, are copied and turned over (`turn_rows`). All of these
functions count negatives in multiples of 16 and tokens in multiples of 8.

Rows of frequent words are near and others are not, so while one block is computed the rows of the next are asked for:
one cache line in each turn of the loops (`Ahead`), as requests in a burst wait for each other.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from lexigrad.kernels.compiler.rowshape import LANES, chunks, vector_places
from lexigrad.kernels.compiler.simd import Lanes, vector_kernel

if TYPE_CHECKING:
    from llvmlite.ir import Value

__all__ = [
    "TILE",
    "PartScores",
    "Rows",
    "add_listed_rows",
    "add_rows",
    "negative_d_inputs",
    "negative_d_outside",
    "negative_g",
    "negative_scores",
    "sum_of_parts",
    "turn_rows",
    "zero_rows",
]

TILE = 8
"""Tokens scored together: a block is filled up to a multiple of it with tokens of weight 0."""

ROWS = 4
"""Rows of sums held in registers by the products that give d_X and d_N ..."""

MOST_VECTORS = 6
"""... and at most so many vectors of each row: 24 sums leave 8 of AVX-512's 32 registers for operands."""

LISTED_AHEAD = 6
"""Listed rows that are asked for before they are needed."""

STEP = 4
"""Dimensions scored in one turn of the loop."""


class Rows(NamedTuple):
    """Some rows of a table. Emitting functions get pointers for the arrays and an LLVM value for the number."""

    table: Any  # float32, in the order of `lexigrad.kernels.sgd.tables`
    rows: Any  # int64: the rows' offsets in the table
    count: Any  # int64: how many rows


class PartScores(NamedTuple):
    """Scores as sums over each part of a row, kept apart; the parts are summed up in their order."""

    scores: Any  # float32 (parts, stride)
    stride: Any  # int64: floats from one part's scores to those of the next part
    parts: Any  # int64: how many parts


class Ahead:
    """Rows that the next block reads; `ask` fetches the n-th of their cache lines."""

    def __init__(self, lanes: Lanes, parts: list[int], rows: Rows) -> None:
        self.lanes, self.places, self.table, self.rows = lanes, vector_places(parts), rows.table, rows.rows
        self.bits = (min(len(self.places), 8) - 1).bit_length()
        self.last = lanes.builder.sub(rows.count, lanes.integer(1))

    def ask(self, n: Value) -> None:
        """Ask for line n, counting eight lines a row (fewer for short rows, several at once for long ones).

        Past the last row this asks for that row again, which costs less than a branch.
        """
        lanes, builder = self.lanes, self.lanes.builder
        number = self._least(builder.lshr(n, lanes.integer(self.bits)), self.last)
        row = lanes.at(self.table, lanes.item(self.rows, number))
        line = builder.and_(n, lanes.integer(2**self.bits - 1))
        for first in range(0, len(self.places), 8):
            vector = self._least(builder.add(line, lanes.integer(first)), lanes.integer(len(self.places) - 1))
            lanes.prefetch(lanes.at(row, self._place(vector)))

    def _place(self, vector: Value) -> Value:
        """The offset of a vector from the row's own, as `vector_places` lists it; its number is known at run time."""
        lanes, builder = self.lanes, self.lanes.builder
        place = builder.mul(vector, lanes.integer(LANES))
        for number, (before, after) in enumerate(pairwise(self.places), 1):
            if after - before != LANES:
                is_beyond = builder.icmp_signed(">=", vector, lanes.integer(number))
                gap = builder.select(is_beyond, lanes.integer(after - before - LANES), lanes.integer(0))
                place = builder.add(place, gap)
        return place

    def _least(self, a: Value, b: Value) -> Value:
        builder = self.lanes.builder
        return builder.select(builder.icmp_signed("<", a, b), a, b)


@vector_kernel
def turn_rows(lanes: Lanes, parts: list[int], source: Rows, panel: Value) -> None:
    """panel[group of 16 rows, dimension, row] = table[rows[row], dimension]."""
    vectors, places = sum(parts), vector_places(parts)

    def group(first: Value, _: object) -> None:
        pointers = [lanes.at(source.table, lanes.item(source.rows, first, i)) for i in range(LANES)]
        target = lanes.at(panel, lanes.row(first, vectors))
        for part in range(len(parts)):
            start, stop = (LANES * sum(parts[:end]) for end in (part, part + 1))
            shift = places[start // LANES] - start

            def square(dimension: Value, _: object, shift: int = shift) -> None:
                rows = [lanes.load(pointer, dimension, shift) for pointer in pointers]
                for i, column in enumerate(lanes.transposed(rows)):
                    lanes.store(column, target, lanes.row(dimension, 1), LANES * i)

            lanes.loop(start, stop, LANES, [], square)

    lanes.loop(0, source.count, LANES, [], group)


@vector_kernel
def negative_scores(
    lanes: Lanes,
    parts: list[int],
    inputs: Rows,
    panel: Value,
    negatives: Value,
    dim: Value,
    scores: PartScores,
    following: Rows,
) -> None:
    """scores[part, token, negative] = x · n over a part of the row; eight tokens, 16 or 32 negatives at a time.

    The panel holds the negatives turned over, so one vector is one dimension of 16 of them, and a number of x, in all
    lanes, multiplies it. Each lane is the sum of one score, over the dimensions in their order: no sum goes across
    lanes, which would cost a shuffle, and 8 × 2 sums hide the time that one multiplication takes.
    """
    builder = lanes.builder
    vectors, places = sum(parts), vector_places(parts)
    ahead = Ahead(lanes, parts, following)
    per_turn = lanes.integer(STEP.bit_length() - 1)

    def tile(token: Value, _: object) -> None:
        tokens = [lanes.at(inputs.table, lanes.item(inputs.rows, token, i)) for i in range(TILE)]
        turns = builder.mul(token, lanes.integer(LANES * vectors // (TILE * STEP)))

        def score(first: Value, groups: int) -> None:
            columns = [lanes.at(panel, lanes.row(first, vectors), LANES * LANES * vectors * i) for i in range(groups)]

            def dimensions(dimension: Value, sums: list[Value], shift: int) -> list[Value]:
                ahead.ask(builder.add(turns, builder.lshr(dimension, per_turn)))
                for step in range(STEP):
                    column = [lanes.load(pointer, lanes.row(dimension, 1), LANES * step) for pointer in columns]
                    splats = [lanes.splat(lanes.item(x, dimension, shift + step)) for x in tokens]
                    sums = [lanes.fma(splats[i // groups], column[i % groups], total) for i, total in enumerate(sums)]
                return sums

            for part in range(len(parts)):
                start, stop = (LANES * sum(parts[:end]) for end in (part, part + 1))
                shift = places[start // LANES] - start
                # Zeros fill up the last part. They need no turns, so the loop ends at dim, or up to three zeros later.
                last = dim if part == len(parts) - 1 else lanes.integer(stop)
                zeros = [lanes.constant(0.0)] * (TILE * groups)
                sums = lanes.loop(start, last, STEP, zeros, partial(dimensions, shift=shift))
                target = lanes.at(scores.scores, builder.mul(scores.stride, lanes.integer(part)), first)
                for i, total in enumerate(sums):
                    place = builder.mul(builder.add(token, lanes.integer(i // groups)), negatives)
                    lanes.store(total, target, place, LANES * (i % groups))

        paired = builder.and_(negatives, lanes.integer(-2 * LANES))
        lanes.loop(0, paired, 2 * LANES, [], lambda first, _: score(first, 2))
        lanes.loop(paired, negatives, LANES, [], lambda first, _: score(first, 1))

    lanes.loop(0, inputs.count, TILE, [], tile)


@vector_kernel
def negative_g(
    lanes: Lanes, _vectors: int, scores: PartScores, tokens: Value, negatives: Value, weights: Value, g: Value
) -> None:
    """g[token, negative] = weights[token] · σ(x · n), x · n being the sum over the parts, the first one first."""
    builder = lanes.builder

    def weigh(token: Value, _: object) -> None:
        weight = lanes.splat(lanes.item(weights, token))
        place = builder.mul(token, negatives)

        def sixteen(first: Value, _: object) -> None:
            score = sum_of_parts(lanes, scores, place, first)
            lanes.store(lanes.mul(weight, lanes.sigmoid(score)), g, place, first)

        lanes.loop(0, negatives, LANES, [], sixteen)

    lanes.loop(0, tokens, 1, [], weigh)


def sum_of_parts(lanes: Lanes, scores: PartScores, *offsets: Value) -> Value:
    """Sixteen scores from an offset on, each the sum over the parts in their order, whichever threads computed them."""
    first = lanes.at(scores.scores, *offsets)

    def add(part: Value, total: list[Value]) -> list[Value]:
        return [lanes.add(total[0], lanes.load(first, lanes.builder.mul(part, scores.stride)))]

    return lanes.loop(1, scores.parts, 1, [lanes.load(first)], add)[0]


@vector_kernel
def negative_d_inputs(
    lanes: Lanes, parts: list[int], outside: Rows, g: Value, tokens: Value, d_inputs: Value, following: Rows
) -> None:
    """d_X = g N, written over the numbers there: four tokens at a time, each negative's row loaded once for them."""
    builder, negatives = lanes.builder, outside.count
    vectors, place_of = sum(parts), vector_places(parts)
    ahead = Ahead(lanes, parts, following)
    pieces = chunks(vectors, MOST_VECTORS)

    def tile(token: Value, _: object) -> None:
        places = [builder.mul(builder.add(token, lanes.integer(i)), negatives) for i in range(ROWS)]
        for number, (first, count) in enumerate(pieces):
            turns = builder.mul(
                builder.add(
                    builder.mul(builder.sdiv(token, lanes.integer(ROWS)), lanes.integer(len(pieces))),
                    lanes.integer(number),
                ),
                negatives,
            )

            def add(
                k: Value, sums: list[Value], first: int = first, count: int = count, turns: Value = turns
            ) -> list[Value]:
                ahead.ask(builder.add(turns, k))
                negative = lanes.at(outside.table, lanes.item(outside.rows, k))
                row = [lanes.load(negative, place) for place in place_of[first : first + count]]
                gradients = [lanes.splat(lanes.item(g, place, k)) for place in places]
                return [lanes.fma(gradients[i // count], row[i % count], total) for i, total in enumerate(sums)]

            sums = lanes.loop(0, negatives, 1, [lanes.constant(0.0)] * (ROWS * count), add)
            for i, total in enumerate(sums):
                target = lanes.row(builder.add(token, lanes.integer(i // count)), vectors)
                lanes.store(total, d_inputs, target, LANES * (first + i % count))

    lanes.loop(0, tokens, ROWS, [], tile)


@vector_kernel
def negative_d_outside(
    lanes: Lanes, parts: list[int], inputs: Rows, g: Value, negatives: Value, d_outside: Value, following: Rows
) -> None:
    """d_N += gᵀ X: four negatives at a time, each token's row loaded once for them."""
    builder, tokens = lanes.builder, inputs.count
    vectors, place_of = sum(parts), vector_places(parts)
    ahead = Ahead(lanes, parts, following)
    pieces = chunks(vectors, MOST_VECTORS)

    def tile(k: Value, _: object) -> None:
        targets = [lanes.at(d_outside, lanes.row(builder.add(k, lanes.integer(i)), vectors)) for i in range(ROWS)]
        for number, (first, count) in enumerate(pieces):
            turns = builder.mul(
                builder.add(
                    builder.mul(builder.sdiv(k, lanes.integer(ROWS)), lanes.integer(len(pieces))), lanes.integer(number)
                ),
                tokens,
            )

            def add(
                token: Value, sums: list[Value], first: int = first, count: int = count, turns: Value = turns
            ) -> list[Value]:
                ahead.ask(builder.add(turns, token))
                center = lanes.at(inputs.table, lanes.item(inputs.rows, token))
                row = [lanes.load(center, place) for place in place_of[first : first + count]]
                place = builder.add(builder.mul(token, negatives), k)
                gradients = [lanes.splat(lanes.item(g, place, i)) for i in range(ROWS)]
                return [lanes.fma(gradients[i // count], row[i % count], total) for i, total in enumerate(sums)]

            before = [lanes.load(target, LANES * (first + v)) for target in targets for v in range(count)]
            for i, total in enumerate(lanes.loop(0, tokens, 1, before, add)):
                lanes.store(total, targets[i // count], LANES * (first + i % count))

    lanes.loop(0, negatives, ROWS, [], tile)


@vector_kernel
def zero_rows(lanes: Lanes, vectors: int, panel: Value, start: Value, stop: Value) -> None:
    """Set the panel's rows from ``start`` to ``stop`` to zero."""

    def clear(floats: Value, _: object) -> None:
        lanes.store(lanes.constant(0.0), panel, floats)

    lanes.loop(lanes.row(start, vectors), lanes.row(stop, vectors), LANES, [], clear)


@vector_kernel
def add_rows(lanes: Lanes, parts: list[int], target: Rows, deltas: Value) -> None:
    """table[rows[i]] += deltas[i], one after the other: a row may occur several times."""

    def add(i: Value, _: object) -> None:
        row = lanes.at(target.table, lanes.item(target.rows, i))
        _add_row(lanes, parts, row, lanes.at(deltas, lanes.row(i, sum(parts))))

    lanes.loop(0, target.count, 1, [], add)


@vector_kernel
def add_listed_rows(lanes: Lanes, parts: list[int], target: Rows, sources: Value, deltas: Value) -> None:
    """table[rows[i]] += deltas[sources[i]], one after the other; rows and sources are offsets.

    The rows come in the order of the text, which no prefetcher foresees, so each is asked for some turns ahead.
    """
    builder, table, rows = lanes.builder, target.table, target.rows
    last = builder.sub(target.count, lanes.integer(1))

    def add(i: Value, _: object) -> None:
        later = builder.add(i, lanes.integer(LISTED_AHEAD))
        later = builder.select(builder.icmp_signed("<", later, last), later, last)
        delta, row = lanes.at(deltas, lanes.item(sources, later)), lanes.at(table, lanes.item(rows, later))
        for v, place in enumerate(vector_places(parts)):
            lanes.prefetch(lanes.at(delta, LANES * v))
            lanes.prefetch(lanes.at(row, place))
        _add_row(lanes, parts, lanes.at(table, lanes.item(rows, i)), lanes.at(deltas, lanes.item(sources, i)))

    lanes.loop(0, target.count, 1, [], add)


def _add_row(lanes: Lanes, parts: list[int], row: Value, delta: Value) -> None:
    """Add a change to a row of a table."""
    for v, place in enumerate(vector_places(parts)):
        lanes.store(lanes.add(lanes.load(row, place), lanes.load(delta, LANES * v)), row, place)
