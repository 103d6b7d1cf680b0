"""Exact search for the rows of a matrix that have the largest cosine with a vector.

A float32 matrix product finds candidates; those within its rounding error of the n-th best are put in order by their
cosines in float64. So the answer is the same however many vectors are asked together, and ties are broken by row.

A cosine is Σ ab / √(Σ a² · Σ b²), and not the product of two vectors of length 1: √(s · s) is s in binary floating
point, so a row has the cosine 1 with a row that is equal to it, and not 1 give or take a rounding error.
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
    "balanced",
    "checked_counts",
    "checked_exclusions",
    "checked_matrix",
    "checked_vectors",
    "cosines",
    "cosines_with",
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


def balanced(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each row times a power of two, so that its largest number lies between ½ and 1.

    This moves no bit of a cosine, and the squares of such numbers neither overflow nor vanish.

    Args:
        vectors: shape ``(k, dim)``.

    Example:
        >>> balanced(np.array([[3e200, -4e200], [6.0, 0.0]])).tolist()[1]
        [0.75, 0.0]
    """
    exponents = np.frexp(np.abs(vectors).max(axis=1, keepdims=True))[1]
    return np.asarray(np.ldexp(vectors, -exponents), dtype=np.float64)


def cosines(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cosine of each row of one matrix with the same row of another: Σ ab / √(Σ a² · Σ b²).

    It is exactly 1 for rows of which one is the other times a power of two, and exactly −1 if that factor is negative.

    Args:
        a: shape ``(k, dim)``, or ``(1, dim)`` for one row in place of k; numbers that were float32, or `balanced`, as
            the squares of larger ones would overflow.
        b: likewise.

    Returns:
        Shape ``(k,)``, from −1 to 1; 0 where a row is zero.

    Example:
        >>> cosines(np.array([[0.1, 0.2, 0.7]]), np.array([[0.1, 0.2, 0.7], [-0.2, -0.4, -1.4]])).tolist()
        [1.0, -1.0]
    """
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)  # the order of a sum depends on how its numbers lie
    return _quotients(_sums(a, b), _sums(a, a), _sums(b, b))


def cosines_with(vector: NDArray[np.float64], matrix: NDArray[Any]) -> NDArray[np.float64]:
    """The cosine of one vector with each row of a matrix, by `cosines`, a block of rows at a time.

    Args:
        vector: shape ``(dim,)``.
        matrix: shape ``(rows, dim)``, of any type of number.

    Returns:
        Shape ``(rows,)``.
    """
    alone = balanced(vector[np.newaxis])
    blocks = range(0, len(matrix), ROWS_AT_ONCE)
    found = [cosines(alone, balanced(matrix[at : at + ROWS_AT_ONCE].astype(np.float64))) for at in blocks]
    return np.concatenate([np.empty(0), *found])


def unit_rows(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows scaled to length 1; rows of zeros stay zero."""
    largest = np.abs(vectors).max(axis=1, keepdims=True)  # scaled first: squares of 1e200 would overflow
    scaled = vectors / np.where(largest == 0, 1.0, largest)
    lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
    return np.asarray(scaled / np.where(lengths == 0, 1.0, lengths), dtype=np.float64)


def nearest_rows(
    vectors: NDArray[np.float64],
    matrix: NDArray[np.float32],
    lengths: NDArray[np.float64],
    n: int,
    exclude: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The ``n`` rows of ``matrix`` that have the largest cosine with each of ``vectors``.

    Args:
        vectors: finite numbers, shape ``(k, dim)``.
        matrix: shape ``(searched, dim)``.
        lengths: the lengths of the rows of ``matrix``, shape ``(searched,)``, with 1 in place of 0.
        n: how many rows for each, from 1 to ``searched``.
        exclude: rows of ``matrix`` that vector i must not get, shape ``(k, e)``; numbers out of range are passed over.

    Returns:
        Rows and cosines, shape ``(k, n)``; −1 and −∞ where exclusions leave too few rows.
    """
    rows = np.full((len(vectors), n), -1, dtype=np.int64)
    found = np.full((len(vectors), n), -np.inf)
    lengths32 = lengths.astype(np.float32)
    step = max(1, SCORES_AT_ONCE // len(matrix))
    for start in range(0, len(vectors), step):
        block = slice(start, start + step)
        asked = balanced(vectors[block])
        scores = unit_rows(asked).astype(np.float32) @ matrix.T
        scores /= lengths32  # so the matrix needs no normalised copy, and can stay on the disk
        if exclude is not None:
            _strike(scores, exclude[block])
        numbers, candidates = _candidates(scores, n, matrix.shape[1])
        exact = _cosines_of_pairs(asked, matrix, numbers, candidates)
        _keep_best(numbers, candidates, exact, rows[block], found[block])
    return rows, found


def nearest_of(
    candidates: NDArray[np.int64], vectors: NDArray[np.float64], matrix: NDArray[np.float32], n: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The ``n`` best of some candidates for each of ``vectors``, by the cosines of ``nearest_rows``.

    Args:
        candidates: rows of ``matrix``, none twice in a line, shape ``(k, c)`` with c ≥ n; −1 means none.
        vectors: finite numbers, shape ``(k, dim)``.
        matrix: the rows that are searched, shape ``(searched, dim)``.
        n: how many rows for each, at least 1.

    Returns:
        Rows and cosines, shape ``(k, n)``; −1 and −∞ where there are too few candidates.
    """
    asked = balanced(vectors)
    products, squares = np.empty((2, *candidates.shape))
    for line, numbers in enumerate(candidates):
        # Line by line: to gather the rows of many vectors takes thrice as long as to sum them up.
        rows = np.ascontiguousarray(matrix[numbers], dtype=np.float64)
        products[line], squares[line] = _sums(asked[line : line + 1], rows), _sums(rows, rows)
    scores = _quotients(products, _sums(asked, asked)[:, np.newaxis], squares)
    scores[candidates < 0] = -np.inf
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


def _sums(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ ab of each row."""
    return np.asarray(np.einsum("ij,ij->i", a, b), dtype=np.float64)


def _quotients(products: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cosines of vectors with these products, whose squares have the sums a and b."""
    sizes = np.sqrt(a * b)
    return np.clip(products / np.where(sizes == 0, 1.0, sizes), -1.0, 1.0)


def _cosines_of_pairs(
    vectors: NDArray[np.float64], matrix: NDArray[np.float32], numbers: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The cosine of ``vectors[numbers[i]]`` with ``matrix[rows[i]]``, for each i."""
    found = np.empty(len(rows))
    for start in range(0, len(rows), ROWS_AT_ONCE):
        block = slice(start, start + ROWS_AT_ONCE)
        found[block] = cosines(vectors[numbers[block]], matrix[rows[block]].astype(np.float64))
    return found


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
