"""Intervals: ranks and correlations are those of samples written out, variances those of their definitions, and 95 % of
intervals hold what is true."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lexigrad.evaluation import intervals
from lexigrad.evaluation.intervals import (
    correlations,
    interval,
    midranks,
    paired_mean,
    sampled_counts,
    sampled_interval,
)

SAMPLES = 2000
NUMBERS = st.lists(st.integers(-3, 3), min_size=2, max_size=12)


@given(st.data(), NUMBERS)
def test_ranks_and_correlations_of_counts_are_those_of_the_sample_written_out(
    data: st.DataObject, x: list[int]
) -> None:
    y = data.draw(st.lists(st.integers(-3, 3), min_size=len(x), max_size=len(x)))
    counts = data.draw(st.lists(st.integers(0, 3), min_size=len(x), max_size=len(x)).filter(any))
    sample_x, sample_y = np.repeat(np.array(x, float), counts), np.repeat(np.array(y, float), counts)
    weights = np.array([counts], float)
    ranks = midranks(np.array(x, float), weights)[0]
    np.testing.assert_allclose(np.repeat(ranks, counts), stats.rankdata(sample_x))
    found = correlations(np.array(x, float), np.array(y, float), weights)[0]
    if np.ptp(sample_x) == 0 or np.ptp(sample_y) == 0:
        assert np.isnan(found)
    else:
        np.testing.assert_allclose(found, np.corrcoef(sample_x, sample_y)[0, 1], atol=1e-12)


def test_a_column_of_one_value_has_no_correlation_however_it_rounds() -> None:
    assert np.isnan(correlations(np.full(3, 0.1), np.array([0.1, 0.2, 0.3]), np.ones((1, 3)))[0])


def test_an_interval_holds_the_middle_95_percent() -> None:
    assert interval(np.arange(1001.0)) == pytest.approx((25.0, 975.0))
    assert interval(np.arange(1001.0)[::-1]) == pytest.approx((25.0, 975.0))


def test_an_interval_is_that_of_2000_samples() -> None:
    sizes: list[int] = []

    def means(counts: np.ndarray) -> np.ndarray:
        sizes.append(len(counts))
        return counts @ np.array([0.0, 1.0, 4.0]) / 3

    bounds = sampled_interval(means, 3, 1)
    assert sum(sizes) == 2000
    assert bounds == interval(means(np.concatenate(list(sampled_counts(3, 1, 2000)))))


def test_samples_are_as_large_as_the_items_and_the_same_however_they_are_cut() -> None:
    at_once, in_blocks = (np.concatenate(list(sampled_counts(7, 3, size))) for size in (SAMPLES, 11))
    assert (at_once == in_blocks).all()
    assert at_once.shape == (SAMPLES, 7)
    assert (at_once.sum(axis=1) == 7).all()
    assert (at_once != np.concatenate(list(sampled_counts(7, 4, SAMPLES)))).any()


def test_an_interval_is_the_same_where_there_is_room_for_one_sample_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random(30)

    def mean(counts: np.ndarray) -> np.ndarray:
        return (counts * values).sum(axis=1) / counts.sum(axis=1)

    whole = sampled_interval(mean, 30, seed=1)
    monkeypatch.setattr(intervals, "NUMBERS_AT_ONCE", 1)
    assert sampled_interval(mean, 30, seed=1) == pytest.approx(whole, rel=1e-12)


def test_samples_are_the_same_on_every_machine() -> None:
    first = next(sampled_counts(6, 1, 2))
    assert first.astype(int).tolist() == [[3, 1, 0, 0, 0, 2], [0, 3, 1, 0, 2, 0]]


def test_each_item_is_drawn_once_on_the_average() -> None:
    drawn = np.concatenate(list(sampled_counts(50, 1, SAMPLES)))
    expected, variance = SAMPLES, SAMPLES * (1 - 1 / 50)
    assert stats.chi2.sf(((drawn.sum(axis=0) - expected) ** 2 / variance).sum(), 49) > 1e-3


def test_the_interval_of_a_mean_covers_it_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        values = (random.random(80) < 0.3).astype(float)
        means = np.concatenate([counts @ values / 80 for counts in sampled_counts(80, seed, SAMPLES)])
        low, high = interval(means)
        covered += low <= 0.3 <= high
    assert 180 <= covered <= 199


def by_definition(values: np.ndarray, pairs: np.ndarray, sections: np.ndarray) -> tuple[float, float]:
    """The variance of the mean from all products of two questions' deviations: (those with a pair in common, all d)."""
    deviations, factors = np.zeros((2, len(values)))
    for section in set(sections.tolist()):
        inside = sections == section
        size = max(len(set(pairs[inside].ravel().tolist())), 4)
        factors[inside] = np.sqrt(size * (size - 1) / ((size - 2) * (size - 3)))
        deviations[inside] = values[inside] - values[inside].mean()
    shared = same = 0.0
    for i, one in enumerate(pairs.tolist()):
        for j, other in enumerate(pairs.tolist()):
            product = deviations[i] * deviations[j]
            shared += product * factors[i] * factors[j] * bool(set(one) & set(other))
            same += product * (set(one) == set(other))
    return shared / len(values) ** 2, same / len(values) ** 2


@given(st.integers(0, 1000), st.integers(2, 7), st.integers(1, 30))
def test_the_variance_sums_the_products_of_questions_with_a_pair_in_common(seed: int, words: int, size: int) -> None:
    random = np.random.default_rng(seed)
    values = random.integers(-1, 2, size).astype(float)
    pairs, sections = 7 * random.integers(0, words, (size, 2)), 3 * random.integers(0, 2, size)
    found = paired_mean(values, pairs, sections)
    assert found.variance == pytest.approx(max(by_definition(values, pairs, sections)), abs=1e-12)
    assert (found.mean, found.pairs) == (pytest.approx(values.mean()), len(np.unique(pairs)))
    assert found.degrees == max(1, len(np.unique(pairs)) - len(np.unique(sections)))


def all_questions(pairs: int) -> np.ndarray:
    return np.stack(np.nonzero(~np.eye(pairs, dtype=bool)), axis=1)


@pytest.mark.parametrize("of_pairs", [0.0, 1.0])
def test_the_variance_is_on_the_average_that_of_the_mean(of_pairs: float) -> None:
    pairs, random, means, variances = all_questions(10), np.random.default_rng(1), [], []
    for _ in range(4000):
        first, second = of_pairs * random.standard_normal((2, 10))
        values = first[pairs[:, 0]] + second[pairs[:, 1]] + random.standard_normal(90)
        found = paired_mean(values, pairs, np.zeros(90, dtype=int))
        means.append(found.mean)
        variances.append(found.variance)
    ratio = np.mean(variances) / np.var(means)  # 0.08 is 3 standard errors and more
    assert abs(ratio - 1) < 0.08 if of_pairs else 1.15 < ratio < 1.5  # where pairs do not matter, the floor lifts it


def test_an_interval_of_a_share_is_wilsons_with_the_variance_in_place_of_independence() -> None:
    pairs = np.arange(80).reshape(40, 2)  # no two questions have a pair in common
    found = paired_mean([1.0] * 10 + [0.0] * 30, pairs, np.zeros(40, dtype=int))
    size = 0.25 * 0.75 / found.variance
    squared = stats.t.ppf(0.975, 79) ** 2
    low, high = found.share
    for bound in (low, high):  # Wilson's bounds are as many standard errors of their own from the mean
        assert (0.25 - bound) ** 2 == pytest.approx(squared * bound * (1 - bound) / size, rel=1e-5)
    assert 0.13 < low < 0.14
    assert 0.40 < high < 0.41


def test_an_interval_of_a_difference_is_students() -> None:
    found = paired_mean([1.0, 1.0, 0.0, -1.0, 0.0, 1.0], all_questions(4)[:6], np.zeros(6, dtype=int))
    half = stats.t.ppf(0.975, found.degrees) * np.sqrt(found.variance)
    assert found.difference == pytest.approx((max(-1, found.mean - half), min(1, found.mean + half)), abs=2e-3)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_if_all_answers_are_alike_each_pair_counts_for_one_question(value: float) -> None:
    found = paired_mean(np.full(90, value), all_questions(10), np.zeros(90, dtype=int))
    squared = stats.t.ppf(0.975, 9) ** 2
    uncertain = squared / 5 / (1 + squared / 5)  # of 5 questions
    assert found.share == pytest.approx((0, uncertain) if value == 0 else (1 - uncertain, 1), abs=1e-4)


@pytest.mark.parametrize("of_pairs", [0.0, 1.0])
def test_intervals_of_analogies_cover_the_true_accuracy(of_pairs: float) -> None:
    pairs, random, covered = all_questions(15), np.random.default_rng(2), 0
    for _ in range(500):
        hard = np.sqrt(of_pairs / 2) * random.standard_normal((2, 15))
        right = hard[0][pairs[:, 0]] + hard[1][pairs[:, 1]] + random.standard_normal(210) > 0
        low, high = paired_mean(right, pairs, np.zeros(210, dtype=int)).share
        covered += low <= 0.5 <= high
    assert 460 <= covered <= 495


def test_the_interval_of_nothing_is_nan() -> None:
    assert all(np.isnan(interval(np.full(3, np.nan))))
    assert interval(np.array([2.0, np.nan])) == pytest.approx((2.0, 2.0))
