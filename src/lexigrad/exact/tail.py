"""Words beyond the head: a block of them at a time, each block a call of its own that an engine carries out.

A word's row of V is found against the head's U and bias, and its row of U with its bias against the head's V: the
counts are symmetric, so the second problem is the first with the tables changed over. Blocks share nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.exact.arrays import on_device
from lexigrad.exact.blocks import laid_out
from lexigrad.exact.fused import RowObjective
from lexigrad.exact.objective import SUMMED, Counts, Point
from lexigrad.exact.rows import solve_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from lexigrad.engines.interface import Engine, Ref
    from lexigrad.exact.blocks import Tables
    from lexigrad.exact.objective import Loss, Objective

    Doubles = NDArray[np.float64]
    Floats = NDArray[np.float32]

__all__ = ["ROWS", "Fixed", "Tail", "Words", "solve_words"]

ROWS: Final = 2_048
"""The number of words that are solved together; each block ends its search by itself."""

PASSES: Final = 12.0
TOLERANCE: Final = 1e-3
"""A share of the loss: when a pass gains less, the words are done."""


class Fixed(NamedTuple):
    """Vectors that stand still, one for each word of the head."""

    vectors: Any  # float32, (head, dim)
    bias: Any  # float32
    factors: Any  # of the noise term's columns, float64
    tables: Tables | None  # vectors, bias and factors as the kernels read them; None on a device


class Words(NamedTuple):
    """A block of words: their counts with the head, and the factors and offset of each."""

    starts: Any
    columns_of: Any
    weights: Any
    center_factors: Any  # a of the noise term, as center words
    outside_factors: Any  # p of the noise term, as outside words
    offsets: Any  # the bias is found on top of these


class Solved(NamedTuple):
    """The words' vectors, and the losses and passes of the search."""

    V: Any
    U: Any
    bias: Any
    pairs: float
    losses: tuple[float, float]  # of center vectors, of outside vectors
    passes: tuple[float, float]


@dataclass(frozen=True)
class Tail:
    """The problem of the words beyond the head.

    Attributes:
        loss: the loss under which the head was solved.
        device: the device that torch computes on; None for our kernels.
    """

    loss: Loss
    device: str | None

    def fixed(self, vectors: Floats, bias: Floats, factors: Doubles) -> Fixed:
        """Vectors that stand still, laid out for the kernels where no device computes."""
        tables = None if self.device is not None else laid_out(vectors, bias, factors, squares=True)
        return Fixed(vectors, bias, factors, tables)

    def solved(
        self, words: Iterable[tuple[slice, Words]], centers: Fixed, outsides: Fixed, engine: Engine
    ) -> Iterator[tuple[slice, Solved]]:
        """Solve blocks of words, of which a few are under way at a time.

        Args:
            words: the blocks.
            centers: the head's outside vectors, against which center vectors are solved.
            outsides: the head's center vectors, and a column of ones for the bias.
            engine: carries the calls out, where no device computes.

        Yields:
            The rows of a block, and its vectors.
        """
        if self.device is not None:  # torch would warn of an engine's arrays, which cannot be written to
            yield from ((rows, solve_words(self, block, centers, outsides)) for rows, block in words)
            return
        known = [engine.put(centers), engine.put(outsides)]
        pending: deque[tuple[slice, list[Ref]]] = deque()
        for number, (rows, block) in enumerate(words):
            held = engine.put(block)
            pending.append((rows, [engine.call(solve_words, self, held, *known, on=number), held]))
            if len(pending) > 2 * engine.workers:
                yield _got(engine, *pending.popleft())
        while pending:
            yield _got(engine, *pending.popleft())
        engine.free(known)


def solve_words(tail: Tail, words: Words, centers: Fixed, outsides: Fixed) -> Solved:
    """Find the vectors of a block of words."""
    sparse, head = (words.starts, words.columns_of, words.weights), len(centers.vectors)
    counts = Counts(*sparse, head, words.center_factors, centers.factors)
    objective = _objective(tail, counts, tail.loss, centers)
    V, of_centers = _found(objective, centers)
    counts = Counts(*sparse, head, words.outside_factors, outsides.factors)
    objective = _objective(tail, counts, SUMMED[tail.loss].outside, outsides)
    objective.shifts = objective.asarray(-words.offsets)
    U, of_outsides = _found(objective, outsides)
    bias = words.offsets.astype(np.float32) + U[:, -1]
    losses, passes = zip(of_centers, of_outsides, strict=True)
    return Solved(V, np.ascontiguousarray(U[:, :-1]), bias, float(counts.row_weights.sum()), losses, passes)


def _objective(tail: Tail, counts: Counts, loss: Loss, fixed: Fixed) -> Objective:
    if fixed.tables is None:
        return on_device(counts, loss, SUMMED[loss].l2, str(tail.device))
    return RowObjective(counts, loss, SUMMED[loss].l2, fixed.tables)


def _found(objective: Objective, fixed: Fixed) -> tuple[Floats, tuple[float, float]]:
    """The rows at their optima, with their loss and the passes of the search."""
    losses = [float("nan")]
    start = np.zeros((objective.counts.rows, fixed.vectors.shape[1]))
    point = Point(*(objective.asarray(table) for table in (start, fixed.vectors, fixed.bias)))
    how: dict[str, Any] = {"most_passes": PASSES, "tolerance": TOLERANCE}
    solved = solve_rows(objective, point, **how, report=lambda loss, _: losses.append(loss))
    return objective.host(solved), (losses[-1], objective.passes)


def _got(engine: Engine, rows: slice, refs: list[Ref]) -> tuple[slice, Solved]:
    (solved,) = engine.get(refs[:1])
    engine.free(refs)
    return rows, solved
