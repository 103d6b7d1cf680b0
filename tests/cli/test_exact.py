"""`lexigrad train --solver exact` and `svd`: text or window counts in, a model out; what it says, and Ctrl-C."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner, Result
from contract import planted_sentences

import lexigrad
from lexigrad.cli import main as cli
from lexigrad.cli.console import Display
from lexigrad.engines import opening

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lexigrad.engines.ray.engine import RayEngine
    from lexigrad.training.progress import SolverProgress

EXACT = ["--solver=exact", "--dim=8", "--min-count=1"]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a text and its window counts."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus.txt").write_text("\n".join(" ".join(words) for words in planted_sentences(200)))
    assert run("cooccur", "corpus.txt", "-o", "counts.npz", "--min-count=1", "--window=3").exit_code == 0
    return tmp_path


def test_it_says_its_memory_and_each_pass_and_writes_a_model_with_a_bias(folder: Path) -> None:
    result = run("train", "corpus.txt", "-o", "model.safetensors", *EXACT)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "GB of memory beside the window counts" in result.stderr
    assert "negative sampling: pass" in result.stderr
    model = lexigrad.Word2Vec.load("model.safetensors")
    assert model.bias is not None
    assert model.config.solver == "exact"
    assert model.history[-1]["stage"] == "negative sampling"


def test_the_softmax_says_its_perplexity(folder: Path) -> None:
    result = run("train", "corpus.txt", "-o", "model.safetensors", *EXACT, "--loss=naive_softmax")
    assert "naive softmax: pass" in result.stderr
    assert "perplexity" in result.stderr


@pytest.mark.parametrize("solver", ["exact", "svd"])
def test_counts_give_the_bytes_that_their_text_gives(folder: Path, solver: str) -> None:
    options = [f"--solver={solver}", "--dim=8", "--min-count=1"]
    assert run("train", "corpus.txt", "-o", "text.safetensors", *options, "--window=3").exit_code == 0
    result = run("train", "--counts", "counts.npz", "-o", "counts.safetensors", *options, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["output"] == "counts.safetensors"
    text, counts = (lexigrad.Word2Vec.load(f"{name}.safetensors") for name in ("text", "counts"))
    np.testing.assert_array_equal(text.V, counts.V)
    assert counts.config.window == 3


def test_held_out_text_is_measured_with_counts_too(folder: Path) -> None:
    (folder / "other.txt").write_text("t1w1 t1w2 t1w3\nt2w1 t2w2\n")
    result = run("train", "--counts", "counts.npz", "-o", "m.safetensors", *EXACT, "--validation", "other.txt")
    assert result.exit_code == 0
    assert "held out 5 words" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--solver=exact"], "Give either CORPUS or --counts."),
        (["corpus.txt", "--counts", "counts.npz", "--solver=exact"], "Give either CORPUS or --counts."),
        (["--counts", "counts.npz", "--seeds=2"], "leave out --vocabulary and --seeds"),
        (["corpus.txt", "--solver=exact", "--model=cbow"], "cbow does not follow from window counts"),
        (["corpus.txt", "--ray=local", "--races"], "--ray is not for SGD with --races"),
        (["corpus.txt", "--solver=exact", "--ray=local", "--device=cpu"], "leave out one of them"),
        (["corpus.txt", "--solver=exact", "--parts=6"], "parts must be a power of two"),
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(folder: Path, arguments: list[str], message: str) -> None:
    result = run("train", *arguments, "-o", "model.txt")
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--counts", "counts.npz"], "SGD goes through the text"),
        (["--counts", "corpus.txt", "--solver=exact"], "corpus.txt"),
        (["corpus.txt", "--solver=exact", "--seeds=2", "--min-count=1"], "depends on no seed"),
    ],
)
def test_what_cannot_be_trained_is_said_in_a_sentence(folder: Path, arguments: list[str], message: str) -> None:
    result = run("train", *arguments, "-o", "model.txt")
    assert result.exit_code == 1
    assert message in result.stderr
    assert not list(folder.glob("model*"))


def test_ctrl_c_writes_the_last_step_and_ends_as_interrupted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Display.training

    def interrupt(self: Display, progress: SolverProgress) -> None:
        shown(self, progress)
        if progress.stage == "negative sampling" and progress.passes > 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Display, "training", interrupt)
    result = run("train", "corpus.txt", "-o", "model.safetensors", *EXACT)
    assert result.exit_code == 130
    assert len(lexigrad.Word2Vec.load("model.safetensors").history) > 1


def test_the_file_that_ray_workers_make_is_that_of_one_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch, on_ray: Callable[[int], RayEngine]
) -> None:
    engine = on_ray(2)
    monkeypatch.setattr(opening, "open_engine", lambda *_, **__: engine)
    monkeypatch.setattr(type(engine), "__exit__", lambda *_: None)  # other tests need it
    usual = ["--counts", "counts.npz", *EXACT, "--head=60", "--parts=1"]
    assert run("train", "-o", "alone.safetensors", *usual).exit_code == 0
    result = run("train", "-o", "ray.safetensors", *usual, "--ray=local", "--workers=2")
    assert result.exit_code == 0, result.output
    assert "Ray on this machine with 2 workers\nat most 1 share a pass" in result.stderr
    assert (folder / "ray.safetensors").read_bytes() == (folder / "alone.safetensors").read_bytes()
