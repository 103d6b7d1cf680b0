"""The command that counts windows: what it writes, prints and refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from click.testing import CliRunner, Result

import lexigrad
from lexigrad import TrainConfig, WindowCounts
from lexigrad.cli import main as cli

TEXT = 20 * "the king and the queen sat in the hall of the land\nthe man and the woman ate bread in the house\n"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.main, ["cooccur", *(str(argument) for argument in arguments)])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with two texts, and the vocabulary of the first."""
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "b.txt").write_text("the king and the man\n")
    with lexigrad.read_corpus(tmp_path / "a.txt") as corpus:
        corpus.vocabulary.save(tmp_path / "words.txt")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_cooccur_writes_what_the_library_counts(folder: Path) -> None:
    result = run("a.txt", "-o", "counts.npz", "--window=3", "--subsample=0.01", "--threads=2")
    assert (result.exit_code, result.stdout) == (0, "")
    options = TrainConfig(window=3, subsample=0.01)
    with lexigrad.read_corpus("a.txt", options) as corpus:
        lexigrad.count_windows(corpus, options).save("library.npz")
    assert Path("counts.npz").read_bytes() == Path("library.npz").read_bytes()
    assert scipy.sparse.load_npz("counts.npz").sum() > 0


def test_cooccur_says_what_it_does_on_standard_error(folder: Path) -> None:
    result = run("a.txt", "-o", "counts.npz")
    counts = WindowCounts.load("counts.npz")
    said = result.stderr.splitlines()
    assert any(line.startswith("counting 100%") for line in said)
    assert said[-1] == f"wrote {counts.outside.size} counts of {len(counts.vocabulary)} words to counts.npz"
    assert run("a.txt", "-o", "counts.npz", "--quiet").output == ""


def test_cooccur_as_json(folder: Path) -> None:
    printed = json.loads(run("a.txt", "-o", "counts.npz", "--json", "--no-dynamic-window").stdout)
    counts = WindowCounts.load("counts.npz")
    assert printed == {
        "output": "counts.npz",
        "vocabulary": len(counts.vocabulary),
        "entries": counts.outside.size,
        "pairs": counts.pairs,
        "words": counts.words,
        "window": 5,
        "dynamic_window": False,
        "subsample": 0.001,
    }


def test_little_memory_changes_no_byte(folder: Path) -> None:
    run("a.txt", "-o", "counts.npz")
    run("a.txt", "-o", "little.npz", "--memory-gb=1e-6")
    assert Path("counts.npz").read_bytes() == Path("little.npz").read_bytes()


def test_cooccur_adds_files_that_it_wrote(folder: Path) -> None:
    for name in ("a", "b"):
        assert run(f"{name}.txt", "-o", f"{name}.npz", "--vocabulary=words.txt").exit_code == 0
    assert run("a.txt", "b.txt", "-o", "both.npz", "--vocabulary=words.txt").exit_code == 0
    result = run("a.npz", "b.npz", "-o", "sum.npz")
    assert (result.exit_code, result.stdout) == (0, "")
    total, both = WindowCounts.load("sum.npz"), WindowCounts.load("both.npz")
    np.testing.assert_allclose(total.weights, both.weights, rtol=1e-6)
    assert (total.outside == both.outside).all()
    assert total.words == both.words


def test_counts_that_do_not_fit_are_not_added(folder: Path) -> None:
    run("a.txt", "-o", "a.npz", "--vocabulary=words.txt")
    run("b.txt", "-o", "other.npz", "--min-count=1")
    run("a.txt", "-o", "wide.npz", "--vocabulary=words.txt", "--window=9")
    for name, reason in (("other.npz", "--vocabulary"), ("wide.npz", "window is 5 in one and 9 in the other")):
        result = run("a.npz", name, "-o", "sum.npz")
        assert result.exit_code == 1
        assert reason in result.stderr
    assert not Path("sum.npz").exists()


@pytest.mark.parametrize("option", ["--window=5", "--memory-gb=1", "--vocabulary=words.txt", "--min-count=2"])
def test_options_of_counting_say_nothing_about_saved_counts(folder: Path, option: str) -> None:
    run("a.txt", "-o", "a.npz")
    result = run("a.npz", "-o", "sum.npz", option)
    assert result.exit_code == 2
    assert f"{option.split('=')[0]} is for counting text" in result.stderr


@pytest.mark.parametrize("command", [("vocab",), ("train", "-o", "model.safetensors")])
def test_counts_are_no_text(folder: Path, command: tuple[str, ...]) -> None:
    run("a.txt", "-o", "a.npz")
    result = CliRunner().invoke(cli.main, [*command, "a.npz"])
    assert result.exit_code == 1
    assert "'a.npz' holds window counts and no text; `lexigrad train --counts` takes them" in result.stderr


def test_text_and_counts_are_not_mixed(folder: Path) -> None:
    run("a.txt", "-o", "a.npz")
    result = run("b.txt", "a.npz", "-o", "sum.npz")
    assert result.exit_code == 2
    assert "'a.npz' holds counts and 'b.txt' does not" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["a.txt"], 2, "Missing option '-o'"),
        (["a.txt", "-o", "a.txt"], 2, "is to be read and to be written"),
        (["a.txt", "-o", "none/counts.npz"], 2, "cannot be written"),
        (["a.txt", "-o", "counts.npz", "--memory-gb=0"], 2, "--memory-gb"),
        (["none.txt", "-o", "counts.npz"], 1, "none.txt"),
        (["a.txt", "-o", "counts.npz", "--min-count=1000"], 1, "no word occurs 1,000 times"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    folder: Path, arguments: list[str], status: int, reason: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == status
    assert reason in result.stderr
    assert "Traceback" not in result.output
    assert not Path("counts.npz").exists()


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent by a POSIX signal")
def test_ctrl_c_leaves_no_file_behind(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in (5000 * rng.random(300_000) ** 2).astype(int)]
    (tmp_path / "text.txt").write_text("\n".join(" ".join(words[i : i + 1000]) for i in range(0, len(words), 1000)))
    (tmp_path / "tmp").mkdir()
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(lexigrad.__file__).absolute().parent.parent),
        "TMPDIR": str(tmp_path / "tmp"),
    }
    command = [sys.executable, "-u", "-m", "lexigrad", "cooccur", "text.txt", "-o", "counts.npz", "--window=300"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("counting"):
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait() == 130
    assert "no half-written file is left behind" in rest
    assert "Traceback" not in rest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text.txt", "tmp"]
    assert list((tmp_path / "tmp").iterdir()) == []
