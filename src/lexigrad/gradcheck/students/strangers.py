"""Call a function that somebody else wrote: it may raise, print, change its arguments, or return anything.

What cannot be compared becomes a `GradientError` that says so.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lexigrad.errors import GradientError
from lexigrad.gradcheck.equations import numeric_gradient

__all__ = ["LOSS", "VALUE", "ByCase", "Calls", "Cases", "title"]

Array: TypeAlias = NDArray[np.float64]
Cases: TypeAlias = Mapping[str, Mapping[str, Any]]
"""The arguments of each call, under a name that says what is special about them."""

ByCase: TypeAlias = dict[str, Array]
"""The loss, or one gradient, at every case."""

LOSS: Final = "loss"
VALUE: Final = "value"


class Calls:
    """A function, and the cases at which it is called.

    Args:
        function: returns (loss, gradient, …), one gradient for each of ``gradients``, or a value if there are none.
        cases: the arguments of each call; arrays are handed over as copies.
        gradients: the arguments whose gradients are returned, in their order.
    """

    def __init__(self, function: Callable[..., Any], cases: Cases, gradients: Sequence[str]) -> None:
        self.function, self.cases, self.gradients = function, cases, gradients

    def outputs(self) -> dict[str, ByCase]:
        """What is returned: the loss and each gradient by the argument's name, or the value; at every case.

        Raises:
            GradientError: the function raises, or returns something else.
        """
        calls = {case: self._read(self._call(arguments)[0]) for case, arguments in self.cases.items()}
        return {name: {case: parts[name] for case, parts in calls.items()} for name in next(iter(calls.values()))}

    def numeric(self, argument: str) -> ByCase:
        """The finite differences of the function's own loss by one argument, at every case.

        Raises:
            GradientError: the function raises at one of the points, or returns something else.
        """

        def loss_at(arguments: Mapping[str, Any]) -> Callable[[Array], float]:
            return lambda moved: float(self._read(self._call({**arguments, argument: moved})[0])[LOSS])

        return {case: numeric_gradient(loss_at(some), some[argument]) for case, some in self.cases.items()}

    def changed(self) -> list[str]:
        """The arguments that the function changes in place, of those whose gradients it returns."""
        if not self.gradients:
            return []
        changed = [name for arguments in self.cases.values() for name in self._call(arguments)[1]]
        return list(dict.fromkeys(changed))

    def _call(self, arguments: Mapping[str, Any]) -> tuple[Any, list[str]]:
        """What one call returns, and which of the arguments it has changed; what it prints goes nowhere."""
        handed = {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in arguments.items()}
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")  # a sigmoid whose exponential overflows is right all the same
                returned = self.function(**handed)
        except (Exception, SystemExit) as error:
            raise GradientError(f"it raises {type(error).__name__}: {error}") from error
        return returned, [name for name in self.gradients if not np.array_equal(handed[name], arguments[name])]

    def _read(self, returned: Any) -> dict[str, Array]:
        """What was returned, as arrays under their names."""
        names = (LOSS, *self.gradients) if self.gradients else (VALUE,)
        parts = returned if self.gradients else (returned,)
        if not isinstance(parts, tuple | list) or len(parts) != len(names):
            what = f"{len(parts)} things" if isinstance(parts, tuple | list) else type(parts).__name__
            raise GradientError(f"it returns {what}, but should return {', '.join(map(title, names))}")
        outputs = {}
        for name, part in zip(names, parts, strict=True):
            try:
                outputs[name] = np.array(part, dtype=np.float64)
            except (TypeError, ValueError) as error:
                raise GradientError(f"{title(name)} is no array of numbers, but {type(part).__name__}") from error
        if LOSS in outputs:
            if outputs[LOSS].size != 1:
                raise GradientError(f"the loss has shape {outputs[LOSS].shape}, but should be one number")
            outputs[LOSS] = outputs[LOSS].reshape(())  # a loss of shape (1,) prints and adds as a number does
        return outputs


def title(name: str) -> str:
    """What a sentence calls one of the outputs."""
    return f"the {name}" if name in (LOSS, VALUE) else f"the gradient of {name}"
