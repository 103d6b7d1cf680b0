"""What is to be seen in a picture of words is told in numbers, and what is planted is found."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lexigrad.errors import InputError, UnknownWordError
from lexigrad.vectors.keyedvectors import KeyedVectors
from lexigrad.view.wordgroups import COURSE_GROUPS, COURSE_WORDS, group_cosines, word_axes

COUNTS = np.array([5000, 3000, 900, 200, 60, 20, 7, 2])
WORDS = ["the", "a", "good", "great", "boring", "waste", "zebra", "quark"]


def planted(axis: np.ndarray, spread: float = 0.05) -> KeyedVectors:
    """Vectors whose first axis is what is given, and other entries that say little."""
    noise = spread * np.random.default_rng(4).normal(size=(len(WORDS), 6))
    return KeyedVectors(WORDS, np.column_stack([axis, noise]), COUNTS)


def test_an_axis_that_is_log_frequency_is_found_whatever_its_sign() -> None:
    for sign in (1, -1):
        found = word_axes(planted(sign * np.log(COUNTS)), WORDS)
        assert found.frequency == pytest.approx(1, abs=1e-3)
        assert found.frequency_interval is not None
        assert found.frequency_interval[0] > 0.99
        assert found.shares[0] > 0.99


def test_an_axis_that_has_nothing_to_do_with_frequency_is_not_taken_for_it() -> None:
    found = word_axes(planted(3 * np.array([1.0, -1, 1, -1, 1, -1, 1, -1])), WORDS)
    assert found.frequency is not None
    assert found.frequency < 0.3
    assert found.frequency_interval is not None
    assert found.frequency_interval[0] < 0.2


def test_words_that_are_not_drawn_count_for_nothing() -> None:
    vectors = planted(np.log(COUNTS))
    found = word_axes(vectors, ["the", "good", "boring", "good"])
    assert found.words == ["the", "good", "boring"]
    assert found.groups == ["articles", "praise", "blame"]
    assert found.cosines.shape == (3, 3)


def test_cosines_within_a_group_leave_out_a_word_with_itself() -> None:
    vectors = KeyedVectors(["a", "b", "c", "d"], [[1, 0], [0, 2], [3, 0], [0, -1]])
    cosines = group_cosines(vectors, [["a", "b"], ["c", "d"], ["a"]])
    np.testing.assert_allclose(cosines[:2, :2], [[0, 0], [0, 0]], atol=1e-12)
    assert cosines[0, 2] == 0  # of b and a: a in the one group is not paired with a in the other
    assert cosines[1, 2] == 0.5
    assert np.isnan(cosines[2, 2])


def test_a_word_in_two_groups_or_twice_in_one_makes_no_pair_with_itself() -> None:
    vectors = KeyedVectors(["a", "b"], [[1, 0], [0, 1]])
    assert np.isnan(group_cosines(vectors, [["a", "a"], ["a"]])).all()
    assert group_cosines(vectors, [["a", "a", "b"], ["b", "a"]]).tolist() == [[0, 0], [0, 0]]


def test_cosines_of_equal_vectors_are_exactly_1() -> None:
    rng = np.random.default_rng(8)
    for dim in (3, 50, 100, 301):
        row = rng.normal(size=dim)
        vectors = KeyedVectors(["a", "b", "c"], np.array([row, row, 4 * row]).astype(np.float32))
        assert group_cosines(vectors, [["a", "b"], ["c"]])[0].tolist() == [1, 1]


def test_antonyms_in_the_same_places_have_near_vectors_and_a_group_apart_has_not() -> None:
    near = [[5, 1], [5, 1.2], [5, 0.8], [5, 0.9]]
    vectors = KeyedVectors(["good", "great", "boring", "bad", "the", "a"], [*near, [0, 4], [0.1, 5]])
    found = word_axes(vectors, vectors.words)
    cosine = {
        (one, other): found.cosines[i, j] for i, one in enumerate(found.groups) for j, other in enumerate(found.groups)
    }
    assert cosine["praise", "blame"] > 0.99
    assert cosine["articles", "articles"] > 0.99
    assert cosine["praise", "articles"] < 0.3


def test_all_of_it_is_told_as_text_and_as_json() -> None:
    found = word_axes(planted(np.log(COUNTS)), ["the", "a", "good", "zebra"])
    text = found.text().splitlines()
    assert text[0].startswith("4 words: 100% and 0%")
    assert "r = 1.000 (" in text[1]
    assert text[2].split() == ["mean", "cosine", "articles", "praise"]
    assert text[4].split()[-1] == "–"
    told = json.loads(json.dumps(found.to_dict()))
    assert told["cosines"][1][1] is None
    assert told["frequency"] == found.frequency


def test_where_all_words_are_equally_frequent_nothing_is_said_of_frequency() -> None:
    found = word_axes(KeyedVectors(["the", "a", "bad"], np.eye(3), [7, 7, 7]), ["the", "a", "bad"])
    assert found.frequency is found.frequency_interval is None
    assert "NaN" not in json.dumps(found.to_dict())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("matrix", "counts"), [([[1, 0], [2, 1], [4, 9]], [0, 3, 5]), ([[1, 2], [1, 2], [1, 2]], [9, 3, 5])]
)
def test_where_there_is_no_correlation_nothing_is_said_of_frequency(matrix: list[list[int]], counts: list[int]) -> None:
    found = word_axes(KeyedVectors(["the", "a", "bad"], matrix, counts), ["the", "a", "bad"])
    assert found.frequency is found.frequency_interval is None
    assert "r =" not in found.text()
    json.dumps(found.to_dict(), allow_nan=False)


def test_without_counts_nothing_is_said_of_frequency() -> None:
    found = word_axes(KeyedVectors(["the", "a", "bad"], np.eye(3)), ["the", "a", "bad"])
    assert found.frequency is None
    assert found.to_dict()["frequency_interval"] is None
    assert "r =" not in found.text()


def test_what_cannot_be_is_refused() -> None:
    vectors = planted(np.log(COUNTS))
    with pytest.raises(UnknownWordError, match="tha"):
        word_axes(vectors, ["tha", "good"])
    with pytest.raises(InputError, match="has no 2 principal axes"):
        word_axes(vectors, ["the"])
    with pytest.raises(InputError, match="a group of words is empty"):
        group_cosines(vectors, [[]])


def test_the_courses_words_are_those_of_its_groups_each_once() -> None:
    assert len(COURSE_WORDS) == len(set(COURSE_WORDS)) == 25
    assert {"the", "a", "boring", "waste", "worth", "wonderful", "great", "amazing"} <= set(COURSE_WORDS)
    assert set(COURSE_GROUPS["articles"]) == {"the", "a", "an"}
