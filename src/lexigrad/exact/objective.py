"""The loss of the whole corpus as a function of both tables, from the window counts.

Skip-gram's loss depends on the corpus through the window counts n(c, o) only. With scores s = u_w·v_c + b_w and
n_c = Σ_o n(c, o), it is (`lexigrad.reference.naive_softmax` and `negative_sampling`, summed over all pairs)

    naive softmax       Σ_c n_c log Σ_w exp(s_cw) − Σ_co n(c, o) s_co
    negative sampling   Σ_co n(c, o) softplus(−s_co) + Σ_cw a_c p_w softplus(s_cw),    a_c = K n_c,  p = P
    Poisson             Σ_cw exp(s_cw) − Σ_co n(c, o) s_co

and all get ½ l2 (|V|² + |U|²). Negative sampling is in expectation over the noise P; Poisson is the softmax of which
the normalizers are known. What one pass costs does not depend on the corpus' length.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from lexigrad.exact.history import Pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]

__all__ = ["L2", "Counts", "Loss", "Objective", "Pass", "Point", "Sums"]

Loss = Literal["negative_sampling", "naive_softmax", "poisson"]

L2: Final[dict[Loss, float]] = {"negative_sampling": 10.0, "naive_softmax": 40.0, "poisson": 40.0}
"""λ: as if a vector had been seen at zero in so many pairs."""

Floats = Any
"""An array of the library that computes, in its kind of floats."""


@dataclass(frozen=True)
class Point:
    """Values for center vectors (rows, dim), outside vectors (columns, dim) and their bias (columns,)."""

    V: Floats
    U: Floats
    bias: Floats

    @property
    def tables(self) -> tuple[Floats, Floats, Floats]:
        """All three."""
        return self.V, self.U, self.bias


@dataclass(frozen=True)
class Counts:
    """A sparse matrix of window counts by rows, with a factor for each row and column of the noise term.

    Attributes:
        starts: row i has the entries from ``starts[i]`` to ``starts[i + 1]``, int64.
        columns_of: their columns, rising within a row, int32.
        weights: their counts, float32.
        columns: how many there are.
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
        """How many there are."""
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
    """What a pass adds up before the L2 term; U, its bias and the curvature are None where they were not asked for.

    Attributes:
        losses: of each row, float64.
        log_sums: log Σ_w exp(s_cw − shift) of each row under the softmax, float64; zeros otherwise.
        gradient: by V, U and bias.
        curvature: the diagonal of the Gauss-Newton matrix, by V, U and bias.
    """

    losses: Doubles
    log_sums: Doubles
    gradient: Point
    curvature: Point | None


@dataclass(frozen=True)
class Pass:
    """What one pass found, in units of the summed loss.

    Attributes:
        loss: of all rows, with the L2 term; infinite where it overflows.
        row_losses: each row's part of it, with the L2 term of its row of V, float64.
        gradient: a `Point`; None where the loss is not finite.
        curvature: a `Point`, of the loss without the L2 term; None where it was not asked for.
        normalizers: log Σ_w exp(s_cw) under the softmax; zeros otherwise.
    """

    loss: float
    row_losses: Doubles
    gradient: Any
    curvature: Any
    normalizers: Floats


class Objective(ABC):
    """The summed loss of rows of V against columns of U; `lexigrad.exact.fused` and `lexigrad.exact.arrays` compute it.

    Attributes:
        counts: the counts.
        row_weights: n_c.
        loss: which loss.
        l2: weight of ½(|V|² + |U|²).
        shifts: are subtracted from each row's scores.
        passes: how many were made; one with the curvature counts 5/3.
    """

    def __init__(self, counts: Counts, loss: Loss, l2: float) -> None:
        self.counts, self.loss, self.l2 = counts, loss, l2
        self.row_weights = counts.row_weights
        self.shifts = self.asarray(np.zeros(counts.rows))
        self.passes = 0.0

    def evaluate(self, point: Point, *, curvature: bool = False, rows_only: bool = False) -> Pass:
        """Compute the loss and its gradient at a point.

        Args:
            point: where.
            curvature: whether to compute it too, which makes a pass two thirds dearer.
            rows_only: leave out what belongs to U and the bias, which makes it a third cheaper.
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
        """Shift the scores by these normalizers from now on, so that exponentials stay near 1.

        Only an accepted step may move them: after a bad trial the next one could overflow.
        """
        if self.loss == "naive_softmax":
            self.shifts = found.normalizers

    def pieces(self, length: int) -> Pieces:
        """Where the search keeps vectors of this length."""
        return Pieces(length)

    @abstractmethod
    def sums(self, point: Point, curvature: bool, rows_only: bool) -> Sums:
        """The pass itself."""

    @abstractmethod
    def asarray(self, values: Any) -> Floats:
        """The same numbers as an array of the library that computes."""

    @abstractmethod
    def host(self, values: Floats) -> NDArray[Any]:
        """The same numbers as a NumPy array."""

    @abstractmethod
    def from_host(self, values: NDArray[Any]) -> Floats:
        """What ``host`` made a NumPy array of, with the same kind of numbers."""

    @abstractmethod
    def concatenated(self, parts: list[Floats]) -> Floats:
        """One array of all parts."""

    def _squared_lengths(self, table: Floats) -> Doubles:
        """|x|² of each row."""
        numbers = self.host(table)
        lengths: Doubles = np.einsum("ij,ij->i", numbers, numbers, dtype=np.float64)
        return lengths
