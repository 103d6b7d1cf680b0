"""The loss of the whole corpus as a function of both tables, from the window counts.

Skip-gram's loss depends on the corpus through the window counts n(c, o) only. With scores s = u_w·v_c + b_w and
n_c = Σ_o n(c, o), it is (`lexigrad.reference.naive_softmax` and `negative_sampling`, summed over all pairs)

    naive softmax       Σ_c n_c log Σ_w exp(s_cw) − Σ_co n(c, o) s_co
    negative sampling   Σ_co n(c, o) softplus(−s_co) + Σ_cw a_c p_w softplus(s_cw),    a_c = K n_c,  p = P
    Poisson             Σ_cw exp(s_cw) − Σ_co n(c, o) s_co

and ½ l2 (|V|² + |U|²) is added to each of them. Negative sampling is in expectation over the noise P; Poisson is the
softmax with normalizers that are held fixed. The cost of a pass does not depend on the corpus' length.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from lexigrad.training.exact.history import Pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]

__all__ = ["SUMMED", "Counts", "Loss", "Objective", "Pass", "Point", "Summed", "Sums"]

Loss = Literal["negative_sampling", "naive_softmax", "poisson"]

Floats = Any
"""An array of the library that computes, in its kind of floats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summed:
    """How this solver sums and minimises a loss.

    Attributes:
        l2: λ, as if each vector had been seen at zero in so many pairs.
        is_normalized: whether a row has a normalizer log Σ_w exp(s_cw).
        has_noise: whether the sum has the noise term, which a and p weigh.
        expected_curvature: κ; κ n_c times the mean square of the other table is the curvature to expect of row c.
        after: the loss from whose optimum its search begins; None for a search from the SVD.
        outside: the loss of the outside vectors beyond the head, against center vectors that stand still. The softmax
            is a Poisson regression for each, with the normalizers held at those over the head alone, an approximation.
    """

    l2: float
    is_normalized: bool = False
    has_noise: bool = False
    expected_curvature: float
    after: Loss | None = None
    outside: Loss


# σ(1 − σ) is at most ¼, and a pair counts (K + 1) times; the softmax's variance is at most that of u
SUMMED: Final[dict[Loss, Summed]] = {
    "negative_sampling": Summed(l2=10.0, has_noise=True, expected_curvature=0.5, outside="negative_sampling"),
    "naive_softmax": Summed(
        l2=40.0, is_normalized=True, expected_curvature=1.0, after="negative_sampling", outside="poisson"
    ),
    "poisson": Summed(l2=40.0, expected_curvature=0.5, outside="poisson"),
}
"""The losses by name."""


@dataclass(frozen=True)
class Point:
    """Values for center vectors (rows, dim), outside vectors (columns, dim) and their bias (columns,)."""

    V: Floats
    U: Floats
    bias: Floats

    @property
    def tables(self) -> tuple[Floats, Floats, Floats]:
        """V, U and the bias."""
        return self.V, self.U, self.bias


@dataclass(frozen=True)
class Counts:
    """A sparse matrix of window counts by rows, with a factor for each row and column of the noise term.

    Attributes:
        starts: row i has the entries from ``starts[i]`` to ``starts[i + 1]``, int64.
        columns_of: their columns, rising within a row, int32.
        weights: their counts, float32.
        columns: the number of columns.
        row_factors: a, shape ``(rows,)``.
        column_factors: p, shape ``(columns,)``.
    """

    starts: NDArray[np.int64]
    columns_of: NDArray[np.int32]
    weights: NDArray[np.float32]
    columns: int
    row_factors: Doubles
    column_factors: Doubles

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.starts) - 1

    @cached_property
    def row_weights(self) -> Doubles:
        """n_c, shape ``(rows,)``."""
        sums = np.zeros(self.rows)
        filled = np.diff(self.starts) > 0
        if filled.any():
            sums[filled] = np.add.reduceat(self.weights, self.starts[:-1][filled], dtype=np.float64)
        return sums


@dataclass
class Sums:
    """The sums of a pass, before the L2 term.

    Attributes:
        losses: the loss of each row, float64.
        log_sums: log Σ_w exp(s_cw − shift) of each row under the softmax, float64; zeros otherwise.
        gradient: by V, U and bias; U and bias are None where only rows were asked for.
        curvature: the diagonal of the Gauss-Newton matrix, likewise; None where it was not asked for.
    """

    losses: Doubles
    log_sums: Doubles
    gradient: Point
    curvature: Point | None


@dataclass(frozen=True)
class Pass:
    """The result of one pass, in units of the summed loss.

    Attributes:
        loss: the loss of all rows, with the L2 term; infinite where it overflows.
        row_losses: each row's part of the loss, with the L2 term of its row of V, float64.
        gradient: its gradient, a `Point`; None where the loss is not finite.
        curvature: the curvature of the loss without the L2 term, a `Point`; None where it was not asked for.
        normalizers: log Σ_w exp(s_cw) under the softmax; zeros otherwise.
    """

    loss: float
    row_losses: Doubles
    gradient: Any
    curvature: Any
    normalizers: Floats


class Objective(ABC):
    """The summed loss of rows of V against columns of U; `FusedObjective` and `ArrayObjective` compute it.

    Attributes:
        counts: the counts.
        row_weights: n_c.
        loss: the name of the loss.
        summed: how it is summed.
        l2: weight of ½(|V|² + |U|²).
        shifts: numbers that are subtracted from each row's scores.
        passes: the number of passes so far; one with the curvature counts 5/3.
    """

    def __init__(self, counts: Counts, loss: Loss, l2: float) -> None:
        self.counts, self.loss, self.summed, self.l2 = counts, loss, SUMMED[loss], l2
        self.row_weights = counts.row_weights
        self.shifts = self.asarray(np.zeros(counts.rows))
        self.passes = 0.0

    def evaluate(self, point: Point, *, curvature: bool = False, rows_only: bool = False) -> Pass:
        """Compute the loss and its gradient at a point.

        Args:
            point: where to compute them.
            curvature: whether to compute the curvature too, which makes a pass two thirds dearer.
            rows_only: leave out the derivatives by U and the bias, which makes a pass a third cheaper.
        """
        self.passes += 5 / 3 if curvature else 1
        sums = self.sums(point, curvature, rows_only)
        row_losses = sums.losses + 0.5 * self.l2 * self._squared_lengths(point.V)
        loss = float(row_losses.sum())
        normalizers = self.shifts + self.asarray(sums.log_sums)
        if not np.isfinite(loss):
            return Pass(np.inf, row_losses, None, None, normalizers)
        gradient = sums.gradient
        d_V, d_U = gradient.V + self.l2 * point.V, gradient.U
        if not rows_only:
            loss += 0.5 * self.l2 * float(self._squared_lengths(point.U).sum())
            d_U = d_U + self.l2 * point.U
        return Pass(loss, row_losses, Point(d_V, d_U, gradient.bias), sums.curvature, normalizers)

    def accept(self, found: Pass) -> None:
        """Shift the scores by a pass's normalizers from now on, so that exponentials stay near 1.

        Only an accepted step may move them: after a bad trial the next one could overflow.
        """
        if self.summed.is_normalized:
            self.shifts = found.normalizers

    def pieces(self, length: int) -> Pieces:
        """The place where the search keeps vectors of some length."""
        return Pieces(length)

    @abstractmethod
    def sums(self, point: Point, curvature: bool, rows_only: bool) -> Sums:
        """The pass itself."""

    @abstractmethod
    def asarray(self, values: Any) -> Floats:
        """Numbers as an array of the library that computes."""

    @abstractmethod
    def host(self, values: Floats) -> NDArray[Any]:
        """An array of that library as one of NumPy."""

    @abstractmethod
    def from_host(self, values: NDArray[Any]) -> Floats:
        """The array of which ``host`` made one of NumPy, with the same kind of numbers."""

    @abstractmethod
    def concatenated(self, parts: list[Floats]) -> Floats:
        """One array of all parts."""

    def _squared_lengths(self, table: Floats) -> Doubles:
        """|x|² of each row."""
        numbers = self.host(table)
        lengths: Doubles = np.einsum("ij,ij->i", numbers, numbers, dtype=np.float64)
        return lengths
