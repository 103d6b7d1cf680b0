"""Many columns seen in few: principal axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lexigrad.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["PrincipalAxes", "principal_axes"]


class PrincipalAxes(NamedTuple):
    """Rows of a matrix in the directions in which they differ most.

    Attributes:
        coordinates: float64 (rows, n): each row, less the mean row, along each axis.
        axes: float64 (n, columns): orthonormal, the one with the largest variance first.
        shares: float64 (n,): the share of the rows' variance that lies along each axis.
    """

    coordinates: NDArray[np.float64]
    axes: NDArray[np.float64]
    shares: NDArray[np.float64]


def principal_axes(matrix: ArrayLike, n: int = 2) -> PrincipalAxes:
    """Find the directions in which the rows of a matrix differ most.

    With X the matrix less its mean row, and X = A S Bᵀ its singular value decomposition, the axes are the first n rows
    of Bᵀ and the coordinates X B. Either direction of an axis is as good as the other; we take the one whose entry
    of the largest size, the first of equals, is positive, so that the same matrix always gives the same picture.

    Args:
        matrix: finite numbers, shape (rows, columns).
        n: the number of axes, from 1 to the smaller of rows and columns.

    Returns:
        Coordinates, axes and shares of the variance; the shares are 0 when all rows are the same.

    Raises:
        InputError: the matrix is not 2-D, holds numbers that are not finite, or has too few rows or columns.

    Example:
        >>> principal_axes([[0, 0], [1, 2], [2, 4]], n=1).coordinates.round(3).ravel().tolist()
        [-2.236, 0.0, 2.236]

    Source: Pearson 1901, "On lines and planes of closest fit to systems of points in space".
    """
    rows = np.asarray(matrix, dtype=np.float64)
    if rows.ndim != 2 or not 1 <= n <= min(rows.shape):
        raise InputError(f"a matrix of shape {rows.shape} has no {n} principal axes; give more rows or columns")
    if not np.isfinite(rows).all():
        raise InputError("the matrix holds numbers that are not finite; leave their rows out")
    centered = rows - rows.mean(axis=0)
    _, singular_values, axes = np.linalg.svd(centered, full_matrices=False)
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    axes = np.where(largest < 0, -axes, axes)[:n]
    variances = singular_values**2
    shares = variances[:n] / (variances.sum() or 1.0)
    return PrincipalAxes(centered @ axes.T, axes, shares)
