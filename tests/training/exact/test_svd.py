"""The solver svd: its matrix is the positive pointwise mutual information, its tables are the best factors of that."""

from __future__ import annotations

import numpy as np
import pytest

import lexigrad
from lexigrad.corpus.windows.counts import WindowCounts, count_windows
from lexigrad.engines.threads import ThreadEngine
from lexigrad.training.exact.svd import ppmi_factors, ppmi_rows


def counts_of(words: int, tokens: int) -> WindowCounts:
    """The window counts of a text whose words are the rarer, the higher their number, and stand near their like."""
    random = np.random.default_rng(4)
    lines = [
        [f"w{(word + shift) % words}" for shift in random.integers(0, 6, 12)]
        for word in (words * random.random(tokens // 12) ** 2).astype(int)
    ]
    config = lexigrad.TrainConfig(min_count=1, subsample=0, window=3)
    with lexigrad.read_corpus(lines, config) as corpus:
        return count_windows(corpus, config)


def table_of(counts: WindowCounts) -> np.ndarray:
    """n(c, o) as a dense matrix."""
    table = np.zeros((len(counts.vocabulary),) * 2)
    for row in range(len(table)):
        inside = slice(*counts.starts[row : row + 2])
        table[row, counts.outside[inside]] = counts.weights[inside]
    return table


def ppmi_of(table: np.ndarray) -> np.ndarray:
    """max(0, log n(c, o) N / (n_c n_o)), written out in double precision; 0 where the two never meet."""
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return np.log(np.maximum(np.where(table > 0, table / expected, 1), 1))


def factors_of(counts: WindowCounts, dim: int) -> tuple[np.ndarray, np.ndarray]:
    engine = ThreadEngine(1)
    V, U = ppmi_factors(counts, dim, engine)
    return V.astype(np.float64), U.astype(np.float64)


def test_the_matrix_is_the_formulas_number_by_number() -> None:
    counts = counts_of(30, 2000)
    table = table_of(counts)
    sums = np.log(table.sum(axis=1)).astype(np.float32)
    rows = counts.starts, counts.outside, counts.weights, sums
    found, entries = ppmi_rows(rows, sums, float(np.log(table.sum())))
    dense = np.zeros_like(table)
    for row in range(len(table)):
        inside = slice(*found.ends[row : row + 2])
        dense[row, found.columns[inside]] = found.values[inside]
    expected = ppmi_of(table)
    np.testing.assert_allclose(dense, expected, atol=2e-6)
    assert entries == len(found.values) == (found.values > 0).sum()
    assert 0 < entries < counts.outside.size  # some pairs are rarer than chance has them, and are left out


def test_numbers_of_a_count_made_by_hand() -> None:
    """N = 20, n = (10, 6, 4): log(4·20/(10·6)) = log 4/3, log(4·20/(10·4)) = log 2, and log(2·20/(10·10)) < 0."""
    starts, outside = np.array([0, 3, 5, 6]), np.array([0, 1, 2, 0, 1, 0], dtype=np.int32)
    weights = np.array([2, 4, 4, 4, 2, 4], dtype=np.float32)
    sums = np.log(np.array([10, 6, 4])).astype(np.float32)
    found, entries = ppmi_rows((starts, outside, weights, sums), sums, float(np.log(20)))
    assert entries == 5
    assert (found.ends.tolist(), found.columns.tolist()) == ([0, 2, 4, 5], [1, 2, 0, 1, 0])
    np.testing.assert_allclose(np.exp(found.values), [4 / 3, 2, 4 / 3, 10 / 9, 2], rtol=1e-6)


@pytest.mark.parametrize("dim", [3, 12])
def test_the_tables_are_the_best_factors_with_the_sizes_shared_evenly(dim: int) -> None:
    """U S Wᵀ gives U √S and W √S: the product is the nearest of its rank, and both tables have the squares S."""
    counts = counts_of(20, 2000)
    matrix = ppmi_of(table_of(counts))
    V, U = factors_of(counts, dim)
    left, sizes, right = np.linalg.svd(matrix)
    np.testing.assert_allclose(U @ V.T, (left[:, :dim] * sizes[:dim]) @ right[:dim], atol=1e-4)
    for table in (V, U):
        np.testing.assert_allclose(table.T @ table, np.diag(sizes[:dim]), atol=1e-4)


def test_columns_beyond_the_rank_are_zero() -> None:
    counts = counts_of(8, 500)
    V, U = factors_of(counts, 11)
    np.testing.assert_allclose(U @ V.T, ppmi_of(table_of(counts)), atol=1e-4)
    assert not V[:, 8:].any()
    assert not U[:, 8:].any()


def test_the_factors_of_a_large_matrix_are_nearly_the_best() -> None:
    """The random projection loses little: with fewer columns, or without its round of powers, it would lose more."""
    counts = counts_of(400, 20_000)
    matrix = ppmi_of(table_of(counts))
    V, U = factors_of(counts, 10)
    sizes = np.linalg.svd(matrix, compute_uv=False)
    lost = np.square(matrix - U @ V.T).sum() / np.square(sizes[10:]).sum() - 1
    assert 0 <= lost < 0.02
