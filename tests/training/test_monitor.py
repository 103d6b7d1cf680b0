"""What a training records after each epoch, whom it tells, and when it stops."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from contract import planted_sentences

import lexigrad
from lexigrad import Callback, ConfigError, InputError, LexigradError, TrainConfig, TrainProgress, Word2Vec
from lexigrad.training import monitor as monitor_module
from lexigrad.training.sgd import negative_sampling as sgd_module
from lexigrad.training.sgd import stepsize
from lexigrad.training.sgd.run import Run

if TYPE_CHECKING:
    from pathlib import Path

SMALL = TrainConfig(dim=8, min_count=1, epochs=4, threads=1, loss_sample=300)
TEXT, OTHER = planted_sentences(150), planted_sentences(40, seed=5)
SOLVERS = pytest.mark.parametrize("loss", ["negative_sampling", "naive_softmax"])


# -------------------- what is recorded


@SOLVERS
@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_both_losses_are_recorded_after_each_epoch(loss: str, model: str) -> None:
    config = replace(SMALL, loss=loss, model=model)  # type: ignore[arg-type]
    history = lexigrad.train(TEXT, config, validation=OTHER).history
    assert [record["epoch"] for record in history] == [1, 2, 3, 4]
    assert history[3]["loss"] < history[0]["loss"]
    assert history[3]["validation"][loss] < history[0]["validation"][loss]
    assert set(history[0]) == {"epoch", "words", "learning_rate", "loss", "validation"}


@SOLVERS
def test_each_record_is_that_of_the_tables_after_its_epoch(loss: str) -> None:
    """A callback that stops shows what the tables were."""
    config = replace(SMALL, loss=loss)  # type: ignore[arg-type]
    whole = lexigrad.train(TEXT, config, validation=OTHER)
    stopped = lexigrad.train(TEXT, config, validation=OTHER, callbacks=[StopAfter(2)])
    assert stopped.history == whole.history[:2]
    assert lexigrad.held_out_loss(stopped, OTHER).to_dict() == whole.history[1]["validation"]


def test_measuring_and_recording_change_no_byte_of_the_tables(tmp_path: Path) -> None:
    plain = lexigrad.train(TEXT, replace(SMALL, loss_sample=0))
    watched = lexigrad.train(TEXT, SMALL, validation=OTHER, callbacks=[Callback()], log=tmp_path / "run.csv")
    assert plain.V.tobytes() + plain.U.tobytes() == watched.V.tobytes() + watched.U.tobytes()
    assert "loss" not in plain.history[0]


def test_the_file_of_a_model_holds_no_times(tmp_path: Path) -> None:
    for name in ("one", "two"):
        model = lexigrad.train(TEXT, SMALL, validation=OTHER, log=tmp_path / f"{name}.jsonl")
        model.save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_of_many_epochs_the_model_keeps_some_records_and_the_log_all(tmp_path: Path) -> None:
    config = replace(SMALL, dim=2, epochs=1_100, window=1, loss_sample=5)
    model = lexigrad.train([["a", "b"], ["b", "a"]], config, validation=[["a", "b"]], log=tmp_path / "run.csv")
    model.save(tmp_path / "model")
    epochs = [record["epoch"] for record in Word2Vec.load(tmp_path / "model").history]
    assert epochs == list(range(2, 1_101, 2))
    assert len((tmp_path / "run.csv").read_text().splitlines()) == 1_101


def test_training_that_runs_away_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the limits a rate can be too high; what comes of it is not handed out as a model."""
    for limit in ("CENTER_LIMIT", "NEGATIVE_LIMIT", "REPEAT_LIMIT"):
        monkeypatch.setattr(stepsize, limit, 1e9)
    with pytest.raises(ConfigError, match="the loss is not finite; give a smaller learning_rate"):
        lexigrad.train(TEXT, replace(SMALL, learning_rate=1e9, min_learning_rate=1e9, epochs=3))


# -------------------- who is told


class StopAfter(Callback):
    """Counts what it is told, and stops the training after an epoch."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.reports: list[Any] = []
        self.epochs: list[int] = []

    def on_report(self, progress: Any) -> None:
        self.reports.append(progress)

    def on_epoch_end(self, model: Word2Vec) -> bool | None:
        self.epochs.append(model.history[-1]["epoch"])
        return self.epochs[-1] == self.epoch


@SOLVERS
def test_a_callback_is_told_each_report_and_may_stop_after_an_epoch(loss: str) -> None:
    config = replace(SMALL, loss=loss)  # type: ignore[arg-type]
    seen: list[TrainProgress] = []
    first, second = StopAfter(2), StopAfter(99)
    model = lexigrad.train(TEXT, config, progress=seen.append, callbacks=[first, second])
    assert first.epochs == second.epochs == [1, 2]
    assert first.reports == second.reports == seen
    assert len(model.history) == 2
    assert seen[-1].loss == model.history[-1]["loss"]
    assert seen[-1].words_done == seen[-1].words_total // 2


def test_a_callback_sees_the_tables_and_cannot_change_them() -> None:
    class Look(Callback):
        def on_epoch_end(self, model: Word2Vec) -> None:
            assert model.vectors.most_similar("t0w0", n=1)
            with pytest.raises(ValueError, match="read-only"):
                model.V[0] = 0

    assert len(lexigrad.train(TEXT, SMALL, callbacks=[Look()]).history) == 4


def test_a_callback_can_save_each_epoch(tmp_path: Path) -> None:
    class Save(Callback):
        def on_epoch_end(self, model: Word2Vec) -> None:
            model.save(tmp_path / f"{model.history[-1]['epoch']}.safetensors")

    model = lexigrad.train(TEXT, SMALL, callbacks=[Save()])
    saved = [Word2Vec.load(tmp_path / f"{epoch}.safetensors") for epoch in (1, 4)]
    assert not np.array_equal(saved[0].V, model.V)
    assert saved[1].V.tobytes() == model.V.tobytes()
    assert saved[1].history == model.history


def test_what_a_callback_raises_comes_out_of_the_training() -> None:
    class Fail(Callback):
        def on_epoch_end(self, model: Word2Vec) -> None:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        lexigrad.train(TEXT, SMALL, callbacks=[Fail()])


def test_what_is_no_callback_is_refused() -> None:
    with pytest.raises(InputError, match=r"callbacks must be instances of lexigrad\.Callback, not <built-in"):
        lexigrad.train(TEXT, SMALL, callbacks=[len])  # type: ignore[list-item]


def test_each_of_several_seeds_calls_back() -> None:
    callback = StopAfter(99)
    lexigrad.train_seeds(TEXT, SMALL, seeds=2, callbacks=[callback])
    assert callback.epochs == [1, 2, 3, 4, 1, 2, 3, 4]


def test_progress_names_the_losses_measured_last(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[TrainProgress] = []
    model = lexigrad.train(TEXT, SMALL, validation=OTHER, progress=seen.append)
    ends = {step.words_done: step for step in seen}
    for record in model.history:
        step = ends[record["epoch"] * record["words"]]
        assert step.loss == record["loss"]
        assert step.held_out_loss == record["validation"]["negative_sampling"]


def test_within_an_epoch_the_loss_is_measured_where_that_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sgd_module._Together, "span", 100)
    monkeypatch.setattr(Run, "segment_seconds", 0.0)
    monkeypatch.setattr(monitor_module, "REPORT_SECONDS", 0.0)
    losses = []
    for every in (0.0, 1e9):
        monkeypatch.setattr(monitor_module, "MEASURE_EVERY", every)
        seen: list[TrainProgress] = []
        lexigrad.train(TEXT, replace(SMALL, epochs=1), progress=seen.append)
        losses.append({step.loss for step in seen})
    assert len(losses[0]) > 2 >= len(losses[1])


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@SOLVERS
def test_the_log_has_a_line_for_each_epoch_with_its_times(ending: str, loss: str, tmp_path: Path) -> None:
    path = tmp_path / f"run.{ending}"
    model = lexigrad.train(TEXT, replace(SMALL, loss=loss), validation=OTHER, log=path)  # type: ignore[arg-type]
    if ending == "csv":
        with path.open(newline="") as file:
            lines: list[Any] = list(csv.DictReader(file))
        assert [float(line[f"validation_{loss}"]) for line in lines] == [
            record["validation"][loss] for record in model.history
        ]
    else:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert [line["validation"] for line in lines] == [record["validation"] for record in model.history]
    assert [float(line["loss"]) for line in lines] == [record["loss"] for record in model.history]
    seconds = [float(line["seconds"]) for line in lines]
    assert seconds == sorted(seconds)


def test_the_exact_solver_logs_its_steps_and_what_they_lose_on_held_out_text(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    config = TrainConfig(solver="exact", dim=8, min_count=1)
    model = lexigrad.train(TEXT, config, validation=OTHER, log=path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [{name: value for name, value in line.items() if name != "seconds"} for line in lines] == model.history
    assert model.history[-1]["stage"] == "whole model"
    assert model.history[-1]["validation"] == lexigrad.held_out_loss(model, OTHER).to_dict()
    assert all("validation" in record for record in model.history)


def test_a_log_that_cannot_be_written_is_told_before_the_text_is_read(tmp_path: Path) -> None:
    with pytest.raises(LexigradError, match="cannot write the log"):
        lexigrad.train("no such text", SMALL, log=tmp_path / "none" / "run.csv")


# -------------------- when it stops

FEW = planted_sentences(12)
OVERFIT = replace(SMALL, epochs=60, learning_rate=0.1, subsample=0.0)


@SOLVERS
@pytest.mark.parametrize("deterministic", [True, False])
def test_early_stopping_keeps_the_tables_of_the_best_epoch(loss: str, deterministic: bool) -> None:
    config = replace(OVERFIT, loss=loss, deterministic=deterministic)  # type: ignore[arg-type]
    whole = lexigrad.train(FEW, config, validation=OTHER)
    losses = [record["validation"][loss] for record in whole.history]
    stopped = lexigrad.train(FEW, replace(config, early_stop=3), validation=OTHER)
    epochs = len(stopped.history)
    best = int(np.argmin(losses[:epochs]))
    assert epochs < 60
    assert epochs == best + 1 + 3
    assert [record["validation"] for record in stopped.history] == [r["validation"] for r in whole.history[:epochs]]
    assert [record["epoch"] for record in stopped.history if record.get("kept")] == [best + 1]
    assert lexigrad.held_out_loss(stopped, OTHER).to_dict() == stopped.history[best]["validation"]


def test_a_run_that_ends_in_time_keeps_its_best_epoch_too() -> None:
    stopped = lexigrad.train(FEW, replace(OVERFIT, early_stop=60), validation=OTHER)
    (kept,) = (record for record in stopped.history if record.get("kept"))
    assert len(stopped.history) == 60
    assert kept["epoch"] < 60
    assert lexigrad.held_out_loss(stopped, OTHER).to_dict() == kept["validation"]


def test_the_exact_solver_waits_as_many_steps_as_it_is_told() -> None:
    config = TrainConfig(solver="exact", dim=30, min_count=1)
    steps = [
        len(lexigrad.train(FEW, replace(config, early_stop=patience), validation=OTHER).history)
        for patience in (None, 2, 4)
    ]
    assert steps[0] == steps[1] < steps[2]


@pytest.mark.parametrize(
    ("options", "validation", "message"),
    [
        ({"early_stop": 3}, None, "early_stop follows the loss on held-out text, and there is none; give a validation"),
        ({"early_stop": 3, "solver": "svd"}, 0.1, "svd takes one step, so early_stop has nothing to stop"),
        ({"early_stop": 0}, 0.1, "early_stop must be at least 1, not 0"),
    ],
)
def test_early_stopping_that_cannot_be_is_refused(options: dict[str, Any], validation: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        lexigrad.train(TEXT, TrainConfig(min_count=1, **options), validation=validation)


# -------------------- the learning rate


@SOLVERS
@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("linear", [0.0325, 0.025, 0.0175, 0.01]),
        ("cosine", [0.01 + 0.03 * (1 + np.cos(np.pi * share)) / 2 for share in (0.25, 0.5, 0.75, 1.0)]),
        ("constant", [0.04] * 4),
        (lambda progress: 1 - progress**2, [0.01 + 0.03 * (1 - share**2) for share in (0.25, 0.5, 0.75, 1.0)]),
    ],
)
def test_the_rate_follows_its_schedule(loss: str, schedule: Any, rates: list[float]) -> None:
    config = replace(SMALL, loss=loss, schedule=schedule, learning_rate=0.04, min_learning_rate=0.01)  # type: ignore[arg-type]
    history = lexigrad.train(TEXT, config).history
    assert [record["learning_rate"] for record in history] == pytest.approx(rates)


def test_a_curve_is_followed_within_an_epoch() -> None:
    """Spans are shorter, so that a straight line from one end to the other is near it."""
    text = planted_sentences(4_000)
    linear = lexigrad.train(text, replace(SMALL, epochs=1, loss_sample=0))
    never = lexigrad.train(text, replace(SMALL, epochs=1, schedule=lambda at: float(at in (0, 1)), loss_sample=0))
    assert np.abs(never.V - linear.V).max() > 0.01
    with lexigrad.read_corpus(text, SMALL) as corpus:
        spans = {
            schedule: sgd_module._Together(corpus, replace(SMALL, epochs=1, schedule=schedule)).span
            for schedule in ("linear", "constant", "cosine")
        }
    assert spans == {"linear": sgd_module.LONG_SPAN, "constant": sgd_module.LONG_SPAN, "cosine": 8_192}


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_schedule_of_ones_own_gives_the_same_bytes_with_any_threads(threads: int) -> None:
    config = replace(SMALL, deterministic=True, schedule=lambda progress: min(4 * progress, 1 - progress))
    one, other = (lexigrad.train(TEXT, replace(config, threads=count)) for count in (1, threads))
    assert one.V.tobytes() + one.U.tobytes() == other.V.tobytes() + other.U.tobytes()


@pytest.mark.parametrize("factor", [1.5, -0.1, float("nan"), None, "1", True])
@SOLVERS
def test_a_schedule_that_gives_no_share_is_refused(factor: Any, loss: str) -> None:
    config = replace(SMALL, loss=loss, schedule=lambda _: factor)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="schedule must give a number from 0 to 1"):
        lexigrad.train(TEXT, config)


def test_a_schedule_function_is_saved_by_its_name_only() -> None:
    def warm(progress: float) -> float:
        return progress

    saved = TrainConfig(schedule=warm).to_dict()
    assert saved["schedule"].startswith("callable:test_a_schedule_function")
    assert TrainConfig.from_dict(saved).schedule == "linear"
