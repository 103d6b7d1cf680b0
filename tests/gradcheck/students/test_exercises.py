"""One student spoils nothing for the next, and no cause of an exercise is named by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from lexigrad import reference
from lexigrad.errors import InputError
from lexigrad.gradcheck import FixedDraws, diagnose, grade
from lexigrad.gradcheck.students.assignment import exercises_of

if TYPE_CHECKING:
    from lexigrad.gradcheck.students.exercises import Exercise


def exercise_of(name: str, edition: str = "2019") -> Exercise:
    (exercise,) = (one for one in exercises_of(edition) if one.name == name)
    return exercise


def test_a_student_who_changes_the_class_of_the_dataset_spoils_no_other():
    exercise = exercise_of("negSamplingLossAndGradient")

    def spoiling(v_c, o, U, dataset, K=10):
        type(dataset).sampleTokenIdx = lambda self: 3
        return reference.negative_sampling(v_c, o, [dataset.sampleTokenIdx() for _ in range(K)], U)

    def honest(v_c, o, U, dataset, K=10):
        negatives = []
        while len(negatives) < K:
            negatives += [word_id for word_id in [dataset.sampleTokenIdx()] if word_id != o]
        return reference.negative_sampling(v_c, o, negatives, U)

    assert exercise.diagnose(spoiling).findings != ()
    assert exercise.diagnose(honest).findings == ()


def test_a_generator_that_is_seeded_at_each_call_takes_other_words():
    def seeded(v_c, o, U, dataset, K=10):
        return reference.negative_sampling(v_c, o, np.random.default_rng(1).integers(3, 7, size=K), U)

    (finding,) = exercise_of("negSamplingLossAndGradient").diagnose(seeded).findings
    assert "but lexigrad gives" in finding.problem
    assert "the gradients belong to the wrong loss" in finding.problem
    assert finding.cause == ""


def network(cost=lambda y_hat, y: -(y * np.log(y_hat)).sum(), spoil=lambda params: None, returned=lambda *both: both):
    """A network of 2017 with another cost, and gradients of the cross entropy."""

    def forward_backward_prop(data, labels, params, dimensions):
        d_x, hidden, d_y = dimensions
        W1, b1, W2, b2 = np.split(params.copy(), np.cumsum([d_x * hidden, hidden, hidden * d_y]))
        W1, W2 = W1.reshape(d_x, hidden), W2.reshape(hidden, d_y)
        _, gradients = reference.two_layer(data, labels, W1, b1, W2, b2)
        y_hat = reference.softmax(reference.sigmoid(data @ W1 + b1) @ W2 + b2)
        spoil(params)
        flat = np.concatenate([gradients[f"d_{name}"].ravel() for name in ("W1", "b1", "W2", "b2")])
        return returned(cost(y_hat, labels), flat)

    return forward_backward_prop


@pytest.mark.parametrize(
    ("cost", "cause"),
    [
        (lambda y_hat, y: ((y - y_hat) ** 2).sum(), ""),
        (lambda y_hat, y: -(y * y_hat).sum(), ""),
        (lambda y_hat, y: -(y * np.log2(y_hat)).sum(), "the numbers are 1.4427 times as large as they should be"),
    ],
)
def test_another_cost_of_the_network_is_no_multiple_of_the_right_one(cost, cause):
    (finding,) = exercise_of("forward_backward_prop", "2017").diagnose(network(cost)).findings
    assert finding.problem.startswith("the loss is ")
    assert finding.cause == cause


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"spoil": lambda params: params.fill(0)}, "it changes params in place"),
        ({"returned": lambda cost, grad: None}, "it returns None, but should return the cost, the gradient of params"),
        ({"returned": lambda cost, grad: (None, grad)}, "it returns None for the loss"),
        ({"returned": lambda cost, grad: (cost, None)}, "it returns None for the gradient of params"),
        ({"returned": lambda cost, grad: (cost, grad[1:])}, "the gradient holds 42 numbers, but params hold 43"),
    ],
)
def test_what_a_network_does_besides_is_told(changes, problem):
    found = exercise_of("forward_backward_prop", "2017").diagnose(network(**changes)).findings
    assert [finding.problem for finding in found] == [problem]


def test_a_dataset_without_draws_is_refused():
    with pytest.raises(InputError, match="draws must hold at least one word id"):
        FixedDraws([])


def test_the_draws_begin_anew_at_their_end():
    dataset = FixedDraws([4, 1])
    assert [dataset.sampleTokenIdx() for _ in range(5)] == [4, 1, 4, 1, 4]


def test_every_known_mistake_is_told_from_all_others():
    """Each wrong form, taken for a student's function, is found under its own name."""
    for exercise in exercises_of("2017"):
        for slip in exercise.slips:
            found = diagnose(
                slip.form, exercise.right, exercise.cases, exercise.gradients, slips=exercise.slips, name=exercise.name
            ).findings
            assert {finding.cause for finding in found} == {slip.cause}


def test_an_edition_may_be_a_number():
    assert grade({}, edition=2019) == grade({}, edition="2019")


def test_a_tolerance_that_nothing_passes_is_refused():
    with pytest.raises(InputError, match="tolerance must be a positive number"):
        grade({}, edition="2019", tolerance=0)
