"""Cells of counts as shards hand them on: packed, added and dealt."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lexigrad.distributed import cells as cells_module

CELLS = st.dictionaries(
    st.tuples(st.integers(0, 40) | st.integers(0, 1 << 23), st.integers(0, 40)).filter(lambda cell: cell[1] <= cell[0]),
    st.integers(1, 300) | st.integers(1, 1 << 60),
    max_size=30,
)


def packed(cells, borders=(0, 1 << 24)):
    """Cells by parts, as shards hand them on."""
    from lexigrad.counting import Sums

    rows = sorted({row for row, _ in cells})
    blocks = []
    for row in rows:
        columns = sorted(column for at, column in cells if at == row)
        units = np.array([cells[row, column] for column in columns], dtype=np.uint64)
        blocks.append(Sums(row, np.array([len(columns)]), np.array(columns, dtype=np.int32), units))
    return cells_module.packed(blocks, list(borders))


def unpacked(run):
    """The cells of a run, in the plainest way."""
    cells, numbers, number, shift, place = {}, [], 0, 0, 0
    for byte in run.tolist():
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(number)
            number = shift = 0
    for difference, units in zip(numbers[::2], numbers[1::2], strict=True):
        place += difference
        row = int(((8 * place + 1) ** 0.5 - 1) // 2)
        row += (row + 1) * (row + 2) // 2 <= place
        cells[row, place - row * (row + 1) // 2] = units
    return cells


@settings(deadline=None)
@given(runs=st.lists(CELLS, min_size=1, max_size=9))
def test_runs_of_cells_are_added_cell_by_cell(runs):
    total = Counter()
    for cells in runs:
        total.update(cells)
    size, run = cells_module.add_cells(*(packed(cells)[0] for cells in runs))
    assert (unpacked(run), run.size) == (dict(total), size)


@settings(deadline=None)
@given(cells=CELLS, cut=st.integers(1, 50))
def test_cells_are_dealt_to_parts_by_their_row_and_to_ranges_by_row_and_column(cells, cut):
    parts = packed(cells, (0, cut, 1 << 24))
    assert unpacked(parts[0]) == {cell: units for cell, units in cells.items() if cell[0] < cut}
    assert unpacked(parts[1]) == {cell: units for cell, units in cells.items() if cell[0] >= cut}
    small = {cell: units for cell, units in cells.items() if cell[0] <= 60}
    moved, *ranges = cells_module.deal_cells(packed(small)[0], np.array([0, cut, 61]))
    low = {cell: units for cell, units in small.items() if min(cell) < cut}
    high = {cell: units for cell, units in small.items() if max(cell) >= cut}
    assert [unpacked(run) for run in ranges] == [low, high]
    assert moved == sum(run.size for run in ranges)
