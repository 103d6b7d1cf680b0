"""Where the write-ups slip: each form as written is measured beside ours, and docs/concepts/errata.md says the same.

A slip is a function that returns three arrays: what the written form gives, what `lexigrad.reference` gives, and the
truth, which is the finite difference of the loss (or, where no gradient is at stake, the definition itself).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lexigrad.gradcheck.equations import numeric_gradient, relative_error
from lexigrad.reference import cbow, naive_softmax, negative_sampling, outside_positions, sigmoid, skipgram, softmax

if TYPE_CHECKING:
    from collections.abc import Callable

ERRATA_PAGE = Path(__file__).parents[1] / "docs" / "concepts" / "errata.md"


def numbers(*shape: int, first: int) -> np.ndarray:
    """Numbers without a pattern and without a seed, the same on every machine."""
    k = np.arange(first, first + np.prod(shape), dtype=np.float64)
    return np.sin(k * k).reshape(shape)


V, U = numbers(7, 3, first=1), numbers(7, 3, first=50)
CENTER, WINDOW = 1, [2, 5, 2, 0]
v_c, y_hat = V[CENTER], softmax(U @ V[CENTER])
OUTSIDE = 2
y = np.eye(7)[OUTSIDE]
NEGATIVES = {2: [4, 5, 4], 5: [6, 2, 3], 0: [3, 3, 6]}  # 5 and 2 are each outside here and negative there

Measurement = tuple[np.ndarray, np.ndarray, np.ndarray]
SLIPS: dict[int, Callable[[], Measurement]] = {}


def slip(number: int):
    """Register a measurement under its number in the page's table."""

    def register(measure: Callable[[], Measurement]) -> Callable[[], Measurement]:
        SLIPS[number] = measure
        return measure

    return register


def sampled(v, o, U):
    return negative_sampling(v, o, NEGATIVES[o], U)


def d_U_of(function, *arguments) -> tuple[np.ndarray, np.ndarray]:
    """Our gradient of the outside vectors and its finite difference; the function takes U last."""
    return function(*arguments, U)[2], numeric_gradient(lambda moved: function(*arguments, moved)[0], U)


def softmax_window(U):
    return skipgram(CENTER, WINDOW, V, U, naive_softmax)


def sampled_window(U):
    return skipgram(CENTER, WINDOW, V, U, sampled)


@slip(1)
def sign_of_the_true_row() -> Measurement:
    ours, truth = d_U_of(naive_softmax, v_c, OUTSIDE)
    return v_c * (1 - y_hat[OUTSIDE]), ours[OUTSIDE], truth[OUTSIDE]


@slip(2)
def softmax_rows_outside_the_window() -> Measurement:
    ours, truth = d_U_of(softmax_window)
    outsiders = [k for k in range(7) if k not in WINDOW]
    return np.zeros((len(outsiders), 3)), ours[outsiders], truth[outsiders]


@slip(3)
def softmax_rows_inside_the_window() -> Measurement:
    ours, truth = d_U_of(softmax_window)
    inside = sorted(set(WINDOW))
    return np.tile(y_hat[WINDOW].sum() * v_c, (len(inside), 1)), ours[inside], truth[inside]


@slip(4)
def softmax_row_of_the_center_word() -> Measurement:
    ours, truth = d_U_of(softmax_window)
    return v_c * (1 - y_hat[CENTER]), ours[CENTER], truth[CENTER]


@slip(5)
def negatives_inside_the_window() -> Measurement:
    ours, truth = d_U_of(sampled_window)
    written = np.zeros_like(U)
    for o in WINDOW:
        written[o] += (sigmoid(U[o] @ v_c) - 1) * v_c
        for k in NEGATIVES[o]:
            if k not in WINDOW:
                written[k] += (1 - sigmoid(-U[k] @ v_c)) * v_c
    return written, ours, truth


def cbow_measured(written_delta: Callable[[np.ndarray], np.ndarray]) -> Measurement:
    """The forms written for CBOW's rows of U; ``written_delta`` makes the factors of v̂ from ŷ."""
    v_hat = V[WINDOW].sum(axis=0)
    ours, truth = d_U_of(lambda U: cbow(CENTER, WINDOW, V, U, naive_softmax, mean=False))
    return np.outer(written_delta(softmax(U @ v_hat)), v_hat), ours, truth


@slip(6)
def cbow_softmax_with_the_one_hot_y() -> Measurement:
    is_center = np.eye(7)[CENTER]
    return cbow_measured(lambda y_hat: np.where(is_center, 1 - is_center, is_center))


@slip(7)
def cbow_softmax_with_y_read_as_the_prediction() -> Measurement:
    return cbow_measured(lambda y_hat: np.where(np.eye(7)[CENTER], 1 - y_hat, y_hat))


@slip(8)
def sigmoid_of_the_wrong_sign() -> Measurement:
    negatives = NEGATIVES[OUTSIDE]
    ours, truth = d_U_of(lambda U: sampled(v_c, OUTSIDE, U))
    written = np.zeros_like(U)
    written[OUTSIDE] = (sigmoid(U[OUTSIDE] @ v_c) - 1) * v_c
    for k in negatives:
        written[k] += (1 - sigmoid(U[k] @ v_c)) * v_c
    return written, ours, truth


@slip(9)
def window_without_its_ends() -> Measurement:
    sentence, t, m = np.array([3, 2, CENTER, 5, 0]), 2, 2

    def loss(offsets):
        return np.array(sum(naive_softmax(v_c, sentence[t + j], U)[0] for j in offsets if j != 0))

    outside = sentence[outside_positions(t, len(sentence), m)]
    ours = skipgram(CENTER, outside, V, U, naive_softmax)[0]
    return loss(range(-m + 1, m)), np.array(ours), loss((-2, -1, 1, 2))


@slip(10)
def factor_without_exponentials() -> Measurement:
    products = U @ v_c
    ours = np.exp([-naive_softmax(v_c, o, U)[0] for o in range(7)])
    return products / products.sum(), ours, np.exp(products) / sum(np.exp(x) for x in products)


def square_measured(written: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Measurement:
    """∂J/∂v_c with as many words as dimensions: elsewhere the shapes do not even fit, see the test below."""
    square, vector = numbers(3, 3, first=50), V[CENTER]
    ours = naive_softmax(vector, 2, square)[1]
    truth = numeric_gradient(lambda moved: naive_softmax(moved, 2, square)[0], vector)
    return written(square, softmax(square @ vector) - np.eye(3)[2]), ours, truth


@slip(11)
def outside_table_not_transposed() -> Measurement:
    return square_measured(lambda square, delta: square @ delta)


@slip(12)
def center_table_for_the_outside_one() -> Measurement:
    return square_measured(lambda _, delta: V[:3].T @ delta)


@slip(13)
def cbow_mean_without_its_share() -> Measurement:
    _, d_v_hat, _ = naive_softmax(V[WINDOW].mean(axis=0), CENTER, U)
    written = np.zeros_like(V)
    np.add.at(written, WINDOW, d_v_hat)
    _, ours, _ = cbow(CENTER, WINDOW, V, U, naive_softmax)
    return written, ours, numeric_gradient(lambda moved: cbow(CENTER, WINDOW, moved, U, naive_softmax)[0], V)


def measured_errors(number: int) -> tuple[float, float]:
    """The worst relative errors of the written form and of ours, as `lexigrad gradcheck` measures them."""
    written, ours, truth = SLIPS[number]()
    return float(relative_error(written, truth).max()), float(relative_error(ours, truth).max())


def rows_of_the_page() -> dict[int, list[str]]:
    page = ERRATA_PAGE.read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\| \d+ \|.*\|$", page, re.M)
    ]
    return {int(row[0]): row for row in rows}


@pytest.mark.parametrize("number", SLIPS, ids=lambda number: SLIPS[number].__name__)
def test_the_written_form_fails_and_ours_holds(number):
    written, ours = measured_errors(number)
    assert written > 0.4
    assert ours < 1e-9


@pytest.mark.parametrize("number", SLIPS, ids=lambda number: SLIPS[number].__name__)
def test_the_page_states_the_measured_errors(number):
    written, ours = measured_errors(number)
    *_, written_on_page, ours_on_page = rows_of_the_page()[number]
    assert written_on_page == f"{written:.3g}"
    bound = re.fullmatch(r"< (1e-\d+)", ours_on_page)
    assert bound, ours_on_page
    assert ours < float(bound[1]) <= 1e-9


def test_the_page_lists_every_slip_once():
    assert list(rows_of_the_page()) == sorted(SLIPS)


def test_the_table_of_words_can_only_be_multiplied_transposed():
    with pytest.raises(ValueError, match="mismatch"):
        U @ (y_hat - y)
    assert (U.T @ (y_hat - y)).shape == v_c.shape


def test_a_prediction_without_exponentials_is_no_probability():
    written, ours, _ = factor_without_exponentials()
    assert written.min() < 0
    assert ours.min() > 0
    assert ours.sum() == pytest.approx(1)


def test_one_minus_sigmoid_of_minus_x_is_sigmoid_of_x():
    x = np.linspace(-5, 5, 21)
    np.testing.assert_allclose(1 - sigmoid(-x), sigmoid(x), rtol=1e-12)


def test_without_its_share_the_step_of_cbow_is_too_long_by_the_size_of_the_window():
    written, ours, _ = cbow_mean_without_its_share()
    np.testing.assert_allclose(written, len(WINDOW) * ours, rtol=1e-13)
