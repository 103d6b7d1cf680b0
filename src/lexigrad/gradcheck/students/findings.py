"""Find the mistake in a stranger's function: in which gradient, at which entry, and which known wrong form it has.

A function that returns a loss and its gradients can be wrong in two ways. A gradient may not belong to the loss that
stands beside it: finite differences of that loss show it, and need no other truth. Or loss and gradients belong
together, but are those of another loss than the one that was asked for: only a comparison with `lexigrad.reference`
shows that. `diagnose` makes both, and then looks among known wrong forms for one that gives the same numbers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lexigrad.errors import GradientError, InputError
from lexigrad.gradcheck.equations import TOLERANCE, relative_error
from lexigrad.gradcheck.students.strangers import ByCase, Calls, Cases, title

__all__ = ["Diagnosis", "Finding", "Slip", "diagnose"]

Array: TypeAlias = NDArray[np.float64]

Outputs: TypeAlias = Mapping[str, ByCase]
Change: TypeAlias = Callable[[Array, Array], Array]

ROWS_NAMED: Final = 4
"""A sentence names so many wrong rows at most."""

ROUNDED: Final = "the loss is rounded, or computed in single precision"
"""Why a right gradient does not agree with finite differences of a right loss."""


class Slip(NamedTuple):
    """A known wrong form, with which a wrong function is compared.

    Attributes:
        cause: what was done wrong, a clause that can end a sentence.
        form: takes the arguments of the right function, and returns what the mistake makes of them.

    Example:
        >>> Slip("the factor 2 is missing", lambda x: ((x**2).sum(), x)).cause
        'the factor 2 is missing'
    """

    cause: str
    form: Callable[..., Any]


class Finding(NamedTuple):
    """One thing that is wrong with a function; printed, it is a sentence.

    Attributes:
        function: the name of the function.
        problem: what is wrong and where, with the numbers.
        cause: the known mistake that gives the same numbers at every case; empty where none does.
        argument: the argument whose gradient is wrong; empty where it is the loss, or the function as a whole.
        at: the worst entry of that gradient, or of the value.
        case: the case at which that entry is.

    Example:
        >>> print(Finding("square", "the gradient of x at (0,) is 3, but should be 6", "the factor 2 is missing"))
        square: the gradient of x at (0,) is 3, but should be 6; likely cause: the factor 2 is missing
    """

    function: str
    problem: str
    cause: str = ""
    argument: str = ""
    at: tuple[int, ...] = ()
    case: str = ""

    def __str__(self) -> str:
        place = f"{self.function}, {self.case}" if self.case else self.function
        return f"{place}: {self.problem}" + (f"; likely cause: {self.cause}" if self.cause else "")


class Diagnosis(NamedTuple):
    """The outcome for one function; printed, it is a line for each finding, or one that says that it is right.

    Attributes:
        function: the name of the function.
        entries: how many numbers were compared with the right ones; 0 where nothing could be compared.
        findings: what is wrong with it.

    Example:
        >>> print(Diagnosis("sigmoid", 6, ()))
        sigmoid: right, 6 numbers compared
    """

    function: str
    entries: int
    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        right = f"{self.function}: right, {self.entries} numbers compared"
        return "\n".join(map(str, self.findings)) or right


def diagnose(
    function: Callable[..., Any],
    reference: Callable[..., Any],
    cases: Cases,
    gradients: Sequence[str] = (),
    *,
    slips: Sequence[Slip] = (),
    name: str | None = None,
    tolerance: float = TOLERANCE,
) -> Diagnosis:
    """Say what is wrong with a function that returns a loss and its gradients, where, and why.

    The function is called at every case. Its gradients are compared with finite differences of *its own* loss, and its
    loss and gradients with those of the reference. What is wrong is compared with known wrong forms: those given, and a
    flipped sign, zeros, a transposed array, a constant factor. A form is named only if it gives the function's numbers
    at every case.

    Args:
        function: the function in question. It returns (loss, gradient, …), one gradient for each of ``gradients``. It
            may raise, and may return anything: that becomes a finding.
        reference: the right function, called with the same arguments.
        cases: the arguments of each call, under a name that says what is special about them; arrays are handed over as
            copies.
        gradients: the arguments whose gradients are returned, in their order. Without any, the function returns a
            value, a number or an array, and only that is compared.
        slips: known wrong forms, the likeliest first.
        name: the function's name in the findings; its own when not given.
        tolerance: the worst relative error that passes.

    Returns:
        How many numbers were compared, and the findings: one for the loss or the value if it is wrong, and one for each
        wrong gradient. Where the loss is wrong and all gradients belong to it, it is the one finding.

    Raises:
        InputError: there is no case, so that anything would pass, or the reference fails at one.

    Example:
        >>> def square(x):
        ...     return (x**2).sum(), x
        >>> outcome = diagnose(
        ...     square, lambda x: ((x**2).sum(), 2 * x), {"two numbers": {"x": np.array([3.0, 1.0])}}, ["x"]
        ... )
        >>> outcome.findings[0].problem
        'the gradient of x at (0,) is 3, but should be 6, by finite differences of its own loss and by lexigrad'
        >>> outcome.findings[0].cause
        'the numbers are 0.5 times as large as they should be'
    """
    name = name or str(getattr(function, "__name__", type(function).__name__))
    if not cases:
        raise InputError(f"{name}: cases must hold at least one case, but hold none, so that anything would pass")
    try:
        right = Calls(reference, cases, gradients).outputs()
    except GradientError as error:
        raise InputError(f"{name}: the reference cannot be called at these cases, as {error}") from error
    calls = Calls(function, cases, gradients)
    try:
        theirs, again = calls.outputs(), calls.outputs()
        numeric = {argument: calls.numeric(argument) for argument in gradients}
        changed = calls.changed()
    except GradientError as error:
        return Diagnosis(name, 0, (Finding(name, str(error)),))
    if unsteady := [output for output in theirs if not _agree(theirs[output], again[output], 0)]:
        problem = (
            f"two calls with the same arguments differ in {title(unsteady[0])}: it draws random numbers of its own"
        )
        return Diagnosis(name, 0, (Finding(name, problem),))

    def forms() -> Iterator[tuple[str, Outputs]]:
        for slip in slips:
            with contextlib.suppress(GradientError):  # a form that fails at a case is not what was done there
                yield slip.cause, Calls(slip.form, cases, gradients).outputs()

    in_place = [Finding(name, f"it changes {argument} in place", argument=argument) for argument in changed]
    found = _Outcome(name, theirs, numeric, right, forms, tolerance).findings()
    entries = sum(array.size for by_case in right.values() for array in by_case.values())
    return Diagnosis(name, entries, (*in_place, *found))


class _Outcome:
    """What a function gave, and all that it is compared with."""

    def __init__(
        self,
        function: str,
        theirs: Outputs,
        numeric: Outputs,
        right: Outputs,
        forms: Callable[[], Iterable[tuple[str, Outputs]]],
        tolerance: float,
    ) -> None:
        self.function, self.tolerance = function, tolerance
        self.theirs, self.numeric, self.right, self.forms = theirs, numeric, right, forms

    def findings(self) -> list[Finding]:
        """All that is wrong."""
        first, *gradients = self.theirs
        wrong = [name for name in self.theirs if not self._same(self.theirs[name], self.right[name])]
        strange = [name for name in gradients if not self._same(self.theirs[name], self.numeric[name])]
        if first not in wrong:
            return [self._of_gradient(name, wrong) for name in gradients if name in wrong or name in strange]
        if not strange:
            return [self._of_first(first, list(self.theirs))]
        both = [name for name in strange if name in wrong]
        return [self._of_first(first, [first], both), *(self._of_gradient(name, [first, *both]) for name in both)]

    def _of_first(self, name: str, together: Sequence[str], others: Sequence[str] = ()) -> Finding:
        """The finding that the loss or the value is wrong, and with it the gradients that belong to it."""
        theirs, right = self.theirs[name], self.right[name]
        cause = self._cause([*together, *others]) or self._cause(together)
        if case := _wrong_shape(theirs, right):
            problem = f"{title(name)} has shape {theirs[case].shape}, but should have {right[case].shape}"
            return Finding(self.function, problem, cause, case=case)
        case, at = _worst(theirs, right)
        entry = f" at {at}" if at else ""
        problem = f"{title(name)}{entry} is {theirs[case][at]:.6g}, but lexigrad gives {right[case][at]:.6g}"
        if len(together) > 1:
            problem += ", and the gradients belong to the wrong loss, so that finite differences alone let it pass"
        return Finding(self.function, problem, cause, at=at, case=case)

    def _of_gradient(self, name: str, wrong: Sequence[str]) -> Finding:
        """The finding that one gradient is wrong, perhaps for the same cause as all that are."""
        theirs, numeric, right = self.theirs[name], self.numeric[name], self.right[name]
        if case := _wrong_shape(theirs, right):
            problem = f"{title(name)} has shape {theirs[case].shape}, but should have {right[case].shape}"
            return Finding(self.function, problem, self._cause(wrong) or self._cause([name]), name, case=case)
        is_wrong = not self._same(theirs, right)
        case, at = _worst(theirs, right if is_wrong else numeric)
        own, ours = numeric[case][at], right[case][at]
        if relative_error(own, ours) <= self.tolerance:
            truth = f"should be {ours:.6g}, by finite differences of its own loss and by lexigrad"
        else:
            truth = f"finite differences of its own loss give {own:.6g}, and lexigrad gives {ours:.6g}"
        rows = _rows(theirs[case], right[case], self.tolerance)
        problem = f"{title(name)} at {at} is {theirs[case][at]:.6g}, but {truth}{rows}"
        cause = self._cause(wrong) or self._cause([name]) if is_wrong else ROUNDED
        return Finding(self.function, problem, cause, name, at, case)

    def _cause(self, names: Sequence[str]) -> str:
        """The mistake that gives the same numbers for all these outputs, at every case; empty where none is known."""
        for cause, form in self.forms():
            if all(self._same(self.theirs[name], form[name]) for name in names):
                return cause
        factor = _factor(self.theirs[names[0]], self.right[names[0]])
        changes = {**CHANGES, f"the numbers are {factor:.6g} times as large as they should be": lambda a, _: factor * a}
        for cause, change in changes.items():
            if all(self._same(self.theirs[name], self._changed(name, change)) for name in names):
                return cause
        return ""

    def _changed(self, name: str, change: Change) -> ByCase:
        """What a change makes of the right output."""
        return {case: change(right, self.theirs[name][case]) for case, right in self.right[name].items()}

    def _same(self, theirs: ByCase, other: ByCase) -> bool:
        return _agree(theirs, other, self.tolerance)


def _agree(some: ByCase, other: ByCase, tolerance: float) -> bool:
    """Whether two outputs have the same shapes and, within the tolerance, the same numbers; nan is nan."""
    return all(
        some[case].shape == other[case].shape
        and bool(
            (
                (relative_error(some[case], other[case]) <= tolerance) | (np.isnan(some[case]) & np.isnan(other[case]))
            ).all()
        )
        for case in some
    )


def _worst(theirs: ByCase, other: ByCase) -> tuple[str, tuple[int, ...]]:
    """The case and the entry at which two outputs of the same shapes differ most."""
    errors = {case: relative_error(array, other[case]) for case, array in theirs.items()}
    case = max(errors, key=lambda case: float(errors[case].max()))
    return case, tuple(int(i) for i in np.unravel_index(errors[case].argmax(), errors[case].shape))


def _wrong_shape(theirs: ByCase, right: ByCase) -> str:
    """The first case at which the shape is wrong; empty if there is none."""
    return next((case for case in right if theirs[case].shape != right[case].shape), "")


def _rows(theirs: Array, right: Array, tolerance: float) -> str:
    """Which rows of a table are wrong, unless all are, or many."""
    if right.ndim != 2:
        return ""
    rows = np.flatnonzero((relative_error(theirs, right) > tolerance).any(axis=1)).tolist()
    if len(rows) > ROWS_NAMED or len(rows) in (0, len(right)):
        return ""
    *first, last = map(str, rows)
    return f" (only its rows {', '.join(first)} and {last} are wrong)" if first else f" (only its row {last} is wrong)"


def _factor(theirs: ByCase, right: ByCase) -> float:
    """How much larger the first array is than it should be, at its largest entry."""
    some, other = next(iter(theirs.values())), next(iter(right.values()))
    if some.shape != other.shape or not other.any():
        return 1.0
    at = np.unravel_index(np.abs(other).argmax(), other.shape)
    return float(some[at] / other[at])


def _in_wrong_rows(change: Callable[[Array], Array]) -> Change:
    """A change of those rows of a table that are wrong, and of no other."""

    def changed(right: Array, theirs: Array) -> Array:
        if right.ndim != 2 or theirs.shape != right.shape:
            return right
        wrong = (relative_error(theirs, right) > TOLERANCE).any(axis=1, keepdims=True)
        return np.where(wrong, change(right), right)

    return changed


CHANGES: Final[dict[str, Change]] = {
    "it is transposed": lambda right, _: right.T,
    "the sign is flipped": lambda right, _: -right,
    "it stays zero": lambda right, _: np.zeros_like(right),
    "it is transposed before it is flattened": lambda right, _: right.T.reshape(right.shape),
    "the numbers are right, and only the shape is not": lambda right, theirs: (
        right.reshape(theirs.shape) if right.size == theirs.size else right
    ),
    "the sign is flipped in the wrong rows": _in_wrong_rows(np.negative),
    "the wrong rows stay zero": _in_wrong_rows(np.zeros_like),
}
"""Mistakes that need no formula: what each makes of the right array, given the array that was returned."""
