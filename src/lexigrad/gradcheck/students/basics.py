"""What an assignment asks for besides word2vec: softmax, sigmoid, a network, its gradient check, and descent."""

from __future__ import annotations

import contextlib
import io
import random
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lexigrad import reference
from lexigrad.errors import GradientError
from lexigrad.gradcheck.students.exercises import Exercise, some_numbers
from lexigrad.gradcheck.students.findings import Slip
from lexigrad.gradcheck.students.slips import two_layer_slips
from lexigrad.gradcheck.students.strangers import Adapted, numbers, parts, unchanged

__all__ = ["gradcheck_naive", "network", "sgd", "values"]

Array: TypeAlias = NDArray[np.float64]
Function: TypeAlias = Callable[..., Any]

WEIGHTS: Final = ("W1", "b1", "W2", "b2")
HALVE_EVERY: Final = 20_000


def values() -> dict[str, Exercise]:
    """The functions that return an array, by their names."""
    return {exercise.name: exercise for exercise in (*_sigmoids(), *_of_rows())}


def _sigmoids() -> list[Exercise]:
    return [
        _of_arrays(
            "sigmoid",
            reference.sigmoid,
            {
                "one number": np.array(-0.5),
                "a table": 3 * some_numbers(2, 3),
                "large numbers": np.array([-900.0, 900.0]),
            },
            {
                "the minus in the exponent is missing": lambda x: reference.sigmoid(-x),
                "e^x / (1 + e^x) divides infinity by infinity where x is large": lambda x: np.exp(x) / (1 + np.exp(x)),
            },
        ),
        _of_arrays(
            "sigmoid_grad",
            reference.d_sigmoid,
            {"values of the sigmoid": reference.sigmoid(some_numbers(2, 3))},
            {"s is the sigmoid's value, and is taken as x": lambda s: reference.d_sigmoid(reference.sigmoid(s))},
            "s",
        ),
    ]


def _of_rows() -> list[Exercise]:
    """The functions that treat each row of a table by itself."""
    return [
        _of_arrays(
            "softmax",
            reference.softmax,
            {"a row": some_numbers(4), "two rows": some_numbers(2, 4), "large scores": np.array([[1001.0, 1002.0]])},
            {
                "the largest score is not subtracted before the exponentials": _plain_softmax,
                "it is over columns, and not over rows": lambda x: reference.softmax(x.T).T,
                "it is over all rows together": lambda x: reference.softmax(x.ravel()).reshape(x.shape),
            },
        ),
        _of_arrays(
            "normalizeRows",
            lambda x: x / np.linalg.norm(x, axis=1, keepdims=True),
            {"a table": some_numbers(2, 3)},
            {
                "columns are normalized, and not rows": lambda x: x / np.linalg.norm(x, axis=0),
                "the root of the sum of squares is missing": lambda x: x / (x**2).sum(axis=1, keepdims=True),
                "it divides by the sum, and not by the length": lambda x: x / x.sum(axis=1, keepdims=True),
            },
        ),
    ]


def _of_arrays(
    name: str,
    right: Callable[[Array], Array],
    arrays: dict[str, Array],
    forms: dict[str, Callable[[Array], Array]],
    theirs: str = "x",
) -> Exercise:
    """The exercise of a function of one array, which the assignment calls ``theirs``."""
    return Exercise(
        name,
        _by_name,
        _by_name(right),
        {case: {"argument": array} for case, array in arrays.items()},
        slips=[Slip(cause, _by_name(form)) for cause, form in forms.items()],
        theirs={"argument": theirs},
    )


def _by_name(function: Callable[[Array], Array]) -> Callable[..., Array]:
    """A function that takes its array by the name that the cases have for it, whatever a student calls it."""
    return lambda argument: function(argument)


def _plain_softmax(x: Array) -> Array:
    """The softmax whose exponentials overflow."""
    with np.errstate(all="ignore"):
        return np.asarray(np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True))


def network() -> Exercise:
    """The two-layer network of 2017, whose weights and gradients are one flat array."""
    rows = 6
    return Exercise(
        "forward_backward_prop",
        _unflattened,
        _two_layer,
        {"three classes": _batch(rows, 4, 5, 3), "four classes": _batch(rows, 3, 2, 4)},
        WEIGHTS,
        two_layer_slips(),
        {"x": "data", "y": "labels"},
        divisor=rows,
    )


def _batch(rows: int, d_x: int, hidden: int, d_y: int) -> dict[str, Array]:
    """The arguments of a network of some size."""
    return {
        "x": some_numbers(rows, d_x, first=50),
        "y": np.eye(d_y)[np.array([0, 2, 1, 1, 0, d_y - 1])[:rows]],
        "W1": some_numbers(d_x, hidden),
        "b1": some_numbers(hidden, first=30),
        "W2": some_numbers(hidden, d_y, first=80),
        "b2": some_numbers(d_y, first=99),
    }


def _two_layer(x: Array, y: Array, **weights: Array) -> Any:
    """The loss and the weights' gradients in their order."""
    loss, gradients = reference.two_layer(x, y, **weights)
    return loss, *(gradients[f"d_{weight}"] for weight in WEIGHTS)


def _unflattened(function: Function) -> Function:
    """Hand over the weights in one array, and take their gradients out of one."""

    def adapted(x: Array, y: Array, **weights: Array) -> Any:
        params = np.concatenate([weights[weight].ravel() for weight in WEIGHTS])
        handed = params.copy()
        returned = function(x, y, handed, (x.shape[1], len(weights["b1"]), y.shape[1]))
        loss, gradient = parts(returned, ["the cost", "the gradient of params"])
        flat = numbers(gradient, "the gradient of params").ravel()
        if flat.size != params.size:
            raise GradientError(f"the gradient holds {flat.size} numbers, but params hold {params.size}")
        ends = np.cumsum([weights[weight].size for weight in WEIGHTS])[:-1]
        split = zip(np.split(flat, ends), WEIGHTS, strict=True)
        gradients = [part.reshape(weights[weight].shape) for part, weight in split]
        return Adapted((loss, *gradients), [] if unchanged(handed, params) else ["params"])

    return adapted


# -------------------- descent


def sgd() -> Exercise:
    """Descent: the point that it reaches."""

    def adapt(function: Function) -> Function:
        def adapted(f: Function, x0: Any, step: float, iterations: int, postprocessing: Function | None) -> Any:
            start = np.copy(x0) if np.ndim(x0) else x0
            return function(f, start, step, iterations, postprocessing, False, 10 * iterations)

        return adapted

    bowl = {"f": lambda x: (np.sum(x**2), 2 * x), "x0": np.array([1.0, -2.0, 0.5]), "step": 0.1, "iterations": 3}
    slope = {"f": lambda x: (x, 1.0), "x0": 0.5, "step": 1e-4, "iterations": 20_002}
    return Exercise(
        "sgd",
        adapt,
        _descend,
        {
            "three steps": {**bowl, "postprocessing": None},
            "three steps with postprocessing": {**bowl, "postprocessing": lambda x: x / np.linalg.norm(x)},
            "more than 20,000 steps": {**slope, "postprocessing": None},
        },
        slips=[
            Slip("it goes up, x + step · gradient for x − step · gradient", _descent(sign=1.0)),
            Slip("postprocessing is not applied", _descent(processed=False)),
            Slip("the step is not halved after 20,000 steps", _descent(halved=False)),
            Slip("it makes one step too few", _descent(more=-1)),
            Slip("it makes one step too many", _descent(more=1)),
            Slip("the gradient is not multiplied by the step", _descent(scaled=False)),
            Slip("it returns where it began", lambda f, x0, step, iterations, postprocessing: x0),
        ],
    )


def _descent(
    sign: float = -1.0, processed: bool = True, halved: bool = True, more: int = 0, scaled: bool = True
) -> Function:
    """Descent, or one of its wrong forms."""

    def descend(f: Function, x0: Any, step: float, iterations: int, postprocessing: Function | None) -> Any:
        x = x0
        for iteration in range(1, iterations + more + 1):
            x = x + sign * (step if scaled else 1.0) * f(x)[1]
            if postprocessing is not None and processed:
                x = postprocessing(x)
            if halved and iteration % HALVE_EVERY == 0:
                step /= 2
        return x

    return descend


_descend: Final = _descent()


# -------------------- a student's own gradient check


def gradcheck_naive() -> Exercise:
    """The gradient check that students of 2017 write: 1 where it prints that the gradient passed, else 0."""

    def adapt(function: Function) -> Function:
        def adapted(f: Function, x: Array) -> float:
            printed = io.StringIO()
            try:
                with contextlib.redirect_stdout(printed):
                    function(f, x.copy())
            except AssertionError:
                return 0.0
            said = printed.getvalue().lower()
            return float("passed" in said and "fail" not in said)

        return adapted

    def wrong_at(entry: int) -> Function:
        return lambda x: (np.sum(x**2), 2 * x + np.eye(x.size)[entry].reshape(x.shape))

    x = some_numbers(2, 3)
    return Exercise(
        "gradcheck_naive",
        adapt,
        _naive_check(),
        {
            "1 where a right gradient passes": {"f": lambda x: (np.sum(x**2), 2 * x), "x": x},
            "1 where a gradient passes whose first entry is wrong": {"f": wrong_at(0), "x": x},
            "1 where a gradient passes whose last entry is wrong": {"f": wrong_at(-1), "x": x},
            "1 where a right gradient of a loss that draws random numbers passes": {"f": _drawing, "x": x},
        },
        slips=[
            Slip("every gradient passes", lambda f, x: 1.0),
            Slip("no gradient passes", lambda f, x: 0.0),
            Slip("the state of random is not set back before each call", _naive_check(sets_back=False)),
            Slip("only the first entry is looked at", _naive_check(entries=[0])),
        ],
    )


def _drawing(x: Array) -> tuple[float, Array]:
    """A loss that random numbers change, and its gradient, which is right where they are the same in all calls."""
    return float(np.sum(x**2)) + 10 * random.random(), 2 * x


def _naive_check(sets_back: bool = True, entries: Sequence[int] | None = None) -> Function:
    """A gradient check by central differences, or one of its wrong forms."""

    def check(f: Function, x: Array) -> float:
        state = random.getstate()
        try:
            gradient = f(x)[1]
            slopes = np.zeros(x.size)
            for entry in range(x.size):
                losses = []
                for h in (1e-4, -1e-4):
                    if sets_back:
                        random.setstate(state)
                    losses.append(f(x + h * np.eye(x.size)[entry].reshape(x.shape))[0])
                slopes[entry] = (losses[0] - losses[1]) / 2e-4
            off = np.abs(slopes - gradient.ravel())
            return float((off if entries is None else off[list(entries)]).max() < 1e-5)
        finally:
            random.setstate(state)

    return check
