"""Columns of text below each other, for tables that are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexigrad.errors import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["aligned"]


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Lines of text in which columns are padded to the same width: the first to the right, numbers to the left.

    Args:
        rows: the cells of each row; all rows have as many.

    Example:
        >>> print(aligned([("vectors", "dim"), ("own", "50")]))
        vectors  dim
        own       50
    """
    shown = [[visible(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    padded = ([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in shown)
    return "\n".join("  ".join(row).rstrip() for row in padded)
