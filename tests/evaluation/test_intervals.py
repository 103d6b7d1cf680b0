"""The bootstrap: ranks and correlations are those of samples written out, and intervals mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lexigrad.evaluation import intervals
from lexigrad.evaluation.intervals import (
    SAMPLES,
    correlations,
    interval,
    midranks,
    sampled_counts,
    sampled_interval,
    sampled_sums,
)

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


def test_a_question_counts_as_often_as_both_of_its_pairs() -> None:
    values, pairs = np.array([1, 0, 1]), np.array([[0, 1], [1, 0], [1, 1]])
    sums, sizes = sampled_sums(values, 7 * pairs, [slice(0, 3), slice(2, 3), slice(1, 1)], 5)
    counts = np.concatenate(list(sampled_counts(2, 5, SAMPLES)))
    weights = counts[:, pairs[:, 0]] * counts[:, pairs[:, 1]]
    np.testing.assert_array_equal(sums[0], weights @ values)
    np.testing.assert_array_equal(sums[1], weights[:, 2])
    np.testing.assert_array_equal(sizes[0], weights.sum(axis=1))
    assert not sums[2].any()
    assert not sizes[2].any()


def test_the_interval_of_nothing_is_nan() -> None:
    assert all(np.isnan(interval(np.full(3, np.nan))))
    assert interval(np.array([2.0, np.nan])) == pytest.approx((2.0, 2.0))
