"""Minimising the objective over both tables and the bias at once, without a learning rate.

L-BFGS guesses the next step from the gradients of the last ones, starting from the diagonal of the curvature. A step is
accepted when it lowers the loss by a share of what the gradient promised; no accepted step raises the loss.

Source: Nocedal and Wright 2006, "Numerical Optimization", algorithms 7.4 and 3.1; the diagonal start after Schraudolph,
Yu and Günter 2007.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.training.exact.history import History, Remembered
from lexigrad.training.exact.objective import Point

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from lexigrad.training.exact.objective import Objective, Pass

__all__ = ["Memory", "Step", "minimize"]

MEMORY: Final = 10
"""The number of steps that are remembered."""

FIRST_REFRESH: Final = 3
REFRESH: Final = 10
"""The steps after which the curvature is computed anew: for the first time, and from then on."""

FLOOR: Final = 0.05
"""The least curvature, as a share of that which the row's weight and the dimension's spread let expect."""

FIRST_STEP: Final = 0.5
"""Without history each row's step is limited to this change of its scores (root mean square)."""

SUFFICIENT: Final = 1e-4
"""The share of the promised decrease that a step must bring."""

SMALLEST: Final = 1e-4
"""A step that is cut below this share of its first length is given up: the loss has no digits left to gain."""

Floats = Any


@dataclass(frozen=True)
class Step:
    """One accepted step: the point, its loss, and passes used so far."""

    point: Point
    loss: float
    passes: float


@dataclass(frozen=True)
class Memory:
    """All that a search needs to go on from where it stands; its arrays are never written to.

    Attributes:
        x: the point, all numbers in one array.
        gradient: the gradient, likewise.
        inverse: one over the curvature, likewise.
        shifts: the objective's shifts.
        steps: the steps that are remembered, the oldest first.
        loss: the loss at the point.
        passes: the passes used so far.
        accepted: the number of steps so far.
        since_refresh: the number of steps since the curvature was computed.
        dim: length of a vector.
    """

    x: Floats
    gradient: Floats
    inverse: Floats
    shifts: Floats
    steps: tuple[Remembered, ...]
    loss: float
    passes: float
    accepted: int
    since_refresh: int
    dim: int

    def saved(self, objective: Objective) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The memory as plain values, and arrays of NumPy by name."""
        values: dict[str, Any] = {name: getattr(self, name) for name in NUMBERS}
        arrays = {name: objective.host(getattr(self, name)) for name in ARRAYS}
        pieces = objective.pieces(len(self.x))
        for number, step in enumerate(self.steps):
            arrays[f"changes_{number}"] = objective.host(pieces.whole(step.change))
            arrays[f"differences_{number}"] = objective.host(pieces.whole(step.difference))
        return {**values, "scales": [step.scale for step in self.steps]}, arrays

    @classmethod
    def restored(cls, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], objective: Objective) -> Memory:
        """The memory of which ``saved`` gave the values and the arrays."""
        kept = {name: objective.from_host(arrays[name]) for name in ARRAYS}
        pieces = objective.pieces(len(kept["x"]))

        def vector(name: str) -> tuple[Any, ...]:
            return pieces.put(objective.from_host(arrays[name]))

        steps = tuple(
            Remembered(vector(f"changes_{number}"), vector(f"differences_{number}"), scale)
            for number, scale in enumerate(values["scales"])
        )
        return cls(**kept, steps=steps, **{name: values[name] for name in NUMBERS})


ARRAYS: Final = ("x", "gradient", "inverse", "shifts")
NUMBERS: Final = ("loss", "passes", "accepted", "since_refresh", "dim")
"""The names of a memory's arrays and numbers in a checkpoint."""


def minimize(
    objective: Objective,
    start: Point | Memory,
    *,
    most_passes: float,
    tolerance: float,
    report: Callable[[Step], bool],
    between: Callable[[Memory], None] = lambda _: None,
) -> Step:
    """Lower the objective from a start until a step gains less than ``tolerance``.

    Args:
        objective: the function to minimise.
        start: the point to start from, or the memory of a search that was broken off, which goes on from there.
        most_passes: after so many passes the search ends at the latest.
        tolerance: in units of the loss.
        report: called at the start and after each accepted step; returns whether to go on.
        between: called with the memory from which the search could go on, before each step but the first of a search
            that goes on.

    Returns:
        The last accepted step.
    """
    search = _Search(objective, start)
    if isinstance(start, Point):
        report(search.step)
        between(search.memory)
    while objective.passes < most_passes:
        before = search.step.loss
        if not search.advance():
            break
        if not report(search.step) or (before - search.step.loss < tolerance and search.is_settled):
            break
        between(search.memory)
    return search.step


class _Search:
    """A search: the point where it stands, and the steps that it remembers."""

    def __init__(self, objective: Objective, start: Point | Memory) -> None:
        self.objective = objective
        self.dim = start.dim if isinstance(start, Memory) else start.V.shape[1]
        self.x: Floats
        self.gradient: Floats
        self.inverse: Floats
        self.step: Step
        rows, columns = objective.counts.rows, objective.counts.columns
        self.history = History(objective.pieces((rows + columns) * self.dim + columns), MEMORY)
        self.accepted = 0
        self.since_refresh = 0
        if isinstance(start, Memory):
            self._remember(start)
        else:
            self.x = self._packed(start)
            self._refresh()

    @property
    def memory(self) -> Memory:
        """All from which the search could go on."""
        arrays = self.x, self.gradient, self.inverse, self.objective.shifts
        done = self.step.loss, self.step.passes
        return Memory(*arrays, self.history.steps, *done, self.accepted, self.since_refresh, self.dim)

    def _remember(self, memory: Memory) -> None:
        """Go on from a memory."""
        self.x, self.gradient, self.inverse = memory.x, memory.gradient, memory.inverse
        self.history.steps = memory.steps
        self.history.weigh(self.inverse)
        self.objective.shifts, self.objective.passes = memory.shifts, memory.passes
        self.accepted, self.since_refresh = memory.accepted, memory.since_refresh
        self.step = Step(self._point(memory.x), memory.loss, memory.passes)

    @property
    def is_settled(self) -> bool:
        """Whether enough steps were taken for a small one to mean something."""
        return self.accepted > FIRST_REFRESH

    def advance(self) -> bool:
        """Take one step, and return whether one lowers the loss."""
        if self.since_refresh >= (REFRESH if self.accepted > FIRST_REFRESH else FIRST_REFRESH):
            self._refresh()
        direction, slope = self._direction()
        found, share = self._line_search(direction, slope)
        if found is None:
            return False
        new = self.x + share * direction
        gradient = self._packed(found.gradient)
        change, difference = new - self.x, gradient - self.gradient
        product = _dot(change, difference)
        if product > 0:
            self.history.append(change, difference, 1 / product)
        self.x, self.gradient = new, gradient
        self.objective.accept(found)
        self.accepted += 1
        self.since_refresh += 1
        self.step = Step(self._point(new), found.loss, self.objective.passes)
        return True

    def _refresh(self) -> None:
        """Compute the curvature, and with it the gradient and the loss, where the search stands."""
        point = self._point(self.x)
        found = self.objective.evaluate(point, curvature=True)
        if found.gradient is None:
            raise FloatingPointError("the loss is not finite where the search stands")
        self.gradient = self._packed(found.gradient)
        self.inverse = self._inverse(point, found)
        self.history.weigh(self.inverse)
        self.objective.accept(found)
        self.step = Step(point, found.loss, self.objective.passes)
        self.since_refresh = 0

    def _inverse(self, point: Point, found: Pass) -> Floats:
        """One over the diagonal of the curvature, kept away from zero."""
        objective = self.objective
        weights = objective.asarray(objective.row_weights)[:, None]
        total = weights.sum(0)
        kappa = objective.summed.expected_curvature
        expected_V = kappa * weights * ((weights * point.U**2).sum(0) / total)
        expected_U = kappa * weights * ((weights * point.V**2).sum(0) / total)
        diagonals = []
        for diagonal, expected in ((found.curvature.V, expected_V), (found.curvature.U, expected_U)):
            diagonal = diagonal + objective.l2
            shares = diagonal.sum(1)[:, None] / diagonal.sum()
            likely = shares * diagonal.sum(0)
            larger = (likely + expected + abs(likely - expected)) / 2
            diagonals.append(diagonal + FLOOR * larger)
        bias = found.curvature.bias
        least = 1e-9 * float(objective.row_weights.sum())
        return 1 / self._packed(Point(diagonals[0], diagonals[1], bias.clip(least)))

    def _direction(self) -> tuple[Floats, float]:
        """The direction of the next step, and the derivative of the loss along it."""
        if self.history.steps:
            direction = self.history.direction(self.gradient)
            slope = _dot(self.gradient, direction)
            if slope < 0:
                return direction, slope
            self.history.clear()  # rounding has spoilt the memory, so begin again from the gradient
        direction = self._limited(-self.inverse * self.gradient)
        return direction, _dot(self.gradient, direction)

    def _limited(self, direction: Floats) -> Floats:
        """The direction with each row cut so that its scores change by `FIRST_STEP` at most."""
        step, point = self._point(direction), self._point(self.x)
        weights = self.objective.asarray(self.objective.row_weights / self.objective.row_weights.sum())
        rows = [
            change * (FIRST_STEP / ((change**2) @ (weights @ other**2) + 1e-20) ** 0.5).clip(None, 1)[:, None]
            for change, other in ((step.V, point.U), (step.U, point.V))
        ]
        return self._packed(Point(rows[0], rows[1], step.bias.clip(-FIRST_STEP, FIRST_STEP)))

    def _line_search(self, direction: Floats, slope: float) -> tuple[Pass | None, float]:
        """The first of ever shorter steps that lowers the loss enough; Armijo's rule with quadratic interpolation."""
        share = 1.0
        while share >= SMALLEST:
            found = self.objective.evaluate(self._point(self.x + share * direction))
            if found.gradient is not None and found.loss <= self.step.loss + SUFFICIENT * share * slope:
                return found, share
            lower = share / 10
            if np.isfinite(found.loss):
                fitted = -slope * share**2 / (2 * (found.loss - self.step.loss - slope * share))
                share = max(lower, min(share / 2, fitted))
            else:
                share = lower
        return None, 0.0

    def _packed(self, point: Point) -> Floats:
        return self.objective.concatenated([point.V.reshape(-1), point.U.reshape(-1), point.bias])

    def _point(self, x: Floats) -> Point:
        rows, columns, dim = self.objective.counts.rows, self.objective.counts.columns, self.dim
        V, U = x[: rows * dim], x[rows * dim : (rows + columns) * dim]
        return Point(V.reshape(rows, dim), U.reshape(columns, dim), x[(rows + columns) * dim :])


def _dot(a: Floats, b: Floats) -> float:
    return float(a @ b)
