"""The search of all rows at once: directions by L-BFGS, and no step by which a row's loss would rise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from exact_problems import random_counts, random_point

from lexigrad.training.exact import tail
from lexigrad.training.exact.dense import ArrayObjective
from lexigrad.training.exact.objective import Point

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.training.exact.objective import Loss

ROWS, COLUMNS, DIM = 30, 40, 5
LOSSES = pytest.mark.parametrize("loss", ["negative_sampling", "naive_softmax", "poisson"])


def problem(loss: Loss) -> ArrayObjective:
    return ArrayObjective(random_counts(ROWS, COLUMNS), loss, 5.0)


def begun(loss: Loss) -> tail._RowSearch:
    """A search from rows of zeros."""
    point = random_point(ROWS, COLUMNS, DIM)
    return tail._RowSearch(problem(loss), Point(0 * point.V, point.U, point.bias))


def inverse_hessian(search: tail._RowSearch, row: int) -> NDArray[Any]:
    """What BFGS would hold of one row, by its formula: H ← (1 − ρ s yᵀ) H (1 − ρ y sᵀ) + ρ s sᵀ, ρ = 1 / s·y.

    A step along which the gradient does not grow says nothing, and the newest one that does gives the scale.
    """
    H, steps = np.diag(search.inverse[row]), []
    for changes, differences, _ in search.history:
        s, y = changes[row], differences[row]
        if s @ y > 0:
            steps.append((s, y))
    if steps:
        s, y = steps[-1]
        H = H * (s @ y) / (y @ H @ y)
    for s, y in steps:
        E = np.eye(len(s)) - np.outer(y, s) / (s @ y)
        H = E.T @ H @ E + np.outer(s, s) / (s @ y)
    return H


@LOSSES
def test_directions_are_those_of_bfgs(loss: Loss) -> None:
    search, seen = begun(loss), 0
    for _ in range(tail.MEMORY):
        search.advance()
        direction = search._direction()
        for row in range(ROWS):
            expected = -inverse_hessian(search, row) @ search.gradient[row]
            np.testing.assert_allclose(direction[row], expected, rtol=1e-6, atol=1e-9 * abs(expected).max() + 1e-12)
            seen += bool(np.abs(expected).max() > 1e-9)
    assert seen > 3 * ROWS


@LOSSES
def test_no_row_takes_a_step_by_which_its_loss_would_rise(loss: Loss, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first steps are much too long, so that most rows have to try shorter ones."""
    monkeypatch.setattr(tail, "FIRST_STEP", 20.0)
    search, refused = begun(loss), 0
    search.shares = 20 * search.shares
    for _ in range(8):
        before, V = search.losses, search.V
        missed = search.advance()
        at = problem(loss).evaluate(Point(search.V, search.fixed.U, search.fixed.bias), rows_only=True)
        np.testing.assert_allclose(search.losses, at.row_losses, rtol=1e-9)
        np.testing.assert_allclose(search.gradient, at.gradient.V, rtol=1e-6, atol=1e-6)  # type: ignore[union-attr]
        assert (search.losses <= before).all()
        stayed = (search.V == V).all(axis=1)
        assert missed == pytest.approx(stayed.mean(), abs=1.01 / ROWS)  # one row has no counts, and nothing to learn
        refused += missed > 0
    assert refused
