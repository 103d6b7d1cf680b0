"""The truncated singular value decomposition of the positive pointwise mutual information.

    PPMI(c, o) = max(0, log n(c, o) · N / (n_c n_o)),    N = Σ_c n_c

Its rank-dim part U S Wᵀ gives the center vectors U √S and the outside vectors W √S, which are word vectors of their
own, and the point from which exact training starts.

Source: Levy and Goldberg 2014, "Neural word embedding as implicit matrix factorization"; the decomposition after Halko,
Martinsson and Tropp 2011, "Finding structure with randomness".
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.engines.values import frozen
from lexigrad.kernels.draws import START_STREAM, stream_key
from lexigrad.training.exact.fused import rows_of_sparse
from lexigrad.training.exact.layout import BLOCK
from lexigrad.training.exact.tree import rows_of_part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.corpus.windows.counts import WindowCounts
    from lexigrad.engines.interface import Engine

    Floats = NDArray[np.float32]

__all__ = ["ppmi_factors"]

MORE: Final = 20
"""The number of columns beyond dim that the random projection keeps."""

ROUNDS: Final = 1
"""The number of power iterations."""

PIECES: Final = 4
"""The number of pieces of the matrix for each worker, so that workers get equally dear shares."""


def ppmi_factors(counts: WindowCounts, dim: int, engine: Engine) -> tuple[Floats, Floats]:
    """Factorise the positive pointwise mutual information of the window counts.

    Args:
        counts: the window counts; they are symmetric.
        dim: length of a vector.
        engine: carries the products out; it does not change the result.

    Returns:
        The center and the outside vectors, float32, shape ``(n, dim)``; columns beyond the matrix' rank are zero.
    """
    matrix = _Ppmi(counts, engine)
    words = len(counts.vocabulary)
    width = min(words, dim + MORE)
    basis = _orthonormal(matrix.times(_random(words, width)))
    for _ in range(ROUNDS):
        basis = _orthonormal(matrix.times(_orthonormal(matrix.times(basis))))
    product = matrix.times(basis)
    matrix.close()
    left, sizes, right = np.linalg.svd(product.astype(np.float64), full_matrices=False)
    kept = min(dim, width)
    V, U = np.zeros((words, dim), dtype=np.float32), np.zeros((words, dim), dtype=np.float32)
    roots = np.sqrt(sizes[:kept])
    V[:, :kept] = basis @ (right[:kept].T * roots).astype(np.float32)
    U[:, :kept] = left[:, :kept] * roots
    return V, U


class PpmiRows(NamedTuple):
    """Some rows of the sparse matrix."""

    ends: Any  # int64: row i has the entries from ends[i] to ends[i + 1]
    columns: Any
    values: Any


def ppmi_rows(rows: tuple[Any, ...], logs: Any, log_pairs: float) -> tuple[PpmiRows, int]:
    """Some rows of the matrix from their window counts.

    Args:
        rows: the rows' starts, outside words and weights as in `WindowCounts`, and log n_c of each row.
        logs: log n_o of each word.
        log_pairs: log N.

    Returns:
        The rows, and the number of their entries.
    """
    from lexigrad.kernels.counts.ppmi import Counted, Logs, fill_ppmi

    starts, outside, weights, row_logs, word_logs = frozen((*rows, logs))
    ends = np.zeros(len(starts), np.int64)
    columns, values = np.empty(outside.size, np.int32), np.empty(outside.size, np.float32)
    counted, logarithms = Counted(starts, outside, weights), Logs(row_logs, word_logs, np.float32(log_pairs))
    fill_ppmi(counted, logarithms, ends, columns, values)
    entries = int(ends[-1])
    return PpmiRows(ends, columns[:entries].copy(), values[:entries].copy()), entries


def times(rows: PpmiRows, X: Floats) -> Floats:
    """The product of some rows with a dense matrix of shape ``(n, width)``."""
    from lexigrad.kernels.counts.ppmi import sparse_product

    out = np.empty((len(rows.ends) - 1, X.shape[1]), np.float32)
    sparse_product(*frozen(rows), frozen(np.ascontiguousarray(X)), out)
    return out


class _Ppmi:
    """The sparse matrix, whose rows lie with an engine's workers, which multiply by them."""

    def __init__(self, counts: WindowCounts, engine: Engine) -> None:
        self.engine, words = engine, len(counts.vocabulary)
        pieces = min(PIECES * engine.workers, -(-words // BLOCK))
        self.rows = [rows_of_part(number, pieces, words) for number in range(pieces)]
        logs = np.log(np.maximum(counts.center_weights, 1e-30)).astype(np.float32)  # rows without entries have no use
        known, log_pairs = engine.put(logs), float(np.log(counts.pairs))
        self.refs, self.held, pending = [], [known], deque[Any]()
        for number, rows in enumerate(self.rows):
            if len(pending) > 2 * engine.workers:
                engine.get([pending.popleft()])
            sparse = rows_of_sparse(counts.starts, counts.outside, counts.weights, rows)
            self.held.append(engine.put((*sparse, logs[rows])))
            call = engine.call(ppmi_rows, self.held[-1], known, log_pairs, returns=2, on=number)
            self.refs.append(call[0])
            pending.append(call[1])
        engine.get(pending)

    def times(self, X: Floats) -> Floats:
        """The product with a dense matrix of shape ``(n, width)``; no row depends on the worker that computes it."""
        matrix = self.engine.put(X)
        calls = [self.engine.call(times, ref, matrix, on=number) for number, ref in enumerate(self.refs)]
        out = np.empty_like(X)
        for rows, part in zip(self.rows, self.engine.get(calls), strict=True):
            out[rows] = part
        self.engine.free([matrix, *calls])
        return out

    def close(self) -> None:
        """Let the engine drop the matrix."""
        self.engine.free(self.refs + self.held)


def _random(rows: int, width: int) -> Floats:
    """Numbers uniform around zero, the same in every run, as the result hardly depends on them."""
    from lexigrad.kernels.sgd.piece import fill_uniform

    table = np.empty((rows, width), dtype=np.float32)
    fill_uniform(table, width, np.uint64(stream_key(0, 0, START_STREAM)))
    return table * np.float32(width)


def _orthonormal(X: Any) -> Floats:
    """An orthonormal basis of the columns' span."""
    basis: Floats = np.linalg.qr(X)[0]
    return basis
