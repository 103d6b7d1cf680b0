"""Tables that give the same scores, and are easier to improve.

Scores U Vᵀ + b do not change when V is multiplied with an invertible matrix and U with the inverse of its transpose,
nor when a constant vector moves from V into b. Of all such tables, `balanced` picks those whose weighted Gram matrices
are equal and diagonal, so that a diagonal matrix is a good guess of the curvature and no direction is neglected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]

__all__ = ["balanced"]


def balanced(
    V: NDArray[Any],
    U: NDArray[Any],
    bias: NDArray[Any],
    center_weights: Doubles,
    outside_weights: Doubles,
    *,
    centered: bool,
) -> tuple[Doubles, Doubles, Doubles]:
    """Tables with the same scores (up to a constant for each row, if centered) and Vᵀ W_c V = Uᵀ W_o U diagonal.

    Args:
        V: center vectors, shape ``(n, dim)``.
        U: outside vectors, of the same shape.
        bias: shape ``(n,)``.
        center_weights: W_c, the weight of each row of V, summing to 1.
        outside_weights: W_o, the weight of each row of U, summing to 1.
        centered: move V's weighted mean into the bias, and drop that of U: a constant that is added to all scores of a
            center word does not change the softmax.

    Returns:
        V, U and the bias, float64.
    """
    V, U, bias = (np.asarray(x, dtype=np.float64) for x in (V, U, bias))
    if centered:
        mean = center_weights @ V
        V, bias = V - mean, bias + U @ mean
        U = U - center_weights @ U
    gram_V = (V * center_weights[:, None]).T @ V
    gram_U = (U * outside_weights[:, None]).T @ U
    tiny = np.eye(len(gram_V))
    root = np.linalg.cholesky(gram_V + (1e-12 * np.trace(gram_V) + 1e-300) * tiny)
    values, vectors = np.linalg.eigh(root.T @ gram_U @ root)
    values, vectors = np.maximum(values[::-1], 1e-12 * values[-1]), vectors[:, ::-1]
    turn = np.linalg.solve(root.T, vectors) * values**0.25
    return V @ turn, U @ np.linalg.inv(turn).T, bias
