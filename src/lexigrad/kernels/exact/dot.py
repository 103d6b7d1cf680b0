"""The dot product of two vectors, by additions whose order is ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lexigrad.kernels.compiler.compile import kernel

if TYPE_CHECKING:
    from lexigrad.kernels.arraytypes import Doubles, Floats

__all__ = ["dot"]

LANES = 16


@kernel
def dot(a: Floats | Doubles, b: Floats | Doubles) -> float:
    """Σ a_i b_i in double precision: sixteen sums, of every sixteenth product each, which are added in order."""
    lanes = np.zeros(LANES)
    whole = a.size // LANES * LANES
    for i in range(0, whole, LANES):
        for j in range(LANES):
            lanes[j] += np.float64(a[i + j]) * np.float64(b[i + j])
    for i in range(whole, a.size):
        lanes[i - whole] += np.float64(a[i]) * np.float64(b[i])
    total = 0.0
    for j in range(LANES):
        total += lanes[j]
    return total
