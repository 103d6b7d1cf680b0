"""Exact search for the rows of a matrix that have the largest cosine with a vector.

A float32 matrix product finds candidates; those within its rounding error of the n-th best are put in order by their
cosines in float64. So the answer is the same however many vectors are asked together, and ties are broken by row.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lexigrad.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

__all__ = [
    "Queries",
    "Query",
    "at_least_one",
    "checked_counts",
    "checked_exclusions",
    "checked_matrix",
    "checked_vectors",
    "listed_queries",
    "nearest_of",
    "nearest_rows",
    "row_lengths",
    "unit_rows",
]

Query: TypeAlias = str | NDArray[Any]
"""A word, or a vector of shape ``(dim,)``."""
Queries: TypeAlias = Query | Iterable[Query]

SCORES_AT_ONCE: Final = 1 << 24  # cosines held at a time, in 64 MiB
ROWS_AT_ONCE: Final = 1 << 13  # rows turned into float64 at a time
GROUPED: Final = 64


def row_lengths(matrix: NDArray[np.float32]) -> NDArray[np.float64]:
    """The Euclidean length of each row; not finite where a number in the row is not."""
    lengths = np.empty(len(matrix))
    for start in range(0, len(matrix), ROWS_AT_ONCE):
        with np.errstate(invalid="ignore"):  # a file may hold a signaling NaN, which is a NaN like others
            rows = matrix[start : start + ROWS_AT_ONCE].astype(np.float64)
        lengths[start : start + ROWS_AT_ONCE] = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return lengths


def unit_rows(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows scaled to length 1; rows of zeros stay zero."""
    largest = np.abs(vectors).max(axis=1, keepdims=True)  # scaled first: squares of 1e200 would overflow
    scaled = vectors / np.where(largest == 0, 1.0, largest)
    lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
    return np.asarray(scaled / np.where(lengths == 0, 1.0, lengths), dtype=np.float64)


def nearest_rows(
    units: NDArray[np.float64],
    matrix: NDArray[np.float32],
    lengths: NDArray[np.float64],
    n: int,
    exclude: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The ``n`` rows of ``matrix`` that have the largest cosine with each row of ``units``.

    Args:
        units: rows of length 1 or 0, shape ``(k, dim)``.
        matrix: shape ``(searched, dim)``.
        lengths: the lengths of the rows of ``matrix``, shape ``(searched,)``, with 1 in place of 0.
        n: how many rows for each, from 1 to ``searched``.
        exclude: rows of ``matrix`` that row i of ``units`` must not get, shape ``(k, e)``; numbers out of range are
            passed over.

    Returns:
        Rows and cosines, shape ``(k, n)``; −1 and −∞ where exclusions leave too few rows.
    """
    rows = np.full((len(units), n), -1, dtype=np.int64)
    cosines = np.full((len(units), n), -np.inf)
    lengths32 = lengths.astype(np.float32)
    step = max(1, SCORES_AT_ONCE // len(matrix))
    for start in range(0, len(units), step):
        block = slice(start, start + step)
        scores = units[block].astype(np.float32) @ matrix.T
        scores /= lengths32  # so the matrix needs no normalised copy, and can stay on the disk
        if exclude is not None:
            _strike(scores, exclude[block])
        vectors, candidates = _candidates(scores, n, matrix.shape[1])
        exact = _cosines(units[block], matrix, lengths, vectors, candidates)
        _keep_best(vectors, candidates, exact, rows[block], cosines[block])
    return rows, cosines


def nearest_of(
    candidates: NDArray[np.int64],
    units: NDArray[np.float64],
    matrix: NDArray[np.float32],
    lengths: NDArray[np.float64],
    n: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The ``n`` best of some candidates for each row of ``units``, by the cosines of ``nearest_rows``.

    Args:
        candidates: rows of ``matrix``, none twice in a line, shape ``(k, c)`` with c ≥ n; −1 means none.
        units: rows of length 1 or 0, shape ``(k, dim)``.
        matrix: the rows that are searched, shape ``(searched, dim)``.
        lengths: the lengths of the rows of ``matrix``, shape ``(searched,)``, with 1 in place of 0.
        n: how many rows for each, at least 1.

    Returns:
        Rows and cosines, shape ``(k, n)``; −1 and −∞ where there are too few candidates.
    """
    scores = np.empty(candidates.shape)
    for line, (unit, rows) in enumerate(zip(units, candidates, strict=True)):
        # Line by line: to gather the rows of many vectors takes thrice as long as to sum them up.
        scores[line] = np.einsum("ij,j->i", matrix[rows].astype(np.float64), unit)
    scores = np.where(candidates < 0, -np.inf, np.clip(scores / lengths[candidates], -1.0, 1.0))
    best = np.lexsort((candidates, -scores), axis=1)[:, :n]
    return np.take_along_axis(candidates, best, axis=1), np.take_along_axis(scores, best, axis=1)


def checked_vectors(vectors: ArrayLike | Sequence[ArrayLike], dim: int) -> NDArray[np.float64]:
    """``vectors`` in float64, shape ``(k, dim)``, or an InputError that says how they do not fit."""
    try:
        checked = np.asarray(vectors, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"vectors must be numbers, each {dim} of them; {error}") from error
    if checked.ndim != 2 or checked.shape[1] != dim:
        raise InputError(f"a vector must have shape ({dim},), not {checked.shape[1:]}")
    if not np.isfinite(checked).all():
        raise InputError("a vector holds a number that is not finite; search with finite numbers")
    return checked


def checked_exclusions(exclude: ArrayLike, number_of_vectors: int, size: int) -> NDArray[np.int64]:
    """Ids below ``size`` or −1, a row for each vector, or an InputError."""
    checked = np.asarray(exclude)
    if checked.ndim != 2 or len(checked) != number_of_vectors or checked.dtype.kind not in "iu":
        raise InputError(f"exclude must hold a row of ids for each of {number_of_vectors} vectors, not {checked.shape}")
    if checked.size and (checked.min() < -1 or checked.max() >= size):
        raise InputError(f"exclude holds ids out of range; they run from −1 to {size - 1:,}")
    return checked.astype(np.int64)


def at_least_one(name: str, number: int) -> int:
    """A whole number of at least 1, or an InputError that names the argument."""
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 1:
        raise InputError(f"{name} must be a whole number of at least 1, not {number!r}")
    return int(number)


def listed_queries(queries: Queries) -> list[Query]:
    """One word or vector, or several, as a list, or an InputError that names what is neither."""
    if isinstance(queries, str) or (isinstance(queries, np.ndarray) and queries.ndim == 1):
        return [queries]
    listed = list(queries)
    for item in listed:
        if not isinstance(item, (str, np.ndarray)):
            raise InputError(f"expected a word or a NumPy vector, not {type(item).__name__}")
    return listed


def checked_matrix(matrix: ArrayLike, number_of_words: int) -> NDArray[np.float32]:
    """``matrix`` as a read-only view, turned into float32 if its numbers have another type, or an InputError."""
    given = np.asarray(matrix)
    if given.ndim != 2 or len(given) != number_of_words or given.shape[1] < 1:
        raise InputError(
            f"{number_of_words:,} words need a matrix of as many rows, (words, dim), not shape {given.shape}"
        )
    if given.dtype.kind not in "fiu":
        raise InputError(f"a matrix must hold real numbers, not {given.dtype}")
    with np.errstate(over="ignore"):  # a number that becomes infinite is reported with its word
        view = given.astype(np.float32, copy=False).view()
    view.flags.writeable = False
    return view


def checked_counts(counts: ArrayLike, number_of_words: int) -> NDArray[np.int64]:
    """``counts`` in int64 as a read-only view, or an InputError."""
    given = np.asarray(counts)
    if given.shape != (number_of_words,) or (given.size and given.dtype.kind not in "iu"):
        raise InputError(f"counts must be {number_of_words:,} whole numbers, one a word, not shape {given.shape}")
    view = given.astype(np.int64, copy=False).view()
    if (view < 0).any():
        raise InputError(f"the count of a word is {view.min()}; counts must be at least 0")
    view.flags.writeable = False
    return view


def _strike(scores: NDArray[np.float32], exclude: NDArray[np.int64]) -> None:
    """Put −∞ where a row is excluded."""
    vectors, columns = np.nonzero((exclude >= 0) & (exclude < scores.shape[1]))
    scores[vectors, exclude[vectors, columns]] = -np.inf


def _candidates(scores: NDArray[np.float32], n: int, dim: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The vector and the row of every score that may be among the vector's ``n`` best, in the order of the vectors."""
    rounding = dim * np.finfo(np.float32).eps
    floor = np.maximum(_nth_best_at_least(scores, n) - 2 * rounding, -2.0)  # excluded rows have −∞
    # Flat, because np.nonzero of a matrix takes four times as long.
    places = np.flatnonzero(scores >= floor[:, np.newaxis])
    vectors, rows = np.divmod(places, scores.shape[1])
    return vectors, rows


def _nth_best_at_least(scores: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """A number for each vector that at least ``n`` of its scores reach, and not many more.

    It is the n-th largest of the maxima of groups of 64 scores; to partition all scores takes seven times as long.
    """
    groups = scores.shape[1] // GROUPED
    if groups >= n:
        scores = scores[:, : groups * GROUPED].reshape(len(scores), GROUPED, groups).max(axis=1)
    largest: NDArray[np.float32] = np.partition(scores, -n, axis=1)[:, -n]
    return largest


def _cosines(
    units: NDArray[np.float64],
    matrix: NDArray[np.float32],
    lengths: NDArray[np.float64],
    vectors: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> NDArray[np.float64]:
    """The cosine in float64 of ``units[vectors[i]]`` with ``matrix[rows[i]]``, for each i."""
    cosines = np.empty(len(rows))
    for start in range(0, len(rows), ROWS_AT_ONCE):
        block = slice(start, start + ROWS_AT_ONCE)
        cosines[block] = np.einsum("ij,ij->i", units[vectors[block]], matrix[rows[block]].astype(np.float64))
    return np.clip(cosines / lengths[rows], -1.0, 1.0)


def _keep_best(
    vectors: NDArray[np.int64],
    candidates: NDArray[np.int64],
    exact: NDArray[np.float64],
    rows: NDArray[np.int64],
    cosines: NDArray[np.float64],
) -> None:
    """Write each vector's best candidates into its line of ``rows``, and their cosines into ``cosines``."""
    order = np.lexsort((candidates, -exact, vectors))
    rank = np.arange(len(vectors)) - np.searchsorted(vectors, vectors)  # place in the list of the vector
    best = rank < rows.shape[1]
    rows[vectors[best], rank[best]] = candidates[order][best]
    cosines[vectors[best], rank[best]] = exact[order][best]
