"""Draws: the distributions they promise, and their independence of who draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lexigrad.kernels.draws import NEGATIVE_STREAM, TOKEN_STREAM, alias_table, draw, keep_thresholds, stream_key

LOW = 2**32 - 1


def bits(key: int, count: int) -> np.ndarray:
    return np.array([draw(key, position) for position in range(count)], dtype=np.uint64)


def chi_square(drawn: np.ndarray, probabilities: np.ndarray) -> float:
    counts = np.bincount(drawn.astype(np.int64), minlength=len(probabilities))
    return float(stats.chisquare(counts, probabilities * counts.sum()).pvalue)


@pytest.mark.parametrize("half", ["high", "low"])
def test_each_half_of_a_draw_is_uniform(half: str) -> None:
    drawn = bits(stream_key(1, 0, TOKEN_STREAM), 50_000)
    values = drawn >> np.uint64(32) if half == "high" else drawn & np.uint64(LOW)
    assert chi_square(values >> np.uint64(24), np.full(256, 1 / 256)) > 1e-4


def test_the_halves_of_a_draw_are_independent() -> None:
    drawn = bits(stream_key(2, 0, TOKEN_STREAM), 50_000)
    cells = (drawn >> np.uint64(60)) * np.uint64(16) + ((drawn & np.uint64(LOW)) >> np.uint64(28))
    assert chi_square(cells, np.full(256, 1 / 256)) > 1e-4


def test_neighboring_positions_are_independent() -> None:
    top = bits(stream_key(3, 0, TOKEN_STREAM), 50_001) >> np.uint64(60)
    assert chi_square(top[:-1] * np.uint64(16) + top[1:], np.full(256, 1 / 256)) > 1e-4


def test_streams_epochs_and_seeds_differ_and_are_independent() -> None:
    keys = [stream_key(*part) for part in [(1, 0, 1), (1, 0, 2), (1, 1, 1), (2, 0, 1), (0, 1, 2)]]
    assert len(set(keys)) == len(keys)
    first = bits(keys[0], 50_000) >> np.uint64(60)
    for key in keys[1:]:
        assert chi_square(first * np.uint64(16) + (bits(key, 50_000) >> np.uint64(60)), np.full(256, 1 / 256)) > 1e-4


def test_the_draws_never_change() -> None:
    """Files say with which seed they were made; a release that drew otherwise would belie them."""
    assert draw(stream_key(1, 0, TOKEN_STREAM), 0) == 4450816596124816734
    assert draw(stream_key(1, 4, NEGATIVE_STREAM), 10**9) == 8914921343632696648


@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=40))
def test_the_alias_table_holds_exactly_the_distribution(weights: list[float]) -> None:
    probabilities = np.array(weights) / sum(weights)
    table = alias_table(probabilities)
    thresholds, other = table >> np.uint64(32), (table & np.uint64(LOW)).astype(np.int64)
    own = (thresholds.astype(np.float64) + 1) / 2**32
    mass = own.copy()
    np.add.at(mass, other, 1 - own)
    np.testing.assert_allclose(mass / len(weights), probabilities, atol=2e-9)


def test_the_kernels_draw_negatives_from_the_noise_distribution() -> None:
    from lexigrad.kernels.compiler.rowshape import row_parts
    from lexigrad.kernels.sgd.piece import Draws, draw_negatives

    probabilities = np.arange(1, 51) ** 0.75
    probabilities /= probabilities.sum()
    draws = Draws(np.uint64(1), np.uint64(stream_key(1, 0, NEGATIVE_STREAM)), None, alias_table(probabilities))
    draws = draws._replace(keep=np.zeros(1, np.uint32))
    rows = np.zeros(64, np.int64)
    drawn = []
    for position in range(1_000):
        draw_negatives(row_parts(16, 1), draws, position, rows, 64)
        drawn.append(rows // 16)
    assert chi_square(np.concatenate(drawn), probabilities) > 1e-4


def test_the_kernels_draw_what_the_definition_draws() -> None:
    from lexigrad.kernels.sgd.piece import Draws, draw_negatives

    key = stream_key(7, 3, NEGATIVE_STREAM)
    alias = np.full(8, LOW << 32, dtype=np.uint64)  # every cell is its own word
    rows = np.zeros(16, np.int64)
    draw_negatives((), Draws(np.uint64(0), np.uint64(key), np.zeros(1, np.uint32), alias), 12_345, rows, 16)
    expected = [(draw(key, 12_345 * 64 + i) >> 32) * 8 >> 32 for i in range(16)]
    assert rows.tolist() == expected


@settings(max_examples=30)
@given(st.floats(0.0, 1.0))
def test_the_threshold_keeps_the_share_it_should(probability: float) -> None:
    (threshold,) = keep_thresholds(np.array([probability]))
    assert (int(threshold) + 1) / 2**32 == pytest.approx(probability, abs=3e-10)
