"""`lexigrad loss`, and `lexigrad train --validation`: what they print, record and refuse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

import lexigrad
from lexigrad.cli import main as cli

if TYPE_CHECKING:
    from pathlib import Path

TEXT = 60 * "the king and the queen sat in the hall of the land\nthe man and the woman ate bread in the house\n"
HELD_OUT = "the queen sat in the garden\nthe man ate\n"
FAST = ["--dim=8", "--epochs=2", "--threads=1"]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a text, another one, two models and the vectors of one of them."""
    (tmp_path / "corpus.txt").write_text(TEXT)
    (tmp_path / "other.txt").write_text(HELD_OUT)
    monkeypatch.chdir(tmp_path)
    for method in ("skipgram", "cbow"):
        config = lexigrad.TrainConfig(dim=8, threads=1, model=method, subsample=0.0)
        model = lexigrad.train("corpus.txt", config)
        model.save(f"{method}.safetensors")
    lexigrad.save_vectors("vectors.safetensors", model.vectors)
    lexigrad.save_vectors("vectors.txt", model.vectors)
    return tmp_path


# loss


def test_loss_prints_a_line_for_each_model(folder: Path) -> None:
    result = run("loss", "skipgram.safetensors", "cbow.safetensors", "other.txt")
    assert (result.exit_code, result.stderr) == (0, "")
    heading, *rows = (line.split() for line in result.stdout.splitlines())
    assert heading == ["vectors", "pairs", "negative", "sampling", "softmax", "perplexity", "words", "covered"]
    expected = lexigrad.held_out_loss(lexigrad.Word2Vec.load("skipgram.safetensors"), "other.txt")
    assert [row[0] for row in rows] == ["skipgram.safetensors", "cbow.safetensors"]
    assert rows[0][2:4] == [f"{expected.negative_sampling:.4f}", f"{expected.naive_softmax:.4f}"]
    assert rows[0][-3:] == ["8", "88.9", "%"]


def test_loss_as_json_is_what_the_library_finds(folder: Path) -> None:
    printed = json.loads(run("loss", "skipgram.safetensors", "cbow.safetensors", "other.txt", "--json").stdout)
    for found, name in zip(printed, ("skipgram.safetensors", "cbow.safetensors"), strict=True):
        measured = lexigrad.held_out_loss(lexigrad.Word2Vec.load(name), "other.txt")
        assert found == {"vectors": name, **measured.to_dict()}


def test_loss_reads_a_saved_corpus_as_its_text(folder: Path) -> None:
    assert run("vocab", "other.txt", "--save", "saved", "--min-count=1").exit_code == 0
    of_text, of_saved = (run("loss", "skipgram.safetensors", text).stdout for text in ("other.txt", "saved"))
    assert of_saved == of_text


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["loss", "vectors.txt", "other.txt"], 1, "vectors.txt holds the word vectors V only"),
        (["loss", "vectors.safetensors", "other.txt"], 1, "vectors.safetensors holds word vectors, not a whole model"),
        (["loss", "skipgram.safetensors"], 2, "Missing argument"),
        (["loss", "missing", "other.txt"], 1, "missing"),
        (["loss", "skipgram.safetensors", "missing.txt"], 1, "missing.txt"),
        (["loss", "skipgram.safetensors", "vectors.txt"], 1, "nothing to predict"),
        (["train", "corpus.txt", "-o", "new.bin", "--validation=1"], 2, "above 0 and below 1"),
        (["train", "corpus.txt", "-o", "new.bin", "--validation=missing.txt"], 1, "missing.txt"),
        (["train", "corpus.txt", "-o", "new.bin", "--validation=1e-9"], 1, "none is held out; give a larger share"),
        (["train", "-", "-o", "new.bin", "--validation=-"], 2, "standard input cannot be both"),
        (["train", "corpus.txt", "-o", "vectors.txt", "--validation=vectors.txt"], 2, "to be read and to be written"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_sentence(
    folder: Path, arguments: list[str], status: int, sentence: str
) -> None:
    before = sorted(path.name for path in folder.iterdir())
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (status, "")
    assert sentence in " ".join(result.stderr.split())
    assert sorted(path.name for path in folder.iterdir()) == before


# train --validation


@pytest.mark.parametrize("validation", ["other.txt", "0.2"])
def test_train_says_and_records_what_it_loses_on_held_out_text(folder: Path, validation: str) -> None:
    result = run("train", "corpus.txt", "-o", "new.safetensors", *FAST, "--json", "--validation", validation)
    found = json.loads(result.stdout)["history"][-1]["validation"]
    assert found == lexigrad.Word2Vec.load("new.safetensors").history[-1]["validation"]
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("held out"))
    assert line.startswith(f"held out {found['words']:,} words and {found['unknown']} unknown ones")
    assert line.endswith(f"softmax {found['naive_softmax']:.4f}, perplexity {found['perplexity']:,.1f}")
    if validation == "other.txt":
        assert found == lexigrad.held_out_loss(lexigrad.Word2Vec.load("new.safetensors"), "other.txt").to_dict()


def test_train_holds_out_of_a_saved_corpus_what_it_holds_out_of_its_text(folder: Path) -> None:
    run("vocab", "corpus.txt", "--save", "saved")
    for text, out in (("corpus.txt", "one.safetensors"), ("saved", "two.safetensors")):
        assert run("train", text, "-o", out, *FAST, "--validation=0.2").exit_code == 0
    one, two = (lexigrad.Word2Vec.load(path) for path in ("one.safetensors", "two.safetensors"))
    assert one.history == two.history
    assert one.V.tobytes() == two.V.tobytes()


def test_train_measures_each_seed(folder: Path) -> None:
    result = run("train", "corpus.txt", "-o", "m.safetensors", *FAST, "--seeds=2", "--validation=0.2", "--json")
    models = json.loads(result.stdout)["models"]
    assert len({model["history"][-1]["validation"]["perplexity"] for model in models}) == 2
    assert len({model["history"][-1]["validation"]["words"] for model in models}) == 1
    assert sum(line.startswith("held out") for line in result.stderr.splitlines()) == 2


# train --log, --early-stop and --schedule, plot --history


def test_train_says_the_training_loss_and_that_of_each_epoch_meanwhile(folder: Path) -> None:
    result = run("train", "corpus.txt", "-o", "new.safetensors", *FAST, "--validation=other.txt")
    history = lexigrad.Word2Vec.load("new.safetensors").history
    assert f"loss in training {history[-1]['loss']:.4f}" in result.stderr
    first = f"loss {history[0]['loss']:.4f}, held out {history[0]['validation']['negative_sampling']:.4f}"
    assert first in result.stderr


def test_train_logs_each_epoch_of_each_seed(folder: Path) -> None:
    arguments = ["-o", "m.safetensors", *FAST, "--seeds=2", "--log=run.csv", "-q"]
    assert run("train", "corpus.txt", *arguments).exit_code == 0
    for seed in (1, 2):
        heading, *lines = (folder / f"run.seed{seed}.csv").read_text().splitlines()
        assert heading == "epoch,words,learning_rate,loss,seconds,measuring_seconds"
        losses = [float(line.split(",")[3]) for line in lines]
        assert losses == [record["loss"] for record in lexigrad.Word2Vec.load(f"m.seed{seed}.safetensors").history]


def test_train_stops_early_and_says_what_it_kept(folder: Path) -> None:
    options = ["--dim=8", "--threads=1", "--epochs=400", "--learning-rate=0.2", "--early-stop=2", "--json"]
    result = run("train", "corpus.txt", "-o", "new.safetensors", *options, "--validation=other.txt")
    history = json.loads(result.stdout)["history"]
    (kept,) = (record for record in history if record.get("kept"))
    assert len(history) < 400
    said = f"trained {len(history)} of 400 epochs, and kept the vectors of epoch {kept['epoch']}"
    assert said in result.stderr
    assert f"negative sampling {kept['validation']['negative_sampling']:.4f}" in result.stderr


def test_train_says_that_the_history_does_not_hold_every_epoch(folder: Path) -> None:
    options = ["--dim=2", "--threads=1", "--epochs=1001", "--loss-sample=5", "--max-vocabulary=4"]
    result = run("train", "other.txt", "-o", "new.safetensors", *options, "--min-count=1")
    assert "the history in the model holds 501 of 1,001 epochs; --log writes all of them" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--early-stop=2"], "--early-stop follows the loss on held-out text: give --validation."),
        (["--log=run.txt"], "File 'run.txt' must end in .csv or .jsonl."),
        (["--log=none/run.csv"], "File 'none/run.csv' cannot be written"),
        (["--schedule=steps"], "'steps' is not one of 'linear', 'cosine', 'constant'"),
    ],
)
def test_what_cannot_be_followed_is_wrong_usage(folder: Path, arguments: list[str], sentence: str) -> None:
    result = run("train", "corpus.txt", "-o", "new.safetensors", *FAST, *arguments)
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split())
    assert not (folder / "new.safetensors").exists()


def test_a_log_is_not_written_over_a_text_that_is_read(folder: Path) -> None:
    (folder / "corpus.csv").write_text(TEXT)
    result = run("train", "corpus.csv", "-o", "new.safetensors", *FAST, "--log=corpus.csv")
    assert result.exit_code == 2
    assert "to be read and to be written" in result.stderr
    assert (folder / "corpus.csv").read_text() == TEXT


def test_plot_draws_the_losses_of_models(folder: Path) -> None:
    result = run("plot", "skipgram.safetensors", "cbow.safetensors", "--history", "-o", "losses.svg")
    assert (result.exit_code, result.stderr) == (0, "")
    assert (folder / "losses.svg").read_bytes().startswith(b"<?xml")


def test_plot_without_words_or_a_history_is_wrong_usage(folder: Path) -> None:
    result = run("plot", "skipgram.safetensors", "-o", "words.svg")
    assert result.exit_code == 2
    assert "Missing argument 'WORD...'." in result.stderr
