"""Refuse questions about a function that have no answer, with one sentence each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lexigrad.errors import GradientError, InputError
from lexigrad.gradcheck.students.strangers import ByCase, Calls, Cases, title

__all__ = ["check_question", "check_tolerance", "right_outputs"]


def check_question(
    name: str, function: Callable[..., Any], cases: Cases, gradients: Sequence[str], tolerance: float
) -> None:
    """Refuse what cannot be called, and cases that do not hold the arguments that are differentiated.

    Raises:
        InputError: one of these is something else; the sentence says which.
    """
    if not callable(function):
        raise InputError(f"{name}: the function to diagnose must be callable, but is {type(function).__name__}")
    check_tolerance(tolerance)
    if not isinstance(cases, Mapping) or not all(isinstance(some, Mapping) for some in cases.values()):
        raise InputError(f"{name}: cases must give each call's arguments under a name, such as {{'one': {{'x': x}}}}")
    if not cases:
        raise InputError(f"{name}: cases must hold at least one case, but hold none, so that anything would pass")
    if isinstance(gradients, str):
        raise InputError(f"{name}: gradients must be a list of names, such as [{gradients!r}], but is a text")
    for argument in gradients:
        for case, some in cases.items():
            _check_argument(name, argument, case, some)


def _check_argument(name: str, argument: str, case: str, some: Mapping[str, Any]) -> None:
    """Refuse an argument that cannot be differentiated at a case."""
    if argument not in some:
        there = ", ".join(map(repr, some)) or "none"
        raise InputError(f"{name}: gradients name {argument!r}, but the arguments at {case!r} are {there}")
    try:
        size = np.asarray(some[argument], dtype=np.float64).size
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: {argument!r} at {case!r} must hold numbers, as gradients name it") from error
    if not size:
        raise InputError(f"{name}: {argument!r} at {case!r} is empty, so that any gradient would pass")


def check_tolerance(tolerance: float) -> None:
    """Refuse a tolerance that all or nothing would pass.

    Raises:
        InputError: it is no positive number.
    """
    if not isinstance(tolerance, int | float | np.number) or not 0 < tolerance < np.inf:
        raise InputError(f"tolerance must be a positive number, not {tolerance!r}")


def right_outputs(
    name: str, reference: Callable[..., Any], cases: Cases, gradients: Sequence[str]
) -> dict[str, ByCase]:
    """What the reference gives.

    Raises:
        InputError: it fails, or gives nothing with which anything could be compared.
    """
    try:
        right = Calls(reference, cases, gradients).outputs()
    except GradientError as error:
        raise InputError(f"{name}: the reference cannot be called at these cases, as {error}") from error
    for output, by_case in right.items():
        for case, array in by_case.items():
            if not array.size:
                raise InputError(f"{name}: {title(output)} of the reference is empty at {case!r}; give another case")
            # a value may be infinite, but from an infinite loss there are no finite differences
            if np.isnan(array).any() or (gradients and not np.isfinite(array).all()):
                shown = "nan" if np.isnan(array).any() else "infinite"
                raise InputError(f"{name}: {title(output)} of the reference is {shown} at {case!r}; give another case")
    return right
