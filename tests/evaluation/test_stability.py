"""Stability: overlaps of neighbors across trainings, and the neighbors of a set."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from lexigrad.errors import InputError, UnknownWordError
from lexigrad.evaluation.stability import VectorsSet, stability
from lexigrad.vectors.keyedvectors import KeyedVectors

COUNTS = [1000, 120, 100, 99, 20, 19, 5, 4]
WORDS = [f"w{count}" for count in COUNTS]


def trainings(number: int, dim: int = 3) -> list[KeyedVectors]:
    random = np.random.default_rng(1)
    return [KeyedVectors(WORDS, random.standard_normal((len(WORDS), dim)), COUNTS) for _ in range(number)]


def test_the_overlap_is_the_mean_share_of_common_neighbors_over_all_pairs() -> None:
    members = trainings(4)
    found = stability(members, n=3)
    assert found.members == 4
    for word in WORDS:
        nearest = [{neighbor for neighbor, _ in vectors.most_similar(word, n=3)} for vectors in members]
        shares = [len(one & other) / 3 for one, other in combinations(nearest, 2)]
        assert found.of(word) == pytest.approx(np.mean(shares))
    assert 0 < found.mean < 1


def test_a_training_agrees_with_itself_and_all_agree_when_all_words_are_neighbors() -> None:
    one, other = trainings(2)
    assert stability([one, one], n=3).overlap.tolist() == [1.0] * len(WORDS)
    assert stability([one, other], n=100).overlap.tolist() == [1.0] * len(WORDS)


def test_overlaps_come_in_bands_of_occurrences() -> None:
    found = stability(trainings(2), n=2)
    bands = found.by_count()
    assert [(band.least, band.below, band.words) for band in bands] == [
        (5, 20, 2),
        (20, 100, 2),
        (100, 1000, 2),
        (1000, None, 1),
    ]
    assert bands[0].overlap == pytest.approx((found.of("w19") + found.of("w5")) / 2)
    assert found.to_dict()["words"] == {word: found.of(word) for word in WORDS}


def test_bands_need_counts() -> None:
    uncounted = [KeyedVectors(WORDS, vectors.matrix) for vectors in trainings(2)]
    with pytest.raises(InputError, match="how often words occur"):
        stability(uncounted, n=2).by_count()


def test_only_the_words_asked_for_are_looked_at() -> None:
    members = trainings(2)
    found = stability(VectorsSet(members), n=2, words=["w20", "w5"], restrict=4)
    assert found.words == ["w20", "w5"]
    nearest = [{word for word, _ in vectors.most_similar("w5", n=2, restrict=4)} for vectors in members]
    assert found.of("w5") == len(nearest[0] & nearest[1]) / 2
    with pytest.raises(InputError, match="'w4' was not asked for"):
        found.of("w4")
    with pytest.raises(UnknownWordError):
        stability(members, words=["absent"])


def test_neighbors_of_a_set_have_their_mean_cosine_and_how_many_agree() -> None:
    members = trainings(3)
    means = {word: np.mean([vectors.similarity("w99", word) for vectors in members]) for word in WORDS if word != "w99"}
    nearest = [{word for word, _ in vectors.most_similar("w99", n=2)} for vectors in members]
    expected = sorted(means, key=lambda word: -means[word])[:2]
    found = VectorsSet(members).most_similar("w99", n=2)
    assert [neighbor.word for neighbor in found] == expected
    for word, cosine, agree in found:
        assert cosine == pytest.approx(means[word], abs=1e-6)
        assert agree == sum(word in of_one for of_one in nearest)


def test_neighbors_of_a_set_are_never_the_word_itself_and_never_more_than_there_are() -> None:
    found = VectorsSet(trainings(2)).most_similar("w1000", n=100)
    assert sorted(neighbor.word for neighbor in found) == sorted(set(WORDS) - {"w1000"})
    assert all(neighbor.agree == 2 for neighbor in found)
    few = VectorsSet(trainings(2)).most_similar("w1000", n=100, restrict=3)
    assert sorted(neighbor.word for neighbor in few) == ["w100", "w120"]


def test_words_that_some_lack_are_left_out_and_counted() -> None:
    one, other = trainings(2)
    fewer = KeyedVectors(WORDS[::-1][2:], other.matrix[::-1][2:], COUNTS[::-1][2:])
    together = VectorsSet([one, fewer])
    assert together.words == WORDS[:-2]
    assert together.left_out == [2, 0]
    assert together.members[1]["w99"].tolist() == other["w99"].tolist()
    assert together.members[1].counts is not None
    assert together.members[1].counts.tolist() == COUNTS[:-2]


@pytest.mark.parametrize("members", [[], trainings(1), [trainings(1)[0], KeyedVectors(["x", "w5"], np.eye(2))]])
def test_a_set_needs_two_members_and_two_words(members: list[KeyedVectors]) -> None:
    with pytest.raises(InputError):
        VectorsSet(members)
