"""What a killed process and a full disk leave behind: the old file or the new one, whole, and nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from contract import planted_sentences
from places import ROOT

import lexigrad
from lexigrad.cli.signals import Ended, Endings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and limits of POSIX")

FAST = ["--quiet", "--dim=50", "--min-count=1", "--epochs=2", "--threads=2"]
OLD = b"what was there before"


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("\n".join(" ".join(words) for words in planted_sentences(4_000)))
    return path


# signals


@pytest.mark.parametrize(("case", "seed"), [("deterministic, 2 threads", 3), ("exact", 4)])
def test_killed_runs_go_on_to_the_same_bytes_and_leave_nothing(text: Path, case: str, seed: int) -> None:
    """A few of what ``python -m tests.kills`` does 200 times."""
    command = [sys.executable, "-m", "tests.kills", "--kills=3", f"--seed={seed}", f"--text={text}", f"--case={case}"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    figures = json.loads(run.stdout.splitlines()[0])
    assert figures["ended_in_the_same_bytes"] == figures["runs"] > 0
    assert figures["faults"] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_is_taken_as_ctrl_c_once(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    endings = Endings()
    with pytest.raises(KeyboardInterrupt), endings:
        os.kill(os.getpid(), number)
    assert (endings.signal, endings.by) == (number, number.name)
    assert signal.getsignal(number) is before


def test_what_cleans_up_is_not_stopped_by_another_signal() -> None:
    def clean_up() -> list[str]:
        done = []
        with Endings():
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            except KeyboardInterrupt:
                os.kill(os.getpid(), signal.SIGTERM)
                os.kill(os.getpid(), signal.SIGHUP)
                done.append("cleaned up")
        return done

    assert clean_up() == ["cleaned up"]


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Endings() as endings:
            os.kill(os.getpid(), signal.SIGHUP)
        assert endings.signal == signal.SIGINT
    finally:
        signal.signal(signal.SIGHUP, before)


TERMINATED = """
import os, signal, sys
from lexigrad.cli import console, main as cli
console.Display.training = lambda self, progress: os.kill(os.getpid(), signal.SIGTERM)
cli.main(sys.argv[1:])
"""


@pytest.mark.parametrize("checkpoints", [[], ["--checkpoint-every=epoch"]])
def test_sigterm_cleans_up_and_says_how_to_go_on(text: Path, tmp_path: Path, checkpoints: list[str]) -> None:
    out = tmp_path / "model.safetensors"
    arguments = ["train", str(text), "-o", str(out), *FAST, "--epochs=100000", *checkpoints]
    run = subprocess.run([sys.executable, "-c", TERMINATED, *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == 128 + signal.SIGTERM
    said = ["Stopped by SIGTERM; no half-written file is left behind."]
    if checkpoints:
        said.append(f"The same command with --resume goes on from {out}.checkpoint.")
    assert run.stderr.splitlines()[-len(said) :] == said
    left = {entry.name for entry in tmp_path.iterdir()}
    assert left <= {"model.safetensors.checkpoint", "model.safetensors.checkpoint-before"}
    assert bool(left) == bool(checkpoints)


def test_the_next_run_removes_what_a_killed_one_left(text: Path, tmp_path: Path) -> None:
    (tmp_path / ".model.bin.tmp-01234567").write_bytes(b"half")
    (tmp_path / ".model.bin.checkpoint.tmp-01234567").write_bytes(b"half")
    command = [sys.executable, "-m", "lexigrad", "train", str(text), "-o", str(tmp_path / "model.bin"), *FAST]
    subprocess.run([*command, "--resume"], check=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.bin"]


# a full disk

LIMITED = """
import resource, sys
from lexigrad.cli import main as cli
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
cli.main(sys.argv[2:])
"""


def limited(size: int, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command whose files may have so many bytes; temporary files are in the folder, too."""
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    command = [sys.executable, "-c", LIMITED, str(size), *arguments]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=folder)


def sizes(text: Path, folder: Path) -> tuple[int, int]:
    """The bytes of an encoded text, and of the model."""
    lexigrad.read_corpus(text, lexigrad.TrainConfig(min_count=1), save=folder / "c").close()
    words = len(lexigrad.Corpus.load(folder / "c").vocabulary)
    encoded = (folder / "c").stat().st_size
    (folder / "c").unlink()
    return encoded, 2 * words * 50 * 4


WRITES = {
    "spilled ids": (["train", "TEXT", "-o", "out.safetensors"], 0.2, "TMPDIR"),
    "the encoded text": (["train", "TEXT", "-o", "out.safetensors"], 0.9, "TMPDIR"),
    "a saved corpus": (["vocab", "TEXT", "--save", "out.safetensors"], 0.99, "cannot write out.safetensors"),
    "a vocabulary": (["vocab", "CORPUS", "-o", "out.safetensors"], None, "cannot write out.safetensors"),
    "window counts": (["cooccur", "CORPUS", "-o", "out.safetensors"], None, "cannot write out.safetensors"),
    "a model": (["train", "CORPUS", "-o", "out.safetensors"], None, "cannot write out.safetensors"),
    "vectors as text": (["train", "CORPUS", "-o", "out.txt"], None, "cannot write out.txt"),
    "vectors in binary": (["train", "CORPUS", "-o", "out.bin"], None, "cannot write out.bin"),
}
"""The command, the limit as a share of the encoded text (100 bytes if None), and what is said."""


@pytest.mark.parametrize("what", WRITES)
def test_a_full_disk_is_one_sentence_and_the_old_file_stays(text: Path, tmp_path: Path, what: str) -> None:
    arguments, share, sentence = WRITES[what]
    encoded, _ = sizes(text, tmp_path)
    names = {"TEXT": str(text), "CORPUS": "saved"}
    lexigrad.read_corpus(text, lexigrad.TrainConfig(min_count=1), save=tmp_path / "saved").close()
    output = tmp_path / next(name for name in arguments if name.startswith("out"))
    output.write_bytes(OLD)
    options = FAST if arguments[0] == "train" else ["--quiet", "--min-count=1"]
    limit = 100 if share is None else int(share * encoded)
    run = limited(limit, *(names.get(name, name) for name in arguments), *options, folder=tmp_path)
    said = [line for line in run.stderr.splitlines() if not line.startswith("Warning: compiled kernels cannot be kept")]
    assert run.returncode == 1
    assert len(said) == 1
    assert sentence in said[0]
    assert output.read_bytes() == OLD
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([output.name, "saved", "temporary"])
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("solver", ["sgd", "exact"])
def test_a_disk_that_fills_up_at_a_checkpoint_loses_nothing(text: Path, tmp_path: Path, solver: str) -> None:
    """The first checkpoints fit, and then the disk is full: the run says so, and goes on when there is room."""
    lexigrad.read_corpus(text, lexigrad.TrainConfig(min_count=1), save=tmp_path / "saved").close()
    arguments = ["train", "saved", "-o", "out.safetensors", *FAST, f"--solver={solver}", "--checkpoint-every=epoch"]
    assert limited(1 << 30, *arguments, folder=tmp_path).returncode == 0
    whole = (tmp_path / "out.safetensors").read_bytes()
    (tmp_path / "out.safetensors").write_bytes(OLD)
    run = limited(20_000, *arguments, folder=tmp_path)
    assert run.returncode == 1
    assert "cannot write out.safetensors.checkpoint: File too large" in run.stderr
    assert (tmp_path / "out.safetensors").read_bytes() == OLD
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["out.safetensors", "saved", "temporary"]
    # the disk fills up between the checkpoints and the output
    size = len(whole) - 100 if solver == "exact" else None
    if size is not None:
        assert limited(size, *arguments, folder=tmp_path).returncode == 1
    assert limited(1 << 30, *arguments, "--resume", folder=tmp_path).returncode == 0
    assert (tmp_path / "out.safetensors").read_bytes() == whole


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount")
def test_a_real_file_system_that_is_full_is_said_too(text: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", str(disk)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount here: {mounted.stderr.strip()}")
    try:
        (disk / "out.safetensors").write_bytes(OLD)
        arguments = ["train", str(text), "-o", str(disk / "out.safetensors"), *FAST, "--checkpoint-every=epoch"]
        run = limited(1 << 30, *arguments, folder=tmp_path)
        assert run.returncode == 1
        assert "No space left on device" in run.stderr
        assert (disk / "out.safetensors").read_bytes() == OLD
        left = {entry.name for entry in disk.iterdir()}
        assert left <= {"out.safetensors", "out.safetensors.checkpoint", "out.safetensors.checkpoint-before"}
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_signal_that_comes_while_a_class_is_made_ends_the_program_all_the_same() -> None:
    """Found by killing: CPython 3.11 makes a RuntimeError of whatever ``__set_name__`` raises."""

    class Interrupted:
        def __set_name__(self, owner: type, name: str) -> None:
            raise Ended

    with pytest.raises(Ended), Endings():
        type("Made", (), {"attribute": Interrupted()})
