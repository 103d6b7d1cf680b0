"""A run that is broken off and goes on ends in the bytes of one that is not; and what a checkpoint is not taken for."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from contract import planted_sentences

import lexigrad
from lexigrad import Checkpoints, CorpusError, InputError, LexigradError, TrainConfig
from lexigrad.files.tensors import write_native
from lexigrad.kernels.sgd import batches as batches_module
from lexigrad.training import checkpoints as checkpoints_module
from lexigrad.training import monitor as monitor_module
from lexigrad.training.exact import solve as solve_module
from lexigrad.training.sgd import negative_sampling as sgd_module
from lexigrad.training.sgd.run import Run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lexigrad.training.checkpoints import State

ALWAYS = 1e-9  # minutes: at every chance
SMALL = TrainConfig(dim=8, min_count=1, epochs=3, threads=1)
CASES: dict[str, tuple[TrainConfig, dict[str, Any]]] = {
    "together": (replace(SMALL, deterministic=True, threads=2), {}),
    "together, cbow, early stopping": (
        replace(SMALL, deterministic=True, model="cbow", epochs=12, early_stop=2, learning_rate=1.0, negatives=2),
        {"validation": 0.3},
    ),
    "one racing thread": (SMALL, {}),
    "softmax": (replace(SMALL, loss="naive_softmax", epochs=2, threads=2), {}),
    "softmax, cbow": (replace(SMALL, loss="naive_softmax", model="cbow", epochs=2), {}),
    "exact": (replace(SMALL, solver="exact"), {}),
    "exact, with held-out text": (replace(SMALL, solver="exact"), {"validation": 0.3}),
    "exact softmax, a head and others": (replace(SMALL, solver="exact", loss="naive_softmax", head=40), {}),
}


class Killed(BaseException):
    """Stands for a process that ends at once."""


@pytest.fixture(autouse=True)
def many_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs so short rest many times."""
    monkeypatch.setattr(sgd_module._Together, "span", 1_500)
    monkeypatch.setattr(sgd_module._Races, "span", 1_500)
    monkeypatch.setattr(Run, "segment_seconds", 0.0)
    monkeypatch.setattr(batches_module, "PIECE", 2_000)
    monkeypatch.setattr(solve_module, "ROWS", 20)
    monkeypatch.setattr(monitor_module, "REPORT_SECONDS", 1e-3)


@pytest.fixture(scope="module")
def corpus() -> Iterator[lexigrad.Corpus]:
    with lexigrad.read_corpus(planted_sentences(400), SMALL) as encoded:
        yield encoded


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.parent.iterdir())


def killed_after(writes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run ends at once when it has written so many checkpoints."""
    write, written = Checkpoints.write, []

    def write_or_end(self: Checkpoints, state: State) -> None:
        write(self, state)
        written.append(state)
        if len(written) % writes == 0:
            raise Killed

    monkeypatch.setattr(Checkpoints, "write", write_or_end)


def broken_off(corpus: lexigrad.Corpus, config: TrainConfig, path: Path, every: Any = "epoch", **how: Any) -> None:
    """A run that ends behind its second checkpoint."""
    with pytest.MonkeyPatch.context() as patch:
        killed_after(2, patch)
        with pytest.raises(Killed), Checkpoints(path, every) as checkpoints:
            lexigrad.train(corpus, config, checkpoints=checkpoints, **how)


def trained_and_not_saved(corpus: lexigrad.Corpus, config: TrainConfig, path: Path, **how: Any) -> None:
    """A run that ends when all is trained."""

    def train_and_end() -> None:
        with Checkpoints(path) as checkpoints:
            lexigrad.train(corpus, config, checkpoints=checkpoints, **how)
            raise Killed

    with pytest.raises(Killed):
        train_and_end()


@pytest.mark.parametrize("writes", [1, 3])
@pytest.mark.parametrize("case", CASES)
def test_a_run_killed_again_and_again_ends_in_the_bytes_of_one_that_was_not(
    corpus: lexigrad.Corpus, path: Path, case: str, writes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, how = CASES[case]
    lexigrad.train(corpus, config, **how).save(path)
    whole = path.read_bytes()
    path.unlink()
    killed_after(writes, monkeypatch)
    kills = 0
    while not path.exists():
        try:
            with Checkpoints(path, ALWAYS, resume=kills > 0) as checkpoints:
                lexigrad.train(corpus, config, checkpoints=checkpoints, **how).save(path)
        except Killed:
            kills += 1
    assert kills > 3 / writes
    assert path.read_bytes() == whole
    assert names(path) == ["model.safetensors"]


@pytest.mark.parametrize("case", ["together", "softmax"])
def test_the_threads_may_differ(corpus: lexigrad.Corpus, path: Path, case: str) -> None:
    config, how = CASES[case]
    whole = lexigrad.train(corpus, config, **how)
    broken_off(corpus, config, path, ALWAYS)
    with Checkpoints(path, resume=True) as checkpoints:
        resumed = lexigrad.train(corpus, replace(config, threads=3), checkpoints=checkpoints, **how)
    assert np.array_equal(resumed.V, whole.V)
    assert np.array_equal(resumed.U, whole.U)


def test_the_last_two_are_kept_and_the_newest_is_the_one_to_go_on_from(corpus: lexigrad.Corpus, path: Path) -> None:
    said: list[str] = []
    broken_off(corpus, SMALL, path)
    assert names(path) == ["model.safetensors.checkpoint", "model.safetensors.checkpoint-before"]
    with Checkpoints(path, resume=True, say=said.append) as checkpoints:
        lexigrad.train(corpus, SMALL, checkpoints=checkpoints)
        assert names(path) == ["model.safetensors.checkpoint", "model.safetensors.checkpoint-before"]
    assert said == [f"going on from {path}.checkpoint, epoch 3 of 3, 67 % done"]
    assert names(path) == []


def test_they_stay_when_the_block_fails(corpus: lexigrad.Corpus, path: Path) -> None:
    trained_and_not_saved(corpus, SMALL, path)
    assert len(names(path)) == 2


def test_without_a_checkpoint_training_begins_anew_and_says_so(corpus: lexigrad.Corpus, path: Path) -> None:
    said: list[str] = []
    with Checkpoints(path, resume=True, say=said.append) as checkpoints:
        model = lexigrad.train(corpus, SMALL, checkpoints=checkpoints)
    assert said == [f"there is no checkpoint {path}.checkpoint: training begins anew"]
    assert np.array_equal(model.V, lexigrad.train(corpus, SMALL).V)


def test_svd_has_nothing_to_keep_and_says_so(corpus: lexigrad.Corpus, path: Path) -> None:
    said: list[str] = []
    with Checkpoints(path, ALWAYS, resume=True, say=said.append) as checkpoints:
        lexigrad.train(corpus, replace(SMALL, solver="svd"), checkpoints=checkpoints)
        assert names(path) == []
    assert said == ["svd is a single step, of which nothing is kept: it begins anew"]


def test_checkpoints_of_a_run_that_did_not_end_are_not_written_over(corpus: lexigrad.Corpus, path: Path) -> None:
    broken_off(corpus, SMALL, path)
    with pytest.raises(InputError, match=r"checkpoint is of a run that did not end; go on with it \(--resume\), or"):
        Checkpoints(path)
    assert len(names(path)) == 2


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"epochs": 4}, "epochs 3, and now it is 4"),
        ({"learning_rate": 0.5}, "learning_rate None, and now it is 0.5"),
        ({"seed": 2}, "seed 1, and now it is 2"),
        ({"threads": 2}, "threads 1, and now it is several"),
    ],
)
def test_other_options_are_refused_and_named(
    corpus: lexigrad.Corpus, path: Path, changes: dict[str, Any], named: str
) -> None:
    racing = replace(SMALL, deterministic=False)
    broken_off(corpus, racing, path)
    before = names(path)
    with pytest.raises(InputError, match=f"is of a run with {named}; go on with what it was begun with, or remove"):
        lexigrad.train(corpus, replace(racing, **changes), checkpoints=Checkpoints(path, resume=True))
    assert names(path) == before


@pytest.mark.parametrize("solver", ["sgd", "exact"])
def test_another_text_is_refused(corpus: lexigrad.Corpus, path: Path, solver: Any) -> None:
    config = replace(SMALL, solver=solver)
    broken_off(corpus, config, path)
    sentences = planted_sentences(400)
    other = [*sentences[:-2], sentences[-1], sentences[-2]] if solver == "sgd" else sentences[:-1]
    with pytest.raises(InputError, match="is of a run with another text; go on with what it was begun with"):
        lexigrad.train(other, config, checkpoints=Checkpoints(path, resume=True))


def test_another_held_out_text_is_refused(corpus: lexigrad.Corpus, path: Path) -> None:
    broken_off(corpus, SMALL, path, validation=planted_sentences(20))
    for other, named in ((planted_sentences(21), "another held-out text"), (None, "a held-out text, and now there is")):
        with pytest.raises(InputError, match=f"is of a run with {named}"):
            lexigrad.train(corpus, SMALL, validation=other, checkpoints=Checkpoints(path, resume=True))
    broken_off(corpus, SMALL, path.with_name("other"))
    checkpoints = Checkpoints(path.with_name("other"), resume=True)
    with pytest.raises(InputError, match="is of a run with no held-out text, and now there is one"):
        lexigrad.train(corpus, SMALL, validation=planted_sentences(20), checkpoints=checkpoints)


def test_another_version_is_refused(corpus: lexigrad.Corpus, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken_off(corpus, SMALL, path)
    monkeypatch.setattr(checkpoints_module, "__version__", "99")
    with pytest.raises(InputError, match=rf"was written by lexigrad {lexigrad.__version__}, and this is 99; go on"):
        lexigrad.train(corpus, SMALL, checkpoints=Checkpoints(path, resume=True))


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "cut short":
        del content[-100:]
    elif how == "empty":
        content.clear()
    elif how == "a bit of a table":
        content[2_000] ^= 1
    elif how == "a bit at the end":
        content[-3] ^= 1
    elif how == "another file":
        content[:] = b"the cat sat on the mat"
    path.write_bytes(content)


DAMAGES = ("cut short", "empty", "a bit of a table", "a bit at the end", "another file")


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(
    corpus: lexigrad.Corpus, path: Path, how: str
) -> None:
    broken_off(corpus, SMALL, path)
    damage(path.with_name("model.safetensors.checkpoint"), how)
    said: list[str] = []
    with Checkpoints(path, resume=True, say=said.append) as checkpoints:
        model = lexigrad.train(corpus, SMALL, checkpoints=checkpoints)
    assert "model.safetensors.checkpoint" in said[0]
    assert said[0].endswith("; the one before is whole")
    assert said[1] == f"going on from {path}.checkpoint-before, epoch 2 of 3, 33 % done"
    assert np.array_equal(model.V, lexigrad.train(corpus, SMALL).V)


def test_damage_is_a_warning_where_nobody_listens_and_the_whole_one_is_not_written_over(
    corpus: lexigrad.Corpus, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_off(corpus, SMALL, path)
    damage(path.with_name("model.safetensors.checkpoint"), "cut short")
    before = path.with_name("model.safetensors.checkpoint-before").read_bytes()
    killed_after(1, monkeypatch)
    with pytest.raises(Killed), pytest.warns(UserWarning, match="the one before is whole"):
        lexigrad.train(corpus, SMALL, checkpoints=Checkpoints(path, resume=True))
    assert path.with_name("model.safetensors.checkpoint-before").read_bytes() == before


@pytest.mark.parametrize("values", [None, b"{", b"[]", b"3", b'{"where": "here", "values": 3}', b"[" * 100_000])
def test_a_file_that_agrees_with_itself_and_holds_no_state_is_no_checkpoint(
    corpus: lexigrad.Corpus, path: Path, values: bytes | None
) -> None:
    tensors = {} if values is None else {"values": np.frombuffer(values, dtype=np.uint8)}
    metadata = {"format": "lexigrad-checkpoint", "version": "1", "options": "{}", "digests": "{}", "lexigrad": "1"}
    metadata["digest"] = checkpoints_module._digest(tensors, metadata)
    write_native(path.with_name("model.safetensors.checkpoint"), tensors, metadata)
    with pytest.raises(InputError, match="holds no state of a training, and there is no other; remove it to begin"):
        lexigrad.train(corpus, SMALL, checkpoints=Checkpoints(path, resume=True))


def test_where_no_checkpoint_is_whole_training_does_not_begin_anew_unasked(corpus: lexigrad.Corpus, path: Path) -> None:
    broken_off(corpus, SMALL, path)
    for name in names(path):
        damage(path.with_name(name), "cut short")
    with pytest.raises(InputError, match="and there is no other; remove it to begin anew"):
        lexigrad.train(corpus, SMALL, checkpoints=Checkpoints(path, resume=True))


def test_when_a_checkpoint_cannot_be_written_the_one_before_is_there(
    corpus: lexigrad.Corpus, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = lexigrad.train(corpus, SMALL)
    written: list[int] = []
    sync = os.fsync

    def full_at_the_third(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) > 2 * 2:  # the file, and its folder
            raise OSError(28, "No space left on device")
        sync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full_at_the_third)
        with pytest.raises(LexigradError, match=r"cannot write .*model.safetensors.checkpoint: No space left"):
            lexigrad.train(corpus, SMALL, checkpoints=Checkpoints(path))
    assert names(path) == ["model.safetensors.checkpoint-before"]
    with Checkpoints(path, resume=True) as checkpoints:
        assert np.array_equal(lexigrad.train(corpus, SMALL, checkpoints=checkpoints).V, whole.V)


@pytest.mark.parametrize("case", CASES)
def test_ctrl_c_leaves_a_checkpoint_of_that_moment(corpus: lexigrad.Corpus, path: Path, case: str) -> None:
    config, how = CASES[case]
    pressed: list[object] = []

    def press_once(progress: Any) -> None:
        is_under_way = getattr(progress, "words_done", 1) > 0 and getattr(progress, "passes", 9) > 3
        if not pressed and is_under_way and progress.loss == progress.loss:
            pressed.append(progress)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lexigrad.train(corpus, config, progress=press_once, checkpoints=Checkpoints(path, 1e6), **how)
    assert names(path) == ["model.safetensors.checkpoint"]
    with Checkpoints(path, resume=True) as checkpoints:
        model = lexigrad.train(corpus, config, checkpoints=checkpoints, **how)
    whole = lexigrad.train(corpus, config, **how)
    assert np.array_equal(model.V, whole.V)
    assert model.history == whole.history


@pytest.mark.parametrize("every", ["epoch", None])
def test_a_second_ctrl_c_or_one_without_checkpoints_ends_at_once(
    corpus: lexigrad.Corpus, path: Path, every: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sgd_module._Races, "span", 1 << 20)
    pressed = []

    stopped = threading.Event()

    def press(_: object) -> None:
        pressed.append(1)
        raise KeyboardInterrupt

    monkeypatch.setattr(monitor_module._Crew, "wait", press)
    monitor = monitor_module.Monitor(corpus, SMALL, checkpoints=Checkpoints(path, every))

    def stop() -> None:
        stopped.set()
        monkeypatch.undo()

    with pytest.raises(KeyboardInterrupt):
        monitor.watch([stopped.wait], lambda: (0, 0, 0.0), stop)
    assert len(pressed) == (1 if every is None else 2)


@pytest.mark.skipif(os.name == "nt", reason="a POSIX signal")
def test_a_signal_in_the_midst_of_waiting_does_not_make_a_working_thread_a_resting_one(
    corpus: lexigrad.Corpus, path: Path
) -> None:
    """As CPython 3.11's ``Thread.join`` does, so that the checkpoint would be of tables that still change."""
    waits, ends = threading.Event(), threading.Event()
    ended: list[bool] = []

    def where() -> tuple[int, int, float]:
        waits.set()
        return 0, 0, 0.0

    def work() -> None:
        waits.wait()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        ends.wait(0.2)
        ended.append(True)

    monitor = monitor_module.Monitor(corpus, SMALL, checkpoints=Checkpoints(path, "epoch"))
    monitor.begin(sgd_module._Together(corpus, SMALL))
    monitor.watch([work], where, ends.set)
    assert ended == [True]
    assert isinstance(monitor._interrupt, KeyboardInterrupt)


def test_a_run_that_a_callback_ended_stays_ended(corpus: lexigrad.Corpus, path: Path) -> None:
    class Once(lexigrad.Callback):
        def on_epoch_end(self, model: Any) -> bool:
            return len(model.history) == 2

    config = replace(SMALL, epochs=5)
    whole = lexigrad.train(corpus, config, callbacks=[Once()])
    trained_and_not_saved(corpus, config, path, callbacks=[Once()])
    with Checkpoints(path, resume=True) as checkpoints:
        resumed = lexigrad.train(corpus, config, checkpoints=checkpoints)
    assert np.array_equal(resumed.V, whole.V)
    assert resumed.history == whole.history


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@pytest.mark.parametrize("solver", ["sgd", "exact"])
def test_the_log_goes_on_where_the_checkpoint_was(
    corpus: lexigrad.Corpus, path: Path, ending: str, solver: Any
) -> None:
    config = replace(SMALL, solver=solver)
    log = path.with_suffix(f".{ending}")
    lexigrad.train(corpus, config, log=log)
    whole = [line.rsplit(",", 2 if solver == "sgd" else 1)[0] for line in log.read_text().splitlines()]
    broken_off(corpus, config, path, log=log)
    log.write_text(log.read_text() + "a line behind the checkpoint\n")
    with Checkpoints(path, resume=True) as checkpoints:
        lexigrad.train(corpus, config, log=log, checkpoints=checkpoints)
    assert [line.rsplit(",", 2 if solver == "sgd" else 1)[0] for line in log.read_text().splitlines()] == whole


def test_a_log_begins_anew_where_the_run_does(corpus: lexigrad.Corpus, path: Path) -> None:
    log = path.with_suffix(".csv")
    log.write_text("something\nof an earlier run\n")
    with Checkpoints(path, resume=True) as checkpoints:
        lexigrad.train(corpus, SMALL, log=log, checkpoints=checkpoints)
    lines = log.read_text().splitlines()
    assert lines[0].startswith("epoch,words")
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2", "3"]


@pytest.mark.parametrize("every", [0, -1, True, "epochs", float("inf"), float("nan")])
def test_a_time_that_makes_no_sense_is_refused(path: Path, every: Any) -> None:
    with pytest.raises(InputError, match="so many minutes, above 0, or every 'epoch', not"):
        Checkpoints(path, every)


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_saved_corpus_that_is_written_to_during_training_stops_it(
    corpus: lexigrad.Corpus, path: Path, deterministic: bool
) -> None:
    corpus.save(path)
    written: list[bool] = []

    def write(_: object) -> None:
        if not written:
            status = os.stat(path)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
            written.append(True)

    config = replace(SMALL, deterministic=deterministic, epochs=10_000)
    with pytest.raises(CorpusError, match=r"model.safetensors' was written to while it was in use; save it anew"):
        lexigrad.train(lexigrad.Corpus.load(path), config, progress=write)
