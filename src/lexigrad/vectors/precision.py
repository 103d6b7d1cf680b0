"""Vectors in fewer bits: float16, or int8 with a scale for each row, and how much quality that costs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

import numpy as np

from lexigrad.errors import InputError
from lexigrad.vectors.keyedvectors import KeyedVectors
from lexigrad.vectors.search import unit_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["DTYPES", "Dtype", "ReductionLoss", "reduced_rows", "reduction_loss", "restored_rows"]

Dtype: TypeAlias = Literal["float32", "float16", "int8"]
DTYPES: Final[tuple[str, ...]] = get_args(Dtype)
LARGEST_INT8: Final = 127
ROWS_AT_ONCE: Final = 1 << 12


@dataclass(frozen=True)
class ReductionLoss:
    """How far vectors in fewer bits are from the original ones.

    Attributes:
        dtype: ``float16`` or ``int8``.
        words: how many words were compared: all of them.
        mean_angle_degrees: between the two vectors of a word, the mean over all words whose vectors are not zero.
        largest_angle_degrees: the largest of these angles.
        worst_word: the word that has it, None when there are no words.
        neighbors: how many nearest words were looked at for each word of the sample.
        sample: how many words these were asked for.
        neighbors_kept: the share of the nearest words among the original vectors that are nearest among the reduced
            ones too, from 0 to 1; NaN without a sample.
        table_ratio: bytes of the reduced table, with its scales, in relation to those in float32.

    Example:
        >>> loss = reduction_loss(KeyedVectors(["a", "b", "c"], [[1, 0], [0.6, 0.8], [0, 1]]), "int8")
        >>> loss.words, loss.worst_word, round(loss.largest_angle_degrees, 3)
        (3, 'b', 0.072)
    """

    dtype: str
    words: int
    mean_angle_degrees: float
    largest_angle_degrees: float
    worst_word: str | None
    neighbors: int
    sample: int
    neighbors_kept: float
    table_ratio: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values by name, None in place of NaN."""
        return {name: None if value != value else value for name, value in asdict(self).items()}

    def summary(self) -> str:
        """The loss in a sentence."""
        sentence = (
            f"{self.dtype}: vectors turned by {self.mean_angle_degrees:.3g} degrees on average, by "
            f"{self.largest_angle_degrees:.3g} at most"
        )
        if self.sample:
            kept = f"{100 * self.neighbors_kept:.2f} % of the {self.neighbors} nearest words kept"
            sentence += f"; {kept}, of {self.sample:,} words asked"
        return sentence


def reduction_loss(vectors: KeyedVectors, dtype: Dtype, *, n: int = 10, sample: int = 1000) -> ReductionLoss:
    """Measure what ``save_vectors(…, dtype=dtype)`` would cost in quality.

    Args:
        vectors: the vectors in float32.
        dtype: ``float16`` or ``int8``.
        n: how many nearest words to look at.
        sample: the number of words, at even distances over the vocabulary, whose nearest words are looked for; each
            takes two searches among all words.

    Returns:
        Angles over all words, and the share of nearest words kept.

    Raises:
        InputError: a number is too large for float16; the sentence names the word.

    Example:
        >>> random = np.random.default_rng(1)
        >>> vectors = KeyedVectors([f"w{number}" for number in range(500)], random.standard_normal((500, 50)))
        >>> loss = reduction_loss(vectors, "int8")
        >>> 0.1 < loss.mean_angle_degrees < 1, loss.neighbors_kept > 0.9, loss.table_ratio
        (True, True, 0.27)
    """
    numbers, scales = reduced_rows(vectors.matrix, dtype, lambda row: repr(vectors.words[row][:40]))
    reduced = KeyedVectors(vectors.words, restored_rows(numbers, scales), check=False)
    angles = _angles(vectors.matrix, reduced.matrix)
    worst = int(np.argmax(angles)) if angles.size else None
    asked = np.unique(np.linspace(0, len(vectors) - 1, min(sample, len(vectors))).astype(np.int64))
    columns = min(n, len(vectors) - 1)
    compared = angles[vectors.lengths > 0]
    taken = numbers.nbytes + (0 if scales is None else scales.nbytes)
    return ReductionLoss(
        dtype,
        len(vectors),
        float(np.degrees(compared.mean())) if compared.size else 0.0,
        float(np.degrees(angles.max(initial=0.0))),
        None if worst is None else vectors.words[worst],
        max(columns, 0),
        len(asked) if columns > 0 else 0,
        _kept(vectors, reduced, asked, columns) if columns > 0 and asked.size else float("nan"),
        taken / (4 * vectors.matrix.size) if vectors.matrix.size else 1.0,
    )


def reduced_rows(
    matrix: NDArray[np.float32], dtype: Dtype, named: Callable[[int], str]
) -> tuple[NDArray[Any], NDArray[np.float32] | None]:
    """Turn the numbers of rows into numbers of fewer bits.

    float16: each number rounded to the nearest one. int8: q = round(x / s), s = max |x| / 127 over the row.

    Args:
        matrix: shape ``(rows, dim)``, finite.
        dtype: the type of number; ``float32`` gives the matrix back.
        named: gives the name of a row for an error.

    Returns:
        The numbers, of the same shape, and for int8 the scale s of each row, float32, shape ``(rows,)``, else None.

    Raises:
        InputError: there is no such dtype, or a number is too large for float16.

    Example:
        >>> numbers, scales = reduced_rows(np.array([[1, -2]], dtype=np.float32), "int8", str)
        >>> numbers.tolist(), restored_rows(numbers, scales).round(3).tolist()
        ([[64, -127]], [[1.0080000162124634, -2.0]])
    """
    if dtype not in DTYPES:
        raise InputError(f"there is no dtype {dtype!r} for vectors; known are {', '.join(DTYPES)}")
    if dtype == "float32":
        return matrix, None
    numbers = np.empty(matrix.shape, dtype=dtype)
    scales = np.zeros(len(matrix), dtype=np.float32)
    for start in range(0, len(matrix), ROWS_AT_ONCE):
        block = slice(start, start + ROWS_AT_ONCE)
        rows = matrix[block].astype(np.float64)
        if dtype == "float16":
            with np.errstate(over="ignore"):
                numbers[block] = rows
            too_large = ~np.isfinite(numbers[block]).all(axis=1)
            if too_large.any():
                word = named(start + int(np.argmax(too_large)))
                raise InputError(f"the vector of {word} holds a number beyond ±65504, which float16 cannot hold")
        else:
            scales[block] = np.abs(rows).max(axis=1, initial=0.0) / LARGEST_INT8
            divisors = scales[block, np.newaxis].astype(np.float64)
            # The scale is rounded to float32, so that the largest number may come out a little above 127.
            quotients = np.rint(rows / np.where(divisors == 0, np.inf, divisors))
            numbers[block] = np.clip(quotients, -LARGEST_INT8, LARGEST_INT8)
    return numbers, None if dtype == "float16" else scales


def restored_rows(numbers: NDArray[Any], scales: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """Turn rows that ``reduced_rows`` gave back into float32; its rounding remains.

    Args:
        numbers: the reduced numbers, shape ``(rows, dim)``.
        scales: the scale of each row, shape ``(rows,)``, or None.
    """
    with np.errstate(invalid="ignore", over="ignore"):  # a file may hold a signaling NaN, or a scale too large
        rows = numbers.astype(np.float32, copy=False)
        return rows if scales is None else rows * scales[:, np.newaxis]


def _angles(matrix: NDArray[np.float32], reduced: NDArray[np.float32]) -> NDArray[np.float64]:
    """The angle between rows, in radians; 0 where both are zero, 90 degrees where one became zero."""
    angles = np.empty(len(matrix))
    for start in range(0, len(matrix), ROWS_AT_ONCE):
        block = slice(start, start + ROWS_AT_ONCE)
        a, b = unit_rows(matrix[block].astype(np.float64)), unit_rows(reduced[block].astype(np.float64))
        # Half the chord is the sine of half the angle; the arc cosine would lose small angles to rounding.
        angles[block] = 2 * np.arcsin(np.clip(np.linalg.norm(a - b, axis=1) / 2, 0, 1))
    return angles


def _kept(vectors: KeyedVectors, reduced: KeyedVectors, asked: NDArray[np.int64], n: int) -> float:
    """The share of the nearest words among the original vectors that are nearest among the reduced ones too."""
    exclude = asked[:, np.newaxis]
    before, after = (some.nearest(some.matrix[asked], n, exclude=exclude)[0] for some in (vectors, reduced))
    shared = [np.isin(first, second).mean() for first, second in zip(before, after, strict=True)]
    return float(np.mean(shared))
