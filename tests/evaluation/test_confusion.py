"""Recall, precision and the avoidance of extremes are read off a confusion matrix."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lexigrad.errors import InputError
from lexigrad.evaluation.accuracies import accuracy_interval
from lexigrad.evaluation.confusion import class_scores, count_confusions, extremes

LABELS = ["very bad", "bad", "so-so", "good", "very good"]


def matrix_of(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    return count_confusions(truth, prediction, classes=5)


def test_rows_are_the_truth_and_columns_the_prediction() -> None:
    assert count_confusions([0, 0, 2], [1, 1, 2], classes=3).tolist() == [[0, 2, 0], [0, 0, 0], [0, 0, 1]]


def test_recall_is_over_the_true_class_and_precision_over_the_predicted_one() -> None:
    first, second = class_scores([[6, 2], [3, 1]], ["bad", "good"])
    assert (first.recall, first.precision) == (6 / 8, 6 / 9)
    assert (second.recall, second.precision) == (1 / 4, 1 / 3)
    assert first.recall_interval == accuracy_interval(6, 8)
    assert first.precision_interval == accuracy_interval(6, 9)
    assert (first.truths, first.predictions, first.right) == (8, 9, 6)


def test_a_class_that_is_never_predicted_has_no_precision_and_one_that_never_occurs_no_recall() -> None:
    never_predicted, never_true = class_scores([[0, 4], [0, 0]], ["bad", "good"])
    assert never_predicted.recall == 0
    assert np.isnan(never_predicted.precision)
    assert np.isnan(never_true.recall)
    told = json.loads(json.dumps([never_predicted.to_dict(), never_true.to_dict()]))
    assert told[0]["precision"] is told[0]["precision_interval"] is told[1]["recall"] is None


def test_a_classifier_that_never_says_an_extreme_is_found_to_avoid_them() -> None:
    truth = np.repeat(np.arange(5), 40)
    found = extremes(matrix_of(truth, np.clip(truth, 1, 3)))
    assert (found.predictions, found.truths) == (0.0, 0.4)
    assert found.are_avoided
    assert found.interval[0] < -0.4 < found.interval[1] < -0.3
    assert found.sentence().startswith("extremes: 0.0% of the predictions, 40.0% of the truths")


def test_a_classifier_that_prefers_extremes_or_says_them_as_often_as_they_occur_does_not_avoid_them() -> None:
    truth = np.repeat(np.arange(5), 40)
    right, swapped = extremes(matrix_of(truth, truth)), extremes(matrix_of(truth, 4 - truth))
    assert right.predictions == right.truths == swapped.predictions == 0.4
    assert not right.are_avoided
    assert not swapped.are_avoided
    eager = extremes(matrix_of(truth, np.where(truth < 2, 0, 4)))
    assert eager.predictions == 1
    assert not eager.are_avoided
    assert eager.interval[0] > 0


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(InputError, match=r"must be square, but has shape \(1, 2\)"):
        class_scores([[1, 2]], ["bad", "good"])
    with pytest.raises(InputError, match="of 2 classes has 5 labels"):
        class_scores([[1, 2], [3, 4]], LABELS)
    for counts in (np.eye(2), np.zeros((5, 5))):
        with pytest.raises(InputError, match="three classes or more"):
            extremes(counts)
