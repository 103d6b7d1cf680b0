"""Known wrong forms of the formulas: what students' functions return when one line of them is wrong.

Each list goes with one function of `lexigrad.reference`, the likeliest mistakes first. A form returns a loss and
gradients as the right function does; those that the mistake leaves alone are right. A transposed array, a flipped sign
or a factor needs no form here: `lexigrad.gradcheck.students.findings` knows these for every function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lexigrad.gradcheck.students.findings import Slip
from lexigrad.reference import WordLoss, cbow, log_sigmoid, naive_softmax, sigmoid, skipgram, softmax, two_layer

__all__ = [
    "cbow_slips",
    "drawn",
    "naive_softmax_slips",
    "negative_sampling_slips",
    "right_cbow",
    "right_skipgram",
    "skipgram_slips",
    "two_layer_slips",
]

Array: TypeAlias = NDArray[np.float64]
Gradients: TypeAlias = tuple[float, Array, Array]
AtScores: TypeAlias = Callable[[Array, Array], tuple[Array, Array, Array]]
Choose: TypeAlias = Callable[[int, Sequence[int], int], list[int]]
Window: TypeAlias = Callable[[int, list[int], int], list[int]]


# -------------------- naive softmax: arguments v_c, o, U


def naive_softmax_slips() -> list[Slip]:
    """Wrong forms of `naive_softmax`: what stands at the scores in place of ŷ − y, and beside which loss."""

    def form(at_scores: Callable[[float, Array, Array], tuple[float, Array]]) -> Callable[..., Gradients]:
        def wrong(v_c: Array, o: int, U: Array) -> Gradients:
            loss, delta = at_scores(naive_softmax(v_c, o, U)[0], softmax(U @ v_c), np.eye(len(U))[o])
            return loss, U.T @ delta, np.outer(delta, v_c)

        return wrong

    return [
        Slip(
            "the sign of the outside word's row is flipped, 1 − ŷ_o for ŷ_o − 1",
            form(lambda loss, y_hat, y: (loss, np.where(y == 1, 1 - y_hat, y_hat))),
        ),
        Slip("the truth y is not subtracted, ŷ for ŷ − y", form(lambda loss, y_hat, _: (loss, y_hat))),
        Slip("only the outside word gets a gradient", form(lambda loss, y_hat, y: (loss, (y_hat - 1) * y))),
        Slip("the minus before the logarithm is missing", form(lambda loss, y_hat, y: (-loss, y - y_hat))),
    ]


# -------------------- negative sampling: arguments v_c, o, U, draws, K


def drawn(o: int, draws: Sequence[int], K: int) -> list[int]:
    """The first K draws that are not the outside word, the draws beginning anew at their end."""
    return list(islice((word_id for word_id in cycle(draws) if word_id != o), K))


def negative_sampling_slips() -> list[Slip]:
    """Wrong forms of `negative_sampling`: what stands at the scores, and which words are taken as negatives."""
    return [
        Slip("a negative that is drawn twice gets its gradient once, = or += with repeated indices", _assigned),
        *(Slip(cause, _sampled(at_scores)) for cause, at_scores in AT_SCORES.items()),
        *(Slip(cause, _sampled(choose=choose)) for cause, choose in NEGATIVES.items()),
    ]


def _loss(x_o: Array, x_k: Array) -> Array:
    """The loss of negative sampling from the scores."""
    return np.asarray(-log_sigmoid(x_o) - log_sigmoid(-x_k).sum())


def _right_scores(x_o: Array, x_k: Array) -> tuple[Array, Array, Array]:
    """The loss, and what stands at the scores."""
    return _loss(x_o, x_k), -sigmoid(-x_o), sigmoid(x_k)


def _sampled(at_scores: AtScores = _right_scores, choose: Choose = drawn) -> Callable[..., Any]:
    """Negative sampling with something else at the scores, or with other negatives."""

    def wrong(v_c: Array, o: int, U: Array, draws: Sequence[int], K: int) -> Any:
        words = np.array([o, *choose(o, draws, K)])
        scores = U[words] @ v_c
        loss, d_o, d_k = at_scores(scores[0], scores[1:])
        d_scores, d_U = np.array([d_o, *d_k]), np.zeros_like(U)
        np.add.at(d_U, words, np.outer(d_scores, v_c))
        return loss, d_scores @ U[words], d_U

    return wrong


def _assigned(v_c: Array, o: int, U: Array, draws: Sequence[int], K: int) -> Any:
    """The loss and ∂J/∂v_c are right, and of the gradients of a row the last one stays."""
    loss, d_v_c, _ = _sampled()(v_c, o, U, draws, K)
    return loss, d_v_c, _sampled(choose=_unlike)(v_c, o, U, draws, K)[2]


def _unlike(o: int, draws: Sequence[int], K: int) -> list[int]:
    """The negatives, each word once."""
    return list(dict.fromkeys(drawn(o, draws, K)))


def _kept(_: int, draws: Sequence[int], K: int) -> list[int]:
    """The first K draws, whatever they are."""
    return list(islice(cycle(draws), K))


AT_SCORES: Final[dict[str, AtScores]] = {
    "1 − σ(u_k·v_c) for 1 − σ(−u_k·v_c)": lambda x_o, x_k: (_loss(x_o, x_k), -sigmoid(-x_o), sigmoid(-x_k)),
    "the sign of the negatives' part is flipped": lambda x_o, x_k: (_loss(x_o, x_k), -sigmoid(-x_o), -sigmoid(x_k)),
    "the sign of the outside word's part is flipped, 1 − σ(u_o·v_c) for σ(u_o·v_c) − 1": lambda x_o, x_k: (
        (_loss(x_o, x_k), sigmoid(-x_o), sigmoid(x_k))
    ),
    "1 is not subtracted, σ(u_o·v_c) for σ(u_o·v_c) − 1": lambda x_o, x_k: (
        (_loss(x_o, x_k), sigmoid(x_o), sigmoid(x_k))
    ),
    "the negatives' part is missing": lambda x_o, x_k: (_loss(x_o, x_k), -sigmoid(-x_o), 0 * x_k),
    "the outside word's part is missing": lambda x_o, x_k: (_loss(x_o, x_k), 0 * x_o, sigmoid(x_k)),
    "the slope of the sigmoid is multiplied in twice": lambda x_o, x_k: (
        (_loss(x_o, x_k), -sigmoid(-x_o) * _slope(sigmoid(x_o)), sigmoid(x_k) * _slope(sigmoid(x_k)))
    ),
    "the minus in σ(−u_k·v_c) is missing, so that negatives are pulled closer": lambda x_o, x_k: (
        (_loss(x_o, -x_k), -sigmoid(-x_o), -sigmoid(-x_k))
    ),
    "the negatives' terms are averaged and not added": lambda x_o, x_k: (
        (-log_sigmoid(x_o) - log_sigmoid(-x_k).mean(), -sigmoid(-x_o), sigmoid(x_k) / x_k.size)
    ),
}
"""What makes of the scores u_o·v_c and u_k·v_c the loss, and its slopes in them, with a mistake."""

NEGATIVES: Final[dict[str, Choose]] = {
    "a negative that is drawn twice counts once": _unlike,
    "a draw that is the outside word is kept as a negative": _kept,
    "ten negatives are drawn whatever K is": lambda o, draws, _: drawn(o, draws, 10),
    "one negative too few is taken": lambda o, draws, K: drawn(o, draws, K)[:-1],
}
"""Which words are taken for negatives by mistake."""


# -------------------- windows: arguments center, outside, V, U, word_loss, window

WINDOWS: Final[dict[str, Window]] = {
    "the window's border is left out, −m < j < m for −m ≤ j ≤ m": lambda _, outside, m: (
        outside[1:-1] if len(outside) == 2 * m else outside
    ),
    "the first and the last outside word are left out": lambda _, outside, m: outside[1:-1],
    "the last outside word is left out": lambda _, outside, m: outside[:-1],
    "the first outside word is left out": lambda _, outside, m: outside[1:],
    "only as many outside words are used as the window is wide, m for 2m": lambda _, outside, m: outside[:m],
    "a word that stands twice in the window counts once": lambda _, outside, m: list(dict.fromkeys(outside)),
    "the center word is counted as an outside word, j = 0": lambda center, outside, m: [*outside, center],
}
"""Which words are taken for the window's by mistake; m is its width."""


def right_skipgram(center: int, outside: list[int], V: Array, U: Array, word_loss: WordLoss, window: int) -> Gradients:
    """Skip-gram; as the words of the window are handed over, its width says nothing more."""
    return skipgram(center, outside, V, U, word_loss)


def right_cbow(center: int, outside: list[int], V: Array, U: Array, word_loss: WordLoss, window: int) -> Gradients:
    """CBOW with the sum of the context's vectors."""
    return cbow(center, outside, V, U, word_loss, mean=False)


def skipgram_slips() -> list[Slip]:
    """Wrong forms of `skipgram`: other words in the window, other sums, other rows."""

    def last(**case: Any) -> Gradients:
        return right_skipgram(**case)[0], *right_skipgram(**{**case, "outside": case["outside"][-1:]})[1:]

    def averaged(**case: Any) -> Any:
        return [part / len(case["outside"]) for part in right_skipgram(**case)]

    def backwards(center: int, outside: list[int], **case: Any) -> Any:
        parts = [right_skipgram(center=o, outside=[center], **case) for o in outside]
        return [sum(some) for some in zip(*parts, strict=True)]

    def exchanged(V: Array, U: Array, **case: Any) -> Gradients:
        loss, d_U, d_V = right_skipgram(V=U, U=V, **case)
        return loss, d_V, d_U

    def scattered(**case: Any) -> Gradients:
        loss, d_V, d_U = right_skipgram(**case)
        scattered_d_V = np.zeros_like(d_V)
        for o in case["outside"]:
            scattered_d_V[o] += case["word_loss"](case["V"][case["center"]], o, case["U"])[1]
        return loss, scattered_d_V, d_U

    return [
        *_windows(right_skipgram),
        Slip("only the last outside word's gradient is kept, = for +=", last),
        Slip("the sum over the window is divided by the number of its words", averaged),
        Slip("the center word is predicted from the outside words, and not they from it", backwards),
        Slip("the two tables are exchanged", exchanged),
        Slip("the gradient of the center vector is added to the outside words' rows", scattered),
    ]


def cbow_slips() -> list[Slip]:
    """Wrong forms of `cbow` with the sum of the context's vectors."""

    def assigned(**case: Any) -> Gradients:
        loss, d_V, d_U = right_cbow(**case)
        times = np.bincount(case["outside"], minlength=len(d_V))[:, None]
        return loss, d_V / np.maximum(times, 1), d_U

    def mean(center: int, outside: list[int], V: Array, U: Array, word_loss: WordLoss, window: int) -> Gradients:
        return cbow(center, outside, V, U, word_loss)

    def shareless(**case: Any) -> Gradients:
        loss, d_V, d_U = mean(**case)
        return loss, len(case["outside"]) * d_V, d_U

    return [
        Slip("a word that stands twice in the context gets its gradient once", assigned),
        Slip("v̂ is the mean of the context's vectors and not their sum", mean),
        Slip("v̂ is the mean of the context's vectors, and its gradient lacks the factor 1/n", shareless),
        *_windows(right_cbow),
    ]


def _windows(right: Callable[..., Gradients]) -> list[Slip]:
    """The wrong forms that skip-gram and CBOW share: other words in the window, and another loss."""

    def of(window_of: Window) -> Callable[..., Gradients]:
        def wrong(**case: Any) -> Gradients:
            return right(**{**case, "outside": window_of(case["center"], case["outside"], case["window"])})

        return wrong

    return [
        *(Slip(cause, of(window_of)) for cause, window_of in WINDOWS.items()),
        Slip(
            "it calls the naive softmax and not the loss that it is given",
            lambda **case: right(**{**case, "word_loss": naive_softmax}),
        ),
    ]


# -------------------- the two-layer network: arguments x, y, W1, b1, W2, b2


def two_layer_slips() -> list[Slip]:
    """Wrong forms of `two_layer`, the weights' gradients in their order: what stands at the hidden layer."""

    def form(at_hidden: Callable[[Array, Array], Array]) -> Callable[..., Any]:
        def wrong(x: Array, y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Any:
            loss, right = two_layer(x, y, W1, b1, W2, b2)
            z = x @ W1 + b1
            delta_2 = softmax(sigmoid(z) @ W2 + b2) - y
            delta_1 = (delta_2 @ W2.T) * at_hidden(z, sigmoid(z))
            return loss, x.T @ delta_1, delta_1.sum(axis=0), right["d_W2"], right["d_b2"]

        return wrong

    def scaled(by: Callable[[int], float]) -> Callable[..., Any]:
        def wrong(x: Array, y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Any:
            loss, right = two_layer(x, y, W1, b1, W2, b2)
            return loss, *(by(len(x)) * right[name] for name in ("d_W1", "d_b1", "d_W2", "d_b2"))

        return wrong

    return [
        Slip("the slope of the sigmoid is missing", form(lambda z, h: np.ones_like(z))),
        Slip("the slope is taken as z(1 − z), from the score and not from the sigmoid", form(lambda z, h: z * (1 - z))),
        Slip("the sigmoid h stands where its slope h(1 − h) belongs", form(lambda z, h: h)),
        Slip("the loss is divided by the number of rows, and its gradient is not", scaled(lambda rows: rows)),
        Slip("the gradient is divided by the number of rows, and its loss is not", scaled(lambda rows: 1 / rows)),
        Slip("the slope is taken at h, h being put through the sigmoid again", form(lambda z, h: _slope(sigmoid(h)))),
    ]


def _slope(s: ArrayLike) -> Array:
    """The sigmoid's slope from its value."""
    values = np.asarray(s, dtype=np.float64)
    return values * (1 - values)
