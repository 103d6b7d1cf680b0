"""The reports of the solver while it works, and the history of its passes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lexigrad.training.progress import SolverProgress
from lexigrad.training.records import Records

if TYPE_CHECKING:
    from lexigrad.training.loss.allpairs import PairLoss
    from lexigrad.training.loss.heldout import HeldOutText
    from lexigrad.training.model import Word2Vec
    from lexigrad.training.records import Listeners

__all__ = ["SolverWatch"]


class SolverWatch:
    """Reports progress, and keeps the history.

    Args:
        listeners: are told with `SolverProgress`; their log gets each record.
        memory_bytes: the memory that the solver takes beside the counts, which each report says.
    """

    def __init__(self, listeners: Listeners, memory_bytes: int = 0) -> None:
        self.listeners, self.memory_bytes = listeners, memory_bytes
        self.began = time.perf_counter()
        self.records = Records(listeners.log)

    def begin(self, stage: str, pairs: float, *, is_likelihood: bool = False) -> None:
        """Begin a stage.

        Args:
            stage: its name.
            pairs: its losses are divided by so many pairs.
            is_likelihood: whether the exponential of such a loss is a perplexity.
        """
        self.stage, self.pairs, self.is_likelihood = stage, max(pairs, 1e-30), is_likelihood
        self(float("nan"), 0.0)

    def __call__(self, loss: float, passes: float, held_out: PairLoss | None = None) -> None:
        """Report, and record unless the loss is NaN.

        Args:
            loss: the summed loss after the last pass.
            passes: the number of passes of this stage.
            held_out: the losses on held-out text.
        """
        per_pair = loss / self.pairs
        if not np.isnan(loss):
            record = {"stage": self.stage, "passes": round(passes, 2), "loss": per_pair}
            self._record(record if held_out is None else {**record, "validation": held_out.to_dict()})
        perplexity = float(np.exp(min(per_pair, 700))) if self.is_likelihood else float("nan")
        seconds = time.perf_counter() - self.began
        self.listeners.report(SolverProgress(self.stage, passes, per_pair, perplexity, seconds, self.memory_bytes))

    def measured(self, model: Word2Vec, held_out: HeldOutText | None) -> Word2Vec:
        """The finished model with its history, of which the last record holds its losses on held-out text."""
        if held_out is not None:
            self._record({"stage": "whole model", "validation": held_out.loss(model).to_dict()})
        return replace(model, history=self.records.history)

    def _record(self, record: dict[str, Any]) -> None:
        self.records.add(record, seconds=round(time.perf_counter() - self.began, 3))
