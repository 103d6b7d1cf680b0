"""A map of words that move, seen in a frame that does not: the two principal axes, followed from look to look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from lexigrad.view.explorer.places import aligned
from lexigrad.view.projection import principal_axes

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Frame", "unit_vectors"]

ROUNDS: Final = 4
"""How often the axes are turned towards the largest variance at a look."""
OUTERMOST: Final = 0.01
"""Such a share of the words may lie beyond each side of the square from −1 to 1."""


class Frame:
    """Places words on two axes that follow their variance without leaps.

    Axes that are computed anew flip their signs, and change places where two variances are nearly equal. So with X the
    centered vectors, the axes A of the look before are turned towards the largest variance, A ← P(Xᵀ X A), some rounds
    of orthogonal iteration, where P(Y) = U Vᵀ with Y = U S Vᵀ is the orthonormal matrix nearest to Y (Procrustes). If
    all vectors have turned together, which changes none of their products, the map is turned back (`aligned`). It fills
    the square from −1 to 1 but for the outermost few words.

    Args:
        fitted: the words that the axes are to show best.

    Example:
        >>> units = unit_vectors(np.random.default_rng(0).standard_normal((50, 8), dtype=np.float32))
        >>> frame = Frame(slice(0, 50))
        >>> first = frame.places(units)
        >>> bool(np.abs(frame.places(-units) - first).max() < 1e-5)  # turned by half a circle
        True

    Source: Bauer 1957, "Das Verfahren der Treppeniteration und verwandte Verfahren"; Schönemann 1966.
    """

    def __init__(self, fitted: slice) -> None:
        self.fitted = fitted
        self._axes: NDArray[np.float64] | None = None
        self._before: NDArray[np.float32] | None = None

    def places(self, units: NDArray[np.float32]) -> NDArray[np.float32]:
        """Place words by their vectors, near to where the call before placed them.

        Args:
            units: unit vectors, float32, shape ``(words, dim)``; each call has as many as the first.

        Returns:
            Float32, shape ``(words, 2)``, with a column of zeros where there is no second axis.
        """
        fitted = units[self.fitted].astype(np.float64)
        middle = fitted.mean(axis=0)
        self._axes = _turned(self._axes, fitted - middle)
        places = np.zeros((len(units), 2), np.float32)
        # einsum, here and below, starts no threads of a BLAS beside those that train
        places[:, : self._axes.shape[1]] = np.einsum("ij,jk->ik", units, self._axes.astype(np.float32))
        if self._before is not None:
            places = aligned(places, self._before)
        low, high = np.quantile(places, (OUTERMOST, 1 - OUTERMOST), axis=0)
        half = float((high - low).max()) / 2 or 1.0
        self._before = np.asarray((places - (low + high) / 2) / half, dtype=np.float32)
        return self._before


def unit_vectors(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows divided by their lengths; zeros stay zeros, and rows that are not finite become zeros."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, np.newaxis]
    usable = np.isfinite(lengths) & (lengths > 0)
    return np.asarray(np.where(usable, rows, 0) / np.where(usable, lengths, 1), dtype=np.float32)


def _turned(axes: NDArray[np.float64] | None, centered: NDArray[np.float64]) -> NDArray[np.float64]:
    """The axes, (dim, 2), turned some way towards the largest variance."""
    if axes is None:
        return np.ascontiguousarray(principal_axes(centered, min(2, *centered.shape)).axes.T)
    for _ in range(ROUNDS):
        product = np.einsum("ij,ik->jk", centered, np.einsum("ij,jk->ik", centered, axes))
        left, _, right = np.linalg.svd(product, full_matrices=False)
        axes = left @ right
    return axes
