"""The objective by whole-array operations that every array library has: float64 in NumPy, or a GPU's library.

A page of code computes the same as `lexigrad.training.exact.fused`, which is compared with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.errors import InputError, MissingExtraError
from lexigrad.training.exact.objective import Objective, Point, Sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.training.exact.objective import Counts, Loss

__all__ = ["ArrayObjective", "on_device"]

BLOCK: Final = 1024
"""Rows whose scores are held at a time."""

Floats = Any


def on_device(counts: Counts, loss: Loss, l2: float, device: str) -> ArrayObjective:
    """The objective in float32 by torch, on a device that torch names.

    Raises:
        MissingExtraError: torch is not installed.
        InputError: torch knows no such device, or does not find it here.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("device needs torch; install it with: pip install 'lexigrad[gpu]'") from error
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"torch cannot compute on the device {device!r}: {str(error).splitlines()[0]}") from error
    return ArrayObjective(counts, loss, l2, library=torch, dtype=torch.float32, device=device)


class ArrayObjective(Objective):
    """The objective by an array library.

    Args:
        counts: the window counts.
        loss: the name of the loss.
        l2: weight of ½(|V|² + |U|²).
        library: NumPy or another that follows the array API standard, such as torch.
        dtype: its kind of floats.
        device: where the library computes; None for its usual place.
    """

    def __init__(
        self, counts: Counts, loss: Loss, l2: float, *, library: Any = np, dtype: Any = np.float64, device: Any = None
    ) -> None:
        self.library = library
        self.place = {} if device is None else {"device": device}
        self.kind = {"dtype": dtype, **self.place}
        super().__init__(counts, loss, l2)
        self.column_factors = self.asarray(counts.column_factors)

    def asarray(self, values: Any) -> Floats:  # noqa: D102 - as in the base class
        return self.library.asarray(values, **self.kind)

    def host(self, values: Floats) -> NDArray[Any]:  # noqa: D102
        return np.asarray(values.cpu() if hasattr(values, "cpu") else values)

    def from_host(self, values: NDArray[Any]) -> Floats:  # noqa: D102
        return self.library.asarray(values, **self.place)

    def concatenated(self, parts: list[Floats]) -> Floats:  # noqa: D102
        join = getattr(self.library, "concat", None) or self.library.concatenate  # NumPy 1 has the older name alone
        return join(parts)

    def sums(self, point: Point, curvature: bool, rows_only: bool) -> Sums:
        """The pass, one block of rows after another."""
        rows = self.counts.rows
        d_U, d_bias = 0 * point.U, 0 * point.bias
        h_U, h_bias = 0 * point.U, 0 * point.bias
        d_V, h_V = [], []
        losses, log_sums = np.zeros(rows), np.zeros(rows)
        turn = self._softmax if self.summed.is_normalized else self._tiles
        for first in range(0, rows, BLOCK):
            block = slice(first, min(first + BLOCK, rows))
            V = point.V[block]
            scores = V @ point.U.T + point.bias - self.shifts[block][:, None]
            losses[block], log_sums[block], derivatives, second = turn(block, scores, self._dense(block))
            d_V.append(derivatives @ point.U)
            h_V.append(second @ point.U**2)
            if self.summed.is_normalized:
                weights = self.asarray(np.maximum(self.row_weights[block], 1e-30))[:, None]
                h_V[-1] = (h_V[-1] - (second @ point.U) ** 2 / weights).clip(0)
            d_U, d_bias = d_U + derivatives.T @ V, d_bias + derivatives.sum(0)
            h_U, h_bias = h_U + second.T @ V**2, h_bias + second.sum(0)
        gradient = Point(self.concatenated(d_V), None if rows_only else d_U, None if rows_only else d_bias)
        curved = Point(self.concatenated(h_V), None if rows_only else h_U, None if rows_only else h_bias)
        return Sums(losses, log_sums, gradient, curved if curvature else None)

    def _tiles(self, block: slice, scores: Floats, counts: Floats) -> tuple[Any, Any, Floats, Floats]:
        """Losses, zeros, first and second derivatives under negative sampling and Poisson."""
        library, zeros = self.library, np.zeros(len(scores))
        if not self.summed.has_noise:
            powers = library.exp(scores)
            return self._row_sums(powers - counts * scores), zeros, powers - counts, powers
        noise = self.asarray(self.counts.row_factors[block])[:, None] * self.column_factors
        small = library.exp(-library.abs(scores))
        sigmoid = library.where(scores >= 0, 1 / (1 + small), small / (1 + small))
        softplus = library.log1p(small) + (library.abs(scores) + scores) / 2
        losses = self._row_sums(counts * (softplus - scores) + noise * softplus)
        both = counts + noise
        return losses, zeros, sigmoid * both - counts, sigmoid * (1 - sigmoid) * both

    def _softmax(self, block: slice, scores: Floats, counts: Floats) -> tuple[Any, Any, Floats, Floats]:
        """Losses, log Σ exp, first derivatives, and the mean of the model's and the data's distributions times n_c."""
        powers = self.library.exp(scores)
        sums = powers.sum(1)
        log_sums = self.host(self.library.log(sums)).astype(np.float64)
        losses = self.row_weights[block] * log_sums - self._row_sums(counts * scores)
        expected = powers * (self.asarray(self.row_weights[block]) / sums)[:, None]
        return losses, log_sums, expected - counts, (expected + counts) / 2

    def _dense(self, block: slice) -> Floats:
        """The counts of a block of rows, zeros included."""
        counts = self.counts
        starts = counts.starts[block.start : block.stop + 1]
        span = slice(starts[0], starts[-1])
        rows = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        dense = self.library.zeros((len(starts) - 1, counts.columns), **self.kind)
        dense[self._places(rows), self._places(counts.columns_of[span])] = self.asarray(counts.weights[span])
        return dense

    def _places(self, numbers: NDArray[Any]) -> Any:
        """Numbers as an index, where the tables are."""
        return self.library.asarray(numbers.astype(np.int64), **self.place)

    def _row_sums(self, values: Floats) -> NDArray[np.float64]:
        return self.host(values.sum(1)).astype(np.float64)
