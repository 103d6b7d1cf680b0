"""When replicas are merged: their shares of the text, the intervals, and the rows that are merged after each.

The quality that a run loses to replicas depends on the number of merges in it, so the distance between merges follows
from the length of the run (docs/concepts/replicas.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from lexigrad.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig

__all__ = [
    "HOT_MERGES",
    "HOT_ROWS",
    "LEAST_MERGES",
    "MERGES",
    "SHORTEST",
    "WARM_UP",
    "Plan",
    "merges_of_epoch",
    "plan_of",
]

MERGES: Final = 25
"""Merges of all rows in a run, about."""

LEAST_MERGES: Final = 10
"""Least merges of all rows in a run: with fewer, vectors are several points worse."""

SHORTEST: Final = 50_000
"""Tokens of a replica between two merges of all rows, at least, but for an epoch's length."""

LONGEST: Final = 4_000_000
"""Tokens of a replica between two merges of all rows, at most: with so many, merging costs next to nothing."""

HOT_MERGES: Final = 10
"""Intervals between two merges of all rows; after each interval, the commonest rows are merged."""

HOT_ROWS: Final = 5_000
"""The number of commonest rows."""

WARM_UP: Final = 0.03
"""The first part of a run, in which all rows are merged after each interval."""


@dataclass(frozen=True)
class Plan:
    """The intervals of a run, which are numbered through all epochs and then called steps.

    Attributes:
        cuts: int64 (replicas + 1,): where each replica's share of the text begins, and the end.
        intervals: the number of intervals in an epoch.
        epochs: the number of epochs.
    """

    cuts: NDArray[np.int64]
    intervals: int
    epochs: int

    @property
    def replicas(self) -> int:
        """The number of replicas."""
        return len(self.cuts) - 1

    @property
    def steps(self) -> int:
        """The number of steps in the run."""
        return self.intervals * self.epochs

    @property
    def tokens(self) -> float:
        """Tokens of an interval, in the mean over replicas."""
        return float(self.cuts[-1]) / self.replicas / self.intervals

    def place(self, step: int) -> tuple[int, int]:
        """Where a step begins: whole epochs, and tokens of the next one, of all replicas together."""
        epoch, interval = divmod(step, self.intervals)
        return epoch, int(self.cuts[-1]) * interval // self.intervals

    def span(self, replica: int, step: int) -> tuple[int, int, int]:
        """The text of a replica in a step: the epoch, the first token of its share, and the one after the last."""
        epoch, interval = divmod(step, self.intervals)
        tokens = int(self.cuts[replica + 1] - self.cuts[replica])
        return epoch, tokens * interval // self.intervals, tokens * (interval + 1) // self.intervals

    def is_full(self, step: int) -> bool:
        """Whether all rows are merged after a step, or only the commonest."""
        return step < WARM_UP * self.steps or (step + 1) % HOT_MERGES == 0

    def merges(self, steps: int) -> int:
        """How often all rows are merged in the first ``steps`` steps."""
        return sum(map(self.is_full, range(steps)))

    def after_full(self, step: int) -> int:
        """The last step, this one or before, that begins after a merge of all rows."""
        while step and not self.is_full(step - 1):
            step -= 1
        return step


def plan_of(config: TrainConfig, ids: NDArray[np.int32]) -> Plan:
    """The plan of a run on these tokens.

    Raises:
        ConfigError: the run is too short for so many replicas.
    """
    merges = merges_of_epoch(ids.size / config.replicas, config.epochs)
    if merges * config.epochs < LEAST_MERGES:
        raise ConfigError(_refusal(config, ids.size))
    return Plan(_cuts(ids, config.replicas), merges * HOT_MERGES, config.epochs)


def merges_of_epoch(tokens: float, epochs: int) -> int:
    """Merges of all rows in an epoch in which each replica has so many tokens.

    Example:
        >>> merges_of_epoch(1e6, 5), merges_of_epoch(1e8, 5)
        (5, 25)
    """
    wanted = max(-(-MERGES // epochs), tokens / LONGEST)
    return max(1, int(min(wanted, tokens / SHORTEST)))


def _refusal(config: TrainConfig, tokens: int) -> str:
    """The sentence that refuses a run that is too short, with the options that would do."""
    epochs = config.epochs
    enough = [n for n in range(2, config.replicas) if merges_of_epoch(tokens / n, epochs) * epochs >= LEAST_MERGES]
    fewer = f"take {enough[-1]}" if enough else "take 1"
    return (
        f"{config.replicas} replicas would be merged fewer than {LEAST_MERGES} times in {config.epochs} epochs of "
        f"{tokens:,} tokens, and learn badly; {fewer}, or at least {LEAST_MERGES} epochs"
    )


def _cuts(ids: NDArray[np.int32], replicas: int) -> NDArray[np.int64]:
    """Equal shares, each up to the end of a sentence, if one ends in the first half of the next share."""
    even = [ids.size * replica // replicas for replica in range(replicas + 1)]
    cuts = [0]
    for here, beyond in pairwise(even[1:]):
        ends = np.flatnonzero(ids[here : (here + beyond) // 2] < 0)
        cuts.append(here + int(ends[0]) + 1 if ends.size else here)
    return np.array([*cuts, ids.size], np.int64)
