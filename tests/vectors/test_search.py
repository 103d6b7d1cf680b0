from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from lexigrad.vectors import search
from lexigrad.vectors.search import nearest_rows, row_lengths, unit_rows

if TYPE_CHECKING:
    import pytest


def by_sorting(units: np.ndarray, matrix: np.ndarray, n: int) -> np.ndarray:
    """The same answer by the plain definition: all cosines in float64, sorted, equal ones by row."""
    rows = matrix.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1)
    cosines = units @ rows.T / np.where(lengths == 0, 1, lengths)
    return np.argsort(-cosines.round(12), axis=1, kind="stable")[:, :n]


def search_for(units: np.ndarray, matrix: np.ndarray, n: int, exclude: np.ndarray | None = None) -> tuple:
    lengths = row_lengths(matrix)
    return nearest_rows(units, matrix, np.where(lengths == 0, 1, lengths), n, exclude)


@given(st.integers(0, 2**32), st.integers(1, 400), st.integers(1, 8), st.integers(1, 5))
def test_the_answer_is_that_of_sorting_all_cosines(seed: int, size: int, dim: int, n: int) -> None:
    random = np.random.default_rng(seed)
    matrix = random.integers(-2, 3, (size, dim)).astype(np.float32)  # small numbers, so that ties and zeros abound
    units = unit_rows(random.integers(-2, 3, (3, dim)).astype(np.float64))
    rows, cosines = search_for(units, matrix, min(n, size))
    lengths = row_lengths(matrix)
    exact = units @ matrix.T.astype(np.float64) / np.where(lengths == 0, 1, lengths)
    np.testing.assert_allclose(cosines, -np.sort(-exact, axis=1)[:, : min(n, size)], atol=1e-12)
    np.testing.assert_allclose(np.take_along_axis(exact, rows, axis=1), cosines, atol=1e-12)


def test_random_vectors_are_found_in_the_order_of_their_cosines() -> None:
    random = np.random.default_rng(5)
    matrix = random.standard_normal((5000, 30)).astype(np.float32)
    units = unit_rows(random.standard_normal((20, 30)))
    assert_array_equal(search_for(units, matrix, 10)[0], by_sorting(units, matrix, 10))


def test_equal_rows_come_in_the_order_of_their_ids() -> None:
    matrix = np.tile(np.array([[0.3, -0.7, 0.1]], dtype=np.float32), (1000, 1))
    rows, _ = search_for(unit_rows(np.array([[1.0, 2.0, 3.0]])), matrix, 7)
    assert rows.tolist() == [list(range(7))]


def test_many_vectors_get_the_same_bits_as_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(6)
    matrix = random.standard_normal((3000, 50)).astype(np.float32)
    units = unit_rows(random.standard_normal((9, 50)))
    together = search_for(units, matrix, 10)
    monkeypatch.setattr(search, "SCORES_AT_ONCE", 3000)
    monkeypatch.setattr(search, "ROWS_AT_ONCE", 7)
    one_by_one = search_for(units, matrix, 10)
    assert_array_equal(together[0], one_by_one[0])
    assert_array_equal(together[1], one_by_one[1])


def test_excluded_rows_are_not_found_and_leave_gaps_when_none_remain() -> None:
    matrix = np.eye(3, dtype=np.float32)
    rows, cosines = search_for(np.eye(3)[:1], matrix, 3, np.array([[0, -1, 2]]))
    assert rows.tolist() == [[1, -1, -1]]
    assert cosines.tolist() == [[0.0, -np.inf, -np.inf]]


def test_a_padded_table_is_searched_without_a_copy_and_gives_the_same() -> None:
    random = np.random.default_rng(7)
    table = random.standard_normal((500, 16)).astype(np.float32)
    units = unit_rows(random.standard_normal((4, 10)))
    padded, tight = search_for(units, table[:, :10], 5), search_for(units, table[:, :10].copy(), 5)
    assert_array_equal(padded[0], tight[0])


def test_unit_rows_are_safe_from_overflow_underflow_and_zero() -> None:
    units = unit_rows(np.array([[3e200, 4e200], [3e-200, 4e-200], [0.0, 0.0]]))
    np.testing.assert_allclose(units, [[0.6, 0.8], [0.6, 0.8], [0.0, 0.0]])
