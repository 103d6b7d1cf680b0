"""Compare what a function returns with what is right: whether they agree, where least, and what was done to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lexigrad.gradcheck.equations import FLOOR, TOLERANCE, relative_error

if TYPE_CHECKING:
    from lexigrad.gradcheck.students.strangers import ByCase

__all__ = ["CHANGES", "Change", "agree", "both", "factor", "worst", "wrong_rows", "wrong_shape"]

Array: TypeAlias = NDArray[np.float64]
Change: TypeAlias = Callable[[Array, Array], Array]

ROWS_NAMED: Final = 4
"""A sentence names so many wrong rows at most."""

SAME_FACTOR: Final = 1e-6
"""Numbers that differ by less than this part of theirs say the same about a factor."""


def agree(some: ByCase, other: ByCase, tolerance: float) -> bool:
    """Whether two outputs have the same shapes and, within the tolerance, the same numbers."""
    return all(
        some[case].shape == other[case].shape and bool((_errors(some[case], other[case]) <= tolerance).all())
        for case in some
    )


def worst(theirs: ByCase, other: ByCase) -> tuple[str, tuple[int, ...]]:
    """The case and the entry at which two outputs of the same shapes differ most."""
    errors = {case: _errors(array, other[case]) for case, array in theirs.items()}
    case = max(errors, key=lambda case: float(errors[case].max()))
    return case, tuple(int(i) for i in np.unravel_index(errors[case].argmax(), errors[case].shape))


def wrong_shape(theirs: ByCase, right: ByCase) -> str:
    """The first case at which the shape is wrong; empty if there is none."""
    return next((case for case in right if theirs[case].shape != right[case].shape), "")


def wrong_rows(theirs: Array, right: Array, tolerance: float) -> str:
    """Which rows of a table are wrong, unless all are, or many."""
    if right.ndim != 2:
        return ""
    rows = np.flatnonzero((_errors(theirs, right) > tolerance).any(axis=1)).tolist()
    if len(rows) > ROWS_NAMED or len(rows) in (0, len(right)):
        return ""
    *first, last = map(str, rows)
    return f" (only its rows {', '.join(first)} and {last} are wrong)" if first else f" (only its row {last} is wrong)"


def both(some: float, other: float) -> tuple[str, str]:
    """Two numbers with so many digits that they differ, six at least."""
    for digits in (6, 9, 12):
        shown = f"{some:.{digits}g}", f"{other:.{digits}g}"
        if shown[0] != shown[1]:
            return shown
    return f"{some:.17g}", f"{other:.17g}"


def factor(outputs: Iterable[tuple[ByCase, ByCase]]) -> float | None:
    """How much larger some outputs are than they should be; None where no two numbers could confirm it.

    To one number alone some factor always fits. Those of the same size are one, and zeros are none.

    Args:
        outputs: pairs of what was returned and what is right.

    Returns:
        The quotient at the largest entry, unless it is 0, 1, infinite or no number.
    """
    some, other = [], []
    for theirs, right in outputs:
        if wrong_shape(theirs, right):
            return None
        some += [array.ravel() for array in theirs.values()]
        other += [array.ravel() for array in right.values()]
    returned, expected = np.concatenate(some), np.concatenate(other)
    sizes = np.sort(np.abs(expected[np.isfinite(expected) & (np.abs(expected) > FLOOR)]))
    if len(sizes) < 2 or not (np.diff(sizes) > SAME_FACTOR * sizes[1:]).any():
        return None
    at = np.flatnonzero(np.abs(expected) == sizes[-1])[0]
    quotient = float(returned[at] / expected[at])
    return quotient if np.isfinite(quotient) and f"{abs(quotient):.6g}" not in ("0", "1") else None


def _errors(some: Array, other: Array) -> Array:
    """The relative errors, with 0 where both are the same infinity, or no number."""
    same = (some == other) | (np.isnan(some) & np.isnan(other))
    return np.where(same, 0.0, relative_error(some, other))


def _in_wrong_rows(change: Callable[[Array], Array]) -> Change:
    """A change of those rows of a table that are wrong, and of no other."""

    def changed(right: Array, theirs: Array) -> Array:
        if right.ndim != 2 or theirs.shape != right.shape:
            return right
        wrong = (_errors(theirs, right) > TOLERANCE).any(axis=1, keepdims=True)
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
