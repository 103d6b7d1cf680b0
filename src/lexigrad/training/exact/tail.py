"""Words beyond the head: a block of them at a time, each block a call of its own that an engine carries out.

A word's row of V is found against the head's U and bias, and its row of U with its bias against the head's V: the
counts are symmetric, so the second problem is the first with the tables changed over. Blocks share nothing.

Each row is a convex problem of its own against vectors that stand still. An L-BFGS runs for every row, all rows at
once: one pass computes the trial steps of all of them, and a row whose step was too long tries a shorter one in the
next pass. Rows share the matrix products only.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.training.exact.dense import on_device
from lexigrad.training.exact.fused import RowObjective
from lexigrad.training.exact.layout import laid_out
from lexigrad.training.exact.objective import SUMMED, Counts, Point

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from lexigrad.engines.interface import Engine, Ref
    from lexigrad.training.exact.layout import Tables
    from lexigrad.training.exact.objective import Loss, Objective

    Doubles = NDArray[np.float64]
    Floats = NDArray[np.float32]
    from collections.abc import Callable

    from lexigrad.training.exact.objective import Pass

__all__ = ["ROWS", "Fixed", "Tail", "Words", "solve_rows", "solve_words"]


ROWS: Final = 2_048
"""The number of words that are solved together; each block ends its search by itself."""

PASSES: Final = 12.0
TOLERANCE: Final = 1e-3
"""A share of the loss: when a pass gains less, the words are done."""

MEMORY: Final = 5
FIRST_STEP: Final = 1.0
SUFFICIENT: Final = 1e-4
SHORTER: Final = 0.5

MOST_MISSED: Final = 0.02
"""While more rows than this share have missed their step, the search goes on."""


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


def solve_rows(
    objective: Objective, start: Point, *, most_passes: float, tolerance: float, report: Callable[[float, float], None]
) -> Any:
    """Minimise over the rows of V, with U and the bias as they are.

    Args:
        objective: rows against columns.
        start: the rows to start from, and the fixed columns.
        most_passes: after so many passes the search ends at the latest.
        tolerance: the search ends when a pass gains less than this share of the loss.
        report: called with the loss and the passes after each one.

    Returns:
        V; no row's loss is larger than at the start.
    """
    search = _RowSearch(objective, start)
    while objective.passes < most_passes:
        before = search.losses.sum()
        missed = search.advance()
        report(float(search.losses.sum()), objective.passes)
        if before - search.losses.sum() < tolerance * abs(before) and missed < MOST_MISSED:
            break
    return search.V


class _RowSearch:
    """The search of all rows: the point of each, and the steps that are remembered."""

    def __init__(self, objective: Objective, start: Point) -> None:
        self.objective = objective
        self.V, self.fixed = start.V, start
        found = self._evaluate(start.V, curvature=True)
        if found.gradient is None:
            raise FloatingPointError("the loss is not finite where the rows begin")
        self.losses, self.gradient = found.row_losses, found.gradient.V
        self.inverse = 1 / (found.curvature.V + objective.l2)
        self.objective.accept(found)
        self.shares = self.scale = self._ones()
        self.history: list[tuple[Any, Any, Any]] = []

    def advance(self) -> float:
        """Try a step of every row, take those that lower the row's loss, and return the share of those that do not."""
        direction = self._direction()
        slopes = _dots(self.gradient, direction)
        shares = self.shares
        if not self.history:
            shares = shares * (FIRST_STEP / (_dots(direction**2, self._spread()) + 1e-20) ** 0.5).clip(None, 1)
        trial = self.V + shares[:, None] * direction
        found = self._evaluate(trial)
        if found.gradient is None:
            self.shares = self.shares * SHORTER
            return 1.0
        promised = self.objective.host(SUFFICIENT * shares * slopes)
        taken = found.row_losses <= self.losses + promised
        self._remember(trial - self.V, found.gradient.V - self.gradient)
        mask = self.objective.asarray(taken)
        self.V = self.V + (trial - self.V) * mask[:, None]
        self.gradient = self.gradient + (found.gradient.V - self.gradient) * mask[:, None]
        self.losses = np.where(taken, found.row_losses, self.losses)
        if self.objective.summed.is_normalized:
            self.objective.shifts = self.objective.shifts + mask * (found.normalizers - self.objective.shifts)
        self.shares = mask + self.shares * SHORTER * (1 - mask)
        return float(1 - taken.mean())

    def _remember(self, change: Any, difference: Any) -> None:
        """Keep the curvature along the step; in a convex problem a step that is too long tells as much as any."""
        products = _dots(change, difference)
        scale = (products > 0) / (products + (products <= 0))
        self.history = [*self.history, (change, difference, scale)][-MEMORY:]
        fitted = scale * _dots(difference, self.inverse * difference)
        self.scale = (fitted > 0) / (fitted + (fitted <= 0)) + (fitted <= 0) * self.scale

    def _direction(self) -> Any:
        """The two loops of L-BFGS for each row; a pair of vectors whose scale is zero counts for nothing."""
        q = -self.gradient
        shares = []
        for change, difference, scale in reversed(self.history):
            share = scale * _dots(change, q)
            shares.append(share)
            q = q - share[:, None] * difference
        q = q * self.inverse * self.scale[:, None]
        for (change, difference, scale), share in zip(self.history, reversed(shares), strict=True):
            q = q + (share - scale * _dots(difference, q))[:, None] * change
        return q

    def _spread(self) -> Any:
        """The mean square of each column of U."""
        U = self.fixed.U
        return ((U**2).sum(0) / len(U))[None, :]

    def _ones(self) -> Any:
        return self.objective.asarray(np.ones(self.objective.counts.rows))

    def _evaluate(self, V: Any, *, curvature: bool = False) -> Pass:
        point = Point(V, self.fixed.U, self.fixed.bias)
        return self.objective.evaluate(point, curvature=curvature, rows_only=True)


def _dots(a: Any, b: Any) -> Any:
    """The dot product of each pair of rows."""
    return (a * b).sum(1)
