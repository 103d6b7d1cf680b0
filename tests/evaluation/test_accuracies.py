"""Intervals of accuracies and of their differences are those of the papers, and say what is sure and what is not."""

from __future__ import annotations

import json
from math import isnan

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lexigrad.errors import InputError
from lexigrad.evaluation.accuracies import PairedDifference, accuracy_interval, paired_difference, percent

# -------------------- one accuracy


@pytest.mark.parametrize(
    ("right", "asked", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_of_an_accuracy_is_wilsons_as_published(right: int, asked: int, low: float, high: float) -> None:
    assert_allclose(accuracy_interval(right, asked), (low, high), atol=5e-5)


def test_both_ends_of_the_interval_lie_196_standard_errors_from_the_accuracy() -> None:
    for bound in accuracy_interval(396, 1101):
        error = abs(396 / 1101 - bound) / np.sqrt(bound * (1 - bound) / 1101)
        assert error == pytest.approx(1.959964, abs=1e-6)


def test_an_accuracy_of_36_percent_is_uncertain_by_28_points_on_dev_and_by_20_on_test() -> None:
    for sentences, points in ((1101, 2.8), (2210, 2.0)):
        low, high = accuracy_interval(round(0.36 * sentences), sentences)
        assert round(50 * (high - low), 1) == points


def test_all_right_and_all_wrong_still_leave_room_for_doubt() -> None:
    assert accuracy_interval(7, 7)[0] < 0.7
    assert accuracy_interval(7, 7)[1] == 1
    assert accuracy_interval(0, 7)[1] > 0.3


def test_nothing_asked_has_no_interval_and_more_right_than_asked_is_refused() -> None:
    assert all(map(isnan, accuracy_interval(0, 0)))
    for right in (-1, 11):
        with pytest.raises(InputError, match="right must be from 0 to 10"):
            accuracy_interval(right, 10)


# -------------------- two, paired


def test_a_paired_difference_counts_who_alone_was_right() -> None:
    found = paired_difference([True, True, False, False, True], [True, False, True, False, False])
    assert found == PairedDifference(sentences=5, both=1, only_first=2, only_second=1)
    assert found.difference == pytest.approx(0.2)


def test_the_interval_of_a_difference_is_that_of_bonett_and_price() -> None:
    n, b, c = 100, 20, 8
    p_12, p_21 = (b + 1) / (n + 2), (c + 1) / (n + 2)  # their form: with one added to each count
    half = 1.959964 * np.sqrt((p_12 + p_21 - (p_12 - p_21) ** 2) / (n + 2))
    expected = (p_12 - p_21 - half, p_12 - p_21 + half)
    assert_allclose(PairedDifference(n, 40, b, c).interval, expected, atol=1e-7)


def test_the_same_difference_is_surer_where_the_two_err_on_the_same_sentences() -> None:
    alike, unlike = PairedDifference(1000, 500, 30, 5), PairedDifference(1000, 200, 330, 305)
    assert alike.difference == unlike.difference
    assert alike.distinguishable
    assert not unlike.distinguishable
    assert alike.p_value < 0.001 < 0.3 < unlike.p_value


def test_swapping_the_two_turns_the_signs() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.random((2, 400)) < [[0.7], [0.4]]
    there, back = paired_difference(first, second), paired_difference(second, first)
    assert there.difference == -back.difference
    assert_allclose(there.interval, [-bound for bound in reversed(back.interval)])
    assert there.p_value == back.p_value
    assert there.distinguishable
    assert back.distinguishable


def test_a_classifier_is_not_told_from_itself() -> None:
    found = paired_difference([True, False, True], [True, False, True])
    assert found.difference == 0
    assert not found.distinguishable
    assert found.p_value == 1


@pytest.mark.parametrize(("b", "c", "p"), [(5, 0, 2 / 32), (1, 3, 10 / 16), (10, 2, 2 * (1 + 12 + 66) / 4096)])
def test_mcnemars_p_is_that_of_tossed_coins(b: int, c: int, p: float) -> None:
    assert PairedDifference(50, 5, b, c).p_value == pytest.approx(p)


def test_the_figures_are_plain_in_json() -> None:
    told = json.loads(json.dumps(PairedDifference(100, 40, 20, 8).to_dict()))
    assert (told["sentences"], told["only_first"], told["only_second"]) == (100, 20, 8)
    assert told["difference"] == pytest.approx(0.12)
    assert len(told["interval"]) == 2


@pytest.mark.parametrize(("first", "second"), [([True], [True, False]), ([], []), ([[True]], [[True]])])
def test_answers_to_other_questions_are_refused(first: list[bool], second: list[bool]) -> None:
    with pytest.raises(InputError, match="answers to the same questions"):
        paired_difference(first, second)


def test_a_share_is_printed_in_percent_and_none_as_a_dash() -> None:
    assert percent(0.3824) == "38.2"
    assert percent(float("nan")) == "–"
