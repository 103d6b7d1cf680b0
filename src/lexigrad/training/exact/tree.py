"""The steps of a pass over parts of the rows: pure functions, which any engine carries out.

The rows are cut into blocks of 128, and of P parts the part j has the blocks j, j + P, j + 2 P, …. A part adds up its
own sums block by block, and the sums of parts are added along a binary tree over their numbers: two by two, then the
sums of two by two, and so on. A worker that has all parts of a subtree adds them up itself, and the sums of subtrees
are added by any worker that has time. The additions are always the same, so any number of workers gives the same
bytes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lexigrad.training.exact.layout import BLOCK, Run, row_width

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from lexigrad.training.exact.layout import Part, Tables, Task

    Floats = NDArray[np.float32]

__all__ = ["Subtree", "add_range", "rows_of_part", "run_parts"]


class Subtree(NamedTuple):
    """The sums of ``size`` parts from ``first`` on, of some panels of the columns."""

    first: int
    size: int
    d_turned: Any
    h_turned: Any  # None without curvature


def rows_of_part(number: int, parts: int, rows: int) -> NDArray[np.int64]:
    """The rows of a part, in its order."""
    firsts = range(number * BLOCK, rows, BLOCK * parts)
    return np.concatenate([np.arange(first, min(first + BLOCK, rows)) for first in firsts])


def run_parts(task: Task, tables: Tables, V: Floats, shifts: Floats, *parts: Part) -> Any:
    """A pass over some parts.

    Args:
        task: the pass.
        tables: the columns' vectors.
        V: the parts' rows, part after part.
        shifts: the shift of each of these rows.
        *parts: the counts of each part.

    Returns:
        `RowSums`; unless only rows are wanted, also for each range of columns the sums of the largest subtrees that
        these parts make up, a list of `Subtree`.
    """
    run = Run(task, tables, V, shifts)
    subtrees: list[Subtree] = []
    for number, part in enumerate(parts, task.first):
        sums = run.part(part)
        if not task.rows_only:
            subtrees.append(Subtree(number, 1, *sums))
            run.spare += _merged(subtrees)
    if task.rows_only:
        return run.found
    return run.found, *(_ranges(task, subtrees))


def add_range(parts: int, dim: int, curvature: bool, *found: list[Subtree]) -> tuple[Any, ...]:
    """Add the sums of all subtrees, which together are all parts, for one range of columns.

    Returns:
        The gradients by U and the bias, and the curvatures by them, which are None if they were not computed.
    """
    subtrees = {(tree.first, tree.size): tree for trees in found for tree in trees}
    tables = [_root({key: tree.d_turned for key, tree in subtrees.items()}, parts), None]
    if curvature:
        tables[1] = _root({key: tree.h_turned for key, tree in subtrees.items()}, parts)
    return tuple(column for table in tables for column in _turned_back(table, dim))


def _merged(subtrees: list[Subtree]) -> list[tuple[Floats, Floats | None]]:
    """Add the last subtrees as long as they are halves of one, and return the tables that have become free."""
    spare = []
    while len(subtrees) > 1:
        left, right = subtrees[-2:]
        if left.size != right.size or left.first % (2 * left.size):
            break
        for mine, theirs in zip(left[2:], right[2:], strict=True):
            if mine is not None:
                np.add(mine, theirs, out=mine)
        subtrees[-2:] = [left._replace(size=2 * left.size)]
        spare.append((right.d_turned, right.h_turned))
    return spare


def _ranges(task: Task, subtrees: list[Subtree]) -> Iterable[list[Subtree]]:
    from lexigrad.kernels.exact.panels import PANEL

    for first, last in pairwise(task.cuts):
        span = slice(first * PANEL * task.width, last * PANEL * task.width)
        yield [
            Subtree(tree.first, tree.size, *(None if table is None else table[span] for table in tree[2:]))
            for tree in subtrees
        ]


def _root(known: Mapping[tuple[int, int], Floats], parts: int) -> Floats:
    """The sum at the tree's root, from those of subtrees; a node without parts in one half is equal to the other."""

    def node(first: int, size: int) -> Floats:
        if (first, size) in known:
            return known[first, size]
        half = size // 2
        left = node(first, half)
        return left if first + half >= parts else left + node(first + half, half)

    return node(0, 1 << (parts - 1).bit_length())


def _turned_back(table: Floats | None, dim: int) -> tuple[Floats | None, Floats | None]:
    """The rows of U and the bias from a table of panels."""
    from lexigrad.kernels.exact.panels import PANEL

    if table is None:
        return None, None
    panels = table.reshape(-1, row_width(dim), PANEL)
    U, bias = np.empty((len(panels) * PANEL, dim), np.float32), np.empty(len(panels) * PANEL, np.float32)
    U.reshape(len(panels), PANEL, dim)[:] = panels[:, :dim].transpose(0, 2, 1)
    bias.reshape(len(panels), PANEL)[:] = panels[:, dim]
    return U, bias
