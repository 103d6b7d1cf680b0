"""Call a function that somebody else wrote: it may raise, print, change its arguments, or return anything.

What cannot be compared becomes a `GradientError` that says so.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lexigrad.errors import GradientError, visible
from lexigrad.gradcheck.equations import numeric_gradient

__all__ = ["LOSS", "VALUE", "Adapted", "ByCase", "Calls", "Cases", "copied", "numbers", "parts", "title", "unchanged"]

Array: TypeAlias = NDArray[np.float64]
Cases: TypeAlias = Mapping[str, Mapping[str, Any]]
"""The arguments of each call, under a name that says what is special about them."""

ByCase: TypeAlias = dict[str, Array]
"""The loss, or one gradient, at every case."""

LOSS: Final = "loss"
VALUE: Final = "value"
SAID_AT_MOST: Final = 300
"""So many characters of the text of somebody else's exception are repeated."""


@dataclass(frozen=True)
class Adapted:
    """What a function returned, of whose arguments some were made from those of the case.

    Attributes:
        returned: what it returned.
        changed: which of the arguments that were made for it it has changed in place.
    """

    returned: Any
    changed: Sequence[str]


class Calls:
    """A function, and the cases at which it is called.

    Args:
        function: returns (loss, gradient, …), one gradient for each of ``gradients``, or a value if there are none.
        cases: the arguments of each call; arrays, lists and dicts are handed over as copies.
        gradients: the arguments whose gradients are returned, in their order.

    Attributes:
        changed: the arguments that the function has changed in place in any call up to now.
    """

    def __init__(self, function: Callable[..., Any], cases: Cases, gradients: Sequence[str]) -> None:
        self.function, self.cases, self.gradients = function, cases, gradients
        self.changed: list[str] = []

    def outputs(self) -> dict[str, ByCase]:
        """What is returned: the loss and each gradient by the argument's name, or the value; at every case.

        Raises:
            GradientError: the function raises, or returns something else.
        """
        calls = {case: self._read(self._call(arguments)) for case, arguments in self.cases.items()}
        return {name: {case: outputs[name] for case, outputs in calls.items()} for name in next(iter(calls.values()))}

    def numeric(self, argument: str) -> ByCase:
        """The finite differences of the function's own loss by one argument, at every case.

        Raises:
            GradientError: the function raises at one of the points, or returns something else.
        """

        def loss_at(arguments: Mapping[str, Any]) -> Callable[[Array], float]:
            return lambda moved: float(self._read(self._call({**arguments, argument: moved}))[LOSS])

        return {case: numeric_gradient(loss_at(some), some[argument]) for case, some in self.cases.items()}

    def moved(self, argument: str, by: float) -> dict[str, ByCase]:
        """What is returned where one array is multiplied by 1 + ``by``, at every case that has it.

        Raises:
            GradientError: the function raises there, or returns something else.
        """
        cases = {
            case: {**some, argument: np.array(np.multiply(some[argument], 1 + by))} for case, some in self.cases.items()
        }
        return Calls(self.function, cases, self.gradients).outputs()

    def _call(self, arguments: Mapping[str, Any]) -> Any:
        """What one call returns; what it prints goes nowhere."""
        handed = {name: copied(value) for name, value in arguments.items()}
        try:
            with (
                warnings.catch_warnings(),
                np.errstate(all="ignore"),
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                warnings.simplefilter("ignore")  # a sigmoid whose exponential overflows is right all the same
                returned = self.function(**handed)
        except GradientError:  # whoever adapts the function has said what is wrong with it
            raise
        except (Exception, SystemExit) as error:
            raise GradientError(f"it raises {_said(error)}") from error
        changed = [name for name in handed if not unchanged(handed[name], arguments[name])]
        if isinstance(returned, Adapted):
            returned, changed = returned.returned, [*changed, *returned.changed]
        self.changed = list(dict.fromkeys([*self.changed, *changed]))
        return returned

    def _read(self, returned: Any) -> dict[str, Array]:
        """What was returned, as arrays under their names."""
        names = (LOSS, *self.gradients) if self.gradients else (VALUE,)
        titles = list(map(title, names))
        some = parts(returned, titles) if self.gradients else (returned,)
        outputs = {name: numbers(part, title(name)) for name, part in zip(names, some, strict=True)}
        if LOSS in outputs:
            if outputs[LOSS].size != 1:
                raise GradientError(f"the loss has shape {outputs[LOSS].shape}, but should be one number")
            outputs[LOSS] = outputs[LOSS].reshape(())  # a loss of shape (1,) prints and adds as a number does
        return outputs


def title(name: str) -> str:
    """What a sentence calls one of the outputs."""
    return f"the {name}" if name in (LOSS, VALUE) else f"the gradient of {name}"


def parts(returned: Any, titles: Sequence[str]) -> Sequence[Any]:
    """What was returned, as so many parts as there should be.

    Raises:
        GradientError: it is something else, or has more or fewer parts.
    """
    if isinstance(returned, tuple | list) and len(returned) == len(titles):
        return returned
    if returned is None:
        what = "None"
    else:
        what = f"{len(returned)} things" if isinstance(returned, tuple | list) else type(returned).__name__
    raise GradientError(f"it returns {what}, but should return {', '.join(titles)}")


def numbers(part: Any, name: str) -> Array:
    """One thing that was returned, as an array of its own.

    Raises:
        GradientError: it does not hold real numbers: None, text, truth values, complex numbers or other objects.
    """
    if part is None:
        raise GradientError(f"it returns None for {name}")
    try:
        array = np.asarray(part)
    except Exception as error:
        raise GradientError(f"{name} is no array of numbers, but {type(part).__name__}") from error
    if array.dtype.kind not in "iuf":
        holds = type(array.ravel().tolist()[0]).__name__ if array.size else array.dtype.name
        what = type(part).__name__ if array.ndim == 0 else f"{type(part).__name__} of {holds}"
        raise GradientError(f"{name} is no array of numbers, but {what}")
    return np.array(array, dtype=np.float64)


def copied(value: Any) -> Any:
    """The value with its own arrays, lists and dicts, however deep they lie in each other."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if type(value) in (list, tuple, set):
        return type(value)(map(copied, value))
    if type(value) is dict:
        return {key: copied(one) for key, one in value.items()}
    return value


def unchanged(handed: Any, given: Any) -> bool:
    """Whether what was handed over as a copy still holds what it held."""
    if type(handed) is not type(given):
        return False
    if isinstance(given, np.ndarray):
        alike = handed.shape == given.shape and handed.dtype == given.dtype
        return bool(alike and handed.tobytes() == given.tobytes())
    if type(given) in (list, tuple):
        return len(handed) == len(given) and all(map(unchanged, handed, given))
    if type(given) is dict:
        return handed.keys() == given.keys() and all(unchanged(handed[key], given[key]) for key in given)
    return handed is given or (isinstance(given, str | int | float | set) and bool(handed == given))


def _said(error: BaseException) -> str:
    """The type and the text of somebody else's exception, on one line and without control characters."""
    try:
        text = str(error)
    except Exception:  # its __str__ is theirs, too
        text = ""
    plain = visible(text)
    cut = plain if len(plain) <= SAID_AT_MOST else f"{plain[:SAID_AT_MOST]}…"
    return f"{type(error).__name__}: {cut}" if cut else type(error).__name__
