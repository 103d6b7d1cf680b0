"""Names for the arrays that kernels take, for annotations alone: Numba finds the types of arguments by itself.

All arrays are contiguous; each distinct kind of an argument (its numbers, its dimensions, whether it can be written to)
makes Numba compile anew.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Booleans",
    "Bytes",
    "Doubles",
    "Floats",
    "Int8s",
    "Int32s",
    "Int64s",
    "Shape",
    "UInt16s",
    "UInt32s",
    "UInt64s",
]

Booleans: TypeAlias = NDArray[np.bool_]
Bytes: TypeAlias = NDArray[np.uint8]
Int8s: TypeAlias = NDArray[np.int8]
Int32s: TypeAlias = NDArray[np.int32]
Int64s: TypeAlias = NDArray[np.int64]
UInt16s: TypeAlias = NDArray[np.uint16]
UInt32s: TypeAlias = NDArray[np.uint32]
UInt64s: TypeAlias = NDArray[np.uint64]
Floats: TypeAlias = NDArray[np.float32]
Doubles: TypeAlias = NDArray[np.float64]

Shape: TypeAlias = tuple[tuple[int, ...], ...]
"""The parts of a row, as `row_parts` gives them (`lexigrad.kernels.compiler.rowshape`); () where a row is known by its
number."""
