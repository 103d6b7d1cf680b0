"""Problems for the exact solver: random counts, and a random point to begin at."""

from __future__ import annotations

import numpy as np

from lexigrad.training.exact.objective import Counts, Point


def random_counts(words: int, columns: int, seed: int = 0, density: float = 0.3) -> Counts:
    """Counts drawn at random; the second row has none."""
    random = np.random.default_rng(seed)
    dense = (
        random.poisson(2, (words, columns))
        * random.random((words, columns))
        * (random.random((words, columns)) < density)
    )
    if words > 1:
        dense[1] = 0
    rows, inside = np.nonzero(dense)
    starts = np.concatenate([[0], np.bincount(rows, minlength=words).cumsum()])
    factors = random.random(words) * 5, random.random(columns) / columns
    return Counts(starts, inside.astype(np.int32), dense[rows, inside].astype(np.float32), columns, *factors)


def random_point(words: int, columns: int, dim: int, seed: int = 0) -> Point:
    random = np.random.default_rng(seed)
    V, U, bias = (random.normal(0, 0.5, shape) for shape in ((words, dim), (columns, dim), (columns,)))
    return Point(V, U, bias)
