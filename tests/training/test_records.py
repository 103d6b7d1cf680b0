"""Records of a training: which are kept, the log, when patience is over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lexigrad import InputError, LexigradError, TrainConfig
from lexigrad.training.records import Log, Patience, Records, kept_record, open_log

if TYPE_CHECKING:
    from pathlib import Path


def recorded(epochs: int, best: int | None = None) -> Records:
    records = Records()
    for epoch in range(1, epochs + 1):
        records.add({"epoch": epoch}, is_best=epoch == best)
    return records


def test_up_to_a_thousand_records_all_are_kept() -> None:
    assert [record["epoch"] for record in recorded(1_000).history] == list(range(1, 1_001))


@pytest.mark.parametrize(("epochs", "every"), [(1_001, 2), (2_000, 2), (2_003, 4), (9_999, 16)])
def test_of_more_records_every_second_fourth_and_so_on_is_kept_and_the_last(epochs: int, every: int) -> None:
    records = recorded(epochs)
    found = [record["epoch"] for record in records.history]
    assert found[:-1] == list(range(every, epochs, every))
    assert found[-1] == epochs
    assert records.total == epochs


def test_the_record_of_the_best_tables_is_never_left_out() -> None:
    records = recorded(5_000, best=77)
    records.mark_best()
    assert kept_record(records.history) == {"epoch": 77, "kept": True}


def test_a_new_best_takes_the_place_of_the_old_one() -> None:
    records = recorded(1_500, best=77)
    records.add({"epoch": 1_501}, is_best=True)
    records.mark_best()
    assert 77 not in [record["epoch"] for record in records.history]
    assert [record for record in records.history if record.get("kept")] == [{"epoch": 1_501, "kept": True}]


def test_without_a_best_the_last_record_is_that_of_the_model() -> None:
    assert kept_record(recorded(3).history) == {"epoch": 3}


def test_patience_counts_from_the_least_loss_and_may_be_endless() -> None:
    patience, endless = Patience(3), Patience(None)
    for loss in (2.0, 1.0, 1.0, 1.5):
        assert patience.is_least(loss) == endless.is_least(loss)
        assert not patience.is_over
    assert not patience.is_least(1.1)
    assert patience.is_over
    assert not endless.is_over


def test_a_log_has_each_line_as_soon_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    with open_log(path, TrainConfig(), has_validation=True) as log:
        log.write({"epoch": 1, "loss": 2.5, "validation": {"perplexity": 7.0, "pairs": 3.0}, "seconds": 0.5})
        heading, line = path.read_text().splitlines()
    values = dict(zip(heading.split(","), line.split(","), strict=True))
    assert values["loss"] == "2.5"
    assert values["validation_perplexity"] == "7.0"
    assert values["seconds"] == "0.5"
    assert values["learning_rate"] == ""


def test_a_log_in_json_has_the_records_as_they_are(tmp_path: Path) -> None:
    record = {"stage": "negative sampling", "passes": 1.67, "validation": {"perplexity": 7.0}, "seconds": 0.5}
    with open_log(tmp_path / "run.jsonl", TrainConfig(solver="exact"), has_validation=True) as log:
        log.write(record)
        log.write(record)
    assert [json.loads(line) for line in (tmp_path / "run.jsonl").read_text().splitlines()] == [record, record]


def test_a_log_that_cannot_be_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a log must end in \.csv or \.jsonl, and 'run\.txt' does not"):
        Log("run.txt", ("epoch",))
    with pytest.raises(LexigradError, match=r"cannot write the log .*none/run\.csv: No such file"):
        Log(tmp_path / "none" / "run.csv", ("epoch",))


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_full_disk_is_said_in_a_sentence(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"run.{ending}"
    path.symlink_to("/dev/full")
    with pytest.raises(LexigradError, match=r"cannot write the log .*No space left on device"):
        Log(path, ("epoch",)).write({"epoch": 1})
