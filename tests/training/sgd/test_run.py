"""The loop that all solvers by SGD share, with a solver that only counts."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from contract import planted_sentences

import lexigrad
from lexigrad import Checkpoints, TrainConfig
from lexigrad.training import monitor as monitor_module
from lexigrad.training.monitor import Monitor
from lexigrad.training.records import Listeners
from lexigrad.training.sgd.run import Run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = TrainConfig(dim=2, min_count=1, epochs=3, loss_sample=0)
SEGMENT = 500


class Counting(Run):
    """Adds to both tables the tokens that it has trained, in segments of 500 tokens."""

    def __init__(self, corpus: lexigrad.Corpus) -> None:
        super().__init__(corpus, CONFIG)
        self.V, self.U = (np.zeros((len(corpus.vocabulary), CONFIG.dim), np.float32) for _ in range(2))
        self.segments = 0

    def tables(self) -> Any:
        return self.V, self.U

    def put_tables(self, V: Any, U: Any) -> None:
        self.V[:], self.U[:] = V, U

    def first_rows(self, n: int) -> Any:
        return self.V[:n].copy()

    def _train(self, thread: int) -> None:
        tokens = min(SEGMENT, self.ids.size - self.position)
        self.V += tokens
        self.U -= tokens
        self.done += tokens
        self.segments += 1


@pytest.fixture(scope="module")
def corpus() -> Iterator[lexigrad.Corpus]:
    with lexigrad.read_corpus(planted_sentences(100), CONFIG) as encoded:
        yield encoded


def begun(corpus: lexigrad.Corpus, checkpoints: Checkpoints) -> Checkpoints:
    """The checkpoints of a run on the corpus."""
    checkpoints.begin(CONFIG, {})
    return checkpoints


def test_every_token_is_trained_once_an_epoch_and_every_epoch_is_recorded(corpus: lexigrad.Corpus) -> None:
    run = Counting(corpus)
    model = run.train(Monitor(corpus, CONFIG))
    assert set(model.V.ravel()) == {3 * corpus.ids.size}
    assert run.segments == 3 * -(-corpus.ids.size // SEGMENT)
    assert [record["epoch"] for record in model.history] == [1, 2, 3]
    assert [record["learning_rate"] for record in model.history] == [CONFIG.learning_rate_at(n / 3) for n in (1, 2, 3)]


def test_a_run_that_was_broken_off_trains_only_the_rest(
    corpus: lexigrad.Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor_module, "REPORT_SECONDS", 0.0)
    whole, first, second = Counting(corpus), Counting(corpus), Counting(corpus)
    expected = whole.train(Monitor(corpus, CONFIG))
    path, pressed = tmp_path / "model", []

    def press_once(progress: lexigrad.TrainProgress) -> None:
        if not pressed and progress.words_done > 1.5 * corpus.words:
            pressed.append(progress)
            raise KeyboardInterrupt

    monitor = Monitor(corpus, CONFIG, None, Listeners(press_once), begun(corpus, Checkpoints(path, 1e6)))
    with pytest.raises(KeyboardInterrupt):
        first.train(monitor)
    assert 0 < first.segments < whole.segments
    monitor = Monitor(corpus, CONFIG, checkpoints=begun(corpus, Checkpoints(path, None, resume=True)))
    model = second.train(monitor)
    assert first.segments + second.segments == whole.segments
    assert model.V.tobytes() + model.U.tobytes() == expected.V.tobytes() + expected.U.tobytes()
    assert model.history == expected.history


def test_an_error_of_one_thread_stops_the_others_and_comes_out(corpus: lexigrad.Corpus) -> None:
    stopped, before = threading.Event(), threading.active_count()

    class Failing(Counting):
        threads = 3

        def _train(self, thread: int) -> None:
            if thread == 1:
                raise MemoryError("no more")
            stopped.wait(60)

        def _stop(self) -> None:
            super()._stop()
            stopped.set()

    with pytest.raises(MemoryError, match="no more"):
        Failing(corpus).train(Monitor(corpus, CONFIG))
    assert stopped.is_set()
    assert threading.active_count() == before
