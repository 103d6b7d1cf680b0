"""Find the mistake in a stranger's function: in which gradient, at which entry, and which known wrong form it has.

A function that returns a loss and its gradients can be wrong in two ways. A gradient may not belong to the loss that
stands beside it: finite differences of that loss show it, and need no other truth. Or loss and gradients belong
together, but are those of another loss than the one that was asked for: only a comparison with `lexigrad.reference`
shows that. `diagnose` makes both, and then looks among known wrong forms for one that gives the same numbers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from lexigrad.errors import GradientError
from lexigrad.gradcheck.equations import STEP, TOLERANCE, relative_error
from lexigrad.gradcheck.students.compared import (
    CHANGES,
    Change,
    agree,
    both,
    factor,
    worst,
    wrong_rows,
    wrong_shape,
)
from lexigrad.gradcheck.students.misuse import check_question, right_outputs
from lexigrad.gradcheck.students.strangers import LOSS, ByCase, Calls, Cases, title

__all__ = ["Diagnosis", "Finding", "Slip", "diagnose"]

Outputs: TypeAlias = Mapping[str, ByCase]

ROUNDED: Final = "{} is rounded, or computed in single precision"
KEPT: Final = "the loss is the same for any {}, as if it were kept from an earlier call"
EXCHANGED: Final = "the gradients of {} and {} are returned in each other's place"

UNSTEADY: Final = "it draws random numbers of its own, or keeps something from one call to the next"

NUDGE: Final = 2.0**-40
"""By this part of it a number is moved to see whether it is rounded: single precision keeps parts down to 2⁻²⁴."""

ROUGHLY: Final = 1e-2
"""Numbers that are farther from the right ones are not merely rounded."""


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
    flipped sign, zeros, a transposed array, exchanged gradients, a constant factor. A form is named only if it gives
    the function's numbers at every case, and a factor only if it is that of two different numbers at least.

    Args:
        function: the function in question. It returns (loss, gradient, …), one gradient for each of ``gradients``. It
            may raise, and may return anything: that becomes a finding.
        reference: the right function, called with the same arguments.
        cases: the arguments of each call, under a name that says what is special about them; arrays, lists and
            dicts are handed over as copies, and to change one in place is a finding.
        gradients: the arguments whose gradients are returned, in their order. Without any, the function returns a
            value, a number or an array, and only that is compared.
        slips: known wrong forms, the likeliest first.
        name: the function's name in the findings; its own when not given.
        tolerance: the worst relative error that passes.

    Returns:
        How many numbers were compared, and the findings: one for the loss or the value if it is wrong, and one for each
        wrong gradient. Where the loss is wrong and all gradients belong to it, it is the one finding.

    Raises:
        InputError: there is no case, so that anything would pass; the reference fails at one, or gives nothing to
            compare with; or an argument of this function is not what it should be.

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
    check_question(name, function, cases, gradients, tolerance)
    with np.errstate(all="ignore"):
        right = right_outputs(name, reference, cases, gradients)
        calls = Calls(function, cases, gradients)
        try:
            theirs, again = calls.outputs(), calls.outputs()
            numeric = {argument: calls.numeric(argument) for argument in gradients}
        except GradientError as error:
            return Diagnosis(name, 0, (*_in_place(name, calls), Finding(name, str(error))))
        if unsteady := [output for output in theirs if not agree(theirs[output], again[output], 0)]:
            problem = f"two calls with the same arguments differ in {title(unsteady[0])}: {UNSTEADY}"
            return Diagnosis(name, 0, (*_in_place(name, calls), Finding(name, problem)))

        def forms() -> Iterator[tuple[str, Outputs]]:
            for slip in slips:
                with contextlib.suppress(GradientError):  # a form that fails at a case is not what was done there
                    yield slip.cause, Calls(slip.form, cases, gradients).outputs()

        found = _Outcome(calls, theirs, numeric, right, forms, tolerance).findings(name)
        entries = sum(array.size for by_case in right.values() for array in by_case.values())
        return Diagnosis(name, entries, (*_in_place(name, calls), *found))


def _in_place(name: str, calls: Calls) -> list[Finding]:
    """A finding for each argument that was changed in place."""
    return [Finding(name, f"it changes {argument} in place", argument=argument) for argument in calls.changed]


class _Outcome:
    """What a function gave, and all that it is compared with."""

    def __init__(
        self,
        calls: Calls,
        theirs: Outputs,
        numeric: Outputs,
        right: Outputs,
        forms: Callable[[], Iterable[tuple[str, Outputs]]],
        tolerance: float,
    ) -> None:
        self.calls, self.tolerance = calls, tolerance
        self.theirs, self.numeric, self.right, self.forms = theirs, numeric, right, forms
        self.unmoved = [name for name in numeric if _is_zero(numeric[name]) and not _is_zero(right[name])]

    def findings(self, function: str) -> list[Finding]:
        """All that is wrong with the function of this name."""
        first, *gradients = self.theirs
        wrong = [name for name in self.theirs if not self._same(self.theirs[name], self.right[name])]
        strange = [name for name in gradients if not self._same(self.theirs[name], self.numeric[name])]
        if first not in wrong:
            found = [self._of_gradient(name, wrong) for name in gradients if name in wrong or name in strange]
        elif not strange:
            found = [self._of_first(first, list(self.theirs))]
        else:
            both_ways = [name for name in strange if name in wrong]
            found = [self._of_first(first, [first], both_ways)]
            found += [self._of_gradient(name, [first, *both_ways]) for name in both_ways]
        return [finding._replace(function=function) for finding in found]

    def _of_first(self, name: str, together: Sequence[str], others: Sequence[str] = ()) -> Finding:
        """The finding that the loss or the value is wrong, and with it the gradients that belong to it."""
        theirs, right = self.theirs[name], self.right[name]
        cause = self._cause([*together, *others]) or self._cause(together) or self._numerical(name)
        if case := wrong_shape(theirs, right):
            problem = f"{title(name)} has shape {theirs[case].shape}, but should have {right[case].shape}"
            return Finding("", problem, cause, case=case)
        case, at = worst(theirs, right)
        entry = f" at {at}" if at else ""
        is_theirs, is_right = both(float(theirs[case][at]), float(right[case][at]))
        problem = f"{title(name)}{entry} is {is_theirs}, but lexigrad gives {is_right}"
        if len(together) > 1:
            problem += ", and the gradients belong to the wrong loss, so that finite differences alone let it pass"
        return Finding("", problem, cause, at=at, case=case)

    def _of_gradient(self, name: str, wrong: Sequence[str]) -> Finding:
        """The finding that one gradient is wrong, perhaps for the same cause as all that are."""
        theirs, numeric, right = self.theirs[name], self.numeric[name], self.right[name]
        is_wrong = not self._same(theirs, right)
        cause = (self._cause(wrong) or self._cause([name]) if is_wrong else "") or self._numerical(name)
        if case := wrong_shape(theirs, right):
            problem = f"{title(name)} has shape {theirs[case].shape}, but should have {right[case].shape}"
            return Finding("", problem, cause, name, case=case)
        case, at = worst(theirs, right if is_wrong else numeric)
        is_theirs, own, ours = float(theirs[case][at]), float(numeric[case][at]), float(right[case][at])
        if relative_error(own, ours) <= self.tolerance:
            shown, is_right = both(is_theirs, ours)
            truth = f"should be {is_right}, by finite differences of its own loss and by lexigrad"
        else:
            shown, is_own = both(is_theirs, own)
            is_right = both(is_theirs, ours)[1] if is_wrong else f"{ours:.6g}"
            truth = f"finite differences of its own loss give {is_own}, and lexigrad gives {is_right}"
        rows = wrong_rows(theirs[case], right[case], self.tolerance)
        return Finding("", f"{title(name)} at {at} is {shown}, but {truth}{rows}", cause, name, at, case)

    def _cause(self, names: Sequence[str]) -> str:
        """The mistake that gives the same numbers for all these outputs, at every case; empty where none is known."""
        for cause, form in self.forms():
            if all(self._same(self.theirs[name], form[name]) for name in names):
                return cause
        changes: dict[str, Change] = dict(CHANGES)
        by = factor((self.theirs[name], self.right[name]) for name in names)
        if by is not None:
            changes[f"the numbers are {by:.6g} times as large as they should be"] = lambda right, _: by * right
        for cause, change in changes.items():
            if all(self._same(self.theirs[name], self._changed(name, change)) for name in names):
                return cause
        return self._exchanged(names)

    def _exchanged(self, names: Sequence[str]) -> str:
        """That two gradients stand in each other's place, if these are the two or one of them."""
        for one, other in combinations(self.numeric, 2):
            if {one, other}.issuperset(names) and all(
                self._same(self.theirs[place], self.right[held]) for place, held in ((one, other), (other, one))
            ):
                return EXCHANGED.format(one, other)
        return ""

    def _numerical(self, name: str) -> str:
        """Why finite differences do not fit, or numbers nearly agree: the loss was kept, or something is rounded."""
        if name == LOSS and self.unmoved and len(self.unmoved) == len(self.numeric):
            return KEPT.format(" and ".join(self.unmoved))
        is_right = self._same(self.theirs[name], self.right[name])
        if is_right and name in self.unmoved:
            return KEPT.format(name)
        output = LOSS if is_right else name  # to a right gradient finite differences of a rounded loss do not fit
        return ROUNDED.format(title(output)) if self._is_rounded(output) else ""

    def _is_rounded(self, name: str) -> bool:
        """Whether an output is nearly right, and stays as it is where an argument is moved a very little only."""
        if not agree(self.theirs[name], self.right[name], ROUGHLY):
            return False
        some = next(iter(self.calls.cases.values()))
        arrays = [key for key, value in some.items() if isinstance(value, np.ndarray) and value.dtype.kind == "f"]
        with contextlib.suppress(GradientError, KeyError):  # another case may not have the argument
            for argument in list(self.numeric) or arrays:
                nudged, moved = (self.calls.moved(argument, by)[name] for by in (NUDGE, STEP))
                if agree(nudged, self.theirs[name], 0) and not agree(moved, self.theirs[name], 0):
                    return True
        return False

    def _changed(self, name: str, change: Change) -> ByCase:
        """What a change makes of the right output."""
        return {case: change(right, self.theirs[name][case]) for case, right in self.right[name].items()}

    def _same(self, theirs: ByCase, other: ByCase) -> bool:
        return agree(theirs, other, self.tolerance)


def _is_zero(by_case: ByCase) -> bool:
    """Whether all numbers are zero."""
    return not any(array.any() for array in by_case.values())
