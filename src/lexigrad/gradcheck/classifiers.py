"""The proof of the classifiers of sentences: what they minimized, differentiated at the weights that they found."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.gradcheck.equations import Checked, check
from lexigrad.reference import softmax_cross_entropy, two_layer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["check_classifier"]

TOLERANCE: Final = 1e-6


def check_classifier(
    classifier: Any, x: Array, labels: NDArray[np.int64], strength: float, *, name: str | None = None
) -> Checked:
    """Compare the gradient of what a classifier minimizes with finite differences, at the weights that it found.

    That is (Σ CE(y, ŷ) + λ/2 · Σ |W|²) / sentences, with ŷ = softmax(xW + b) or, for a network with a hidden layer,
    ŷ = softmax(σ(xW₁ + b₁)W₂ + b₂); the gradients are those of `lexigrad.reference.softmax_cross_entropy` and
    `lexigrad.reference.two_layer`. Every weight and bias is moved, so some hundred sentences are enough.

    Args:
        classifier: a fitted LogisticRegression or MLPClassifier, as `lexigrad.classify_sentiment` has them.
        x: the sentences' vectors, shape ``(sentences, dim)``.
        labels: shape ``(sentences,)``.
        strength: λ.
        name: the name of the check, for the table and for the error.

    Returns:
        The worst relative error, and the number of entries compared: the number of parameters.

    Raises:
        GradientError: an entry is off by more than a millionth; the sentence names the worst one.

    Example:
        >>> from sklearn.linear_model import LogisticRegression
        >>> x, labels = np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0]]), np.array([0, 1, 2])
        >>> check_classifier(LogisticRegression(C=1 / 0.5).fit(x, labels), x, labels, 0.5).entries
        9
    """
    y = (labels[:, np.newaxis] == classifier.classes_).astype(np.float64)
    if hasattr(classifier, "coefs_"):
        (W1, W2), (b1, b2) = classifier.coefs_, classifier.intercepts_
        arguments = {"W1": W1, "b1": b1, "W2": _of_all_classes(W2), "b2": _of_all_classes(b2)}
        function = partial(_network, x=x, y=y, strength=strength)
    else:
        arguments = {"W": _of_all_classes(classifier.coef_.T), "b": _of_all_classes(classifier.intercept_)}
        function = partial(_regression, x=x, y=y, strength=strength)
    return check(function, arguments, name=name or type(classifier).__name__, tolerance=TOLERANCE)


def _regression(W: Array, b: Array, x: Array, y: Array, strength: float) -> tuple[Any, ...]:
    loss, delta = softmax_cross_entropy(y, x @ W + b)
    gradients = {"W": x.T @ delta, "b": delta.sum(axis=0)}
    return _penalized(loss, gradients, {"W": W}, strength, len(x))


def _network(W1: Array, b1: Array, W2: Array, b2: Array, x: Array, y: Array, strength: float) -> tuple[Any, ...]:
    loss, found = two_layer(x, y, W1, b1, W2, b2)
    gradients = {argument: found[f"d_{argument}"] for argument in ("W1", "b1", "W2", "b2")}
    return _penalized(loss, gradients, {"W1": W1, "W2": W2}, strength, len(x))


def _penalized(
    loss: float, gradients: Mapping[str, Array], weights: Mapping[str, Array], strength: float, rows: int
) -> tuple[Any, ...]:
    """Loss and gradients with the penalty, which biases do not have, for each row."""
    penalty = strength / 2 * sum(float((W**2).sum()) for W in weights.values())
    of_all = (gradient + strength * weights.get(argument, 0.0) for argument, gradient in gradients.items())
    return (loss + penalty) / rows, *(gradient / rows for gradient in of_all)


def _of_all_classes(weights: Array) -> Array:
    """The weights of each class; for two classes scikit-learn has those of the second, and the first's are zeros."""
    return weights if weights.shape[-1] > 1 else np.concatenate([np.zeros_like(weights), weights], axis=-1)
