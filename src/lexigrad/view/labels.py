"""Where the labels of points in a picture go, so that none covers another or a point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["line_strikes", "place_labels"]

DIRECTIONS: Final = 16
NEAREST: Final = 6.0
RING: Final = 7.0
CLEAR: Final = 3.0
CLEAR_OF_POINTS: Final = 10.0
COST_OF_STRIKING: Final = 150.0


def place_labels(points: Floats, sizes: Floats, width: float, height: float) -> Floats | None:
    """Find a place for the label of each point, the nearest that is free.

    Labels are placed one after the other, those in the thick of the points first. A place is free when it lies inside
    the picture, keeps 3 units from all labels that have their place and 10 from the points of others. The nearest of
    the free places is taken, where each label or point that a line then strikes counts as 150 units of distance.

    Args:
        points: in units of the picture, such as pixels, shape (n, 2), from (0, 0) to (width, height).
        sizes: width and height of each label, shape (n, 2).
        width: width of the picture.
        height: height of the picture.

    Returns:
        The center of each label, shape (n, 2); None when one of the labels finds no place.

    Example:
        >>> places = place_labels(np.array([[50.0, 50.0], [52.0, 50.0]]), np.full((2, 2), 10.0), 100, 100)
        >>> bool(np.abs(places[0] - places[1]).max() >= 10)
        True
    """
    picture = np.array([width, height])
    centers = np.full(points.shape, np.nan)
    for label in _thickest_first(points, sizes):
        candidates = _around(points[label], sizes[label], float(picture.max()))
        half = sizes[label] / 2
        placed = np.isfinite(centers[:, 0])
        free = ((candidates >= half) & (candidates <= picture - half)).all(axis=1)
        free &= ~_covers(candidates, half + sizes[placed] / 2 + CLEAR, centers[placed])
        others = np.delete(points, label, axis=0)
        free &= ~_covers(candidates, np.broadcast_to(half + CLEAR_OF_POINTS, others.shape), others)
        if not free.any():
            return None
        distances, candidates = RING * (np.flatnonzero(free) // DIRECTIONS), candidates[free]
        struck = line_strikes(points[label], candidates[:, None], centers[placed], sizes[placed] / 2).sum(axis=1)
        struck += line_strikes(points[placed], centers[placed], candidates[:, None], half).sum(axis=1)
        struck += line_strikes(points[label], candidates[:, None], others, np.zeros(2)).sum(axis=1)
        centers[label] = candidates[(distances + COST_OF_STRIKING * struck).argmin()]
    return centers


def _thickest_first(points: Floats, sizes: Floats) -> NDArray[np.int64]:
    """The labels in the order of how many points lie within reach of each, the most first."""
    apart = np.abs(points[:, None] - points[None]) / sizes.mean(axis=0)
    return np.argsort(-(apart.max(axis=2) < 1.5).sum(axis=1), kind="stable")


def _around(point: Floats, size: Floats, reach: float) -> Floats:
    """Places of a label around its point, the nearest first: right, left, above and below before the slanting ones."""
    angles = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    angles = angles[np.argsort(np.arange(DIRECTIONS) % 4 != 0, kind="stable")]
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    touching = directions / np.abs(directions).max(axis=1, keepdims=True) * size / 2
    distances = np.arange(NEAREST, reach, RING)
    places: Floats = point + touching + distances[:, None, None] * directions
    return places.reshape(-1, 2)


def _covers(candidates: Floats, clearances: Floats, others: Floats) -> NDArray[np.bool_]:
    """For each candidate, whether it is nearer to any of the others than they allow, in both directions."""
    apart = np.abs(candidates[:, None] - others[None])
    near: NDArray[np.bool_] = np.all(apart < clearances[None], axis=2)
    return np.asarray(np.any(near, axis=1))


def line_strikes(starts: Floats, ends: Floats, centers: Floats, halves: Floats) -> NDArray[np.bool_]:
    """Whether lines strike boxes, by three directions in which the two may lie apart: across, up, and off the line.

    Args:
        starts: where each line begins, shape ``(..., 2)``; all four arguments are broadcast against each other.
        ends: where each line ends.
        centers: the center of each box.
        halves: half the width and half the height of each box, which 3 units are added to.

    Returns:
        Shape ``(...)``.
    """
    along, apart, room = (ends - starts) / 2, (starts + ends) / 2 - centers, halves + CLEAR
    off_line = np.abs(along[..., 0] * apart[..., 1] - along[..., 1] * apart[..., 0])
    widest = room[..., 0] * np.abs(along[..., 1]) + room[..., 1] * np.abs(along[..., 0])
    struck: NDArray[np.bool_] = (np.abs(apart) < room + np.abs(along)).all(axis=-1) & (off_line < widest)
    return struck
