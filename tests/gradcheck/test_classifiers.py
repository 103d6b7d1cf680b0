"""The gradients of fitted classifiers are proven, and a wrong one would be found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lexigrad import reference
from lexigrad.errors import GradientError
from lexigrad.gradcheck import classifiers
from lexigrad.gradcheck.classifiers import check_classifier

sklearn = pytest.importorskip("sklearn", reason="needs the extra sentiment")


def fitted(classes: int, hidden: int | None, strength: float = 0.5) -> tuple[Any, Any, Any]:
    """A classifier, and what it was fitted to."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    rng = np.random.default_rng(6)
    labels = np.arange(40) % classes
    x = rng.normal(size=(40, 3)) + labels[:, np.newaxis] / 2
    model = LogisticRegression(C=1 / strength)
    if hidden is not None:
        model = MLPClassifier((hidden,), activation="logistic", solver="lbfgs", alpha=strength, random_state=1)
    return model.fit(x, labels), x, labels


@pytest.mark.parametrize(("classes", "hidden", "entries"), [(5, None, 20), (5, 4, 41), (2, None, 8), (2, 4, 26)])
def test_each_weight_and_bias_is_checked(classes: int, hidden: int | None, entries: int) -> None:
    found = check_classifier(*fitted(classes, hidden), 0.5, name="sentences")
    assert found.name == "sentences"
    assert found.entries == entries
    assert found.worst_error < 1e-7


@pytest.mark.parametrize("hidden", [None, 4])
def test_a_gradient_with_a_mistake_is_found(hidden: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_the_average(*arguments: Any) -> Any:
        loss, gradients = reference.two_layer(*arguments)
        return loss, {**gradients, "d_b2": gradients["d_b2"] * 2}

    def one_sided(y: Any, theta: Any) -> Any:
        loss, delta = reference.softmax_cross_entropy(y, theta)
        return loss, delta * (y > 0)

    monkeypatch.setattr(classifiers, "two_layer", without_the_average)
    monkeypatch.setattr(classifiers, "softmax_cross_entropy", one_sided)
    with pytest.raises(GradientError, match="of b2" if hidden else "of [Wb] at"):
        check_classifier(*fitted(5, hidden), 0.5)


def test_at_the_minimum_the_gradient_with_the_right_strength_is_zero_and_with_another_it_is_not() -> None:
    """So C = 1/λ: with C = 2/λ or 1/2λ the same weights would leave a gradient."""
    model, x, labels = fitted(5, None, strength=2.0)
    y = np.eye(5)[labels]
    W, b = model.coef_.T, model.intercept_
    sizes = {}
    for strength in (1.0, 2.0, 4.0):
        _, d_W, _ = classifiers._regression(W, b, x, y, strength)
        sizes[strength] = abs(d_W).max()
    assert sizes[2.0] < 1e-4 < 1e-2 < min(sizes[1.0], sizes[4.0])
