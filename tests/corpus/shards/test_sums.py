"""Cells of counts as shards hand them on: packed, added and dealt."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexigrad.corpus.shards import sums as cells_module
from lexigrad.engines.flow import FAN

ROWS = st.integers(0, 40) | st.integers(0, 1 << 23) | st.sampled_from([255, 256, 361, 362, (1 << 24) - 1])
COLUMNS = st.integers(0, 40) | st.floats(0, 1)  # a share of the row
UNITS = st.integers(1, 300) | st.integers(1, 1 << 60)


def cell_at(row, column):
    """A cell of the triangle."""
    return row, min(row, int(column * row) if isinstance(column, float) else column)


CELLS = st.dictionaries(st.builds(cell_at, ROWS, COLUMNS), UNITS, max_size=30)
SMALL_CELLS = st.dictionaries(st.builds(cell_at, st.integers(0, 60), COLUMNS), UNITS, max_size=90)


def packed(cells, borders=(0, 1 << 24)):
    """Cells by parts, as shards hand them on."""
    from lexigrad.corpus.windows.counting import Sums

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


@given(cells=CELLS, cut=st.integers(1, 50))
def test_cells_are_packed_by_parts_of_rows(cells, cut):
    parts = packed(cells, (0, cut, 1 << 24))
    assert unpacked(parts[0]) == {cell: units for cell, units in cells.items() if cell[0] < cut}
    assert unpacked(parts[1]) == {cell: units for cell, units in cells.items() if cell[0] >= cut}


def assert_added(runs):
    """The sum of runs is, byte for byte, what the sums of their cells are packed to."""
    total = Counter()
    for cells in runs:
        total.update(cells)
    size, run = cells_module.add_cells(*(packed(cells)[0] for cells in runs))
    assert (run.tobytes(), run.size) == (packed(total)[0].tobytes(), size)


@given(runs=st.lists(CELLS, min_size=1, max_size=FAN))
def test_runs_of_cells_are_added_cell_by_cell(runs):
    assert_added(runs)


HUGE = (1 << 63) - 1
WIDE = (1 << 24) - 1  # the last row that there may be


@pytest.mark.parametrize(
    "runs",
    {
        "nothing": [{}],
        "nothing twice": [{}, {}],
        "one": [{(0, 0): 1}],
        "empty ones between": [{}, {(5, 2): 7}, {}, {(5, 2): 1, (6, 6): 2}, {}],
        "equal places": [{(9, 3): number, (9, 4): HUGE // 9} for number in range(1, 9)],
        "huge sums": [{(300, 7): HUGE}, {(300, 7): HUGE + 1}],
        "rows of one cell": [{(row, row // 2): 5 for row in range(start, 900, 3)} for start in range(5)],
        "long rows": [{(WIDE - 1, column << 12): 3, (WIDE, WIDE - column): 4} for column in range(8)],
        "a whole triangle": [{(row, column): 1 + column for row in range(280) for column in range(row + 1)}] * 2,
        "blocks' ends": [{(255, 127): 1, (255, 128): 2, (361, 194): 3}, {(255, 128): 4, (361, 195): 5, (362, 0): 6}],
        "more than are added elsewhere": [{(number, 1): number} for number in range(1, FAN + 2)],
    }.items(),
    ids=lambda case: case[0],
)
def test_runs_of_all_shapes_are_added(runs):
    assert_added(runs[1])


def test_many_cells_are_added_as_numpy_adds_them():
    rng = np.random.default_rng(0)
    places = [np.unique((rng.random(4000) ** power * 2e6).astype(np.int64)) for power in range(1, 9)]
    units = [rng.integers(1, 1 << 40, one.size) for one in places]
    total = np.zeros(2_000_000, dtype=np.int64)
    for one, some in zip(places, units, strict=True):
        total[one] += some
    _, run = cells_module.add_cells(*(packed(cells_at(*some))[0] for some in zip(places, units, strict=True)))
    assert unpacked(run) == cells_at(np.flatnonzero(total), total[total > 0])


def cells_at(places, units):
    """Cells of places in the triangle and their sums."""
    rows = ((np.sqrt(8 * places + 1) - 1) / 2).astype(np.int64)
    columns = places - rows * (rows + 1) // 2
    return dict(zip(zip(rows.tolist(), columns.tolist(), strict=True), units.tolist(), strict=True))


@given(cells=SMALL_CELLS, cuts=st.sets(st.integers(0, 61), min_size=2))
def test_cells_are_dealt_to_ranges_by_row_and_column(cells, cuts):
    borders = sorted(cuts)
    moved, *ranges = cells_module.deal_cells(packed(cells)[0], np.array(borders), 61)
    for first, last, run in zip(borders[:-1], borders[1:], ranges, strict=True):
        there = {cell: units for cell, units in cells.items() if any(first <= word < last for word in cell)}
        assert run.tobytes() == packed(there)[0].tobytes()
    assert moved == sum(run.size for run in ranges)


@given(cells=SMALL_CELLS, cut=st.integers(0, 60), first=st.integers(0, 59))
def test_rows_of_the_symmetric_matrix_are_made_of_cells(cells, cut, first):
    whole = {**cells, **{(column, row): units for (row, column), units in cells.items()}}
    parts = packed(cells, (0, cut, 61)) if cut else packed(cells)
    lengths = sum(cells_module.lengths_of(part, 61) for part in parts)
    assert lengths.tolist() == [sum(row == one for row, _ in whole) for one in range(61)]
    some = lengths[first:]
    (found, sums), columns, weights = cells_module.finished_rows(first, some, np.ones(61), *parts)
    assert found.tolist() == some.tolist()
    here = sorted(cell for cell in whole if cell[0] >= first)
    assert columns.tolist() == [column for _, column in here]
    expected = [np.float32(whole[cell] / 2**28 * (2 if cell[0] == cell[1] else 1)) for cell in here]
    assert weights.tolist() == expected
    np.testing.assert_allclose(sums.sum(), np.sum(expected, dtype=np.float64))
