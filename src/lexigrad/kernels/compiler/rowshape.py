"""How long a row is, and where its numbers stand in a table; kernels know both while they are compiled.

The length travels as the *type* of the first argument: a tuple of as many
zeros as a row has vectors (`row_shape`), or a tuple of such tuples where sums are taken part by part of the row
(`row_parts`). Numba's cache on disk is keyed by argument types, so each row length has its own entry.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CHUNK", "LANES", "chunks", "padded", "part_floats", "row_parts", "row_shape", "vector_places"]

LANES: Final = 16
"""Floats in one vector: one AVX-512 register, two of AVX, four of SSE or NEON."""

CHUNK: Final = 64
"""Rows that are kept together, part by part: a part of so many rows fills whole pages of 4,096 bytes."""


def padded(dim: int) -> int:
    """Floats that a row of ``dim`` numbers takes: the next multiple of 16, so that every row starts on a cache line."""
    return -(-dim // LANES) * LANES


def row_shape(dim: int) -> tuple[int, ...]:
    """The argument that tells a kernel how many vectors a row has: a tuple of that many zeros."""
    return (0,) * (padded(dim) // LANES)


def row_parts(dim: int, most: int) -> tuple[tuple[int, ...], ...]:
    """The argument that tells a kernel the parts of a row: its vectors in at most so many nearly equal parts.

    Example:
        >>> row_parts(100, 2)
        ((0, 0, 0, 0), (0, 0, 0))
    """
    vectors = len(row_shape(dim))
    count = min(most, vectors)
    return tuple((0,) * ((vectors + count - 1 - part) // count) for part in range(count))


def vector_places(parts: Sequence[int]) -> list[int]:
    """The offset of each vector of a row in a table, from the row's own.

    Rows are kept by the chunk, and in a chunk by the part: the first parts of 64 rows, one after the other, then their
    second parts. Threads that work on different parts thus touch no page of memory together, as the prefetchers of a
    processor fetch the lines beside the one that was asked for, if they are on the same page, and take them from a
    thread that writes there. A row of one part is a plain row.

    Example:
        >>> vector_places([3]), vector_places([2, 1])
        ([0, 16, 32], [0, 16, 2048])
    """
    gap = CHUNK * part_floats(parts)
    return [LANES * vector + gap * part for part, vectors in enumerate(parts) for vector in range(vectors)]


def part_floats(parts: Sequence[int]) -> int:
    """Floats between two rows in a table: as many as the widest part has."""
    return LANES * max(parts)


def chunks(vectors: int, most: int) -> list[tuple[int, int]]:
    """A row's vectors cut into nearly equal runs of at most ``most``: (first vector, how many)."""
    count = -(-vectors // most)
    cuts = [vectors * i // count for i in range(count + 1)]
    return [(first, last - first) for first, last in pairwise(cuts)]
