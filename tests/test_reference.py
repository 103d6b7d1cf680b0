"""The definition against an independent automatic differentiation, against identities, and against bad input."""

from __future__ import annotations

import re
from pathlib import Path

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad, jacobian
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal

from lexigrad import reference
from lexigrad.errors import InputError
from lexigrad.reference import (
    cbow,
    common_component,
    cross_entropy,
    d_sigmoid,
    log_sigmoid,
    log_softmax,
    merge_shares,
    merged_row,
    naive_softmax,
    negative_sampling,
    outside_positions,
    rows_touched,
    sif_means,
    sigmoid,
    skipgram,
    softmax,
    softmax_cross_entropy,
    softmax_jacobian,
    two_layer,
    two_layer_parameter_count,
    without_component,
)

GRADIENTS_PAGE = Path(__file__).parents[1] / "docs" / "concepts" / "gradients.md"
PUBLIC_FUNCTIONS = [name for name in reference.__all__ if name != "WordLoss"]

scores = st.floats(-50, 50)
score_tables = arrays(np.float64, array_shapes(min_dims=1, max_dims=2, max_side=6), elements=scores)


def drawn(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng((seed, *shape)).normal(size=shape)


def one_hot(o: int, n: int) -> np.ndarray:
    return np.eye(n)[o]


# ---- The losses once more, written from their definitions in plain exponentials, for automatic differentiation.


def plain_sigmoid(x):
    return 1 / (1 + anp.exp(-x))


def plain_softmax_loss(v, o, U):
    return -anp.log(anp.exp(anp.dot(U[o], v)) / sum(anp.exp(anp.dot(u_w, v)) for u_w in U))


def plain_negative_loss(v, o, U, negatives=(4, 1, 4), weight=1.0):
    noise = sum(anp.log(plain_sigmoid(-anp.dot(U[k], v))) for k in negatives)
    return -anp.log(plain_sigmoid(anp.dot(U[o], v))) - weight * noise


def plain_two_layer_loss(x, W1, b1, W2, b2, y):
    loss = 0.0
    for x_row, y_row in zip(x, y, strict=True):
        exponentials = anp.exp(anp.dot(plain_sigmoid(anp.dot(x_row, W1) + b1), W2) + b2)
        loss = loss - anp.sum(y_row * anp.log(exponentials / anp.sum(exponentials)))
    return loss


def sampled(v, o, U):
    return negative_sampling(v, o, [4, 1, 4], U)


WORD_LOSSES = {
    "naive_softmax": (naive_softmax, plain_softmax_loss),
    "negative_sampling": (sampled, plain_negative_loss),
}
WINDOWS = {"repeats": [2, 5, 2, 0], "one word": [3], "the center word itself": [1, 1, 0]}
CENTER = 1  # among the negatives of its own outside words; CBOW, which predicts it, takes CENTER_OF_CBOW instead
CENTER_OF_CBOW = 0


def assert_gradients_equal(ours, loss, *arguments) -> None:
    """Each of our gradients is the automatic one, entry by entry, far below 1e-7 relative."""
    for position, gradient in enumerate(ours):
        assert_allclose(gradient, grad(loss, position)(*arguments), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("dim", [1, 3, 16])
def test_naive_softmax_is_its_definition_differentiated(dim):
    v_c, U = drawn(dim), drawn(7, dim)
    loss, *gradients = naive_softmax(v_c, 2, U)
    assert loss == pytest.approx(plain_softmax_loss(v_c, 2, U), rel=1e-13)
    assert_gradients_equal(gradients, lambda v, U: plain_softmax_loss(v, 2, U), v_c, U)


@pytest.mark.parametrize("weight", [1.0, 5 / 24])
@pytest.mark.parametrize("negatives", [[4], [4, 1, 4], [6, 6, 6, 6], []])
def test_negative_sampling_is_its_definition_differentiated(negatives, weight):
    v_c, U = drawn(3), drawn(7, 3)
    loss, *gradients = negative_sampling(v_c, 2, negatives, U, weight)
    assert loss == pytest.approx(plain_negative_loss(v_c, 2, U, negatives, weight), rel=1e-13)
    assert_gradients_equal(gradients, lambda v, U: plain_negative_loss(v, 2, U, negatives, weight), v_c, U)


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
@pytest.mark.parametrize("word_loss", WORD_LOSSES)
def test_skipgram_is_its_definition_differentiated(window, word_loss):
    ours, plain = WORD_LOSSES[word_loss]
    window = [o for o in window if word_loss == "naive_softmax" or o not in (4, 1)]
    V, U = drawn(7, 3), drawn(7, 3, seed=2)

    def definition(V, U):
        return sum(plain(V[CENTER], o, U) for o in window)

    loss, *gradients = skipgram(CENTER, window, V, U, ours)
    assert loss == pytest.approx(definition(V, U), rel=1e-13)
    assert_gradients_equal(gradients, definition, V, U)


@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
@pytest.mark.parametrize("word_loss", WORD_LOSSES)
def test_cbow_is_its_definition_differentiated(window, word_loss, mean):
    ours, plain = WORD_LOSSES[word_loss]
    V, U = drawn(7, 3), drawn(7, 3, seed=2)

    def definition(V, U):
        v_hat = sum(V[w] for w in window)
        return plain(v_hat / len(window) if mean else v_hat, CENTER_OF_CBOW, U)

    loss, *gradients = cbow(CENTER_OF_CBOW, window, V, U, ours, mean=mean)
    assert loss == pytest.approx(definition(V, U), rel=1e-13)
    assert_gradients_equal(gradients, definition, V, U)


@pytest.mark.parametrize("rows", [1, 4])
def test_two_layer_is_its_definition_differentiated(rows):
    arguments = (drawn(rows, 4), drawn(4, 5), drawn(5), drawn(5, 3), drawn(3))
    x, W1, b1, W2, b2 = arguments
    y = np.stack([one_hot(row % 3, 3) for row in range(rows)])
    loss, gradients = two_layer(x, y, W1, b1, W2, b2)
    assert loss == pytest.approx(plain_two_layer_loss(*arguments, y), rel=1e-13)
    assert list(gradients) == ["d_x", "d_W1", "d_b1", "d_W2", "d_b2"]
    assert_gradients_equal(gradients.values(), lambda *moved: plain_two_layer_loss(*moved, y), *arguments)


def test_softmax_cross_entropy_and_sigmoid_are_their_definitions_differentiated():
    theta, y = drawn(5), np.array([0.1, 0.2, 0.3, 0.4, 0.0])
    _, d_theta = softmax_cross_entropy(y, theta)
    assert_gradients_equal([d_theta], lambda t: -anp.sum(y * anp.log(anp.exp(t) / anp.sum(anp.exp(t)))), theta)
    assert_gradients_equal([d_sigmoid(sigmoid(theta))], lambda x: anp.sum(plain_sigmoid(x)), theta)
    assert_gradients_equal([sigmoid(-theta)], lambda x: anp.sum(anp.log(plain_sigmoid(x))), theta)


def test_softmax_jacobian_is_the_softmax_differentiated():
    x = drawn(5)
    plain = jacobian(lambda x: anp.exp(x) / anp.sum(anp.exp(x)))(x)
    assert_allclose(softmax_jacobian(x), plain, rtol=1e-10, atol=1e-14)
    assert_array_equal(softmax_jacobian([x, 2 * x]), [softmax_jacobian(x), softmax_jacobian(2 * x)])


# ---- Identities


@given(score_tables, scores)
def test_softmax_sums_to_one_and_does_not_see_a_shift(x, shift):
    assert_allclose(softmax(x).sum(axis=-1), 1, rtol=1e-14)
    assert_allclose(softmax(x + shift), softmax(x), rtol=1e-12)
    assert_allclose(log_softmax(x), np.log(softmax(x)), rtol=1e-12, atol=1e-13)


@given(score_tables)
def test_sigmoid_is_the_softmax_of_two_words(x):
    assert_allclose(sigmoid(x) + sigmoid(-x), 1, rtol=1e-14)
    assert_allclose(sigmoid(x).ravel(), softmax(np.stack([x.ravel(), 0 * x.ravel()], axis=1))[:, 0], rtol=1e-13)
    assert_allclose(log_sigmoid(x), -np.logaddexp(0, -x), rtol=1e-13)


def test_no_finite_score_overflows():
    assert_array_equal(softmax([1e4, -1e4, 1e4]), [0.5, 0, 0.5])
    assert_array_equal(softmax([[-1e4, -1e4], [1.7e308, -1.7e308]]), [[0.5, 0.5], [1, 0]])
    assert_array_equal(log_softmax([1e4, -1e4]), [0, -2e4])
    assert_array_equal(sigmoid([-1e4, 1e4, -1.7e308, 1.7e308]), [0, 1, 0, 1])
    assert_array_equal(log_sigmoid([-1e4, 1e4]), [-1e4, 0])
    assert_array_equal(d_sigmoid(sigmoid([-1e4, 1e4])), [0, 0])
    loss, d_theta = softmax_cross_entropy([1, 0], [-1e4, 1e4])
    assert loss == 2e4
    assert_array_equal(d_theta, [-1, 1])


@pytest.mark.parametrize("word_loss", [naive_softmax, sampled])
def test_losses_of_huge_vectors_stay_finite(word_loss):
    loss, d_v_c, d_U = word_loss(np.full(2, 1e4), 0, np.outer(np.arange(-3, 4), np.full(2, 1e4)))
    assert np.isfinite([loss, *d_v_c, *d_U.ravel()]).all()
    assert loss > 1e8


def test_sigmoid_takes_a_number_as_well_as_an_array():
    assert float(sigmoid(0)) == 0.5
    assert sigmoid(np.zeros((2, 3, 4))).shape == (2, 3, 4)


def test_cross_entropy_of_a_one_hot_truth_is_minus_the_log_of_its_probability():
    y_hat = softmax(drawn(6))
    assert cross_entropy(one_hot(4, 6), y_hat) == -np.log(y_hat[4])
    assert cross_entropy([0, 1], [0, 1]) == 0
    assert cross_entropy([0, 1], [1, 0]) == np.inf
    assert cross_entropy(np.eye(2), [[0.5, 0.5], [0.75, 0.25]]) == pytest.approx(np.log(8))


@given(score_tables)
def test_d_theta_sums_to_zero_in_each_row(theta):
    y = np.broadcast_to(one_hot(0, theta.shape[-1]), theta.shape)
    loss, d_theta = softmax_cross_entropy(y, theta)
    assert loss == pytest.approx(cross_entropy(y, softmax(theta)), rel=1e-11, abs=1e-13)
    assert_allclose(d_theta.sum(axis=-1), 0, atol=1e-14)


@given(score_tables)
def test_the_slope_of_the_cross_entropy_times_the_jacobian_of_the_softmax_is_prediction_minus_truth(theta):
    """The entry −y_k / ŷ_k of the slope cancels the ŷ_k of row k; a y that is a prediction itself keeps ŷ from 0."""
    y, y_hat, matrices = softmax(theta / 2), softmax(theta), softmax_jacobian(theta)
    delta = np.einsum("...k,...kj->...j", -y / y_hat, matrices)
    assert_allclose(delta, softmax_cross_entropy(y, theta)[1], rtol=1e-9, atol=1e-12)
    assert_allclose(matrices.sum(axis=-1), 0, atol=1e-15)
    assert_array_equal(np.diagonal(matrices, axis1=-2, axis2=-1), y_hat * (1 - y_hat))


def test_two_layer_has_as_many_parameters_as_its_formula_says():
    x, y, W1, b1, W2, b2 = drawn(4), one_hot(2, 3), drawn(4, 5), drawn(5), drawn(5, 3), drawn(3)
    loss, gradients = two_layer(x, y, W1, b1, W2, b2)
    learned = sum(gradient.size for name, gradient in gradients.items() if name != "d_x")
    assert two_layer_parameter_count(4, 5, 3) == learned == 43
    batch_loss, batch = two_layer([x, x], [y, y], W1, b1, W2, b2)
    assert batch_loss == pytest.approx(2 * loss)
    assert gradients["d_x"].shape == (4,)
    assert_allclose(batch["d_W1"], 2 * gradients["d_W1"], rtol=1e-14)


def test_gradients_of_the_outside_vectors_sum_to_zero_for_the_softmax():
    _, _, d_U = naive_softmax(drawn(3), 2, drawn(7, 3))
    assert_allclose(d_U.sum(axis=0), 0, atol=1e-15)


def test_a_zero_center_vector_knows_nothing():
    U = drawn(7, 3)
    assert naive_softmax(np.zeros(3), 2, U)[0] == pytest.approx(np.log(7), rel=1e-15)
    assert negative_sampling(np.zeros(3), 2, [0, 1, 3, 3], U)[0] == pytest.approx(5 * np.log(2), rel=1e-15)


def test_at_outside_vectors_of_zero_the_center_vector_stands_still_and_there_is_more_to_learn():
    _, d_v_c, d_U = naive_softmax(drawn(3), 2, np.zeros((7, 3)))
    assert not d_v_c.any()
    assert (np.abs(d_U) > 0.01).all()


def test_the_loss_of_a_window_is_minus_the_log_of_the_product_of_its_words_probabilities():
    V, U, window = drawn(7, 3), drawn(7, 3, seed=2), [2, 5, 2, 0]
    probability = np.prod(softmax(U @ V[CENTER])[window])
    assert skipgram(CENTER, window, V, U, naive_softmax)[0] == pytest.approx(-np.log(probability), rel=1e-13)


def test_with_words_in_columns_the_gradient_of_the_table_is_the_transpose():
    """The same loss as a function of a table with words in columns, differentiated there."""
    v_c, U = drawn(3), drawn(7, 3)
    _, d_v_c, d_U = naive_softmax(v_c, 2, U)
    delta = softmax(U @ v_c) - one_hot(2, 7)

    def loss(columns):
        return -anp.dot(columns[:, 2], v_c) + anp.log(anp.sum(anp.exp(anp.dot(v_c, columns))))

    assert_allclose(grad(loss)(U.T), np.outer(v_c, delta), rtol=1e-10, atol=1e-14)
    assert_allclose(d_U.T, np.outer(v_c, delta), rtol=1e-13)
    assert_allclose(U.T @ delta, d_v_c, rtol=1e-14)


def test_a_negative_counts_once_per_draw():
    v_c, U = drawn(3), drawn(7, 3)
    once, twice = (negative_sampling(v_c, 2, [4] * draws, U) for draws in (1, 2))
    assert_array_equal(twice[2][4], 2 * once[2][4])
    assert_array_equal(twice[2][2], once[2][2])


def test_weight_multiplies_every_negative_and_nothing_else():
    v_c, U = drawn(3), drawn(7, 3)
    weighted = negative_sampling(v_c, 2, [4, 5], U, weight=3)
    for ours, drawn_thrice in zip(weighted, negative_sampling(v_c, 2, [4, 5] * 3, U), strict=True):
        assert_allclose(ours, drawn_thrice, rtol=1e-14)
    assert_array_equal(negative_sampling(v_c, 2, [4], U, weight=0)[2][2], negative_sampling(v_c, 2, [], U)[2][2])


def test_a_prediction_moves_as_many_rows_as_its_cost_says():
    v_c, U = drawn(3), drawn(7, 3)
    moved = [np.count_nonzero(d_U.any(axis=1)) for _, _, d_U in (naive_softmax(v_c, 2, U), sampled(v_c, 2, U))]
    assert moved[0] == rows_touched("naive_softmax", 7)
    assert moved[1] == rows_touched("negative_sampling", 7, negatives=3) - 1  # word 4 was drawn twice


def test_skipgram_is_the_sum_over_its_window_and_moves_only_the_center_row():
    V, U = drawn(7, 3), drawn(7, 3, seed=2)
    loss, d_V, d_U = skipgram(1, [2, 5, 2], V, U, naive_softmax)
    parts = [naive_softmax(V[1], o, U) for o in (2, 2, 5)]
    assert loss == pytest.approx(sum(part[0] for part in parts), rel=1e-15)
    assert_allclose(d_V[1], sum(part[1] for part in parts), rtol=1e-13)
    assert_allclose(d_U, sum(part[2] for part in parts), rtol=1e-13)
    assert not np.delete(d_V, 1, axis=0).any()


def test_skipgram_of_a_one_word_sentence_has_no_loss():
    loss, d_V, d_U = skipgram(1, [], drawn(7, 3), drawn(7, 3), naive_softmax)
    assert loss == 0
    assert not d_V.any()
    assert not d_U.any()


def test_cbow_gives_each_context_word_its_share_and_a_repeated_word_two():
    V, U = drawn(7, 3), drawn(7, 3, seed=2)
    context = [2, 5, 2, 6]
    _, d_v_hat, _ = naive_softmax(V[context].mean(axis=0), 1, U)
    _, d_V, _ = cbow(1, context, V, U, naive_softmax)
    assert_allclose(d_V, np.outer([0, 0, 2, 0, 0, 1, 1], d_v_hat) / 4, rtol=1e-14)


def test_cbow_with_the_sum_is_cbow_with_the_mean_of_scaled_vectors():
    V, U = drawn(7, 3), drawn(7, 3, seed=2)
    context = [2, 5, 2, 6]
    with_mean = cbow(1, context, V, U, naive_softmax)
    with_sum = cbow(1, context, V / 4, U, naive_softmax, mean=False)
    for mean, total, factor in zip(with_mean, with_sum, (1, 4, 1), strict=True):
        assert_allclose(total, factor * np.asarray(mean), rtol=1e-13, atol=1e-16)


def test_with_one_context_word_skipgram_and_cbow_agree():
    V, U = drawn(7, 3), drawn(7, 3, seed=2)
    for ours, theirs in zip(skipgram(1, [3], V, U, sampled), cbow(3, [1], V, U, sampled), strict=True):
        assert_allclose(ours, theirs, rtol=1e-15)


def test_a_window_reaches_both_its_ends_and_stops_at_the_borders_of_the_sentence():
    assert outside_positions(5, length=11, window=2) == [3, 4, 6, 7]
    assert outside_positions(0, length=4, window=2) == [1, 2]
    assert outside_positions(3, length=4, window=9) == [0, 1, 2]
    assert outside_positions(0, length=1, window=5) == []


def test_a_sif_mean_is_proportional_to_the_gradient_of_the_log_likelihood_of_the_sentence_s_words():
    V, p, sentence, alpha, Z = drawn(6, 3), np.array([0.4, 0.3, 0.1, 0.1, 0.06, 0.04]), [0, 2, 2, 5], 0.2, 7.0

    def log_likelihood(c):
        return sum(anp.log(alpha * p[w] + (1 - alpha) * anp.exp(anp.dot(V[w], c)) / Z) for w in sentence)

    (mean,) = sif_means(V, [sentence], p, a=(1 - alpha) / (alpha * Z))
    assert_allclose(mean, grad(log_likelihood)(np.zeros(3)) / len(sentence), rtol=1e-12)


def test_sif_means_become_plain_means_as_a_grows():
    V, sentences = drawn(6, 3), [[0, 1, 1], [5]]
    means = [V[sentence].mean(axis=0) for sentence in sentences]
    assert_allclose(sif_means(V, sentences, np.full(6, 1 / 6), a=1e12), means, rtol=1e-10)


def test_no_direction_has_more_of_the_sentences_than_the_common_component():
    X, others = drawn(20, 4), drawn(500, 4, seed=2)
    u = common_component(X)
    assert_allclose(np.linalg.norm(u), 1, rtol=1e-15)
    lengths = np.linalg.norm(X @ (others / np.linalg.norm(others, axis=1, keepdims=True)).T, axis=0)
    assert lengths.max() < np.linalg.norm(X @ u)
    assert_array_equal(common_component(-X), u)


def test_what_is_left_is_orthogonal_to_the_component_and_stays_when_it_is_taken_out_again():
    X = drawn(20, 4)
    u = common_component(X)
    left = without_component(X, u)
    assert_allclose(left @ u, 0, atol=1e-14)
    assert_allclose(without_component(left, u), left, atol=1e-15)
    assert_allclose(np.linalg.svd(left)[1][:3], np.linalg.svd(X)[1][1:], rtol=1e-12)  # the other components are whole


def test_arguments_are_left_as_they_are():
    arguments = [drawn(7, 3), drawn(7, 3, seed=2)]
    before = [argument.copy() for argument in arguments]
    skipgram(1, [2, 2], *arguments, naive_softmax)
    cbow(1, [2, 2], *arguments, naive_softmax)
    assert_array_equal(arguments, before)


# ---- Bad input

U5 = np.ones((5, 3))
V3 = np.ones(3)

BAD_INPUT = {
    "x must be finite, but has shape (2,) and is nan at (1,)": lambda: softmax([0, np.nan]),
    "x must be 1-D or 2-D and not empty, but has shape (1, 1, 2)": lambda: softmax([[[1, 2]]]),
    "x must be 1-D or 2-D and not empty, but has shape (0,)": lambda: log_softmax([]),
    "x must hold numbers, but holds complex128": lambda: sigmoid([1j]),
    "x must be an array of numbers, but its rows differ in length": lambda: sigmoid([[1], [1, 2]]),
    "s must lie between 0 and 1, but goes from 0 to 3": lambda: d_sigmoid([0, 3]),
    "y must sum to 1 over the last axis, but its sums are 2": lambda: cross_entropy([1, 1], [0.5, 0.5]),
    "y_hat must have shape (2,), as y, but has shape (3,)": lambda: cross_entropy([0, 1], [0.2, 0.3, 0.5]),
    "theta must have shape (2,), as y, but has shape (1, 2)": lambda: softmax_cross_entropy([0, 1], [[1, 2]]),
    "theta must be finite": lambda: softmax_cross_entropy([0, 1], [np.inf, 0]),
    "W1 must have shape (2, 1), (d_x, hidden)": lambda: two_layer([1, 2], [1], [[1]], [1], [[1]], [1]),
    "W2 must have shape (1, 2), (hidden, d_y)": lambda: two_layer([1], [0, 1], [[1]], [1], [[1]], [1, 1]),
    "y must have shape (1, 2), (rows, d_y)": lambda: two_layer([[1]], [0, 1], [[1]], [1], [[1, 1]], [1, 1]),
    "d_x, hidden and d_y must be at least 1, but are 4, 0 and 2": lambda: two_layer_parameter_count(4, 0, 2),
    "v_c must have shape (3,), the length of a row of U with shape (5, 3), but has shape (4,)": (
        lambda: naive_softmax(np.ones(4), 0, U5)
    ),
    "U must be 2-D and not empty, but has shape (3,)": lambda: naive_softmax(V3, 0, V3),
    "U v_c must be finite": lambda: naive_softmax(V3 * 1e200, 0, U5 * 1e200),
    "o holds the word id 5, outside 0 to 4": lambda: naive_softmax(V3, 5, U5),
    "o holds the word id -1, outside 0 to 4": lambda: negative_sampling(V3, -1, [1], U5),
    "o must be one word id, but has shape (1,)": lambda: naive_softmax(V3, [1], U5),
    "o must be a 1-D array of whole numbers": lambda: naive_softmax(V3, 1.5, U5),
    "negatives holds the word id 9, outside 0 to 4": lambda: negative_sampling(V3, 0, [1, 9], U5),
    "negatives must not hold the outside word o = 2, but are [1, 2]": lambda: negative_sampling(V3, 2, [1, 2], U5),
    "weight must be finite": lambda: negative_sampling(V3, 2, [1], U5, weight=np.nan),
    "word_loss must be naive_softmax or negative_sampling, not 'softmax'": lambda: rows_touched("softmax", 5),
    "position 3 must lie in 0 to 2": lambda: outside_positions(3, 3, 1),
    "U must have shape (5, 3), as V, but has shape (4, 3)": lambda: skipgram(0, [1], U5, U5[:4], naive_softmax),
    "center holds the word id 7": lambda: skipgram(7, [1], U5, U5, naive_softmax),
    "outside holds the word id -2": lambda: skipgram(0, [1, -2], U5, U5, naive_softmax),
    "V must be finite": lambda: cbow(0, [1], U5 * np.inf, U5, naive_softmax),
    "context must be a 1-D array of whole numbers": lambda: cbow(0, [[1]], U5, U5, naive_softmax),
    "context must hold at least one word": lambda: cbow(0, [], U5, U5, naive_softmax),
}


@pytest.mark.parametrize("sentence", BAD_INPUT)
def test_bad_input_is_refused_in_a_sentence_that_names_it(sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        BAD_INPUT[sentence]()


# ---- The page that derives the formulas


@pytest.mark.parametrize("name", PUBLIC_FUNCTIONS)
def test_each_function_and_its_derivation_point_to_each_other(name):
    page = GRADIENTS_PAGE.read_text(encoding="utf-8")
    _, heading, section = page.partition(f"\n## {name}\n")
    assert heading, f"gradients.md has no section {name}"
    assert f"[`reference.{name}`](../../src/lexigrad/reference.py)" in section.split("\n## ")[0]
    assert re.search(rf"docs/concepts/gradients\.md#{name}\b", getattr(reference, name).__doc__)


def test_the_page_has_no_section_without_a_function():
    assert set(re.findall(r"^## (.+)$", GRADIENTS_PAGE.read_text(encoding="utf-8"), re.MULTILINE)) == {
        *PUBLIC_FUNCTIONS
    }


# -------------------- merging replicas


@pytest.mark.parametrize("replicas", [1, 2, 7])
def test_replicas_that_are_merged_have_come_as_far_as_one_after_the_other(replicas):
    """On a quadratic loss with the steps that they were taken to make, exactly."""
    random = np.random.default_rng(0)
    Q = np.linalg.qr(random.normal(size=(5, 5)))[0][:3]
    y = np.array([2.0, 0.3, 1e-9, 0.01])
    steps = Q.T @ np.diag(np.exp(-y[:3]) - np.exp(-y[3])) @ Q + np.exp(-y[3]) * np.eye(5)
    x = random.normal(size=5)
    merged = merged_row(x, np.tile(steps @ x - x, (replicas, 1)), Q, y)
    assert_allclose(merged, np.linalg.matrix_power(steps, replicas) @ x, atol=1e-8)


def test_merge_shares_are_the_quotient_of_their_definition():
    y = np.array([0.01, 0.5, 3.0])
    assert_allclose(merge_shares(y, 6), (1 - np.exp(-6 * y)) / (6 * (1 - np.exp(-y))))


@pytest.mark.parametrize(("y", "replicas"), [([-0.1], 2), ([0.1], 0)])
def test_merge_shares_refuse_what_cannot_be(y, replicas):
    with pytest.raises(InputError, match="1 replica or more"):
        merge_shares(y, replicas)
