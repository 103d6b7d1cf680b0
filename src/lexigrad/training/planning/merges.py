"""How often replicas of SGD are merged, the rows that they send, and the quality lost, after the study of replicas."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log
from typing import TYPE_CHECKING, Final

from lexigrad.training.planning.job import on_line
from lexigrad.training.replicas.schedule import (
    HOT_MERGES,
    HOT_ROWS,
    LEAST_MERGES,
    MERGES,
    SHORTEST,
    WARM_UP,
    merges_of_epoch,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lexigrad.training.planning.job import Cluster, Job

__all__ = ["MOST_REPLICAS", "Merging", "exchanged_rows", "merging", "touched_share"]

TOUCHED: Final = ((0.68, 0.39), (3.4, 0.72), (13.6, 1.0))
"""The words of an interval for each word of the vocabulary, and the share of the rows that change in it."""
POINTS_LOST: Final = ((6, 7.5), (11, 2.6), (22, 2.0), (43, 1.0), (106, 0.7))
"""The merges of a run, and the points that it lost against one replica in the mean of four test sets."""
MOST_REPLICAS: Final = 32
"""The most replicas that were studied."""


@dataclass(frozen=True, slots=True)
class Merging:
    """How replicas of SGD are merged.

    Attributes:
        replicas: the number of replicas, which train apart.
        interval: the words of a replica between two merges.
        merges: the merges of the whole run, without those of the warm-up and those of the commonest words alone.
        points_lost: the points lost against one replica, in the mean of four test sets, with whole tables merged; 0 for
            one replica.
        warning: a sentence against so many replicas; None if there is no objection.
        refused: whether there are too few merges to begin at all.
    """

    replicas: int
    interval: float
    merges: int
    points_lost: float
    warning: str | None
    refused: bool


def merging(job: Job, cluster: Cluster) -> Merging:
    """How often the replicas are merged, at least once in an epoch, and the quality that this costs.

    Example:
        >>> from lexigrad import TrainConfig
        >>> from lexigrad.training.planning.job import Cluster, Job
        >>> found = merging(Job(17e6, 73_561, TrainConfig(), replicas=16), Cluster(machines=16, cores=16))
        >>> round(found.interval), found.merges, round(found.points_lost, 1)
        (212500, 25, 1.8)
    """
    replicas, epochs = job.replicas or cluster.machines, job.config.epochs
    words = job.words / replicas
    if replicas == 1:
        return Merging(1, words, 0, 0.0, None, refused=False)
    of_epoch = merges_of_epoch(words, epochs)
    merges, warning = of_epoch * epochs, None
    if merges < LEAST_MERGES:
        most = int(job.words / SHORTEST / ceil(LEAST_MERGES / epochs))
        advice = f"take {most:,} replicas at most" if most > 1 else "take one"
        warning = f"{replicas:,} replicas would be merged {merges} times, too seldom; {advice}, or ten epochs"
    elif replicas > MOST_REPLICAS:
        warning = f"more than {MOST_REPLICAS} replicas were never tried; what {replicas:,} lose is not known"
    elif merges < MERGES:
        warning = f"the text is short for {replicas:,} replicas: {merges} merges in place of {MERGES}"
    lost = _between(POINTS_LOST, merges)
    return Merging(replicas, words / of_epoch, merges, lost, warning, refused=merges < LEAST_MERGES)


def exchanged_rows(job: Job, merged: Merging) -> float:
    """The rows of one table that one replica sends in the whole run."""
    changed = job.vocabulary * touched_share(merged.interval, job.vocabulary)
    hurried = job.vocabulary * touched_share(merged.interval / HOT_MERGES, job.vocabulary)
    hot = min(HOT_ROWS, job.vocabulary)
    calm = (1 - WARM_UP) * (changed + (HOT_MERGES - 1) * hot)
    return merged.merges * (calm + WARM_UP * HOT_MERGES * hurried)


def touched_share(interval: float, vocabulary: int) -> float:
    """The share of the rows that change while a replica trains the words of an interval."""
    ratio = max(interval / vocabulary, 1e-9)
    return min(1.0, on_line(log(ratio), [(log(x), log(y)) for x, y in TOUCHED]))


def _between(points: Sequence[tuple[float, float]], x: float) -> float:
    """The value at x on the lines between the points' logarithms, or outside of the points that of the nearest."""
    x = min(max(x, points[0][0]), points[-1][0])
    return on_line(log(x), [(log(left), log(low)) for left, low in points])
