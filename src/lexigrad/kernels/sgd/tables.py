"""Tables of vectors in the order in which the kernels read them: by chunks of rows, and in a chunk by parts of the row.

The order is that of `lexigrad.kernels.compiler.rowshape.vector_places`; where a row has one part only, it is a plain
array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.kernels.compiler.rowshape import CHUNK, LANES, part_floats
from lexigrad.kernels.sgd.piece import fill_uniform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["Table", "aligned"]

PAGE: Final = 4096
"""Bytes of a page of memory."""

FILLED: Final = 1024 * CHUNK
"""Rows that are filled at a time, so that a large table is not there twice."""


class Table:
    """Vectors of words, zeros at first.

    Args:
        words: how many.
        dim: numbers in a vector.
        shape: the parts of a row, as `row_parts` gives them.
    """

    def __init__(self, words: int, dim: int, shape: tuple[tuple[int, ...], ...]) -> None:
        self.words, self.dim = words, dim
        self.parts = [len(part) for part in shape]
        floats = -(-words // CHUNK) * CHUNK * len(self.parts) * part_floats(self.parts)
        self.floats: Floats = aligned(floats, boundary=PAGE)
        """All numbers, in the kernels' order."""

    def __len__(self) -> int:
        return self.words

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Where each row begins, as `lexigrad.kernels.compiler.simd.row_offset` says."""
        chunks, rows = np.divmod(np.arange(self.words, dtype=np.int64), CHUNK)
        return (chunks * CHUNK * len(self.parts) + rows) * part_floats(self.parts)

    def fill(self, key: int) -> None:
        """Draw all numbers, uniform in [−0.5, 0.5) / dim; a row's numbers are the same in any order of the table."""
        for first in range(0, self.words, FILLED):
            rows = np.zeros((min(FILLED, self.words - first), self.dim), np.float32)
            fill_uniform(rows, self.dim, np.uint64(key), first)
            self.put(rows, first)

    def put(self, rows: Floats, first: int = 0) -> None:
        """Write rows, (n, dim), from one on; ``first`` is a multiple of `CHUNK`."""
        whole = len(rows) // CHUNK * CHUNK
        for columns, chunks in self._columns():
            chosen = chunks[first // CHUNK :]
            chosen[: whole // CHUNK] = rows[:whole, columns].reshape(-1, CHUNK, chunks.shape[2])
            if whole < len(rows):
                chosen[whole // CHUNK, : len(rows) - whole] = rows[whole:, columns]

    def rows(self, first: int | None = None) -> Floats:
        """The vectors, (words, dim), or the first so many; a view where a row has one part, else a copy."""
        words = self.words if first is None else min(first, self.words)
        if len(self.parts) == 1:
            return self.floats.reshape(-1, part_floats(self.parts))[:words, : self.dim]
        rows = np.empty((words, self.dim), np.float32)
        whole = words // CHUNK * CHUNK
        for columns, chunks in self._columns():
            rows[:whole, columns].reshape(-1, CHUNK, chunks.shape[2])[:] = chunks[: whole // CHUNK]
            if whole < words:
                rows[whole:, columns] = chunks[whole // CHUNK, : words - whole]
        return rows

    def _columns(self) -> Iterator[tuple[slice, Floats]]:
        """The columns of each part, and where they are kept: (chunks, 64, columns)."""
        stride = part_floats(self.parts)
        chunks = self.floats.reshape(-1, len(self.parts), CHUNK, stride)
        first = 0
        for part, vectors in enumerate(self.parts):
            stop = min(self.dim, first + LANES * vectors)
            yield slice(first, stop), chunks[:, part, :, : stop - first]
            first = stop


def aligned(count: int, kind: Any = np.float32, boundary: int = 64) -> Any:
    """Zeros that begin on a cache line, or on another boundary."""
    size = np.dtype(kind).itemsize
    memory = np.zeros(count * size + boundary, np.uint8)
    begin = -memory.ctypes.data % boundary
    return memory[begin : begin + count * size].view(kind)
