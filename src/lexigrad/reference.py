"""The living definition: every equation of word2vec as one small float64 function.

Read it from top to bottom: each formula uses only those above it, and the checks stand at the end. Rows are words: the
center vectors ``V`` and the outside vectors ``U`` have the shape (vocabulary, dim), and row ``v_c`` or ``u_w`` is one
word's vector. A gradient is called ``d_`` and what it is the gradient of, and has the same shape. A function that
returns a loss returns the exact gradients with it; `lexigrad.gradcheck` proves them, and the fast kernels are compared
with them.

Every formula is derived in docs/concepts/gradients.md, in a section that has the function's name. All functions take
values that NumPy can turn into arrays. A wrong shape, an id out of range, or a number that is not finite raises
`lexigrad.errors.InputError`, which names the argument. No finite input overflows on the way to a finite result.

Sources: [1] Mikolov, Chen, Corrado, Dean 2013, "Efficient estimation of word representations in vector space";
[2] Mikolov, Sutskever, Chen, Corrado, Dean 2013, "Distributed representations of words and phrases and their
compositionality"; [3] İrsoy, Benton, Stratos 2021, "Corrected CBOW performs as well as skip-gram";
[4] Arora, Liang, Ma 2017, "A simple but tough-to-beat baseline for sentence embeddings". `merged_row` is our own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lexigrad.errors import InputError

__all__ = [
    "WordLoss",
    "cbow",
    "common_component",
    "cross_entropy",
    "d_sigmoid",
    "log_sigmoid",
    "log_softmax",
    "merge_shares",
    "merged_row",
    "naive_softmax",
    "negative_sampling",
    "outside_positions",
    "rows_touched",
    "sif_means",
    "sigmoid",
    "skipgram",
    "softmax",
    "softmax_cross_entropy",
    "softmax_jacobian",
    "two_layer",
    "two_layer_parameter_count",
    "without_component",
]

Array: TypeAlias = NDArray[np.float64]

WordLoss: TypeAlias = Callable[[Array, int, Array], tuple[float, Array, Array]]
"""The loss of predicting one word: (v, o, U) → (loss, d_v, d_U), such as `naive_softmax`."""


# -------------------- scores and probabilities


def softmax(x: ArrayLike) -> Array:
    """Turn scores into probabilities that sum to 1 over the last axis.

    softmax(x)_w = exp(x_w) / Σ_j exp(x_j), and softmax(x + a) = softmax(x) for any number a: we take a = −max x, so
    that no exponential overflows. Statement 1, docs/concepts/gradients.md#softmax.

    Args:
        x: scores, of shape (n,) or (rows, n).

    Returns:
        The probabilities, shaped as ``x``.

    Example:
        >>> softmax([[1001.0, 1002.0], [3.0, 3.0]]).round(4).tolist()
        [[0.2689, 0.7311], [0.5, 0.5]]
    """
    exponentials: Array = np.exp(_below_max(x))
    total: Array = exponentials.sum(axis=-1, keepdims=True)
    return exponentials / total


def log_softmax(x: ArrayLike) -> Array:
    """Take the logarithm of `softmax`, finite even where the probability itself is too small for a float.

    log softmax(x)_w = x_w − max x − log Σ_j exp(x_j − max x). Statement 1, docs/concepts/gradients.md#log_softmax.

    Args:
        x: scores, of shape (n,) or (rows, n).

    Returns:
        The log-probabilities, shaped as ``x``.

    Example:
        >>> log_softmax([0.0, -10000.0]).tolist()
        [0.0, -10000.0]
    """
    below_max = _below_max(x)
    total: Array = np.exp(below_max).sum(axis=-1, keepdims=True)
    return below_max - np.log(total)


def softmax_jacobian(x: ArrayLike) -> Array:
    """Give the derivative of each probability of `softmax` by each score.

    ∂ŷ_k/∂x_j = ŷ_k (δ_kj − ŷ_j) with ŷ = softmax(x), where δ_kj is 1 for k = j and 0 otherwise: ŷ_k (1 − ŷ_k) on the
    diagonal and −ŷ_k ŷ_j beside it. The matrix is symmetric, and its rows sum to 0.
    Statement 4, docs/concepts/gradients.md#softmax_jacobian.

    Args:
        x: scores, of shape (n,) or (rows, n).

    Returns:
        The derivatives, of shape (n, n) or (rows, n, n); k is the last axis but one, j the last.

    Example:
        >>> softmax_jacobian([0.0, 0.0]).tolist()
        [[0.25, -0.25], [-0.25, 0.25]]
    """
    y_hat = softmax(x)
    jacobian: Array = y_hat[..., :, None] * (np.eye(y_hat.shape[-1]) - y_hat[..., None, :])
    return jacobian


def sigmoid(x: ArrayLike) -> Array:
    """Squash each score into a probability between 0 and 1.

    σ(x) = 1 / (1 + exp(−x)) = exp(min(x, 0)) / (1 + exp(−|x|)); the second form has no exponential that can overflow.
    Statement 2, docs/concepts/gradients.md#sigmoid.

    Args:
        x: scores, of any shape.

    Returns:
        σ of each score, shaped as ``x``.

    Example:
        >>> sigmoid([-10000.0, 0.0, 10000.0]).tolist()
        [0.0, 0.5, 1.0]

    word2vec.c and gensim look σ up in a table of 1,000 values between −6 and 6; beyond, word2vec.c takes 0 or 1 and
    gensim leaves the term out.
    """
    x = _finite("x", x)
    s: Array = np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))
    return s


def log_sigmoid(x: ArrayLike) -> Array:
    """Take the logarithm of `sigmoid`, finite even where the sigmoid itself is too small for a float.

    log σ(x) = min(x, 0) − log(1 + exp(−|x|)), and its derivative is σ(−x).
    Statement 2, docs/concepts/gradients.md#log_sigmoid.

    Args:
        x: scores, of any shape.

    Returns:
        log σ of each score, shaped as ``x``.

    Example:
        >>> log_sigmoid([-10000.0, 0.0]).round(4).tolist()
        [-10000.0, -0.6931]
    """
    x = _finite("x", x)
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


def d_sigmoid(s: ArrayLike) -> Array:
    """Give the sigmoid's derivative from the sigmoid's value.

    σ′(x) = σ(x)(1 − σ(x)) = s(1 − s). Statement 2, docs/concepts/gradients.md#d_sigmoid.

    Args:
        s: values ``sigmoid(x)``, between 0 and 1, of any shape; not x itself.

    Returns:
        σ′ at each x, shaped as ``s``.

    Example:
        >>> d_sigmoid(sigmoid([0.0, 10000.0])).tolist()
        [0.25, 0.0]
    """
    s = _probabilities("s", s)
    return s * (1 - s)


# -------------------- classifiers


def cross_entropy(y: ArrayLike, y_hat: ArrayLike) -> float:
    """Measure how surprised the prediction ŷ is by the truth y.

    CE(y, ŷ) = −Σ_w y_w log ŷ_w, which is −log ŷ_o for a one-hot y with its one at o. A word with y_w = 0 adds nothing,
    even if its ŷ_w is 0; ŷ_o = 0 makes the loss infinite. Statement 3, docs/concepts/gradients.md#cross_entropy.

    Args:
        y: the truth, one-hot or any distribution, of shape (n,) or (rows, n); each row sums to 1.
        y_hat: the predicted probabilities, shaped as ``y``.

    Returns:
        The loss, in nats; the rows of a batch are summed.

    Example:
        >>> round(cross_entropy([0, 1, 0], [0.25, 0.5, 0.25]), 4)
        0.6931
    """
    y, y_hat = _distributions("y", y), _probabilities("y_hat", y_hat)
    _expect_shape("y_hat", y_hat, y.shape, "as y")
    with np.errstate(divide="ignore"):
        return _cross_entropy_of_log(y, np.log(y_hat))


def softmax_cross_entropy(y: ArrayLike, theta: ArrayLike) -> tuple[float, Array]:
    """Give the cross-entropy of softmax(θ) and its gradient, the difference between prediction and truth.

    J = CE(y, softmax(θ)), ∂J/∂θ = ŷ − y. Statement 4, docs/concepts/gradients.md#softmax_cross_entropy.

    Args:
        y: the truth, one-hot or any distribution, of shape (n,) or (rows, n); each row sums to 1.
        theta: scores, shaped as ``y``.

    Returns:
        (loss, d_theta); the losses of a batch's rows are summed.

    Example:
        >>> loss, d_theta = softmax_cross_entropy([0, 1], [0.0, 0.0])
        >>> round(loss, 4), d_theta.tolist()
        (0.6931, [0.5, -0.5])
    """
    y, theta = _distributions("y", y), _shaped("theta", theta, 1, 2)
    _expect_shape("theta", theta, y.shape, "as y")
    return _cross_entropy_of_log(y, log_softmax(theta)), softmax(theta) - y


def two_layer(
    x: ArrayLike, y: ArrayLike, W1: ArrayLike, b1: ArrayLike, W2: ArrayLike, b2: ArrayLike
) -> tuple[float, dict[str, Array]]:
    """Classify with one hidden layer of sigmoids and a softmax on top.

    h = σ(xW₁ + b₁), ŷ = softmax(hW₂ + b₂), J = CE(y, ŷ). With δ₂ = ŷ − y and δ₁ = δ₂W₂ᵀ ∘ h(1 − h), the gradients are
    ∂J/∂W₂ = hᵀδ₂, ∂J/∂b₂ = Σ δ₂, ∂J/∂W₁ = xᵀδ₁, ∂J/∂b₁ = Σ δ₁ and ∂J/∂x = δ₁W₁ᵀ, the sums over the rows of the batch.
    Statement 5, docs/concepts/gradients.md#two_layer.

    Args:
        x: inputs, of shape (d_x,) or (rows, d_x).
        y: the truth, of shape (d_y,) or (rows, d_y); each row sums to 1.
        W1: weights of the hidden layer, of shape (d_x, hidden).
        b1: biases of the hidden layer, of shape (hidden,).
        W2: weights of the output layer, of shape (hidden, d_y).
        b2: biases of the output layer, of shape (d_y,).

    Returns:
        (loss, gradients), the gradients under the names d_x, d_W1, d_b1, d_W2 and d_b2.

    Example:
        >>> loss, gradients = two_layer([1.0, 2.0], [0, 1], [[0.0], [0.0]], [0.0], [[0.0, 0.0]], [0.0, 0.0])
        >>> round(loss, 4), gradients["d_b2"].tolist()
        (0.6931, [0.5, -0.5])
    """
    x, y = _shaped("x", x, 1, 2), _shaped("y", y, 1, 2)
    W1, b1, W2, b2 = _shaped("W1", W1, 2), _shaped("b1", b1, 1), _shaped("W2", W2, 2), _shaped("b2", b2, 1)
    _expect_shape("W1", W1, (x.shape[-1], b1.size), f"(d_x, hidden), as x is {x.shape} and b1 {b1.shape}")
    _expect_shape("W2", W2, (b1.size, b2.size), f"(hidden, d_y), as b1 is {b1.shape} and b2 {b2.shape}")
    _expect_shape("y", y, (*x.shape[:-1], b2.size), f"(rows, d_y), as x is {x.shape} and b2 {b2.shape}")
    rows = np.atleast_2d(x)
    h = sigmoid(_product("x W1", rows, W1) + b1)
    loss, delta_2 = softmax_cross_entropy(np.atleast_2d(y), _product("h W2", h, W2) + b2)
    delta_1 = delta_2 @ W2.T * d_sigmoid(h)
    return loss, {
        "d_x": (delta_1 @ W1.T).reshape(x.shape),
        "d_W1": rows.T @ delta_1,
        "d_b1": delta_1.sum(axis=0),
        "d_W2": h.T @ delta_2,
        "d_b2": delta_2.sum(axis=0),
    }


def two_layer_parameter_count(d_x: int, hidden: int, d_y: int) -> int:
    """Count the numbers that `two_layer` learns.

    d_x · hidden + hidden + hidden · d_y + d_y, each size at least 1.
    Statement 6, docs/concepts/gradients.md#two_layer_parameter_count.

    Example:
        >>> two_layer_parameter_count(d_x=10, hidden=5, d_y=10)
        115
    """
    if min(d_x, hidden, d_y) < 1:
        raise InputError(f"d_x, hidden and d_y must be at least 1, but are {d_x}, {hidden} and {d_y}")
    return d_x * hidden + hidden + hidden * d_y + d_y


# -------------------- predicting one word


def naive_softmax(v_c: ArrayLike, o: int, U: ArrayLike) -> tuple[float, Array, Array]:
    """Predict the outside word o from the center word's vector, against every word of the vocabulary.

    J = −log softmax(U v_c)_o = −u_o·v_c + log Σ_w exp(u_w·v_c). With ŷ = softmax(U v_c) and y one-hot at o,
    ∂J/∂v_c = Uᵀ(ŷ − y) and ∂J/∂U = (ŷ − y) v_cᵀ: every row of U moves.
    Statements 7 and 8, docs/concepts/gradients.md#naive_softmax.

    Args:
        v_c: the center word's vector, of shape (dim,).
        o: the outside word's id, a row of U.
        U: the outside vectors, of shape (vocabulary, dim).

    Returns:
        (loss, d_v_c, d_U).

    Example:
        >>> loss, d_v_c, d_U = naive_softmax([0.0], 1, [[1.0], [2.0], [3.0], [4.0]])
        >>> round(loss, 4), d_v_c.tolist()  # log 4 and the mean of U minus u_o
        (1.3863, [0.5])

    Source: [2], equation 2.
    """
    v_c, U = _vector_and_rows("v_c", v_c, "U", U)
    y = np.zeros(len(U))
    y[_word_id("o", o, len(U))] = 1
    loss, delta = softmax_cross_entropy(y, _product("U v_c", U, v_c))
    return loss, U.T @ delta, np.outer(delta, v_c)


def negative_sampling(
    v_c: ArrayLike, o: int, negatives: ArrayLike, U: ArrayLike, weight: float = 1.0
) -> tuple[float, Array, Array]:
    """Tell the outside word o from a few words drawn at random, given the center word's vector.

    J = −log σ(u_o·v_c) − weight · Σ_k log σ(−u_k·v_c), k over the drawn negatives. With σ_w = σ(u_w·v_c),
    ∂J/∂v_c = (σ_o − 1) u_o + weight · Σ_k σ_k u_k, ∂J/∂u_o = (σ_o − 1) v_c, and ∂J/∂u_k = weight · σ_k v_c once per
    draw: a word drawn twice gets it twice. Statements 9 and 10, docs/concepts/gradients.md#negative_sampling.

    Args:
        v_c: the center word's vector, of shape (dim,).
        o: the outside word's id, a row of U.
        negatives: the ids of the drawn words, of shape (K,), with repeats; o is not among them. May be empty.
        U: the outside vectors, of shape (vocabulary, dim).
        weight: what each negative's term counts, 1 in the definition. Our kernels let a block of tokens share S draws
            and weight each by K / S: the expected loss is that of K draws a pair, at a fraction of the memory traffic.

    Returns:
        (loss, d_v_c, d_U).

    Raises:
        InputError: o is among the negatives, besides what all functions refuse.

    Example:
        >>> loss, d_v_c, d_U = negative_sampling([0.0], 0, [2, 2], [[1.0], [2.0], [3.0]])
        >>> round(loss, 4), d_v_c.tolist()  # 3 log 2, and half of u_2 + u_2 − u_o
        (2.0794, [2.5])

    Source: [2], equation 4. word2vec.c and gensim leave out a drawn o and draw no other word for it.
    """
    v_c, U = _vector_and_rows("v_c", v_c, "U", U)
    o, negatives = _word_id("o", o, len(U)), _word_ids("negatives", negatives, len(U))
    if o in negatives:
        raise InputError(
            f"negatives must not hold the outside word o = {o}, but are {negatives.tolist()}; leave it out"
        )
    weight = float(_shaped("weight", weight, 0))
    x_o, x_k = _product("u_o v_c", U[o], v_c), _product("u_k v_c", U[negatives], v_c)
    loss = -log_sigmoid(x_o) - weight * log_sigmoid(-x_k).sum()
    d_x_o, d_x_k = -sigmoid(-x_o), weight * sigmoid(x_k)  # −σ(−x) is σ(x) − 1 with all its digits
    d_U = np.zeros_like(U)
    d_U[o] = d_x_o * v_c
    np.add.at(d_U, negatives, np.outer(d_x_k, v_c))
    return float(loss), d_x_o * U[o] + d_x_k @ U[negatives], d_U


def rows_touched(word_loss: str, vocabulary: int, negatives: int = 0) -> int:
    """Count the rows of U that one prediction reads and moves, which is its cost.

    |V| for ``naive_softmax``, K + 1 for ``negative_sampling``. Statement 11, docs/concepts/gradients.md#rows_touched.

    Example:
        >>> rows_touched("naive_softmax", vocabulary=50_000)
        50000
        >>> rows_touched("negative_sampling", vocabulary=50_000, negatives=5)
        6
    """
    costs = {"naive_softmax": vocabulary, "negative_sampling": negatives + 1}
    if word_loss not in costs:
        raise InputError(f"word_loss must be naive_softmax or negative_sampling, not {word_loss!r}")
    return costs[word_loss]


# -------------------- predicting in a window


def outside_positions(position: int, length: int, window: int) -> list[int]:
    """List the positions in the window around a position of a sentence.

    t + j for −m ≤ j ≤ m, j ≠ 0, both ends included, as far as the sentence of ``length`` words goes; t is
    ``position`` and m is ``window``. Statement 12, docs/concepts/gradients.md#outside_positions.

    Example:
        >>> outside_positions(position=1, length=10, window=2)
        [0, 2, 3]
    """
    if window < 0 or not 0 <= position < length:
        raise InputError(f"position {position} must lie in 0 to {length - 1} and window {window} be at least 0")
    first, last = max(position - window, 0), min(position + window, length - 1)
    return [t for t in range(first, last + 1) if t != position]


def skipgram(
    center: int, outside: ArrayLike, V: ArrayLike, U: ArrayLike, word_loss: WordLoss
) -> tuple[float, Array, Array]:
    """Predict every word of the window from its center word.

    J = Σ_o F(v_c, o, U), o over the window's words. ∂J/∂U and ∂J/∂v_c are the sums of F's gradients; the other rows
    of V get none. Statement 12, docs/concepts/gradients.md#skipgram.

    Args:
        center: the center word's id, a row of V.
        outside: the ids of the window's words, of shape (words,), with repeats. May be empty: a one-word sentence.
        V: the center vectors, of shape (vocabulary, dim).
        U: the outside vectors, shaped as ``V``.
        word_loss: F, called as ``word_loss(v_c, o, U)`` once an outside word, in their order.

    Returns:
        (loss, d_V, d_U).

    Example:
        >>> loss, d_V, d_U = skipgram(0, [1, 2, 1], np.zeros((3, 2)), np.ones((3, 2)), naive_softmax)
        >>> round(loss, 4)  # 3 log 3
        3.2958

    Source: [2], equation 1. word2vec.c and gensim predict the center word from each outside word: over a corpus these
    are the same pairs, seen from their other end.
    """
    V, U = _tables(V, U)
    center, outside = _word_id("center", center, len(V)), _word_ids("outside", outside, len(V))
    loss, d_V, d_U = 0.0, np.zeros_like(V), np.zeros_like(U)
    for o in outside.tolist():
        loss_o, d_v_c_o, d_U_o = word_loss(V[center], o, U)
        loss += loss_o
        d_V[center] += d_v_c_o
        d_U += d_U_o
    return loss, d_V, d_U


def cbow(
    center: int, context: ArrayLike, V: ArrayLike, U: ArrayLike, word_loss: WordLoss, mean: bool = True
) -> tuple[float, Array, Array]:
    """Predict the center word from the mean (or the sum) of the vectors of its context.

    J = F(v̂, w_c, U) with v̂ = (1 / |window|) Σ_w v_w, or the sum without the factor. Each word of the context gets
    ∂J/∂v_w = (1 / |window|) ∂J/∂v̂, without the factor when v̂ is the sum, and a word that stands twice in the context
    gets it twice. Statement 13, docs/concepts/gradients.md#cbow.

    Args:
        center: the center word's id, a row of U.
        context: the ids of the words around it, rows of V, of shape (words,), with repeats; at least one.
        V: the vectors of context words, of shape (vocabulary, dim).
        U: the vectors of predicted words, shaped as ``V``.
        word_loss: F, called once as ``word_loss(v_hat, center, U)``.
        mean: whether v̂ is the mean or the sum.

    Returns:
        (loss, d_V, d_U).

    Raises:
        InputError: the context is empty, besides what all functions refuse.

    Example:
        >>> loss, d_V, d_U = cbow(0, [1, 2, 1], np.zeros((3, 1)), [[3.0], [0.0], [0.0]], naive_softmax)
        >>> d_V.round(4).ravel().tolist()
        [0.0, -1.3333, -0.6667]

    Source: [1], section 3.1. With the mean, word2vec.c and gensim leave the factor 1 / |window| out of the gradient;
    [3] shows what that costs, docs/concepts/errata.md how wrong it is.
    """
    V, U = _tables(V, U)
    center, context = _word_id("center", center, len(V)), _word_ids("context", context, len(V))
    if context.size == 0:
        raise InputError("context must hold at least one word, but is empty; skip a word that stands alone")
    share = 1 / context.size if mean else 1.0
    loss, d_v_hat, d_U = word_loss(share * V[context].sum(axis=0), center, U)
    d_V = np.zeros_like(V)
    np.add.at(d_V, context, share * d_v_hat)
    return loss, d_V, d_U


# -------------------- sentences


def sif_means(V: ArrayLike, sentences: Sequence[ArrayLike], p: ArrayLike, a: float = 1e-3) -> Array:
    """Average the vectors of each sentence's words, the less of a word the more frequent it is.

    x_S = 1/|S| · Σ_{w ∈ S} a / (a + p(w)) · v_w, where S holds a word as often as it comes. The weight is 1 for a word
    that never occurs and 1/2 where p(w) = a; a → ∞ gives the plain mean. docs/concepts/gradients.md#sif_means.

    Args:
        V: center vectors, of shape (vocabulary, dim).
        sentences: for each sentence the ids of its words; without words it becomes the zero vector.
        p: each word's share of the text, of shape (vocabulary,).
        a: how frequent a word is that counts half; above 0.

    Returns:
        The means, of shape (sentences, dim).

    Example:
        >>> sif_means([[4.0, 0.0], [0.0, 4.0]], [[0, 1], [1], []], [0.001, 0.0]).tolist()
        [[1.0, 2.0], [0.0, 4.0], [0.0, 0.0]]

    Source: [4], algorithm 1, lines 1 to 3.
    """
    V, p = _shaped("V", V, 2), _probabilities("p", p)
    _expect_shape("p", p, V.shape[:1], "a share for each row of V")
    if not 0 < a < np.inf:
        raise InputError(f"a must be a finite number above 0, but is {a!r}")
    means = np.zeros((len(sentences), V.shape[1]))
    for row, words in enumerate(sentences):
        word_ids = _word_ids(f"sentence {row}", words, len(V))
        if word_ids.size:
            means[row] = (a / (a + p[word_ids])) @ V[word_ids] / word_ids.size
    return means


def common_component(X: ArrayLike) -> Array:
    """Find the direction that sentences have most in common.

    u = argmax_{|u| = 1} |X u|²: the first right singular vector of X, which is not centered first. Of u and −u it is
    the one whose largest entry is positive. docs/concepts/gradients.md#common_component.

    Args:
        X: sentences' vectors, of shape (sentences, dim).

    Returns:
        A direction of length 1, of shape (dim,).

    Example:
        >>> common_component([[3.0, 4.0], [-6.0, -8.0]]).round(4).tolist()
        [0.6, 0.8]

    Source: [4], algorithm 1, line 4.
    """
    u: Array = np.linalg.svd(_shaped("X", X, 2), full_matrices=False)[2][0]
    return u if u[np.argmax(np.abs(u))] > 0 else -u


def without_component(X: ArrayLike, u: ArrayLike) -> Array:
    """Take one direction out of each vector: what is left is orthogonal to it.

    x − (x·u) u for each row x. docs/concepts/gradients.md#without_component.

    Args:
        X: vectors, of shape (sentences, dim).
        u: a direction of length 1, of shape (dim,).

    Returns:
        The vectors without it, shaped as ``X``.

    Example:
        >>> without_component([[3.0, 4.0]], [1.0, 0.0]).tolist()
        [[0.0, 4.0]]

    Source: [4], algorithm 1, lines 5 and 6.
    """
    u, X = _vector_and_rows("u", u, "X", X)
    return X - np.outer(_product("X u", X, u), u)


# -------------------- merging replicas


def merge_shares(y: ArrayLike, replicas: int) -> Array:
    """Find how much of the sum of several replicas' changes is to be kept, for each direction's stiffness y.

    Where the loss is (h / 2) x² along a direction, n steps at a rate η take x to e^(−y) x, with y = η n h. Replicas
    that begin at the same x change it by (e^(−y) − 1) x each; one after the other they would end at e^(−c·y) x. So of
    the sum of c changes the share s = (1 − e^(−c·y)) / (c (1 − e^(−y))) is kept: all of it where y is 0, as nothing
    conflicts, and 1 / c where y is large, as all went to the same place. docs/concepts/gradients.md#merge_shares.

    Args:
        y: of each direction, 0 or more, shape (n,).
        replicas: c, at least 1.

    Returns:
        s of each direction, shape (n,).

    Example:
        >>> merge_shares([0.0, 0.1, 100.0], 4).round(3).tolist()
        [1.0, 0.866, 0.25]
    """
    stiffness = _shaped("y", y, 1)
    if replicas < 1 or (stiffness < 0).any():
        raise InputError(
            f"there must be 1 replica or more, and no y below 0, but they are {replicas} and {stiffness.tolist()}"
        )
    shares: Array = np.exp(-np.outer(np.arange(replicas), stiffness)).mean(axis=0)
    return shares


def merged_row(base: ArrayLike, changes: ArrayLike, Q: ArrayLike, y: ArrayLike) -> Array:
    """Merge one row that several replicas have changed: spectral damping.

    new = base + Qᵀ diag(s) Q Σ_r δ_r, where s are the `merge_shares` of y, and the last of them is that of all
    directions at right angles to Q. docs/concepts/gradients.md#merged_row.

    Args:
        base: the row before, shape (dim,).
        changes: δ of each replica that changed it, shape (replicas, dim).
        Q: orthonormal directions, one a row, shape (n, dim).
        y: how stiff the loss is along each, and last along all others, shape (n + 1,).

    Returns:
        The row after, shape (dim,).

    Example:
        >>> changes = [[1.0, 1.0], [1.0, 1.0]]
        >>> merged_row([0.0, 0.0], changes, Q=[[1.0, 0.0]], y=[100.0, 0.0]).round(3).tolist()
        [1.0, 2.0]
    """
    row, deltas = _vector_and_rows("base", base, "changes", changes)
    directions, stiffness = _shaped("Q", Q, 2), _shaped("y", y, 1)
    _expect_shape("Q", directions, (stiffness.size - 1, row.size), "one direction for each y but the last")
    shares = merge_shares(stiffness, len(deltas))
    total = deltas.sum(axis=0)
    along = directions @ total
    new: Array = row + shares[-1] * total + directions.T @ ((shares[:-1] - shares[-1]) * along)
    return new


# -------------------- helpers, and the checks of the input


def _below_max(x: ArrayLike) -> Array:
    """Give x − max x over the last axis."""
    array = _shaped("x", x, 1, 2)
    with np.errstate(over="ignore"):  # scores 1e308 apart: −inf is what is left of the lower one
        below_max: Array = array - array.max(axis=-1, keepdims=True)
    return below_max


def _cross_entropy_of_log(y: Array, log_y_hat: Array) -> float:
    """−Σ y log ŷ; only the words with y > 0 are looked at, as 0 · log 0 is 0 here."""
    return -float(np.sum(y[y > 0] * log_y_hat[y > 0]))


def _product(name: str, a: Array, b: Array) -> Array:
    """The product a @ b, refused where finite factors have a product that is not."""
    with np.errstate(over="ignore", invalid="ignore"):
        return _finite(name, a @ b)


def _finite(name: str, value: ArrayLike) -> Array:
    """The value as a float64 array whose entries are finite."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise InputError(f"{name} must be an array of numbers, but its rows differ in length") from error
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} must hold numbers, but holds {array.dtype.name} values")
    if not np.isfinite(array).all():
        where = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
        raise InputError(f"{name} must be finite, but has shape {array.shape} and is {array[where]} at {where}")
    return array.astype(np.float64, copy=False)


def _shaped(name: str, value: ArrayLike, *dimensions: int) -> Array:
    """The value as a finite array, not empty, with one of these numbers of dimensions."""
    array = _finite(name, value)
    if array.ndim not in dimensions or array.size == 0:
        wanted = " or ".join(f"{n}-D" for n in dimensions)
        raise InputError(f"{name} must be {wanted} and not empty, but has shape {array.shape}")
    return array


def _expect_shape(name: str, array: Array, shape: tuple[int, ...], reason: str) -> None:
    if array.shape != shape:
        raise InputError(f"{name} must have shape {shape}, {reason}, but has shape {array.shape}")


def _probabilities(name: str, value: ArrayLike) -> Array:
    array = _finite(name, value)
    if (array < 0).any() or (array > 1).any():
        raise InputError(f"{name} must lie between 0 and 1, but goes from {array.min():g} to {array.max():g}")
    return array


def _distributions(name: str, value: ArrayLike) -> Array:
    """Probabilities that sum to 1 over the last axis."""
    array = _probabilities(name, _shaped(name, value, 1, 2))
    sums = array.sum(axis=-1)
    if np.abs(sums - 1).max() > 1e-9:
        raise InputError(f"{name} must sum to 1 over the last axis, but its sums are {sums.tolist()}")
    return array


def _vector_and_rows(vector_name: str, vector: ArrayLike, table_name: str, table: ArrayLike) -> tuple[Array, Array]:
    """A vector and a table whose rows have its length."""
    v, rows = _shaped(vector_name, vector, 1), _shaped(table_name, table, 2)
    _expect_shape(vector_name, v, rows.shape[1:], f"the length of a row of {table_name} with shape {rows.shape}")
    return v, rows


def _tables(V: ArrayLike, U: ArrayLike) -> tuple[Array, Array]:
    center_vectors, outside_vectors = _shaped("V", V, 2), _shaped("U", U, 2)
    _expect_shape("U", outside_vectors, center_vectors.shape, "as V")
    return center_vectors, outside_vectors


def _word_ids(name: str, value: ArrayLike, vocabulary: int) -> NDArray[np.int64]:
    """The value as a 1-D array of rows of a table with so many rows."""
    ids = np.asarray(value)
    if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
        raise InputError(
            f"{name} must be a 1-D array of whole numbers, but has shape {ids.shape} and holds {ids.dtype}"
        )
    outsiders = ids[(ids < 0) | (ids >= vocabulary)]
    if outsiders.size:
        raise InputError(
            f"{name} holds the word id {outsiders[0]}, outside 0 to {vocabulary - 1}, the rows of the table"
        )
    return ids.astype(np.int64)


def _word_id(name: str, value: int, vocabulary: int) -> int:
    if np.ndim(value) != 0:
        raise InputError(f"{name} must be one word id, but has shape {np.shape(value)}")
    return int(_word_ids(name, [value], vocabulary)[0])
