"""Words beyond the head: each row is a convex problem of its own against vectors that stand still.

An L-BFGS for every row, all rows at once: one pass computes the trial steps of all of them, and a row whose step was
too long tries a shorter one in the next pass. Rows share the matrix products only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.exact.objective import Point

if TYPE_CHECKING:
    from collections.abc import Callable

    from lexigrad.exact.objective import Objective, Pass

__all__ = ["solve_rows"]

MEMORY: Final = 5
FIRST_STEP: Final = 1.0
SUFFICIENT: Final = 1e-4
SHORTER: Final = 0.5

MOST_MISSED: Final = 0.02
"""While more rows than this share have missed their step, the search goes on."""


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
