"""The checker passes what is right, refuses what is wrong, and says where."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lexigrad.errors import GradientError, InputError
from lexigrad.gradcheck.equations import (
    TOLERANCE,
    Checked,
    check,
    check_all,
    formulas,
    numeric_gradient,
    relative_error,
)
from lexigrad.reference import negative_sampling

V_C = np.array([0.3, -0.2])
U = np.array([[0.5, 0.1], [-0.3, 0.8], [0.2, -0.7]])


def cubes(x, y):
    """A loss of two arrays with its gradients."""
    return (x**3).sum() + (x.sum() * y).sum(), 3 * x**2 + y.sum(), np.full_like(y, x.sum())


POINT = {"x": np.array([1.0, -2.0]), "y": np.array([[0.5, 3.0]])}


def test_every_formula_agrees_with_its_finite_differences():
    rows = list(check_all())
    assert len(rows) == len(formulas()) == 14
    assert all(0 < row.worst_error < TOLERANCE and row.entries for row in rows), rows


@pytest.mark.parametrize("loss", ["naive_softmax", "negative_sampling"])
def test_the_table_has_each_loss_alone_and_in_each_model(loss):
    names = {row.name for row in check_all()}
    assert {loss, f"skipgram, {loss}", f"cbow with the mean, {loss}", f"cbow with the sum, {loss}"} <= names


def test_further_checks_follow_the_formulas():
    *_, plain, full = check_all([lambda: ("kernel", 2e-6), lambda: Checked("other kernel", 1e-6, 8)])
    assert plain == Checked("kernel", 2e-6, None)
    assert full == Checked("other kernel", 1e-6, 8)


def test_a_right_gradient_passes_and_every_entry_is_counted():
    checked = check(cubes, POINT)
    assert checked.name == "cubes"
    assert checked.entries == 4
    assert checked.worst_error < 1e-11


def test_a_wrong_entry_is_named_with_its_values():
    def wrong(x, y):
        loss, d_x, d_y = cubes(x, y)
        d_x[0] *= 1 + 1e-3
        d_y[0, 1] = -d_y[0, 1]
        return loss, d_x, d_y

    with pytest.raises(
        GradientError,
        match=r"^wrong: the gradient of y at \(0, 1\) is 1, but finite differences give -1; the relative error is 2",
    ):
        check(wrong, POINT)


def test_an_error_just_above_the_tolerance_fails_and_one_below_passes():
    def off_by(error):
        return lambda x: ((x**3).sum(), 3 * x**2 * (1 + error))

    check(off_by(TOLERANCE / 2), {"x": [1.0, 2.0]})
    with pytest.raises(GradientError, match="the relative error is 2e-07, above the tolerance 1e-07"):
        check(off_by(TOLERANCE * 2), {"x": [1.0, 2.0]})


def test_a_gradient_that_is_not_a_number_fails():
    with pytest.raises(GradientError, match="is nan"):
        check(lambda x: ((x**2).sum(), np.array([2.0, np.nan])), {"x": [1.0, 1.0]})


def test_a_gradient_of_another_shape_fails_even_if_it_would_broadcast():
    with pytest.raises(GradientError, match=r"x has shape \(2,\), but its gradient \(1,\)"):
        check(lambda x: ((x**2).sum(), np.array([2.0])), {"x": [1.0, 1.0]})


def test_a_missing_gradient_fails():
    with pytest.raises(GradientError, match="1 gradients for the 2 arguments x, y"):
        check(lambda x, y: cubes(x, y)[:2], POINT)


@pytest.mark.parametrize("arguments", [{}, {"x": []}])
def test_a_check_of_nothing_is_refused(arguments):
    with pytest.raises(InputError, match="arguments must hold numbers"):
        check(lambda **x: (0.0, *x.values()), arguments)


def test_a_repeated_negative_that_is_counted_once_is_found_out():
    def once_per_word(v_c, U):
        loss, d_v_c, _ = negative_sampling(v_c, 0, [2, 2], U)
        return loss, d_v_c, negative_sampling(v_c, 0, [2], U)[2]

    with pytest.raises(GradientError, match=r"the gradient of U at \(2, \d\) .* the relative error is 0.5"):
        check(once_per_word, {"v_c": V_C, "U": U})


def test_parameters_before_minus_after_at_learning_rate_one_is_no_gradient_when_a_word_repeats():
    """The usual trick of reading a gradient off an update that goes pair by pair: right only for a tiny step."""

    def update(learning_rate):
        moved = U.copy()
        for k in (2, 2):
            moved -= learning_rate * negative_sampling(V_C * 4, 0, [k], moved)[2]
        return (U - moved) / learning_rate

    true = sum(negative_sampling(V_C * 4, 0, [k], U)[2] for k in (2, 2))
    assert relative_error(update(1.0), true).max() > 0.1
    assert relative_error(update(1e-6), true).max() < 1e-5


def test_numeric_gradient_moves_one_entry_at_a_time_and_leaves_the_argument_alone():
    point = np.array([[0.0, 1.0], [-30.0, 1e3]])
    before = point.copy()
    assert_allclose(numeric_gradient(lambda x: float(np.sum(x**2)), point), 2 * point, rtol=1e-9, atol=1e-9)
    assert (point == before).all()


def test_the_floor_keeps_rounding_from_being_read_as_an_error():
    assert relative_error(1e-13, 0.0) < TOLERANCE
    assert relative_error(1e-10, 0.0) > TOLERANCE
