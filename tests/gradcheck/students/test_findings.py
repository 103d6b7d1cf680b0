"""A wrong function is found out, with the entry and the kind of its mistake, and a right one is not."""

from __future__ import annotations

import numpy as np
import pytest

from lexigrad.errors import InputError
from lexigrad.gradcheck import Diagnosis, Slip, diagnose

X, Y = np.array([[1.0, -2.0, 0.5], [0.3, 0.7, -1.1]]), np.array([0.5, 3.0])
CASES = {"some numbers": {"x": X, "y": Y}, "other numbers": {"x": X - 3, "y": 2 * Y}}


def right(x, y):
    """A loss of two arrays, with its gradients."""
    return (x**3).sum() + y @ x.sum(axis=1), 3 * x**2 + y[:, None], x.sum(axis=1)


def outcome(change, **options) -> Diagnosis:
    """The diagnosis of a function that changes what the right one returns."""
    return diagnose(lambda x, y: change(*right(x, y)), right, CASES, ["x", "y"], name="student", **options)


def test_a_right_function_passes_and_every_number_is_counted():
    found = outcome(lambda loss, d_x, d_y: (loss, d_x, d_y))
    assert found == Diagnosis("student", 2 * (1 + 6 + 2), ())
    assert str(found) == "student: right, 18 numbers compared"


@pytest.mark.parametrize(
    ("change", "argument", "cause"),
    [
        (lambda loss, d_x, d_y: (loss, -d_x, d_y), "x", "the sign is flipped"),
        (lambda loss, d_x, d_y: (loss, d_x.T, d_y), "x", "it is transposed"),
        (lambda loss, d_x, d_y: (loss, d_x.T.reshape(2, 3), d_y), "x", "it is transposed before it is flattened"),
        (lambda loss, d_x, d_y: (loss, d_x, d_y[:, None]), "y", "the numbers are right, and only the shape is not"),
        (lambda loss, d_x, d_y: (loss, d_x, 0 * d_y), "y", "it stays zero"),
        (lambda loss, d_x, d_y: (loss, d_x, d_y / 4), "y", "the numbers are 0.25 times as large as they should be"),
        (lambda loss, d_x, d_y: (loss, d_x * [[1], [-1]], d_y), "x", "the sign is flipped in the wrong rows"),
        (lambda loss, d_x, d_y: (loss, d_x * [[0], [1]], d_y), "x", "the wrong rows stay zero"),
        (lambda loss, d_x, d_y: (loss, d_x + 1e-3, d_y), "x", ""),
    ],
)
def test_a_wrong_gradient_is_named_with_what_was_done_to_it(change, argument, cause):
    (finding,) = outcome(change).findings
    assert (finding.argument, finding.cause) == (argument, cause)


def test_one_wrong_entry_is_given_with_its_place_its_case_and_the_right_number():
    def change(loss, d_x, d_y):
        d_x = d_x.copy()
        d_x[1, 2] += 1
        return loss, d_x, d_y

    (finding,) = outcome(change).findings
    assert (finding.case, finding.at) == ("some numbers", (1, 2))
    assert str(finding) == (
        "student, some numbers: the gradient of x at (1, 2) is 7.63, but should be 6.63, by finite differences of its "
        "own loss and by lexigrad (only its row 1 is wrong)"
    )


def test_a_wrong_loss_with_its_own_gradients_is_one_finding():
    (finding,) = outcome(lambda loss, d_x, d_y: (2 * loss, 2 * d_x, 2 * d_y)).findings
    assert finding.argument == ""
    assert "the gradients belong to the wrong loss" in finding.problem
    assert finding.cause == "the numbers are 2 times as large as they should be"


def test_a_wrong_loss_beside_right_gradients_is_one_finding_too():
    (finding,) = outcome(lambda loss, d_x, d_y: (loss + d_y.sum() ** 2, d_x, d_y)).findings
    assert finding.problem.startswith("the loss is ")
    assert "belong" not in finding.problem


def test_a_wrong_loss_and_a_gradient_of_neither_loss_are_two_findings():
    found = outcome(lambda loss, d_x, d_y: (2 * loss, 2 * d_x, 7 * d_y)).findings
    assert [finding.argument for finding in found] == ["", "y"]
    assert "finite differences of its own loss give" in found[1].problem


def test_a_loss_in_single_precision_is_told_from_a_wrong_gradient():
    found = outcome(lambda loss, d_x, d_y: (np.float32(loss), d_x, d_y), tolerance=1e-6).findings
    assert {finding.cause for finding in found} == {"the loss is rounded, or computed in single precision"}


def test_a_slip_is_named_only_if_it_fits_at_every_case():
    def once(x, y):
        loss, d_x, d_y = right(x, y)
        return loss, d_x, d_y * (1 if y[0] == 0.5 else 2)

    def always(x, y):
        loss, d_x, d_y = right(x, y)
        return loss, d_x, 2 * d_y

    slips = [Slip("twice", always)]
    assert diagnose(always, right, CASES, ["x", "y"], slips=slips).findings[0].cause == "twice"
    assert diagnose(once, right, CASES, ["x", "y"], slips=slips).findings[0].cause == ""


def test_a_slip_that_cannot_be_computed_is_passed_over():
    slips = [
        Slip("it divides by zero", lambda x, y: 1 / 0),
        Slip("twice", lambda x, y: tuple(2 * p for p in right(x, y))),
    ]
    (finding,) = outcome(lambda *parts: tuple(2 * part for part in parts), slips=slips).findings
    assert finding.cause == "twice"


def test_values_without_gradients_are_compared_alone():
    cases = {"a table": {"x": X}}
    assert diagnose(lambda x: np.exp(x), lambda x: np.exp(x), cases) == Diagnosis("<lambda>", 6, ())
    (finding,) = diagnose(lambda x: x, lambda x: np.exp(x), cases, name="student").findings
    assert finding.problem.startswith("the value at (")


def test_without_a_case_anything_would_pass_and_is_refused():
    with pytest.raises(InputError, match="cases must hold at least one case"):
        diagnose(right, right, {}, ["x", "y"])


def test_a_reference_that_fails_is_no_finding_but_an_error():
    with pytest.raises(InputError, match="the reference cannot be called at these cases, as it raises TypeError"):
        diagnose(right, np.exp, CASES, ["x", "y"])


def test_what_a_function_changes_in_place_is_a_finding_and_spoils_nothing():
    def untidy(x, y):
        parts = right(x, y)
        x *= 0
        return parts

    (finding,) = diagnose(untidy, right, CASES, ["x", "y"]).findings
    assert (finding.argument, finding.problem) == ("x", "it changes x in place")
    assert X[0, 0] == 1.0
