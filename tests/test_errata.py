"""Where the write-ups slip: each form as printed is measured, and docs/concepts/errata.md says the same.

Every function under ``@slip`` or ``@misfit`` is one row of the page's tables and has the row's number there. It
evaluates the line as it is printed, with every other slip that the line holds. Where a line holds more than one,
``@alone`` measures the slip once more with the others repaired, so that none hides behind another.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lexigrad.gradcheck.equations import numeric_gradient, relative_error
from lexigrad.reference import (
    cbow,
    log_sigmoid,
    naive_softmax,
    negative_sampling,
    outside_positions,
    sigmoid,
    skipgram,
    softmax,
    softmax_cross_entropy,
    softmax_jacobian,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ERRATA_PAGE = Path(__file__).parents[1] / "docs" / "concepts" / "errata.md"


class Measured(NamedTuple):
    """What a form gives as printed, what the right form gives, and the truth.

    The truth is the finite difference of the loss or, where no derivative is at stake, the definition itself.
    """

    printed: np.ndarray
    right: np.ndarray
    truth: np.ndarray


class Misfit(NamedTuple):
    """What a form gives as printed, and what it should have the shape of; a product that cannot be made is None."""

    printed: np.ndarray | None
    shaped_as: np.ndarray


SLIPS: dict[str, Callable[[], Measured]] = {}
ALONE: dict[str, Callable[[], Measured]] = {}
MISFITS: dict[str, Callable[[], Misfit]] = {}


def listed_in(table: dict[str, Callable[[], NamedTuple]], number: str):
    def register(measure):
        assert number not in table
        table[number] = measure
        return measure

    return register


def slip(number: str):
    """Register a measurement under its number on the page."""
    return listed_in(SLIPS, number)


def alone(number: str):
    """Register the measurement of a slip without the others of its line."""
    return listed_in(ALONE, number)


def misfit(number: str):
    """Register a form that has the wrong shape under its number on the page."""
    return listed_in(MISFITS, number)


# -------------------- what all are measured on: seven words in three dimensions


def numbers(*shape: int, first: int) -> np.ndarray:
    """Numbers without a pattern and without a seed, the same on every machine."""
    k = np.arange(first, first + np.prod(shape), dtype=np.float64)
    return np.sin(k * k).reshape(shape)


V, U = numbers(7, 3, first=1), numbers(7, 3, first=50)
CENTER, WINDOW = 1, [2, 5, 2, 0]  # m = 2: the words at t − 2, t − 1, t + 1, t + 2
WITH_CENTER = [2, 5, CENTER, 2, 0]  # the positions from t − m to t + m, as a sum without j ≠ 0 has them
IN_E = sorted({*WITH_CENTER})  # the words k ∈ E = [c − m, c + m]
OUTSIDE = 2
v_c, y = V[CENTER], np.eye(7)[OUTSIDE]
products = U @ v_c
y_hat = softmax(products)
NEGATIVES = {2: [4, 5, 4], 5: [6, 2, 3], 0: [3, 3, 6]}  # 5 and 2 are each outside here and negative there
FAR_NEGATIVES = {2: [4, 6, 4], 5: [6, 4, 3], 0: [3, 3, 6]}  # no word of the window
TWO_NEGATIVES = [4, 5]  # two different words, for forms that are silent about a word drawn twice


def d_U_of(function, *arguments) -> tuple[np.ndarray, np.ndarray]:
    """Our gradient of the outside vectors and its finite difference; the function takes U last."""
    return function(*arguments, U)[2], numeric_gradient(lambda moved: function(*arguments, moved)[0], U)


def d_v_of(function) -> tuple[np.ndarray, np.ndarray]:
    """Our gradient of the center word's vector and its finite difference; the function takes the vector."""
    return function(v_c)[1], numeric_gradient(lambda moved: function(moved)[0], v_c)


def rows(of: Measured, which) -> Measured:
    """Some rows of the three tables."""
    return Measured(*(table[which] for table in of))


def sampled(v, o, U):
    return negative_sampling(v, o, NEGATIVES[o], U)


def sampled_far(v, o, U):
    return negative_sampling(v, o, FAR_NEGATIVES[o], U)


def sampled_two(v, U):
    return negative_sampling(v, OUTSIDE, TWO_NEGATIVES, U)


def softmax_window(U):
    return skipgram(CENTER, WINDOW, V, U, naive_softmax)


def column(vector: np.ndarray) -> np.ndarray:
    return vector[:, None]


# -------------------- S1


@slip("S1.1")
def u_o_with_the_sign_of_its_negative() -> Measured:
    """(c)(1): −u_o = U·y, where the columns of U are words."""
    return Measured(U.T @ y, -U.T @ y, -U[OUTSIDE])


@slip("S1.2")
def a_negative_has_one_term_whatever_the_draws() -> Measured:
    """(c)(3): ∂J/∂u_w = −[σ(−u_w·v_c) − 1] v_c for all w = 1, …, K; word 4 was drawn twice."""
    right, truth = d_U_of(sampled, v_c, OUTSIDE)
    printed = np.zeros_like(U)
    printed[OUTSIDE] = (sigmoid(products[OUTSIDE]) - 1) * v_c
    for w in {*NEGATIVES[OUTSIDE]}:
        printed[w] = -(sigmoid(-products[w]) - 1) * v_c
    return Measured(printed, right, truth)


@slip("S1.3")
def window_without_its_ends() -> Measured:
    """(c)(4): ∂J/∂U and ∂J/∂v_c as sums over −m < j < m, j ≠ 0."""
    sentence, t, m = np.array([3, 2, CENTER, 5, 0]), 2, 2

    def gradients(outside) -> np.ndarray:
        _, d_V, d_U = skipgram(CENTER, outside, V, U, naive_softmax)
        return np.vstack([d_U, d_V[CENTER]])

    def loss(moved: np.ndarray) -> float:
        return sum(naive_softmax(moved[-1], sentence[t + j], moved[:-1])[0] for j in (-2, -1, 1, 2))

    printed = gradients([sentence[t + j] for j in range(-m + 1, m) if j != 0])
    right = gradients(sentence[outside_positions(t, len(sentence), m)])
    return Measured(printed, right, numeric_gradient(loss, np.vstack([U, v_c])))


@slip("S1.4")
def no_gradient_for_a_word_of_the_window() -> Measured:
    """(c)(4): ∂J/∂v_{w_{t+j}} = 0, in a window in which the center word stands once more."""
    window = [2, CENTER, 5]
    right = skipgram(CENTER, window, V, U, naive_softmax)[1]
    truth = numeric_gradient(lambda moved: skipgram(CENTER, window, moved, U, naive_softmax)[0], V)
    return rows(Measured(np.zeros_like(V), right, truth), window)


# -------------------- S2


@misfit("S2.1")
def row_for_a_column() -> Misfit:
    """1.a: Σ_w exp(u_w·v_c)·u_wᵀ for the derivative by v_c, a column."""
    return Misfit(sum(np.exp(x) * column(u).T for x, u in zip(products, U, strict=True)), column(v_c))


def d_sum_of_exponentials(printed: np.ndarray) -> Measured:
    """Forms of ∂/∂u_w Σ_{w'} exp(u_{w'}·v_c), for each row w."""
    truth = numeric_gradient(lambda moved: np.exp(moved @ v_c).sum(), U)
    return Measured(printed, np.outer(np.exp(products), v_c), truth)


@slip("S2.2")
def exponential_twice() -> Measured:
    """1.b: Σ_{w'} exp(u_{w'}·v_c) ∂/∂u_w exp(u_{w'}·v_c); only the summand w' = w contains u_w."""
    return d_sum_of_exponentials(np.outer(np.exp(products) * np.exp(products), v_c))


@slip("S2.3")
def all_words_left_in_the_sum() -> Measured:
    """1.b: Σ_{w'} exp(u_{w'}·v_c) v_c, the same for every w."""
    return d_sum_of_exponentials(np.tile(np.exp(products).sum() * v_c, (7, 1)))


@slip("S2.4")
def size_of_the_difference() -> Measured:
    """1.b: ‖ŷ_w − y_w‖ᵀ v_c; the norm of a number is its size."""
    return Measured(np.outer(np.abs(y_hat - y), v_c), *d_U_of(naive_softmax, v_c, OUTSIDE))


# -------------------- S3


def d_v_two(of_o: float, of_k: Callable[[float], float]) -> Measured:
    """Forms of negative sampling's ∂J/∂v_c that are a number times u_o and a number times each u_k."""
    printed = of_o * U[OUTSIDE] + sum(of_k(products[k]) * U[k] for k in TWO_NEGATIVES)
    return Measured(printed, *d_v_of(lambda v: sampled_two(v, U)))


def d_sigma(x: float) -> float:
    return sigmoid(x) * (1 - sigmoid(x))


x_o = products[OUTSIDE]


@slip("S3.1")
def sigmoid_differentiated_twice_for_the_center_vector() -> Measured:
    """(48): −(1 − σ(u_o·v_c)) ∂σ(u_o·v_c)/∂v_c − Σ_s (1 − σ(−u_{w_s}·v_c)) ∂σ(−u_{w_s}·v_c)/∂v_c."""
    return d_v_two(-(1 - sigmoid(x_o)) * d_sigma(x_o), lambda x: -(1 - sigmoid(-x)) * -d_sigma(-x))


@slip("S3.2")
def sigmoid_differentiated_twice_for_the_true_word() -> Measured:
    """(53): −σ(1 − σ)/σ · ∂σ(u_o·v_c)/∂u_o, each σ at u_o·v_c."""
    printed = -sigmoid(x_o) * (1 - sigmoid(x_o)) / sigmoid(x_o) * d_sigma(x_o) * v_c
    right, truth = d_U_of(sampled_two, v_c)
    return Measured(printed, right[OUTSIDE], truth[OUTSIDE])


@slip("S3.3")
def sigmoid_differentiated_twice_for_a_negative() -> Measured:
    """(59): −σ(1 − σ)/σ · ∂σ(−u_{w_s}·v_c)/∂u_{w_s}, each σ at −u_{w_s}·v_c."""
    x = products[TWO_NEGATIVES]
    printed = np.outer(-sigmoid(-x) * (1 - sigmoid(-x)) / sigmoid(-x) * -d_sigma(-x), v_c)
    return Measured(printed, *(table[TWO_NEGATIVES] for table in d_U_of(sampled_two, v_c)))


@slip("S3.4")
def sigmoid_of_the_wrong_sign() -> Measured:
    """(46) and (47): σ(−u·v)(1 − σ(u·v)) / σ(−u·v) · ∂σ(−u·v)/∂v_c, u being u_{w_s}."""
    of_o = -sigmoid(x_o) * (1 - sigmoid(x_o)) / sigmoid(x_o) * d_sigma(x_o)
    return d_v_two(of_o, lambda x: -sigmoid(-x) * (1 - sigmoid(x)) / sigmoid(-x) * -d_sigma(-x))


@alone("S3.4")
def sigmoid_of_the_wrong_sign_differentiated_once() -> Measured:
    return d_v_two(-(1 - sigmoid(x_o)), lambda x: 1 - sigmoid(x))


# -------------------- S4: the softmax and the network of two layers

THETA = products  # as many classes as there are words


@slip("S4.1")
def slope_of_a_probability_by_its_own_score() -> Measured:
    """2b: (ŷ_k/Σ − ŷ_k²) / (1/Σ)², with Σ = Σ_i exp(θ_i), for ∂ŷ_k/∂θ_k."""
    total, predicted = np.exp(THETA).sum(), softmax(THETA)
    truth = [numeric_gradient(lambda moved, k=k: softmax(moved)[k], THETA)[k] for k in range(7)]
    printed = (predicted / total - predicted**2) / (1 / total) ** 2
    return Measured(printed, np.diag(softmax_jacobian(THETA)), np.array(truth))


def d_theta(printed: np.ndarray) -> Measured:
    truth = numeric_gradient(lambda moved: softmax_cross_entropy(y, moved)[0], THETA)
    return Measured(printed, softmax_cross_entropy(y, THETA)[1], truth)


@slip("S4.2")
def exponential_for_its_logarithm() -> Measured:
    """2b: a line −∇_z exp(z_k) in the chain of equations for ∇_z CE, k the correct class."""
    return d_theta(-np.exp(THETA[OUTSIDE]) * y)


@slip("S4.3")
def scores_for_their_exponentials() -> Measured:
    """2b: −y + z_i / Σ_j z_j."""
    return d_theta(-y + THETA / THETA.sum())


LAYER = np.zeros(4), np.zeros(5), np.zeros(3)  # x, h and y
W1, W2 = numbers(4, 5, first=1), numbers(5, 3, first=30)


@misfit("S4.4")
def difference_at_the_hidden_layer() -> Misfit:
    """2c: ∂J/∂h = ŷ − y."""
    _, h, y = LAYER
    return Misfit(softmax(h @ W2) - y, h)


@misfit("S4.5")
def slope_of_the_layer_without_its_weights() -> Misfit:
    """2c: ∂h/∂x = σ′(xW₁ + b₁), a diagonal matrix, for a matrix with a row for each of h and a column for each of x."""
    x, h, _ = LAYER
    s = sigmoid(x @ W1)
    return Misfit(np.diag(s * (1 - s)), np.zeros((len(h), len(x))))


# -------------------- S4: one pair of words


@misfit("S4.6")
def derivative_left_standing() -> Misfit:
    """3a: ∂/∂v_c (Σ_w u_w exp(u_w·v_c)), equated with ∂/∂v_c Σ_w exp(u_w·v_c), which it is the derivative of."""
    return Misfit(U.T @ np.diag(np.exp(products)) @ U, v_c)


@slip("S4.7")
def softmax_lost_from_its_gradient() -> Measured:
    """3b, first result: v_c for o ≠ w, 0 for o = w."""
    return Measured(np.outer(1 - y, v_c), *d_U_of(naive_softmax, v_c, OUTSIDE))


@misfit("S4.8")
def center_vector_twice() -> Misfit:
    """3b: v_c · [∂/∂u_w exp(u_w·v_c)]; the derivative holds v_c already, and two columns have no product."""
    derivative = np.exp(products[OUTSIDE]) * column(v_c)
    with pytest.raises(ValueError, match="mismatch"):
        column(v_c) @ derivative
    return Misfit(None, derivative)


@slip("S4.9")
def sign_of_the_true_row() -> Measured:
    """(F2): v_c (1 − ŷ_w) for o = w."""
    right, truth = d_U_of(naive_softmax, v_c, OUTSIDE)
    return Measured(v_c * (1 - y_hat[OUTSIDE]), right[OUTSIDE], truth[OUTSIDE])


@slip("S4.10")
def both_terms_for_a_negative() -> Measured:
    """3c, first version: −(1 − σ(u_o·v_c)) v_c + Σ_k (1 − σ(−u_k·v_c)) v_c for w = k."""
    both = -(1 - sigmoid(x_o)) * v_c + sum((1 - sigmoid(-products[k])) * v_c for k in TWO_NEGATIVES)
    return Measured(np.array([both, both]), *(table[TWO_NEGATIVES] for table in d_U_of(sampled_two, v_c)))


# -------------------- S4: skip-gram


@slip("S4.11")
def center_word_predicted_from_itself() -> Measured:
    """3d: ∂J/∂v_c = Σ_{−m,m} [−u_{c+j} + Σ_w u_w ŷ_w], without j ≠ 0."""
    printed = sum(-U[o] + y_hat @ U for o in WITH_CENTER)
    right = skipgram(CENTER, WINDOW, V, U, naive_softmax)[1]
    truth = numeric_gradient(lambda moved: skipgram(CENTER, WINDOW, moved, U, naive_softmax)[0], V)
    return Measured(printed, right[CENTER], truth[CENTER])


@misfit("S4.12")
def rows_for_columns() -> Misfit:
    """3d: ∂J/∂v_c = Σ_{−m,m} [(σ(u_{c+j}·v_c) − 1) u_{c+j}ᵀ + Σ_n (1 − σ(−u_n·v_c)) u_nᵀ], negative sampling."""
    printed = sum(
        (sigmoid(products[o]) - 1) * column(U[o]).T + sum(sigmoid(products[n]) * column(U[n]).T for n in NEGATIVES[o])
        for o in WINDOW
    )
    return Misfit(printed, column(v_c))


@misfit("S4.13")
def losses_for_their_derivatives() -> Misfit:
    """3d: ∂J/∂u_k = Σ_{−m,m} F(u_{c+j}, v_c), a number."""
    return Misfit(np.array(sum(naive_softmax(v_c, o, U)[0] for o in WINDOW)), U[0])


@slip("S4.14")
def softmax_rows_outside_the_window() -> Measured:
    """3d, softmax, (C1): 0 for k ∉ E."""
    outsiders = [k for k in range(7) if k not in IN_E]
    return rows(Measured(np.zeros_like(U), *d_U_of(softmax_window)), outsiders)


def softmax_rows_inside_the_window(positions: list[int]) -> Measured:
    inside = [k for k in IN_E if k != CENTER]
    return rows(Measured(np.tile(y_hat[positions].sum() * v_c, (7, 1)), *d_U_of(softmax_window)), inside)


@slip("S4.15")
def softmax_rows_of_context_words() -> Measured:
    """3d, softmax, (C2): Σ_{−m,m} v_c ŷ_{c+j} for k ∈ E, k ≠ c."""
    return softmax_rows_inside_the_window(WITH_CENTER)


@alone("S4.15")
def softmax_rows_of_context_words_without_the_center() -> Measured:
    return softmax_rows_inside_the_window(WINDOW)


def softmax_row_of_the_center(positions: list[int]) -> Measured:
    right, truth = d_U_of(softmax_window)
    return Measured(np.sum(1 - y_hat[positions]) * v_c, right[CENTER], truth[CENTER])


@slip("S4.16")
def softmax_row_of_the_center_word() -> Measured:
    """3d, softmax, (C3): Σ_{−m,m} v_c (1 − ŷ_{c+j}) for k = c."""
    return softmax_row_of_the_center(WITH_CENTER)


@alone("S4.16")
def softmax_row_of_the_center_word_without_its_own_position() -> Measured:
    return softmax_row_of_the_center(WINDOW)


def sampled_by_cases(negatives: dict[int, list[int]], positions: list[int]) -> np.ndarray:
    """3d, negative sampling, (C1) to (C3), for each row k."""
    drawn = {k for of_one in negatives.values() for k in of_one}
    printed = np.zeros_like(U)
    for k in range(7):
        if k in positions:
            printed[k] = sum(v_c * (sigmoid(products[o]) - 1) for o in positions)
        elif k in drawn:
            printed[k] = sum(v_c * (1 - sigmoid(-products[k])) for _ in positions)
    return printed


def sampled_window(word_loss=sampled) -> tuple[np.ndarray, np.ndarray]:
    return d_U_of(lambda U: skipgram(CENTER, WINDOW, V, U, word_loss))


@slip("S4.17")
def negatives_inside_the_window() -> Measured:
    """3d, negative sampling, (C2): only for k ∉ E; words 2 and 5 are outside words here and negatives there."""
    return rows(Measured(sampled_by_cases(NEGATIVES, WITH_CENTER), *sampled_window()), [2, 5])


@alone("S4.17")
def negatives_inside_the_window_with_all_else_right() -> Measured:
    printed = np.zeros_like(U)
    for o in WINDOW:
        printed[o] += (sigmoid(products[o]) - 1) * v_c
        for k in NEGATIVES[o]:
            if k not in IN_E:
                printed[k] += (1 - sigmoid(-products[k])) * v_c
    return Measured(printed, *sampled_window())


@slip("S4.18")
def a_negative_has_a_term_at_each_position() -> Measured:
    """3d, negative sampling, (C2): Σ_{−m,m} v_c (1 − σ(−u_k·v_c)); words 3, 4 and 6 were drawn 3, 4 and 2 times."""
    return rows(Measured(sampled_by_cases(NEGATIVES, WITH_CENTER), *sampled_window()), [3, 4, 6])


@alone("S4.18")
def a_negative_has_a_term_at_each_position_but_the_center() -> Measured:
    return rows(Measured(sampled_by_cases(NEGATIVES, WINDOW), *sampled_window()), [3, 4, 6])


@slip("S4.19")
def the_sum_of_the_window_for_each_of_its_words() -> Measured:
    """3d, negative sampling, (C3): Σ_{−m,m} v_c (σ(u_{c+j}·v_c) − 1) for every k ∈ E, without [k = w_{t+j}]."""
    return rows(Measured(sampled_by_cases(NEGATIVES, WITH_CENTER), *sampled_window()), IN_E)


@alone("S4.19")
def the_sum_of_the_window_with_all_else_right() -> Measured:
    return rows(Measured(sampled_by_cases(FAR_NEGATIVES, WINDOW), *sampled_window(sampled_far)), sorted({*WINDOW}))


# -------------------- S4: CBOW, with v̂ the sum


def cbow_d_V() -> Measured:
    """3d, CBOW: −u_c + Σ_w u_w ŷ_w for k ∈ E = [c − m, c + m], 0 for k ∉ E."""
    printed = np.zeros_like(V)
    printed[IN_E] = softmax(U @ V[WINDOW].sum(axis=0)) @ U - U[CENTER]
    right = cbow(CENTER, WINDOW, V, U, naive_softmax, mean=False)[1]
    truth = numeric_gradient(lambda moved: cbow(CENTER, WINDOW, moved, U, naive_softmax, mean=False)[0], V)
    return Measured(printed, right, truth)


@slip("S4.20")
def cbow_center_among_its_context() -> Measured:
    """3d, CBOW: E holds the position c, so that the center word's vector gets the gradient too."""
    return rows(cbow_d_V(), [CENTER])


@slip("S4.21")
def cbow_repeated_word_counted_once() -> Measured:
    """3d, CBOW: a word that stands twice in the context gets the gradient once; word 2 does."""
    return rows(cbow_d_V(), [2])


def cbow_d_U(printed_factors: Callable[[np.ndarray], np.ndarray]) -> Measured:
    """Forms of CBOW's rows of U; ``printed_factors`` makes the factors of v̂ from ŷ."""
    v_hat = V[WINDOW].sum(axis=0)
    right, truth = d_U_of(lambda U: cbow(CENTER, WINDOW, V, U, naive_softmax, mean=False))
    return Measured(np.outer(printed_factors(softmax(U @ v_hat)), v_hat), right, truth)


@slip("S4.22")
def cbow_softmax_with_the_one_hot_y() -> Measured:
    """3d, CBOW, softmax: v̂ y_k for k ≠ c and v̂ (1 − y_k) for k = c, y being one-hot at c."""
    is_center = np.eye(7)[CENTER]
    return cbow_d_U(lambda y_hat: np.where(is_center, 1 - is_center, is_center))


@slip("S4.23")
def cbow_softmax_with_y_read_as_the_prediction() -> Measured:
    """The same with ŷ for y."""
    return cbow_d_U(lambda y_hat: np.where(np.eye(7)[CENTER], 1 - y_hat, y_hat))


# -------------------- S5


@slip("S5.1")
def loss_without_its_sign() -> Measured:
    """(b): J = [u_o·v_c − log Σ_w exp(u_w·v_c)]."""
    right = naive_softmax(v_c, OUTSIDE, U)[0]
    truth = -np.log(np.exp(x_o) / np.exp(products).sum())
    return Measured(np.array(x_o - np.log(np.exp(products).sum())), np.array(right), np.array(truth))


@slip("S5.2")
def one_minus_one() -> Measured:
    """(b): −[1 − Σ_t exp(u_t·v_c) / Σ_w exp(u_w·v_c)] ∘ u for ∂J/∂v_c, with whichever vector u is."""
    printed = -(1 - np.exp(products).sum() / np.exp(products).sum()) * U[OUTSIDE]
    return Measured(printed, *d_v_of(lambda v: naive_softmax(v, OUTSIDE, U)))


def probabilities(printed: np.ndarray) -> Measured:
    """Forms of P(w | c), for each word w of the vocabulary as the outside word."""
    right = np.exp([-naive_softmax(v_c, o, U)[0] for o in range(7)])
    return Measured(printed, right, np.exp(products) / sum(np.exp(x) for x in products))


def without_exponentials_over_center_vectors() -> Measured:
    """(f): w_{t+j}·v_c / Σ_{i ∈ V} w_{t+j}·v_i, with u_{t+j} for w_{t+j}."""
    return probabilities(np.array([u @ v_c / sum(u @ v for v in V) for u in U]))


slip("S5.3")(without_exponentials_over_center_vectors)
slip("S5.4")(without_exponentials_over_center_vectors)


@alone("S5.3")
def factor_without_exponentials() -> Measured:
    return probabilities(products / products.sum())


@alone("S5.4")
def sum_over_center_vectors() -> Measured:
    return probabilities(np.array([np.exp(u @ v_c) / sum(np.exp(u @ v) for v in V) for u in U]))


@slip("S5.5")
def loss_of_another_center_word() -> Measured:
    """(f)(iii): ∂J/∂v_w = Σ_j ∂J(v_w, w_{t+j}, U)/∂v_w for w ≠ c, said to be 0."""
    others = [w for w in range(7) if w != CENTER]
    printed = np.array([sum(naive_softmax(V[w], o, U)[1] for o in WINDOW) for w in range(7)])
    right = skipgram(CENTER, WINDOW, V, U, naive_softmax)[1]
    truth = numeric_gradient(lambda moved: skipgram(CENTER, WINDOW, moved, U, naive_softmax)[0], V)
    return rows(Measured(printed, right, truth), others)


# -------------------- slips of a letter that can be evaluated


@slip("L3")
def sigmoid_equal_to_its_derivative() -> Measured:
    """S1 (c)(3): σ(x) = σ(x)(1 − σ(x)), the prime lost."""
    truth = numeric_gradient(lambda x: sigmoid(x).sum(), THETA)
    return Measured(sigmoid(THETA), sigmoid(THETA) * (1 - sigmoid(THETA)), truth)


@slip("L4")
def loss_of_the_center_word() -> Measured:
    """S2 1.b: J = −u_c·v_c + log Σ_w exp(u_w·v_c)."""
    right = naive_softmax(v_c, OUTSIDE, U)[0]
    truth = -np.log(np.exp(x_o) / np.exp(products).sum())
    return Measured(np.array(-products[CENTER] + np.log(np.exp(products).sum())), np.array(right), np.array(truth))


@slip("L6")
def word_left_free_in_the_sum() -> Measured:
    """S3 (39): Σ_x ŷ_x ∂(u_w·v_c)/∂U, with w = o; the derivative has v_c in row w and 0 elsewhere."""
    truth = numeric_gradient(lambda moved: np.log(np.exp(moved @ v_c).sum()), U)
    return Measured(y_hat.sum() * np.outer(y, v_c), np.outer(y_hat, v_c), truth)


def derivative_by_another_row(sign: int, row: int) -> Measured:
    """∂σ(±u·v_c) by another row than u, which is 0, in the place of that by u."""
    truth = numeric_gradient(lambda moved: float(sigmoid(sign * moved @ v_c)), U[row])
    return Measured(np.zeros(3), sign * d_sigma(products[row]) * v_c, truth)


@slip("L8")
def true_word_differentiated_by_the_center_word() -> Measured:
    """S3 (54): ∂σ(u_o·v_c)/∂u_c, where (53) has ∂u_o."""
    return derivative_by_another_row(1, OUTSIDE)


@slip("L9")
def negative_differentiated_by_a_row_without_a_name() -> Measured:
    """S3 (60): ∂σ(−u_{w_s}·v_c)/∂u_m, where (59) has ∂u_{w_s}; m is named nowhere, and read as another word."""
    return derivative_by_another_row(-1, 4)


@slip("L10")
def sum_of_squares_for_the_square_of_a_sum() -> Measured:
    """S4 2b: (exp(θ_k) Σ_i exp(θ_i) − exp(θ_k)²) / Σ_i exp(θ_i)², the square inside the sum."""
    e = np.exp(THETA)
    return Measured((e * e.sum() - e * e) / np.sum(e**2), *slope_of_a_probability_by_its_own_score()[1:])


@slip("L12")
def hat_lost() -> Measured:
    """S5 (b): Σ_t u_t y_t = Vᵀ ŷ, rows of V being the outside vectors there."""
    return Measured(y @ U, y_hat @ U, sum(y_hat[t] * U[t] for t in range(7)))


@misfit("L13")
def difference_without_its_index() -> Misfit:
    """S5 (c): ∂J/∂u_w = δ · v_c, where δ has an entry for each word."""
    with pytest.raises(ValueError, match="mismatch"):
        (y_hat - y) @ v_c
    return Misfit(None, v_c)


@misfit("L14")
def truth_without_its_index() -> Misfit:
    """S5 (c): v_c · (ŷ_w − y), where y has an entry for each word."""
    with pytest.raises(ValueError, match="mismatch"):
        v_c @ (y_hat[OUTSIDE] - y)
    return Misfit(None, v_c)


# -------------------- conventions, measured with as many words as dimensions: elsewhere the shapes do not even fit


def square_measured(printed: Callable[[np.ndarray, np.ndarray], np.ndarray], argument: int) -> Measured:
    """Forms of ∂J/∂v_c (argument 0) or ∂J/∂U (argument 1)."""
    point = [v_c, numbers(3, 3, first=50)]
    delta = softmax(point[1] @ v_c) - np.eye(3)[2]

    def at(moved: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        v, square = (moved if i == argument else value for i, value in enumerate(point))
        return naive_softmax(v, 2, square)

    truth = numeric_gradient(lambda moved: at(moved)[0], point[argument])
    return Measured(printed(point[1], delta), at(point[argument])[1 + argument], truth)


@slip("C1")
def outside_table_not_transposed() -> Measured:
    """U (ŷ − y)."""
    return square_measured(lambda square, delta: square @ delta, 0)


@slip("C2")
def center_table_for_the_outside_one() -> Measured:
    """Vᵀ (ŷ − y), with our V."""
    return square_measured(lambda _, delta: V[:3].T @ delta, 0)


@slip("C3")
def gradient_of_the_table_transposed() -> Measured:
    """v_c (ŷ − y)ᵀ."""
    return square_measured(lambda _, delta: np.outer(v_c, delta), 1)


# -------------------- programs


@slip("P1")
def cbow_mean_without_its_share() -> Measured:
    """word2vec.c, gensim and fastText: the whole ∂J/∂v̂ for each context word."""
    _, d_v_hat, _ = naive_softmax(V[WINDOW].mean(axis=0), CENTER, U)
    printed = np.zeros_like(V)
    np.add.at(printed, WINDOW, d_v_hat)
    _, right, _ = cbow(CENTER, WINDOW, V, U, naive_softmax)
    truth = numeric_gradient(lambda moved: cbow(CENTER, WINDOW, moved, U, naive_softmax)[0], V)
    return Measured(printed, right, truth)


# -------------------- the page


def worst(of: np.ndarray, truth: np.ndarray) -> float:
    """The worst relative error, as `lexigrad gradcheck` measures it."""
    assert of.shape == truth.shape
    return float(relative_error(of, truth).max())


def rows_of_the_page() -> dict[str, list[str]]:
    """The cells of each row, by its number."""
    page = ERRATA_PAGE.read_text(encoding="utf-8")
    lines = re.findall(r"^\| (?:S\d\.|[LCP])\d+ \|.*\|$", page, re.MULTILINE)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert len({row[0] for row in cells}) == len(cells)
    return {row[0]: row for row in cells}


def id_of(number: str) -> str:
    """The number of a row and the name of its function."""
    return f"{number}-{(SLIPS.get(number) or MISFITS[number]).__name__}"


@pytest.mark.parametrize("number", SLIPS, ids=id_of)
def test_the_form_as_printed_fails_and_the_right_one_holds(number):
    """A hundredth is 100,000 times the error at which `lexigrad gradcheck` refuses a gradient."""
    measured = SLIPS[number]()
    assert worst(measured.printed, measured.truth) > 0.01
    assert worst(measured.right, measured.truth) < 1e-9


@pytest.mark.parametrize("number", ALONE, ids=id_of)
def test_a_slip_fails_also_without_the_others_of_its_line(number):
    measured, as_printed = ALONE[number](), SLIPS[number]()
    assert worst(measured.printed, measured.truth) > 0.01
    assert worst(measured.right, measured.truth) < 1e-9
    assert worst(measured.printed, measured.truth) != worst(as_printed.printed, as_printed.truth)


@pytest.mark.parametrize("number", MISFITS, ids=id_of)
def test_the_form_as_printed_has_not_the_shape_of_a_gradient(number):
    printed, shaped_as = MISFITS[number]()
    assert printed is None or printed.shape != shaped_as.shape


@pytest.mark.parametrize("number", [*SLIPS, *MISFITS], ids=id_of)
def test_the_page_states_what_was_measured(number):
    stated = rows_of_the_page()[number][-1]
    if number in MISFITS:
        printed, shaped_as = MISFITS[number]()
        assert stated == ("does not fit" if printed is None else f"{size(printed)} for {size(shaped_as)}")
        return
    printed, _, truth = SLIPS[number]()
    expected = f"{worst(printed, truth):.3g}"
    if number in ALONE:
        printed, _, truth = ALONE[number]()
        expected += f" (alone {worst(printed, truth):.3g})"
    assert stated == expected


def size(array: np.ndarray) -> str:
    """A shape in words, such as 3 × 1; a vector has one number, and a number has the size 1."""
    return " × ".join(map(str, array.shape)) or "1"


def test_the_page_lists_every_slip_once_and_says_of_no_other_what_it_measures():
    rows = rows_of_the_page()
    assert {*SLIPS, *MISFITS} <= rows.keys()
    assert all(rows[number][-1] == "–" for number in rows.keys() - {*SLIPS, *MISFITS})
    assert all(number.startswith("L") for number in rows.keys() - {*SLIPS, *MISFITS})
    assert not SLIPS.keys() & MISFITS.keys()


def test_a_measurement_of_the_right_form_as_if_it_were_printed_does_not_pass():
    _, right, truth = SLIPS["S4.9"]()
    assert worst(right, truth) < 0.01


# -------------------- what the page says besides

P_TRUE = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
NOISE = P_TRUE**0.75 / np.sum(P_TRUE**0.75)


def optimum_of_negative_sampling(K: float, leave_out_the_true_word: bool = False) -> np.ndarray:
    """Minimise −Σ_w p_w log σ(s_w) − K Σ_w P_w log σ(−s_w) by Newton's method, from s = 0."""
    noise = K * NOISE * (1 - P_TRUE if leave_out_the_true_word else 1)
    s = np.zeros(5)
    for _ in range(200):
        slope = P_TRUE * (sigmoid(s) - 1) + noise * sigmoid(s)
        s -= np.clip(slope / ((P_TRUE + noise) * d_sigma(s)), -1, 1)

    def loss(s: np.ndarray) -> float:
        return float(-P_TRUE @ log_sigmoid(s) - noise @ log_sigmoid(-s))

    assert_allclose(numeric_gradient(loss, s), 0, atol=1e-11 * K)
    return s


@pytest.mark.parametrize("K", [1, 5, 1000])
def test_the_optimum_of_negative_sampling_is_not_the_softmax_however_many_negatives_there_are(K):
    s = optimum_of_negative_sampling(K)
    assert_allclose(s, np.log(P_TRUE / NOISE) - np.log(K), atol=1e-9)
    assert_allclose(softmax(s), [0.249, 0.232, 0.195, 0.176, 0.148], atol=0.0005)
    assert_allclose(softmax(s + np.log(NOISE)), P_TRUE, atol=1e-9)


def test_leaving_out_draws_of_the_true_word_multiplies_the_noise_by_how_seldom_it_is_true():
    """The expectation over true words o and draws k ≠ o, each pair by `reference.negative_sampling`."""
    K, s = 3, optimum_of_negative_sampling(3, leave_out_the_true_word=True)
    assert_allclose(s, np.log(P_TRUE / NOISE) - np.log(K) - np.log(1 - P_TRUE), atol=1e-9)
    gradient = np.zeros((5, 1))
    for o in range(5):
        gradient += P_TRUE[o] * negative_sampling([1.0], o, [], column(s))[2]
        for k in {*range(5)} - {o}:
            noise_alone = negative_sampling([1.0], o, [k], column(s))[2] * (np.arange(5) == k)[:, None]
            gradient += P_TRUE[o] * K * NOISE[k] * noise_alone
    assert_allclose(gradient, 0, atol=1e-9)


def test_the_optimum_of_the_softmax_is_the_distribution_of_the_words():
    """Its gradient, in expectation over the true word, is zero where the softmax of the scores is p."""
    _, d_theta = softmax_cross_entropy(P_TRUE, np.log(P_TRUE))
    assert_allclose(d_theta, 0, atol=1e-15)


def test_the_table_of_words_can_only_be_multiplied_transposed():
    with pytest.raises(ValueError, match="mismatch"):
        U @ (y_hat - y)
    assert (U.T @ (y_hat - y)).shape == v_c.shape


def test_a_prediction_without_exponentials_is_no_probability():
    as_printed, repaired = without_exponentials_over_center_vectors(), factor_without_exponentials()
    assert as_printed.printed.max() == pytest.approx(1.18, abs=0.005)
    assert repaired.printed.min() < 0
    assert as_printed.printed.sum() != pytest.approx(1, abs=0.1)
    assert sum_over_center_vectors().printed.sum() != pytest.approx(1, abs=0.1)
    assert repaired.right.min() > 0
    assert repaired.right.sum() == pytest.approx(1)


def test_one_minus_sigmoid_of_minus_x_is_sigmoid_of_x():
    x = np.linspace(-5, 5, 21)
    assert_allclose(1 - sigmoid(-x), sigmoid(x), rtol=1e-12)


def test_without_its_share_the_step_of_cbow_is_too_long_by_the_size_of_the_window():
    printed, right, _ = cbow_mean_without_its_share()
    assert_allclose(printed, len(WINDOW) * right, rtol=1e-13)
