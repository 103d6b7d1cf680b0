"""The truncated singular value decomposition of the positive pointwise mutual information.

    PPMI(c, o) = max(0, log n(c, o) · N / (n_c n_o)),    N = Σ_c n_c

Its rank-dim part U S Wᵀ gives the center vectors U √S and the outside vectors W √S. They are word vectors of their own,
and the point that exact training starts from.

Source: Levy and Goldberg 2014, "Neural word embedding as implicit matrix factorization"; the decomposition after Halko,
Martinsson and Tropp 2011, "Finding structure with randomness".
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.sampling import START_STREAM, stream_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lexigrad.windowcounts import WindowCounts

    Floats = NDArray[np.float32]

__all__ = ["ppmi_factors"]

MORE: Final = 20
"""Columns beyond dim that the random projection keeps."""

ROUNDS: Final = 1
"""Power iterations."""

CHUNK: Final = 256
"""Rows of a sparse product that a thread takes at a time."""


def ppmi_factors(counts: WindowCounts, dim: int, threads: int) -> tuple[Floats, Floats]:
    """Factorise the positive pointwise mutual information of the window counts.

    Args:
        counts: the window counts; they are symmetric.
        dim: length of a vector.
        threads: how many share the work; they do not change the result.

    Returns:
        Center and outside vectors, float32, shape ``(n, dim)``; columns are zero beyond the matrix' rank.
    """
    matrix = _Ppmi(counts, threads)
    words = len(counts.vocabulary)
    width = min(words, dim + MORE)
    basis = _orthonormal(matrix.times(_random(words, width)))
    for _ in range(ROUNDS):
        basis = _orthonormal(matrix.times(_orthonormal(matrix.times(basis))))
    left, sizes, right = np.linalg.svd(matrix.times(basis).astype(np.float64), full_matrices=False)
    kept = min(dim, width)
    V, U = np.zeros((words, dim), dtype=np.float32), np.zeros((words, dim), dtype=np.float32)
    roots = np.sqrt(sizes[:kept])
    V[:, :kept] = basis @ (right[:kept].T * roots).astype(np.float32)
    U[:, :kept] = left[:, :kept] * roots
    return V, U


class _Ppmi:
    """The sparse matrix, as something that multiplies."""

    def __init__(self, counts: WindowCounts, threads: int) -> None:
        from lexigrad.kernels.ppmi import fill_ppmi

        self.starts, self.threads = counts.starts, threads
        self.columns, self.values = np.empty_like(counts.outside), np.empty_like(counts.weights)
        self.stops = np.empty(len(counts.vocabulary), dtype=np.int64)
        logs = np.log(np.maximum(counts.center_weights, 1e-30)).astype(np.float32)  # rows without entries have no use
        sparse = counts.starts, counts.outside, counts.weights, logs, np.float32(np.log(counts.pairs))
        self._share(lambda rows: fill_ppmi(*sparse, rows, self.columns, self.values, self.stops))

    def times(self, X: Floats) -> Floats:
        """The product with a dense matrix of shape ``(n, width)``."""
        from lexigrad.kernels.ppmi import sparse_product

        out = np.empty_like(X)
        self._share(lambda rows: sparse_product(self.starts, self.stops, self.columns, self.values, rows, X, out))
        return out

    def _share(self, work: Callable[[tuple[int, int]], None]) -> None:
        """Do the work for all rows; no row's result depends on who does it."""
        words = len(self.stops)
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(work, ((first, min(first + CHUNK, words)) for first in range(0, words, CHUNK))))


def _random(rows: int, width: int) -> Floats:
    """Numbers uniform around zero: always the same ones, as the result hardly depends on them."""
    from lexigrad.kernels.tokens import fill_uniform

    table = np.empty((rows, width), dtype=np.float32)
    fill_uniform(table, width, np.uint64(stream_key(0, 0, START_STREAM)))
    return table * np.float32(width)


def _orthonormal(X: Any) -> Floats:
    """An orthonormal basis of the columns' span."""
    basis: Floats = np.linalg.qr(X)[0]
    return basis
