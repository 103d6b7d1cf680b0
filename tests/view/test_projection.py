"""Principal axes are what they are said to be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexigrad.errors import InputError
from lexigrad.view.projection import principal_axes


def matrices() -> st.SearchStrategy[np.ndarray]:
    """Matrices of normal numbers, of various shapes."""
    return st.builds(
        lambda seed, rows, columns: np.random.default_rng(seed).normal(size=(rows, columns)),
        st.integers(0, 10_000),
        st.integers(2, 12),
        st.integers(2, 12),
    )


@given(matrices())
@settings(max_examples=50)
def test_axes_are_orthonormal_and_coordinates_lie_along_them(matrix: np.ndarray) -> None:
    found = principal_axes(matrix)
    np.testing.assert_allclose(found.axes @ found.axes.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(found.coordinates, (matrix - matrix.mean(axis=0)) @ found.axes.T, atol=1e-12)


@given(matrices())
@settings(max_examples=50)
def test_axes_are_eigenvectors_of_the_covariance_with_the_largest_values(matrix: np.ndarray) -> None:
    covariance = np.cov(matrix.T)
    values = np.linalg.eigvalsh(covariance)[::-1]
    found = principal_axes(matrix)
    np.testing.assert_allclose(covariance @ found.axes.T, found.axes.T * values[:2], atol=1e-10)
    np.testing.assert_allclose(found.shares, values[:2] / values.sum(), atol=1e-10)


@given(matrices())
@settings(max_examples=50)
def test_the_entry_of_the_largest_size_on_each_axis_is_positive(matrix: np.ndarray) -> None:
    axes = principal_axes(matrix).axes
    assert (axes.max(axis=1) >= -axes.min(axis=1)).all()


def test_the_same_rows_upside_down_give_the_same_picture() -> None:
    matrix = np.random.default_rng(3).normal(size=(20, 5))
    picture = principal_axes(matrix).coordinates
    np.testing.assert_allclose(principal_axes(matrix[::-1]).coordinates[::-1], picture, atol=1e-12)


def test_equal_rows_have_no_variance_to_share() -> None:
    found = principal_axes(np.ones((4, 3)))
    assert found.shares.tolist() == [0, 0]
    assert found.coordinates.tolist() == [[0, 0]] * 4


@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (5,), (0, 0)])
def test_too_few_rows_or_columns_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="has no 2 principal axes"):
        principal_axes(np.zeros(shape))


def test_numbers_that_are_not_finite_are_refused() -> None:
    with pytest.raises(InputError, match="not finite"):
        principal_axes([[0, np.nan], [1, 2]])
