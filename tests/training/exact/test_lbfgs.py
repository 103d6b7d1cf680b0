"""The search of all tables at once: steps that lower the loss, and an end where none does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from exact_problems import random_counts, random_point

from lexigrad.training.exact import lbfgs
from lexigrad.training.exact.dense import ArrayObjective
from lexigrad.training.exact.lbfgs import minimize

if TYPE_CHECKING:
    from lexigrad.training.exact.lbfgs import Step
    from lexigrad.training.exact.objective import Loss

WORDS, DIM = 40, 5
LOSSES = pytest.mark.parametrize("loss", ["negative_sampling", "naive_softmax", "poisson"])
TOO_FAR = pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")  # an infinite loss is not lower


def problem(loss: Loss) -> ArrayObjective:
    return ArrayObjective(random_counts(WORDS, WORDS), loss, 5.0)


@TOO_FAR
@LOSSES
def test_each_step_lowers_the_loss_and_steps_that_would_raise_it_are_cut(
    loss: Loss, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first direction is made so long that it overshoots."""
    monkeypatch.setattr(lbfgs, "FIRST_STEP", 1e3)
    search, shares = lbfgs._Search(problem(loss), random_point(WORDS, WORDS, DIM)), []
    search.inverse = 20 * search.inverse
    for _ in range(6):
        before, line_search = search.step, search._line_search

        def noted(*arguments: Any, of: Any = line_search) -> Any:
            found = of(*arguments)
            shares.append(found[1])
            return found

        monkeypatch.setattr(search, "_line_search", noted)
        assert search.advance()
        at = problem(loss).evaluate(search.step.point)
        assert search.step.loss == pytest.approx(at.loss, rel=1e-10)
        assert at.gradient is not None
        np.testing.assert_allclose(search.gradient, search._packed(at.gradient), rtol=1e-6, atol=1e-6)
        assert search.step.loss < before.loss
    assert 0 < min(shares) < 1


@TOO_FAR
@LOSSES
def test_a_direction_that_only_rises_is_given_up_with_the_point_as_it_was(
    loss: Loss, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = lbfgs._Search(problem(loss), random_point(WORDS, WORDS, DIM))
    before = search.x.copy()
    monkeypatch.setattr(search, "_direction", lambda: (search.gradient, -float(search.gradient @ search.gradient)))
    assert not search.advance()
    np.testing.assert_array_equal(search.x, before)
    assert search.accepted == 0


@LOSSES
def test_the_search_ends_at_a_point_where_the_gradient_is_zero(loss: Loss) -> None:
    objective, start = problem(loss), random_point(WORDS, WORDS, DIM)
    steps: list[Step] = []

    def report(step: Step) -> bool:
        steps.append(step)
        return True

    end = minimize(objective, start, most_passes=400, tolerance=1e-10, report=report)
    assert end is steps[-1]
    assert [step.loss for step in steps] == sorted((step.loss for step in steps), reverse=True)
    first, last = (problem(loss).evaluate(step.point).gradient for step in (steps[0], end))
    assert first is not None
    assert last is not None
    sizes = [max(float(np.abs(table).max()) for table in point.tables) for point in (first, last)]
    assert sizes[1] < 1e-3 * sizes[0]
    assert len(steps) < 200
