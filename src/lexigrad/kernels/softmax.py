"""The exponentials of a softmax, 16 at a time, over one tile of the vocabulary.

A tile's scores are in the cache once they are computed; the kernel turns them into exp(score − peak) where they stand,
the peak being the largest of a row within the tile, so that none overflows. Tiles are put together by their peaks:

    log Z = m + log Σ_tiles exp(peak − m) · sum,  m the largest peak
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lexigrad.kernels.compiling import kernel
from lexigrad.kernels.simd import LANES, Lanes, vector_kernel

if TYPE_CHECKING:
    from llvmlite.ir import Value

__all__ = ["exp_rows"]


@kernel
def exp_rows(scores: Any, width: int, peaks: Any, sums: Any) -> None:
    """scores[i] ← exp(scores[i] − peaks[i]), peaks[i] its largest and sums[i] the sum of what is left there.

    Args:
        scores: float32 (rows, floats), starting on a cache line, floats a multiple of 16.
        width: numbers in a row; those beyond become 0 or next to it.
        peaks: float32 (rows,).
        sums: float32 (rows,).
    """
    scores[:, width:] = -np.inf
    for i in range(scores.shape[0]):
        _exp_row((0,), scores[i], scores.shape[1], peaks[i:], sums[i:])


@vector_kernel
def _exp_row(lanes: Lanes, _vectors: int, scores: Value, floats: Value, peak: Value, total: Value) -> None:
    """One row of `exp_rows`."""

    def larger(i: Value, carried: list[Value]) -> list[Value]:
        return [lanes.larger(carried[0], lanes.load(scores, i))]

    def exponential(i: Value, carried: list[Value]) -> list[Value]:
        value = lanes.exp(lanes.sub(lanes.load(scores, i), largest))
        lanes.store(value, scores, i)
        return [lanes.add(carried[0], value)]

    largest = lanes.folded(lanes.larger, lanes.loop(0, floats, LANES, [lanes.load(scores)], larger)[0])
    totals = lanes.loop(0, floats, LANES, [lanes.constant(0.0)], exponential)
    lanes.store_first(largest, peak)
    lanes.store_first(lanes.folded(lanes.add, totals[0]), total)
