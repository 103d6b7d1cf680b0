"""Prove gradients: compare each entry with the finite difference of the loss that it belongs to.

A finite difference needs nothing but the loss, so it cannot repeat a mistake of the derivation. ``lexigrad gradcheck``
prints the rows of `check_all`.

Example:
    >>> for row in check_all():
    ...     assert row.worst_error < TOLERANCE, row.name
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lexigrad.errors import GradientError, InputError
from lexigrad.reference import (
    WordLoss,
    cbow,
    d_sigmoid,
    log_sigmoid,
    naive_softmax,
    negative_sampling,
    sigmoid,
    skipgram,
    softmax,
    softmax_cross_entropy,
    softmax_jacobian,
    two_layer,
)

__all__ = [
    "FLOOR",
    "STEP",
    "TOLERANCE",
    "Check",
    "Checked",
    "check",
    "check_all",
    "formulas",
    "numeric_gradient",
    "relative_error",
]

Array: TypeAlias = NDArray[np.float64]

STEP: Final = 2.0**-10
"""How far an entry is moved. The formula's own error is about STEP⁴ / 30 = 3e-14 times the loss's fifth derivative, and
rounding adds some 1e-16 / STEP = 1e-13 times the loss: near the best compromise of the two, and far under TOLERANCE."""

TOLERANCE: Final = 1e-7
"""The relative error that `check` allows."""

FLOOR: Final = 1e-4
"""Entries smaller than this are compared as if they had this size: rounding leaves 1e-12 or so in every finite
difference, so the relative error of a tiny entry says nothing. At TOLERANCE such an entry may be off by 1e-11."""


class Checked(NamedTuple):
    """The outcome of one check: what was checked, its worst relative error, and how many entries were compared."""

    name: str
    worst_error: float
    entries: int | None = None


Check: TypeAlias = Callable[[], "Checked | tuple[str, float]"]
"""One row of the table: runs a check and returns its name and worst error, or raises GradientError."""


def numeric_gradient(loss: Callable[[Array], float], at: ArrayLike, step: float = STEP) -> Array:
    """Differentiate a loss by moving one entry at a time, four times each.

    ∂J/∂x ≈ (8 (J(x + h) − J(x − h)) − (J(x + 2h) − J(x − 2h))) / 12h, the central difference whose error falls as h⁴.

    Args:
        loss: a function of one array.
        at: where to differentiate, an array of any shape; left as it is.
        step: h, multiplied by the entry's size where that is above 1.

    Returns:
        The gradient, shaped as ``at``.

    Example:
        >>> numeric_gradient(lambda x: float(np.sum(x**3)), [1.0, 2.0]).round(9).tolist()
        [3.0, 12.0]

    Source: Abramowitz and Stegun 1964, "Handbook of mathematical functions", table 25.2.
    """
    point = np.array(at, dtype=np.float64)
    gradient = np.empty_like(point)
    for index in np.ndindex(point.shape):
        gradient[index] = _slope(loss, point, index, step * max(1.0, abs(float(point[index]))))
    return gradient


def relative_error(analytic: ArrayLike, numeric: ArrayLike) -> Array:
    """Compare two arrays entry by entry.

    |a − n| / max(|a|, |n|, FLOOR): 2 for a flipped sign, 1 for a gradient that is missing, and infinite where either is
    not a number, so that no comparison can overlook it.

    Example:
        >>> relative_error([1.0, 1.0, 0.0, np.nan], [1.0, -1.0, 1.0, 1.0]).tolist()
        [0.0, 2.0, 1.0, inf]
    """
    a, n = np.asarray(analytic, dtype=np.float64), np.asarray(numeric, dtype=np.float64)
    with np.errstate(all="ignore"):  # infinity less infinity is no number, and two huge ones may differ by infinity
        error = np.abs(a - n) / np.maximum(np.maximum(np.abs(a), np.abs(n)), FLOOR)
    return np.where(np.isnan(error), np.inf, error)


def check(
    function: Callable[..., tuple[Any, ...]],
    arguments: Mapping[str, ArrayLike],
    *,
    name: str | None = None,
    tolerance: float = TOLERANCE,
) -> Checked:
    """Compare the gradients that a function returns with finite differences of the loss that it returns.

    Args:
        function: returns (loss, gradient, …), one gradient for each of the arguments, in their order.
        arguments: where to check, arrays under the names by which the function takes them.
        name: the name of the check in the table and in the error; the function's own when not given.
        tolerance: the worst relative error that passes.

    Returns:
        The worst relative error, and the number of entries compared.

    Raises:
        GradientError: an entry is off by more than the tolerance; the sentence names the worst one.
        InputError: there is nothing to compare.

    Example:
        >>> v_c, U = np.array([0.1, -0.2]), np.array([[0.5, 0.1], [0.3, -0.4], [-0.6, 0.2]])
        >>> check(lambda v_c, U: naive_softmax(v_c, 1, U), {"v_c": v_c, "U": U}, name="softmax").entries
        8
        >>> check(lambda x: ((x**2).sum(), x), {"x": [3.0]}, name="square")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        lexigrad.errors.GradientError: square: the gradient of x at (0,) is 3, but finite differences give 6; ...
    """
    name = name or str(getattr(function, "__name__", type(function).__name__))
    points = {argument: np.array(value, dtype=np.float64) for argument, value in arguments.items()}
    if not points or not all(point.size for point in points.values()):
        raise InputError(f"{name}: arguments must hold numbers to check, but there is none, or one is empty")
    _, *gradients = function(**points)
    if len(gradients) != len(points):
        raise GradientError(f"{name}: {len(gradients)} gradients for the {len(points)} arguments {', '.join(points)}")
    for (argument, point), gradient in zip(points.items(), gradients, strict=True):
        if np.shape(gradient) != point.shape:
            raise GradientError(f"{name}: {argument} has shape {point.shape}, but its gradient {np.shape(gradient)}")
    worst = max(_worst_entry(function, points, *pair) for pair in zip(points, gradients, strict=True))
    if not worst.error <= tolerance:
        raise GradientError(f"{name}: {worst.sentence()}, above the tolerance {tolerance:g}")
    return Checked(name, worst.error, sum(point.size for point in points.values()))


def formulas() -> list[Check]:
    """List a check for every formula of `lexigrad.reference` that has a gradient, its arguments small and fixed.

    Words repeat in the windows and among the negatives, the center word stands among its own negatives and in its own
    window, and a word is outside at one position and negative at another.

    Example:
        >>> formulas()[0]().name
        'sigmoid'
    """
    x, rows, y = _numbers(4), _numbers(2, 4), np.array([[0.0, 1.0, 0.0], [0.2, 0.3, 0.5]])
    layers = {"x": rows, "W1": _numbers(4, 5), "b1": _numbers(5), "W2": _numbers(5, 3), "b2": _numbers(3)}
    vectors = {"v_c": _numbers(3), "U": _numbers(7, 3, first=50)}
    tables = {"V": _numbers(7, 3), "U": _numbers(7, 3, first=50)}
    center, window = 1, [2, 5, 2, 1]
    table: dict[str, tuple[Callable[..., tuple[Any, ...]], Mapping[str, Array]]] = {
        "sigmoid": (lambda x: (sigmoid(x).sum(), d_sigmoid(sigmoid(x))), {"x": x}),
        "log_sigmoid": (lambda x: (log_sigmoid(x).sum(), sigmoid(-x)), {"x": x}),
        "softmax_jacobian": (_probability_of_each_copy, {"copies": _numbers(4, 4)}),
        "softmax_cross_entropy": (lambda theta: softmax_cross_entropy(y, theta), {"theta": _numbers(2, 3)}),
        "two_layer": (partial(_two_layer_in_order, y), layers),
        "naive_softmax": (lambda v_c, U: naive_softmax(v_c, 2, U), vectors),
        "negative_sampling": (lambda v_c, U: negative_sampling(v_c, 2, [4, 1, 4], U), vectors),
        "negative_sampling, weighted": (lambda v_c, U: negative_sampling(v_c, 2, [4, 1, 4], U, weight=0.3), vectors),
    }
    word_losses: dict[str, WordLoss] = {"naive_softmax": naive_softmax, "negative_sampling": _sampled_loss}
    for loss, F in word_losses.items():
        table[f"skipgram, {loss}"] = partial(skipgram, center, window, word_loss=F), tables
        table[f"cbow with the mean, {loss}"] = partial(cbow, center, window, word_loss=F), tables
        table[f"cbow with the sum, {loss}"] = partial(cbow, center, window, word_loss=F, mean=False), tables
    return [partial(check, function, arguments, name=name) for name, (function, arguments) in table.items()]


def check_all(more: Iterable[Check] = ()) -> Iterator[Checked]:
    """Run the checks of all formulas and then further ones, such as those of kernels; yield each row when it is known.

    Args:
        more: further checks, functions that return (name, worst error) or a `Checked`.

    Raises:
        GradientError: from the first check that fails.

    Example:
        >>> [row.name for row in check_all([lambda: ("kernel", 2e-6)])][-1]
        'kernel'
    """
    for run in (*formulas(), *more):
        yield Checked(*run())


def _slope(loss: Callable[[Array], float], point: Array, index: tuple[int, ...], h: float) -> float:
    """The derivative of the loss by one entry."""

    def at(shift: float) -> float:
        moved = point.copy()
        moved[index] += shift
        return float(loss(moved))

    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)


class _Entry(NamedTuple):
    """One entry of a gradient; entries are ordered by their errors."""

    error: float
    argument: str
    at: tuple[int, ...]
    analytic: float
    numeric: float

    def sentence(self) -> str:
        return (
            f"the gradient of {self.argument} at {self.at} is {self.analytic:.9g}, but finite differences give "
            f"{self.numeric:.9g}; the relative error is {self.error:.2g}"
        )


def _worst_entry(
    function: Callable[..., tuple[Any, ...]], points: Mapping[str, Array], argument: str, gradient: ArrayLike
) -> _Entry:
    """The entry of one argument's gradient that is farthest from its finite difference."""
    analytic = np.asarray(gradient, dtype=np.float64)
    numeric = numeric_gradient(lambda moved: float(function(**{**points, argument: moved})[0]), points[argument])
    errors = relative_error(analytic, numeric)
    index = tuple(int(i) for i in np.unravel_index(errors.argmax(), errors.shape))
    return _Entry(float(errors[index]), argument, index, float(analytic[index]), float(numeric[index]))


def _numbers(*shape: int, first: int = 1) -> Array:
    """Numbers between −1 and 1, without a pattern and without a seed: sin 1, sin 4, sin 9 and so on."""
    k = np.arange(first, first + np.prod(shape), dtype=np.float64)
    return np.sin(k * k).reshape(shape)


def _probability_of_each_copy(copies: Array) -> tuple[float, Array]:
    """Σ_k softmax(row k)_k and its gradient, of which row k is row k of the Jacobian: so each of them is checked."""
    return float(np.trace(softmax(copies))), np.einsum("kkj->kj", softmax_jacobian(copies))


def _two_layer_in_order(y: Array, **arguments: Array) -> tuple[Any, ...]:
    """Call `two_layer`, and return its gradients in the order of the arguments."""
    loss, gradients = two_layer(y=y, **arguments)
    return loss, *(gradients[f"d_{argument}"] for argument in arguments)


def _sampled_loss(v: Array, o: int, U: Array) -> tuple[float, Array, Array]:
    """Call `negative_sampling` with other negatives for each word: word 2 is a negative of 5, and 1 and 4 are of 2."""
    negatives = {1: [0, 5, 5], 2: [4, 1, 4], 5: [2, 1, 6]}
    return negative_sampling(v, o, negatives[o], U)
