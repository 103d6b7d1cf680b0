"""Labels find places where they cover nothing."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lexigrad.labels import place_labels

SIZE = np.array([40.0, 12.0])


def overlapping(centers: np.ndarray, sizes: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of boxes that share some area."""
    apart = np.abs(centers[:, None] - centers[None])
    touching = (apart < (sizes[:, None] + sizes[None]) / 2).all(axis=2)
    return [(int(a), int(b)) for a, b in np.argwhere(touching) if a < b]


def test_the_checking_helper_sees_an_overlap() -> None:
    assert overlapping(np.array([[0.0, 0.0], [39.0, 11.0], [0.0, 13.0]]), np.tile(SIZE, (3, 1))) == [(0, 1), (1, 2)]


@given(st.integers(0, 10_000), st.integers(1, 30), st.floats(0.01, 1))
@settings(max_examples=60, deadline=None)
def test_no_label_covers_a_label_or_a_point_or_leaves_the_picture(seed: int, count: int, spread: float) -> None:
    points = 250 + spread * np.random.default_rng(seed).uniform(-240, 240, (count, 2))
    sizes = np.tile(SIZE, (count, 1))
    centers = place_labels(points, sizes, 500, 500)
    assert centers is not None
    assert overlapping(centers, sizes) == []
    assert not (np.abs(centers[:, None] - points[None]) < sizes[:, None] / 2).all(axis=2).any()
    assert ((centers - sizes / 2 >= 0) & (centers + sizes / 2 <= 500)).all()


def test_a_lonely_point_has_its_label_right_beside_it() -> None:
    centers = place_labels(np.array([[100.0, 100.0]]), SIZE[None], 500, 500)
    assert centers is not None
    np.testing.assert_allclose(centers, [[126.0, 100.0]])


def test_a_picture_that_is_too_small_is_said_to_be() -> None:
    assert place_labels(np.full((4, 2), 20.0), np.tile(SIZE, (4, 1)), 45, 40) is None
