"""Labels find places where they cover nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexigrad.view.labels import line_strikes, place_labels

SIZE = np.array([40.0, 12.0])


def overlapping(centers: np.ndarray, sizes: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of boxes that share some area."""
    apart = np.abs(centers[:, None] - centers[None])
    touching = (apart < (sizes[:, None] + sizes[None]) / 2).all(axis=2)
    return [(int(a), int(b)) for a, b in np.argwhere(touching) if a < b]


def test_the_checking_helper_sees_an_overlap() -> None:
    assert overlapping(np.array([[0.0, 0.0], [39.0, 11.0], [0.0, 13.0]]), np.tile(SIZE, (3, 1))) == [(0, 1), (1, 2)]


@given(st.integers(0, 10_000), st.integers(1, 30), st.floats(0.01, 1))
@settings(max_examples=60)
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


@pytest.mark.parametrize(
    ("start", "end", "struck"),
    [
        ((0, 50), (100, 50), True),
        ((30, 0), (70, 100), True),
        ((49, 50), (51, 50), True),  # within
        ((0, 70), (100, 70), False),
        ((0, 50), (20, 50), False),
        ((0, 0), (25, 100), False),
        ((0, 20), (60, 120), False),  # past a corner
    ],
)
def test_a_line_strikes_a_label_when_it_passes_through_it(start: Any, end: Any, struck: bool) -> None:
    found = line_strikes(np.array(start), np.array(end), np.array([50.0, 50.0]), np.array([20.0, 6.0]))
    assert bool(found) == struck


def test_a_line_goes_round_a_label_that_is_in_its_way() -> None:
    points = np.array([[100.0, 100.0], [106.0, 100.0], [112.0, 100.0], [118.0, 100.0], [124.0, 100.0]])
    sizes = np.tile(SIZE, (len(points), 1))
    centers = place_labels(points, sizes, 500, 500)
    assert centers is not None
    for label, point in enumerate(points):
        others = np.delete(centers, label, axis=0)
        assert not line_strikes(point, centers[label], others, SIZE / 2).any()
