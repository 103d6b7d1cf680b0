"""The curves of a training run, drawn against how far the run is."""

from __future__ import annotations

import math
from typing import Any, Final

from lexigrad.training.progress import SolverProgress, TrainProgress

__all__ = ["Course", "Curve"]

MOST_POINTS: Final = 240
"""A curve has no more points: more would cost time to send and could not be seen."""
SGD_FIGURES: Final = ("words_done", "words_total", "epoch", "loss", "held_out_loss", "learning_rate", "seconds")
SOLVER_FIGURES: Final = ("passes", "loss", "perplexity", "seconds")
LEAST_SECONDS: Final = 1.0
"""A speed is measured over at least so long."""


class Curve:
    """Points that follow each other: of more than 240 every second one is kept, of more than 480 every fourth.

    The last point is always kept.

    Example:
        >>> curve = Curve()
        >>> for x in range(1_000):
        ...     curve.add(x, 2 * x)
        >>> len(curve.points()) <= 241, curve.points()[-1]
        (True, [999.0, 1998.0])
    """

    def __init__(self) -> None:
        self._kept: list[list[float]] = []
        self._last: list[float] | None = None
        self._every = 1
        self._added = 0

    def add(self, x: float, y: float) -> None:
        """Append a point; one that is not finite is left out."""
        if not (math.isfinite(x) and math.isfinite(y)):
            return
        self._last = [float(f"{x:.7g}"), float(f"{y:.6g}")]
        if self._added % self._every == 0:
            self._kept.append(self._last)
        self._added += 1
        if len(self._kept) > MOST_POINTS:
            self._kept, self._every = self._kept[::2], 2 * self._every

    def points(self) -> list[list[float]]:
        """The points x, y that are kept, in order."""
        is_kept = self._last is None or self._kept[-1] is self._last
        return list(self._kept) if is_kept else [*self._kept, self._last or []]


class Course:
    """The curves of a run, and its latest figures.

    SGD is drawn against epochs, and a solver that does not know its end against seconds. A solver's stages have losses
    of their own: the curve begins anew with each.

    Args:
        epochs: the number of epochs of the run; None where its solver counts none.
    """

    def __init__(self, epochs: int | None) -> None:
        self.epochs = epochs
        self.curves = {name: Curve() for name in ("loss", "held_out", "speed", "rate")}
        self.latest: TrainProgress | SolverProgress | None = None
        self._sped: TrainProgress | None = None
        self._stage = ""

    def add(self, progress: TrainProgress | SolverProgress) -> None:
        """Add a report to the curves, and keep it as the latest."""
        if isinstance(progress, SolverProgress):
            self._add_solver(progress)
        else:
            self._add_epochs(progress)
        self.latest = progress

    @property
    def at(self) -> float:
        """How far the run is: epochs, or seconds."""
        if isinstance(self.latest, TrainProgress):
            return (self.epochs or 1) * self.latest.words_done / max(self.latest.words_total, 1)
        return 0.0 if self.latest is None else self.latest.seconds

    def to_dict(self) -> dict[str, Any]:
        """Curves and figures, as JSON holds them."""
        curves = {name: curve.points() for name, curve in self.curves.items()}
        return {"epochs": self.epochs, "at": round(self.at, 5), "curves": curves, "figures": self._figures()}

    def _add_epochs(self, progress: TrainProgress) -> None:
        before, at = self.latest, (self.epochs or 1) * progress.words_done / max(progress.words_total, 1)
        if not isinstance(before, TrainProgress) or progress.loss != before.loss:
            self.curves["loss"].add(at, progress.loss)
        if not isinstance(before, TrainProgress) or progress.held_out_loss != before.held_out_loss:
            self.curves["held_out"].add(at, progress.held_out_loss)
        since = self._sped
        if since is None or progress.seconds - since.seconds >= LEAST_SECONDS:
            self.curves["rate"].add(at, progress.learning_rate)
            if since is not None:
                done = progress.words_done - since.words_done
                self.curves["speed"].add(at, done / (progress.seconds - since.seconds))
            self._sped = progress

    def _add_solver(self, progress: SolverProgress) -> None:
        if progress.stage != self._stage:
            self._stage, self.curves["loss"] = progress.stage, Curve()
        self.curves["loss"].add(progress.seconds, progress.loss)

    def _figures(self) -> dict[str, Any]:
        latest = self.latest
        if latest is None:
            return {}
        if isinstance(latest, SolverProgress):
            return {"stage": latest.stage, **{name: _finite(getattr(latest, name)) for name in SOLVER_FIGURES}}
        speed, left = latest.words_per_second, latest.words_total - latest.words_done
        figures = {name: _finite(getattr(latest, name)) for name in SGD_FIGURES}
        return {**figures, "words_per_second": _finite(speed), "left_seconds": _finite(left / speed if speed else None)}


def _finite(value: float | None) -> float | None:
    """Return the number, or None for one that JSON lacks."""
    return value if value is not None and math.isfinite(value) else None
