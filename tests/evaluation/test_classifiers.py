"""The classifiers minimize what the definition says: at their solution the reference's gradient is zero."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lexigrad import reference
from lexigrad.errors import MissingExtraError
from lexigrad.evaluation.classifiers import fit_classifier

pytest.importorskip("sklearn", reason="needs the extra sentiment")


def random_task(rows: int = 60, dim: int = 4) -> tuple[Any, Any, Any]:
    """Features, labels and the labels one-hot."""
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 5, size=rows)
    return rng.normal(size=(rows, dim)) + labels[:, np.newaxis] / 2, labels, np.eye(5)[labels]


@pytest.mark.parametrize("strength", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("dim", [4, 201])
def test_at_the_solution_the_references_gradient_of_softmax_regression_is_zero(strength: float, dim: int) -> None:
    x, labels, y = random_task(dim=dim)
    classifier = fit_classifier(x, labels, strength)
    W, b = classifier.coef_.T, classifier.intercept_
    _, d_theta = reference.softmax_cross_entropy(y, x @ W + b)
    assert_allclose(x.T @ d_theta + strength * W, 0, atol=1e-4)
    assert_allclose(d_theta.sum(axis=0), 0, atol=1e-4)
    _, at_zero = reference.softmax_cross_entropy(y, np.zeros_like(y))
    assert abs(x.T @ at_zero).max() > 1  # the check can fail


def test_at_the_solution_the_references_gradient_of_the_two_layer_network_is_zero() -> None:
    x, labels, y = random_task()
    strength = 2.0
    network = fit_classifier(x, labels, strength, hidden=3)
    (W1, W2), (b1, b2) = network.coefs_, network.intercepts_
    _, gradients = reference.two_layer(x, y, W1, b1, W2, b2)
    assert_allclose(gradients["d_W1"] + strength * W1, 0, atol=0.02)
    assert_allclose(gradients["d_W2"] + strength * W2, 0, atol=0.02)
    assert_allclose(gradients["d_b1"], 0, atol=0.02)
    assert_allclose(gradients["d_b2"], 0, atol=0.02)


def test_a_step_of_scikit_learns_network_is_the_references_gradient() -> None:
    from sklearn.neural_network import MLPClassifier

    x, labels, y = random_task()
    strength, rate = 0.5, 1.0
    network = MLPClassifier(
        (3,), activation="logistic", solver="sgd", alpha=strength, batch_size=len(x), learning_rate_init=rate,
        momentum=0, nesterovs_momentum=False, shuffle=False, random_state=1,
    )  # fmt: skip
    network.partial_fit(x, labels, classes=range(5))
    (W1, W2), (b1, b2) = ([table.copy() for table in tables] for tables in (network.coefs_, network.intercepts_))
    network.partial_fit(x, labels)
    _, gradients = reference.two_layer(x, y, W1, b1, W2, b2)
    assert_allclose((W1 - network.coefs_[0]) * len(x), gradients["d_W1"] + strength * W1, atol=1e-12)
    assert_allclose((W2 - network.coefs_[1]) * len(x), gradients["d_W2"] + strength * W2, atol=1e-12)
    assert_allclose((b1 - network.intercepts_[0]) * len(x), gradients["d_b1"], atol=1e-12)
    assert_allclose((b2 - network.intercepts_[1]) * len(x), gradients["d_b2"], atol=1e-12)


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lexigrad\[sentiment\]'"):
        fit_classifier(*random_task()[:2], strength=1.0)
