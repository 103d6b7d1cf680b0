"""The classifiers of sentences, which are scikit-learn's: softmax regression, and a network with one hidden layer."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.errors import MissingExtraError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["fit_classifier", "is_converged", "parameter_count"]

NEWTON_DIM: Final = 200
"""Longest vectors for which the Hessian is worth its room: Newton's method is then several times faster."""

TOLERANCE: Final = 1e-6
"""Largest entry of the mean gradient at which the optimizer stops."""

MAX_ITERATIONS: Final = 5_000
NETWORK_TOLERANCE: Final = 1e-4
NETWORK_ITERATIONS: Final = 300
"""A network's loss has flat valleys: at small strengths it would take thousands of iterations for no better answers."""


def fit_classifier(
    x: NDArray[np.float64], labels: NDArray[np.int64], strength: float, *, hidden: int | None = None, seed: int = 1
) -> Any:
    """Minimize Σ CE(y, ŷ) + λ/2 · Σ |W|² with scikit-learn: softmax regression, or a network with a hidden layer.

    Args:
        x: shape ``(sentences, dim)``.
        labels: shape ``(sentences,)``; at least two different ones. For two, scikit-learn has one row of weights.
        strength: λ.
        hidden: units of the layer of sigmoids; None for softmax regression.
        seed: draws the first weights of that layer.

    Returns:
        A fitted LogisticRegression or MLPClassifier.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    try:
        import sklearn  # noqa: F401
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise MissingExtraError("classifying needs scikit-learn: pip install 'lexigrad[sentiment]'") from error
    classifier = _softmax_regression(x.shape[1], strength) if hidden is None else _network(hidden, strength, seed)
    with warnings.catch_warnings(), threadpool_limits(1):  # products as small as these are slower on several threads
        warnings.simplefilter("ignore")  # the result lists the strengths at which the optimizer stopped too early
        return classifier.fit(x, labels)


def parameter_count(classifier: Any) -> int:
    """How many numbers a fitted classifier learned."""
    if hasattr(classifier, "coefs_"):
        return sum(weights.size for weights in (*classifier.coefs_, *classifier.intercepts_))
    return int(classifier.coef_.size + classifier.intercept_.size)


def is_converged(classifier: Any) -> bool:
    """Whether the optimizer was done before its last step."""
    return bool(np.max(classifier.n_iter_) < classifier.max_iter)


def _softmax_regression(dim: int, strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    solver = "newton-cholesky" if dim <= NEWTON_DIM else "lbfgs"
    return LogisticRegression(C=1 / strength, solver=solver, tol=TOLERANCE, max_iter=MAX_ITERATIONS)


def _network(hidden: int, strength: float, seed: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(
        hidden_layer_sizes=(hidden,),
        activation="logistic",
        solver="lbfgs",
        alpha=strength,
        random_state=seed,
        tol=NETWORK_TOLERANCE,
        max_iter=NETWORK_ITERATIONS,
    )
