"""What a stranger's function returns, raises and changes is told, and a cause only where it is confirmed."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lexigrad.errors import InputError
from lexigrad.gradcheck import diagnose

if TYPE_CHECKING:
    from lexigrad.gradcheck import Finding

X = np.array([3.0, 1.0])
ONE = {"one": {"x": X}}
TWO = {**ONE, "two": {"x": np.array([-1.0, 0.5])}}


def square(x):
    return (x**2).sum(), 2 * x


def diagnosed(student, cases=TWO, reference=square, gradients=("x",)) -> list[Finding]:
    return list(diagnose(student, reference, cases, gradients, name="student").findings)


# -------------------- numbers that are none, and numbers that are nearly right


def test_an_infinite_value_is_told_without_a_warning_and_not_taken_for_random(recwarn):
    (finding,) = diagnosed(lambda x: np.where(x > 2, np.inf, x), ONE, lambda x: np.where(x > 2, 0, x), ())
    assert finding.problem == "the value at (0,) is inf, but lexigrad gives 0"
    assert finding.cause == ""
    assert not recwarn.list


@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan])
def test_a_loss_or_gradient_that_is_no_number_is_told_without_a_cause(recwarn, number):
    (loss,) = diagnosed(lambda x: (number, 2 * x))
    (gradient,) = diagnosed(lambda x: (square(x)[0], np.full_like(x, number)))
    assert loss.problem == f"the loss is {number:g}, but lexigrad gives 10"
    assert gradient.problem.startswith(f"the gradient of x at (0,) is {number:g}, but should be 6")
    assert loss.cause == gradient.cause == ""
    assert not recwarn.list


def test_a_value_that_should_be_infinite_may_be():
    cases = {"zero": {"x": np.array([0.0, 1.0])}}
    assert diagnosed(lambda x: np.log(x), cases, lambda x: np.log(x), ()) == []


def test_of_two_values_the_worse_is_told_where_another_is_infinite_as_it_should_be():
    cases = {"zero": {"x": np.array([0.0, 1.0])}}
    (finding,) = diagnosed(lambda x: np.log(x) + (x > 0), cases, lambda x: np.log(x), ())
    assert finding.problem == "the value at (1,) is 1, but lexigrad gives 0"


@pytest.mark.parametrize(
    ("student", "cause"),
    [
        (lambda x: ((x**3).sum(), 2 * x), ""),  # of one loss anything is a multiple
        (lambda x: (3 * (x**2).sum(), 6 * x), "the numbers are 3 times as large as they should be"),
        (lambda x: ((1 + 1e-6) * (x**2).sum(), 2 * (1 + 1e-6) * x), ""),
        (lambda x: (np.nan, 2 * x), ""),
    ],
)
def test_a_factor_is_a_cause_only_where_a_second_number_confirms_it(student, cause):
    assert diagnosed(student, ONE)[0].cause == cause


def test_numbers_of_the_same_size_do_not_confirm_a_factor():
    cases = {"one": {"x": np.array([3.0, -3.0])}, "two": {"x": np.array([-3.0, 3.0])}}
    assert diagnosed(lambda x: x**3 / 9 * 2, cases, lambda x: x, ())[0].cause == ""


def test_two_numbers_that_six_digits_do_not_tell_apart_are_given_with_more():
    (finding,) = diagnosed(lambda x: ((1 + 1e-6) * (x**2).sum(), 2 * (1 + 1e-6) * x))
    assert finding.problem.startswith("the loss is 10.00001, but lexigrad gives 10,")


def test_single_precision_from_the_arguments_on_is_a_cause():
    def single(x):
        x = x.astype(np.float32) / np.float32(3)
        return (x**2).sum() * 9, 18 * x / np.float32(3)

    found = diagnose(single, square, TWO, ["x"], tolerance=1e-8).findings
    assert found
    assert all(finding.cause.endswith("is rounded, or computed in single precision") for finding in found)


def test_a_value_in_single_precision_has_its_cause_too():
    found = diagnose(lambda x: np.exp(x.astype(np.float32)), lambda x: np.exp(x), TWO, tolerance=1e-9).findings
    assert [finding.cause for finding in found] == ["the value is rounded, or computed in single precision"]


def test_a_small_number_that_was_added_is_not_taken_for_rounding():
    assert diagnosed(lambda x: ((x**2).sum() + 1e-5, 2 * x))[0].cause == ""


def test_a_loss_that_is_kept_from_the_first_call_is_not_called_rounded():
    kept = {}

    def student(x):
        return kept.setdefault(round(x[0]), square(x))

    (finding,) = diagnosed(student, ONE)
    assert finding.cause == "the loss is the same for any x, as if it were kept from an earlier call"
    assert "finite differences of its own loss give 0, and lexigrad gives 6" in finding.problem


def test_a_loss_that_is_kept_for_all_arguments_has_this_cause():
    kept = {}
    loss, gradient = diagnosed(lambda x: kept.setdefault("only", square(x)))
    assert loss.cause == "the loss is the same for any x, as if it were kept from an earlier call"
    assert gradient.cause == ""


def test_a_function_that_counts_its_calls_is_not_only_accused_of_random_numbers():
    calls = []

    def student(x):
        calls.append(x)
        return (x**2).sum() + len(calls), 2 * x

    (finding,) = diagnosed(student)
    assert finding.problem.endswith("it draws random numbers of its own, or keeps something from one call to the next")


@pytest.mark.parametrize("shapes", [((2,), (2,)), ((3,), (2, 3))])
def test_gradients_in_each_others_place_are_a_cause(shapes):
    some = {
        name: np.sin(np.arange(1.0, 1 + np.prod(shape))).reshape(shape)
        for name, shape in zip("ab", shapes, strict=True)
    }

    def pair(a, b):
        return (a**3).sum() + (b**2).sum(), 3 * a**2, 2 * b

    found = diagnosed(lambda a, b: [pair(a, b)[i] for i in (0, 2, 1)], {"one": some}, pair, ("a", "b"))
    assert [finding.cause for finding in found] == 2 * ["the gradients of a and b are returned in each other's place"]


# -------------------- what is returned, raised and changed


@pytest.mark.parametrize(
    ("returned", "problem"),
    [
        (None, "it returns None, but should return the loss, the gradient of x"),
        ((None, X), "it returns None for the loss"),
        ((1.0, None), "it returns None for the gradient of x"),
        (("1.5", X), "the loss is no array of numbers, but str"),
        ((1.0, ["1", "2"]), "the gradient of x is no array of numbers, but list of str"),
        ((1.0, X > 0), "the gradient of x is no array of numbers, but ndarray of bool"),
        ((True, X), "the loss is no array of numbers, but bool"),
        ((1.0, X.astype(object)), "the gradient of x is no array of numbers, but ndarray of float"),
        ((1.0, X * 1j), "the gradient of x is no array of numbers, but ndarray of complex"),
        ((1.0, [[1.0], [1.0, 2.0]]), "the gradient of x is no array of numbers, but list"),
        ((1.0, (x for x in X)), "the gradient of x is no array of numbers, but generator"),
    ],
)
def test_what_is_no_number_is_a_finding(returned, problem):
    assert [finding.problem for finding in diagnosed(lambda x: returned)] == [problem]


@pytest.mark.parametrize(
    ("student", "changed"),
    [
        (lambda x, words, ids: x.__imul__(2), ["x"]),
        (lambda x, words, ids: 0 * len(words.pop()) + 2 * x, ["words"]),
        (lambda x, words, ids: 0 * ids.pop("a")[0] + 2 * x, ["ids"]),
        (lambda x, words, ids: 0 * ids["a"].pop() + 2 * x, ["ids"]),
        (lambda x, words, ids: 0 * len(list(words).pop()) + 0 * dict(ids).pop("a")[0] + 2 * x, []),
    ],
)
def test_a_function_of_a_value_is_told_of_arguments_that_it_changes(student, changed):
    cases = {"one": {"x": np.array([3.0, 1.0]), "words": ["a", "b"], "ids": {"a": [1], "b": [2]}}}
    found = diagnosed(student, cases, lambda x, words, ids: 2 * x, ())
    assert [finding.problem for finding in found] == [f"it changes {name} in place" for name in changed]
    assert cases["one"]["words"] == ["a", "b"]
    assert cases["one"]["ids"] == {"a": [1], "b": [2]}


def raising(error):
    def student(x):
        raise error

    return student


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (ValueError("a\nb\x1b[31m\tc"), r"it raises ValueError: a\nb\x1b[31m\tc"),
        (ValueError("a" * 1000), f"it raises ValueError: {'a' * 300}…"),
        (ValueError(), "it raises ValueError"),
        (SystemExit(3), "it raises SystemExit: 3"),
    ],
)
def test_what_is_raised_is_told_on_one_line(error, problem):
    assert [finding.problem for finding in diagnosed(raising(error))] == [problem]


def test_an_interruption_stays_one():
    with pytest.raises(KeyboardInterrupt):
        diagnosed(raising(KeyboardInterrupt()))


def test_what_a_function_prints_goes_nowhere(capfd):
    def student(x):
        sys.stdout.write("now")
        sys.stderr.write("now")
        return square(x)

    assert diagnosed(student) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"function": 5}, "the function to diagnose must be callable, but is int"),
        ({"gradients": ["y"]}, "gradients name 'y', but the arguments at 'one' are 'x'"),
        ({"gradients": "x"}, "gradients must be a list of names"),
        ({"cases": [ONE]}, "cases must give each call's arguments under a name"),
        ({"cases": {"one": [3.0]}}, "cases must give each call's arguments under a name"),
        ({"cases": {"one": {"x": "three"}}}, "'x' at 'one' must hold numbers"),
        ({"cases": {"one": {"x": np.array([])}}}, "'x' at 'one' is empty"),
        ({"gradients": [], "reference": lambda x: x[:0]}, "the value of the reference is empty at 'one'"),
        ({"gradients": [], "reference": lambda x: x * np.nan}, "the value of the reference is nan at 'one'"),
        ({"reference": lambda x: (np.inf, x)}, "the loss of the reference is infinite at 'one'"),
        ({"tolerance": 0}, "tolerance must be a positive number, not 0"),
        ({"tolerance": -1.0}, "tolerance must be a positive number, not -1.0"),
        ({"tolerance": np.nan}, "tolerance must be a positive number, not nan"),
        ({"tolerance": np.inf}, "tolerance must be a positive number, not inf"),
        ({"tolerance": "1e-7"}, "tolerance must be a positive number, not '1e-7'"),
    ],
)
def test_a_question_without_an_answer_is_refused_in_one_sentence(changes, sentence):
    question = {"function": square, "reference": square, "cases": ONE, "gradients": ["x"], **changes}
    with pytest.raises(InputError, match=re.escape(sentence)):
        diagnose(**question)
